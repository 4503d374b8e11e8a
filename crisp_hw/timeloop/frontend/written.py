"""What is said of a block, written as an entry of Timeloop's mapping or of its constraints."""

from collections.abc import Iterable, Mapping
from typing import Any

from crisp_hw.errors import InputError, MappingError, Mark
from crisp_hw.machine.positions import MarkedDict, MarkedList, MarkedStr
from crisp_hw.timeloop.frontend.constraints import BlockConstraints, Shape
from crisp_hw.timeloop.yaml.fields import key_at


def constraint(block: BlockConstraints, target: str, kind: str, shape: Shape) -> MarkedDict:
    """The block as an entry of Timeloop's constraints: a dimension or tensor that nobody names stays free."""
    if kind == "bypass":
        return _entry(block, target, kind, _stores(block))
    if partial := next((dim for dim, last in block.residuals.items() if last != block.factors[dim]), None):
        what = f"the residual in {_factor(block, partial)!r} is not searched"
        raise InputError(what, block.at.at(block.marks.get(partial)), "leave it out")
    factors = {_factor(block, dim): block.marks.get(dim) for dim in block.factors}
    for dim, relation, value, mark in block.limits:
        factors.setdefault(_inclusive(dim, relation, value), mark)
    said: dict[str, Any] = {"factors": _written(block, factors), "permutation": _permutation(block, shape)}
    return _entry(block, target, kind, {**said, **block.defaults} | _split_of(block))


def _factor(block: BlockConstraints, dim: str) -> str:
    value = block.factors[dim]
    last = block.residuals.get(dim, value)
    return f"{dim}={value}" if last == value else f"{dim}={value},{last}"


def _inclusive(dim: str, relation: str, value: int) -> str:
    """A limit in Timeloop's words, which has no strict inequalities."""
    strict = {"<": ("<=", value - 1), ">": (">=", value + 1)}
    written, least = strict.get(relation, (relation, value))
    return f"{dim}{written}{least}"


def directive(block: BlockConstraints, target: str, kind: str, shape: Shape) -> MarkedDict:
    """The block as an entry of Timeloop's mapping; MappingError where a factor breaks an inequality."""
    if block.maximize is not None:
        at = key_at(block.at, block.maximize.node, "maximize_dims")
        raise InputError("maximize_dims lets a mapper choose", at, "write the factors out")
    for dim, relation, limit, mark in block.limits:
        if not _obeys(block.factors.get(dim, 1), relation, limit):
            have = block.factors.get(dim, 1)
            what = f"the factor {dim}={have} breaks the constraint {dim}{relation}{limit}"
            raise _broken(block, what, (block.marks.get(dim), mark))
    if kind == "bypass":
        return _entry(block, target, kind, _stores(block))
    factors = {_factor(block, dim): block.marks.get(dim) for dim in block.factors}
    said: dict[str, Any] = {"factors": _written(block, factors), "permutation": _permutation(block, shape)}
    return _entry(block, target, kind, said | _split_of(block))


def _broken(block: BlockConstraints, what: str, marks: tuple[Mark | None, Mark | None]) -> MappingError:
    """The error at the factor or at its constraint, whichever was written later; the other is named."""
    factor, limit = marks
    if factor is None or limit is None:
        return MappingError(what, block.at.at(factor or limit))
    later = limit if limit.file == factor.file and limit.line > factor.line else factor
    return MappingError(f"{what}, at {limit if later is factor else factor}", block.at.at(later))


def _stores(block: BlockConstraints) -> dict[str, Any]:
    return {"keep": _listed(block, block.keep), "bypass": _listed(block, block.bypass)}


def _written(block: BlockConstraints, factors: Mapping[str, Mark | None]) -> MarkedStr:
    """Factors as one text, in which each has its own line."""
    mark = block.at.mark or Mark("mapping", 1)
    made = MarkedStr.make(" ".join(factors), mark)
    made.pieces = tuple((factor, at or mark) for factor, at in factors.items())
    return made


def _listed(block: BlockConstraints, names: Iterable[str]) -> MarkedList:
    mark = block.at.mark or Mark("mapping", 1)
    made = MarkedList(mark)
    for name in sorted(names):
        made.add(name, block.marks.get(name) or mark)
    return made


def _split_of(block: BlockConstraints) -> dict[str, Any]:
    return {} if block.split is None else {"split": block.split}


def _entry(block: BlockConstraints, target: str, kind: str, said: dict[str, Any]) -> MarkedDict:
    """An entry that stands where its block does."""
    entry = {"target": target, "type": kind, **{k: sorted(v) for k, v in block.lists.items()}, **said}
    mark = block.at.mark or Mark("mapping", 1)
    marked_entry = MarkedDict(mark, {key: block.marks.get(key) or mark for key in entry})
    marked_entry.update(entry)
    return marked_entry


def _obeys(value: int, relation: str, limit: int) -> bool:
    return {"<=": value <= limit, ">=": value >= limit, "<": value < limit, ">": value > limit}[relation]


def _permutation(block: BlockConstraints, shape: Shape) -> str | list[str]:
    """The order in one word, as Timeloop reads it; a list where names have several letters."""
    order = _with_trivial(block, shape)
    return order if any(len(dim) > 1 for dim in shape.sizes) else "".join(order)


def _with_trivial(block: BlockConstraints, shape: Shape) -> list[str]:
    """Dimensions whose loop does nothing go innermost when the order leaves them out.

    Timeloopfe: PermutationOptimizerProcessor.
    """
    order = list(block.permutation)
    trivial = [dim for dim, value in block.factors.items() if value == 1]
    for dim in (*trivial, *(dim for dim, size in shape.sizes.items() if size == 1)):
        if dim not in order:
            order.insert(0, dim)
    return order
