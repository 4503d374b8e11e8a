"""A given mapping against the constraints of its architecture, as timeloop-model checks it.

Facts: src/applications/model/model.cpp, src/mapping/constraints.cpp (SatisfiedBy): factors and their upper bounds,
permutations and splits are checked, what a level keeps is not. Lower bounds are checked here, too.
"""

from collections.abc import Iterator
from typing import Any

from crisp_hw.errors import MappingError, Where
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.spec.design import DesignPoint
from crisp_hw.timeloop.read.constraint_blocks import BlockLimits, Kind
from crisp_hw.timeloop.read.constraints import ARCHITECTURE, Said, read_said
from crisp_hw.timeloop.yaml.fields import factor_at, key_at, value_at

Factors = dict[str, int]
"""The bounds of one block's loops above 1, innermost first."""


def check_constraints(documents: MarkedDict, point: DesignPoint) -> tuple[str, ...]:
    """Notes about constraints that are not checked; MappingError at the line of the mapping that breaks one."""
    held = {name: documents[name] for name in ARCHITECTURE if documents.get(name) is not None}
    if not held:
        return ()
    said = read_said(held, point.design)
    for (level, kind), block in said.blocks.items():
        _check(_Block(point, documents.get("mapping"), level, kind), block, said.places[level, kind])
    return (*said.notes, *_not_checked(said))


class _Block:
    """One block of a mapping: its loops above 1, and where the document speaks of it."""

    def __init__(self, point: DesignPoint, document: Any, level: str, kind: Kind) -> None:
        self.level, self.kind, self.problem = level, kind, point.design.problem
        index = [each.name for each in point.design.architecture.levels].index(level)
        loops = zip(point.mapping.nest.loops, point.mapping.bounds, strict=True)
        mine = [
            (loop, bound)
            for loop, bound in loops
            if loop.level == index and (loop.kind == "temporal") == (kind == "temporal") and bound > 1
        ]
        self.factors: Factors = {loop.dim: bound for loop, bound in mine}
        self.along_x = [loop.dim for loop, _ in mine if loop.kind == "x"]
        entries = [entry for entry in document or () if entry.get("target") == level and entry.get("type") == kind]
        self.entry: Any = entries[0] if entries else {}

    def at(self) -> Where:
        return key_at(Where("mapping", self.level), self.entry, "target")

    def factor_at(self, dim: str) -> Where:
        return factor_at(self.at(), self.entry, dim, "=?")


def _check(mine: _Block, block: BlockLimits, at: Where) -> None:
    for dim, relation, limit in _bounds(block):
        value = limit or mine.problem.bound(dim)  # 0 is the whole dimension
        have = mine.factors.get(dim, 1)
        if {"=": have != value, "<=": have > value, ">=": have < value}[relation]:
            place = block.factors_at.get((dim, "factor" if relation == "=" else f"factor {relation}"), at)
            raise _broken(f"the factor {dim}={have}", f"{dim}{relation}{value}", mine.factor_at(dim), place)
    busy, (inner, outer) = list(mine.factors), block.order
    first, last = ([dim for dim in dims if dim in mine.factors] for dims in (inner, outer))
    if busy[: len(first)] != first or busy[len(busy) - len(last) :] != last:
        place = value_at(mine.at(), mine.entry, "permutation")
        order = f"the order {', '.join(busy)} of its loops above 1, innermost first,"
        raise _broken(order, f"permutation {''.join(inner)}{'_' * bool(outer)}{''.join(outer)}", place, at)
    if block.split is not None:
        _check_split(mine, block, at)


def _bounds(block: BlockLimits) -> Iterator[tuple[str, str, int]]:
    """Every factor and bound of a block: dimension, relation, value."""
    for relation, said in (("=", block.equal), ("<=", block.most), (">=", block.least)):
        yield from ((dim, relation, value) for dim, value in said.items())


def _check_split(mine: _Block, block: BlockLimits, at: Where) -> None:
    """The first `split` dimensions of the order run along x; those that it does not name may stand anywhere."""
    split, dims = block.split or 0, mine.problem.dims
    inner, outer = block.order
    free = len(dims) - len(inner) - len(outer)
    needs_x = set(inner[:split]) | set(outer[: max(0, split - len(inner) - free)])
    needs_y = set(inner[split:]) | set(outer[max(0, split - len(inner) - free) :])
    along_x = set(mine.along_x)
    along_y = set(mine.factors) - along_x
    if along_x & needs_y or along_y & needs_x or len(along_x) > split or len(along_y) > len(dims) - split:
        place = value_at(mine.at(), mine.entry, "split")
        have = f"{', '.join(mine.along_x) or 'no loop'} along x and {', '.join(sorted(along_y)) or 'none'} along y"
        raise _broken(have, f"split {split}", place, at)


def _broken(have: str, limit: str, place: Where, at: Where) -> MappingError:
    where = f" at {at.mark}" if at.mark else ""
    return MappingError(f"{have} breaks the constraint {limit} of {at.entry}{where}", place, "change one of them")


def _not_checked(said: Said) -> Iterator[str]:
    for level in dict.fromkeys((*said.keep, *said.bypass)):
        if said.keep.get(level) or said.bypass.get(level):
            yield f"constraints of {level}: keep and bypass: for mappers, Timeloop's model does not check them"
    if said.parallelism is not None:
        yield "constraints: the least share of lanes in use: for mappers, Timeloop's model does not check it"
    for (level, kind), block in said.blocks.items():
        if block.flags:
            what = ", ".join(sorted(block.flags))
            yield f"{said.places[level, kind].mark}: constraints of {level}, {kind}: {what}: not checked, for mappers"
