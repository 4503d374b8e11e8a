"""The `problem` document: shape, instance and densities."""

from dataclasses import replace
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.patterns import Actual, Banded, Density, FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.timeloop.yaml.fields import (
    Node,
    flag,
    inside,
    items,
    known,
    mapping,
    number,
    required,
    text,
    value_at,
    whole,
)

DISTRIBUTIONS: dict[str, type[FixedStructured] | type[Hypergeometric]] = {
    "fixed_structured": FixedStructured,
    "fixed": FixedStructured,
    "hypergeometric": Hypergeometric,
}
BANDS = ("banded", "diagonal")
PROBLEM = Where("problem")
SHAPE, INSTANCE = PROBLEM.under("shape"), PROBLEM.under("instance")


def read_problem(document: Any) -> Problem:
    """Dimensions, bounds, tensors and densities; InputError names the tensor or dimension."""
    root = mapping(document, PROBLEM)
    known(root, ("version", "shape", "instance"), PROBLEM)
    shape = mapping(required(root, "shape", PROBLEM), inside(PROBLEM, root, "shape"))
    instance = mapping(required(root, "instance", PROBLEM), inside(PROBLEM, root, "instance"))
    known(shape, ("name", "dimensions", "data_spaces", "coefficients"), SHAPE)
    dims = tuple(
        text(dim, at) for dim, at in items(required(shape, "dimensions", SHAPE), inside(SHAPE, shape, "dimensions"))
    )
    coefficients = _coefficients(shape, instance)
    known(instance, (*dims, *coefficients, "densities", "commonDensity"), INSTANCE)
    bounds = tuple(whole(required(instance, dim, INSTANCE), inside(INSTANCE, instance, dim), 1) for dim in dims)
    spaces = [
        (mapping(space, at), at)
        for space, at in items(required(shape, "data_spaces", SHAPE), inside(SHAPE, shape, "data_spaces"))
    ]
    names = [text(required(space, "name", at), inside(at, space, "name")) for space, at in spaces]
    return Problem(
        str(shape.get("name", "problem")),
        dims,
        bounds,
        tuple(
            _tensor(space, dims, coefficients, density)
            for (space, _), density in zip(spaces, _densities(instance, names), strict=True)
        ),
    )


def _densities(instance: Node, names: list[str]) -> list[Density]:
    """The density of each tensor: the common one goes before its own."""
    held = mapping(instance.get("densities") or {}, inside(INSTANCE, instance, "densities"))
    known(held, names, INSTANCE.under("densities"))
    found = []
    for name in names:
        node, key = (instance, "commonDensity") if "commonDensity" in instance else (held, name)
        at = value_at(Where("problem", name, "density"), node, key)
        found.append(read_density(node.get(key, 1.0), at))
    return found


def _coefficients(shape: Node, instance: Node) -> dict[str, int]:
    out = {}
    for entry, at in items(shape.get("coefficients") or [], inside(SHAPE, shape, "coefficients")):
        entry = mapping(entry, at)
        name = text(required(entry, "name", at), inside(at, entry, "name"))
        node, key = (instance, name) if name in instance else (entry, "default")
        out[name] = whole(node.get(key, 1), value_at(PROBLEM.under(f"coefficient {name}"), node, key))
    return out


def _tensor(space: Node, dims: tuple[str, ...], coefficients: dict[str, int], density: Density) -> Tensor:
    name = space["name"]
    at = Where("problem", name)
    known(space, ("name", "projection", "read_write"), at)
    ranks = []
    for rank, place in items(required(space, "projection", at), inside(at, space, "projection")):
        terms = [([rank], place)] if isinstance(rank, str) else items(rank, place)
        ranks.append(tuple(_term(items(term, each), dims, coefficients, each) for term, each in terms))
    written = flag(space.get("read_write", False), inside(at, space, "read_write"))
    return Tensor(name, tuple(ranks), written, density)


def _term(term: list[tuple[Any, Where]], dims: tuple[str, ...], coefficients: dict[str, int], at: Where) -> Term:
    named = [name for name, _ in term]
    if not 1 <= len(named) <= 2 or named[0] not in dims:
        place = term[0][1] if term and named[0] not in dims else at
        raise InputError(f"the term {named!r} is not [dimension] or [dimension, coefficient]", place)
    if len(named) == 2 and named[1] not in coefficients:
        valid = ", ".join(coefficients) or "none"
        raise InputError(f"unknown coefficient {named[1]!r}", term[1][1], f"known are {valid}")
    return Term(named[0], coefficients[named[1]] if len(named) == 2 else 1)


def read_density(value: Any, at: Where) -> Density:
    """A density model: a number (fixed_structured), or a mapping with `distribution` and `density` or `band_width`.

    >>> read_density({"distribution": "hypergeometric", "density": 0.5}, Where("problem", "A"))
    Hypergeometric(density=0.5)
    """
    if isinstance(value, Actual):  # of a file, which the caller has read
        return value
    if not isinstance(value, dict):
        return FixedStructured(_share(value, at))
    name = str(required(value, "distribution", at)).replace("-", "_")
    if name in BANDS:
        known(value, ("distribution", "band_width"), at)
        return Banded(whole(value.get("band_width", 0), inside(at, value, "band_width")))
    known(value, ("distribution", "density"), at)
    if name not in DISTRIBUTIONS:
        names = ", ".join((*DISTRIBUTIONS, *BANDS))
        what = f"density distribution {name!r} is not modelled yet"
        raise InputError(what, value_at(at, value, "distribution"), f"there are {names}")
    return DISTRIBUTIONS[name](_share(required(value, "density", at), value_at(at, value, "density")))


def _share(value: Any, at: Where) -> float:
    density = float(number(value, at))
    if density > 1.0:
        raise InputError(f"density {density} is above 1", at, "give the share of nonzeros, between 0 and 1")
    return density


def once(key: str, names: list[tuple[Any, Where]]) -> None:
    """Refuse a name that a list of the shape holds twice, at the second place."""
    seen: list[Any] = []
    for name, at in names:
        if name in seen:
            place = replace(SHAPE.under(key), mark=at.mark)
            raise InputError(f"{str(name)!r} is there twice", place, "name each once")
        seen.append(name)
