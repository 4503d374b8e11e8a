"""The `problem` document: shape, instance and densities."""

from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import Banded, Density, FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.timeloop.yaml.fields import Node, flag, known, mapping, number, required, sequence, text, whole

DISTRIBUTIONS: dict[str, type[FixedStructured] | type[Hypergeometric]] = {
    "fixed_structured": FixedStructured,
    "fixed": FixedStructured,
    "hypergeometric": Hypergeometric,
}
BANDS = ("banded", "diagonal")


def read_problem(document: Any) -> Problem:
    """Dimensions, bounds, tensors and densities; InputError names the tensor or dimension."""
    root = mapping(document, "problem")
    known(root, ("version", "shape", "instance"), "problem")
    shape = mapping(required(root, "shape", "problem"), "problem.shape")
    instance = mapping(required(root, "instance", "problem"), "problem.instance")
    known(shape, ("name", "dimensions", "data_spaces", "coefficients"), "problem.shape")
    dims = tuple(
        text(d, "problem.shape.dimensions")
        for d in sequence(required(shape, "dimensions", "problem.shape"), "dimensions")
    )
    coefficients = _coefficients(shape, instance)
    known(instance, (*dims, *coefficients, "densities", "commonDensity"), "problem.instance")
    bounds = tuple(whole(required(instance, d, "problem.instance"), f"problem.instance.{d}", 1) for d in dims)
    spaces = sequence(required(shape, "data_spaces", "problem.shape"), "problem.shape.data_spaces")
    densities = mapping(instance.get("densities") or {}, "problem.instance.densities")
    names = [text(required(mapping(s, "data_spaces"), "name", "data_spaces"), "data_spaces") for s in spaces]
    known(densities, names, "problem.instance.densities")
    common = instance.get("commonDensity", 1.0)
    tensors = tuple(
        _tensor(
            mapping(space, "data_spaces"),
            dims,
            coefficients,
            common if "commonDensity" in instance else densities.get(name, 1.0),
        )
        for space, name in zip(spaces, names, strict=True)
    )
    return Problem(str(shape.get("name", "problem")), dims, bounds, tensors)


def _coefficients(shape: Node, instance: Node) -> dict[str, int]:
    out = {}
    for entry in sequence(shape.get("coefficients") or [], "problem.shape.coefficients"):
        name = text(required(mapping(entry, "coefficients"), "name", "coefficients"), "coefficients")
        out[name] = whole(instance.get(name, entry.get("default", 1)), f"coefficient {name}")
    return out


def _tensor(space: Node, dims: tuple[str, ...], coefficients: dict[str, int], density: Any) -> Tensor:
    name = space["name"]
    where = f"problem tensor {name}"
    known(space, ("name", "projection", "read_write"), where)
    ranks = []
    for rank in sequence(required(space, "projection", where), f"{where}.projection"):
        terms = [[rank]] if isinstance(rank, str) else sequence(rank, f"{where}.projection")
        ranks.append(tuple(_term(sequence(term, where), dims, coefficients, where) for term in terms))
    return Tensor(name, tuple(ranks), flag(space.get("read_write", False), where), read_density(density, where))


def _term(term: list[Any], dims: tuple[str, ...], coefficients: dict[str, int], where: str) -> Term:
    if not 1 <= len(term) <= 2 or term[0] not in dims:
        raise InputError(f"{where}: the term {term!r} is not [dimension] or [dimension, coefficient]")
    if len(term) == 2 and term[1] not in coefficients:
        raise InputError(f"{where}: unknown coefficient {term[1]!r}; known are {', '.join(coefficients) or 'none'}")
    return Term(term[0], coefficients[term[1]] if len(term) == 2 else 1)


def read_density(value: Any, where: str) -> Density:
    """A density model: a number (fixed_structured), or a mapping with `distribution` and `density` or `band_width`.

    >>> read_density({"distribution": "hypergeometric", "density": 0.5}, "tensor A")
    Hypergeometric(density=0.5)
    """
    if not isinstance(value, dict):
        return FixedStructured(_share(value, where))
    name = str(required(value, "distribution", f"{where} density")).replace("-", "_")
    if name in BANDS:
        known(value, ("distribution", "band_width"), f"{where} density")
        return Banded(whole(value.get("band_width", 0), f"{where} band_width"))
    known(value, ("distribution", "density"), f"{where} density")
    if name not in DISTRIBUTIONS:
        names = ", ".join((*DISTRIBUTIONS, *BANDS))
        raise InputError(f"{where}: density distribution {name!r} is not modelled yet; there are {names}")
    return DISTRIBUTIONS[name](_share(required(value, "density", f"{where} density"), where))


def _share(value: Any, where: str) -> float:
    density = float(number(value, f"{where} density"))
    if density > 1.0:
        raise InputError(f"{where}: density {density} is above 1; give the share of nonzeros, between 0 and 1")
    return density
