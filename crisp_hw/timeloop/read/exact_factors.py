"""Exact factors of one dimension that do not multiply to a divisor of it: cut where Timeloop cuts them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.design import Design
from crisp_hw.timeloop.read.constraint_blocks import BlockLimits, Kind

Place = tuple[str, Kind]


def cut_to_fit(
    blocks: Mapping[Place, BlockLimits], places: Mapping[Place, Where], design: Design, *, imperfect: bool = False
) -> list[str]:
    """Lower exact factors to what the ones inside them leave of their dimension, and a note about each.

    Timeloop goes through the exact factors from the innermost block outwards and takes at most what is left
    (src/util/numeric.cpp: Factors; src/mapspaces/uber.cpp: AssignIndexFactors). Where a factor does not divide what is
    left it makes a residual tile, which is searched with `imperfect` alone: else InputError, which names the factor.
    """
    notes = []
    for dim, bound in zip(design.problem.dims, design.problem.bounds, strict=True):
        left = bound
        for place, block in _inside_out(blocks, design):
            if dim not in block.equal:
                continue
            factor = block.equal[dim] or bound
            if factor > left:
                said = f"{dim}={factor} is more than is left of {dim}: {left}, as in Timeloop"
                notes.append(f"{replace(places[place], mark=None)}: {said}")
                if block.least.get(dim, 1) <= factor <= block.most.get(dim, factor):
                    block.least.pop(dim, None)  # Timeloop asks bounds of what is written, not of what is left
                    block.most.pop(dim, None)
                block.equal[dim] = factor = left
            if left % factor and not imperfect:
                what = f"{dim}={factor} does not divide what is left of {dim}, {left}: the last tile would"
                what += f" have {left % factor}, and residual tiles are not searched"
                at = block.factors_at.get((dim, "factor"), places[place])
                raise InputError(what, at, "use a factor that divides it, or search them, too (--imperfect)")
            left = -(-left // factor)
    return notes


def _inside_out(blocks: Mapping[Place, BlockLimits], design: Design) -> Iterator[tuple[Place, BlockLimits]]:
    """The blocks there are, innermost level first, a level's spatial block before its temporal one."""
    kinds: tuple[Kind, ...] = ("spatial", "temporal")
    for level in design.architecture.levels:
        for kind in kinds:
            if (level.name, kind) in blocks:
                yield (level.name, kind), blocks[level.name, kind]
