"""What the template of a problem prints: shape, sizes and densities."""

from typing import assert_never

from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import (
    Actual,
    Banded,
    Density,
    FixedStructured,
    HybridBlocks,
    Hypergeometric,
    PatternedLines,
)
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.timeloop.render.views import View, number


def problem(given: Problem) -> View:
    """Shape, sizes and the densities that are not 1; a coefficient other than 1 gets a name of its own."""
    terms = [term for tensor in given.tensors for rank in tensor.ranks for term in rank if term.coefficient != 1]
    named = {(_coefficient(term), term.coefficient) for term in terms}
    dense = FixedStructured(1.0)
    return {
        "name": given.name,
        "dims": given.dims,
        "coefficients": [{"name": name, "value": value} for name, value in sorted(named)],
        "tensors": [{"name": t.name, "is_output": t.is_output, "projection": _projection(t)} for t in given.tensors],
        "sizes": [{"dim": dim, "bound": bound} for dim, bound in zip(given.dims, given.bounds, strict=True)],
        "densities": [{"tensor": t.name, **_density(t.density)} for t in given.tensors if t.density != dense],
    }


def _coefficient(term: Term) -> str:
    return f"{term.dim}_times_{term.coefficient}"


def _projection(tensor: Tensor) -> str:
    ranks = (
        "[" + ", ".join(f"[{t.dim}]" if t.coefficient == 1 else f"[{t.dim}, {_coefficient(t)}]" for t in rank) + "]"
        for rank in tensor.ranks
    )
    return "[" + ", ".join(ranks) + "]"


def _density(density: Density) -> View:
    match density:
        case FixedStructured(value):
            return {"distribution": "fixed_structured", "key": "density", "value": number(value)}
        case Hypergeometric(value):
            return {"distribution": "hypergeometric", "key": "density", "value": number(value)}
        case Banded(width):
            return {"distribution": "banded", "key": "band_width", "value": str(width)}
        case Actual() | HybridBlocks() | PatternedLines():
            raise InputError(
                "public Timeloop has no density model by mask, by blocks or by line, and no document to render; "
                'evaluate with density="model" and render that'
            )
    assert_never(density)
