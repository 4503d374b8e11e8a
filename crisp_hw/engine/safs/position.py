"""Position skipping: the nonzeros of an operand are packed into the lanes of the array (docs/model.md, section 6.7).

Inferred from the reference outputs of the Sparseloop MICRO 2022 artifact (its DSTC); public Timeloop has no such
action, so there is no source to cite.

Derivation. A level feeds w lanes with tile after tile of n words of the operand (w: the bounds of its spatial loops
over the operand's dimensions). A tile with X nonzeros, X > 0, takes ceil(X / w) passes instead of n / w, and the last
of them leaves lanes idle. Two operands across two axes of the array (an outer product) are packed independently of
each other. Hence, with X conditioned on X > 0 and products over the operands that are packed:

    passes       pi = E[ceil(X / w)]              utilization  u = E[X / (w * ceil(X / w))]
    computes     C * prod(density)                MACs at work R * prod(u)
    reads of t   density * reads * prod(rho * w / n over the others): a word of t is read again for each pass of these,
                 where an empty tile counts as one, rho = pi * P(X > 0) + P(X = 0)

That cycles are C * prod(density) / (R * prod(u)) leaves empty tiles out; the reads of their partner do not. Of tiles of
32 words with 0.2 nonzeros on 8 lanes beside 0.1 of 2^30 reads, pi alone would be 31,535,178 reads; 31,531,461 are
recorded.
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.arrays import Float, Int, distinct, floats, floor, in_order, like, on_host, ratio
from crisp_hw.engine.content import mean_density, prob_empty, support
from crisp_hw.engine.tiling import Tile, Tiling
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.patterns import Density
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.sparse import SparseSpec

ASSUMPTION = (
    "nonzeros are packed into the lanes (position skipping): inferred from the reference outputs of the Sparseloop "
    "MICRO 2022 artifact; public Timeloop has no such action"
)


@dataclass(frozen=True)
class Packing:
    """One packed operand: share of words that are nonzero, mean passes and utilization, and passes of a full tile.

    `passes` are those that the partner of the operand waits for: an empty tile is one of them.
    """

    density: float
    passes: Float
    utilization: Float
    full: Float


def packing(density: Density, size: int, tile: Tile, lanes: Int) -> tuple[Float, Float]:
    """(E[ceil(X / w)], E[X / (w ceil(X / w))]) of a batch of tiles over w = `lanes` int64[b], given X > 0.

    `size` is the whole tensor in words. Tiles that are always empty take no pass and keep every lane busy.

    >>> from crisp_hw.spec.patterns import FixedStructured
    >>> tile = Tile(np.array([12]), np.array([[4], [3]]))  # 4 x 3 words, 6 nonzeros: 4 + 2 on 4 lanes
    >>> passes, busy = packing(FixedStructured(0.5), 64, tile, np.array([4]))
    >>> passes.tolist(), busy.tolist()
    ([2.0], [0.75])
    """
    first, which = distinct([lanes, tile.words, *tile.extents])
    few, width = tile.at(first), on_host(lanes[first])
    occupancy, probability = support(density, size, few)
    some = np.where(occupancy > 0, probability, 0.0)
    passes = -(-occupancy // width)
    busy = ratio(occupancy, width * passes, 0.0)
    total = in_order(some)
    mean_passes = ratio(in_order(some * passes), total, 0.0)
    mean_busy = ratio(in_order(some * busy), total, 1.0)
    return like(mean_passes, lanes)[which], like(mean_busy, lanes)[which]


def packings(tiling: Tiling, spec: SparseSpec) -> dict[int, Packing]:
    """The packed operands by tensor index; InputError where position skipping is asked of anything else.

    It is known for read-only tensors at the innermost level, without other SAFs that take computes away.
    """
    actions = [action for action in spec.actions if action.kind == "position_skipping"]
    if not actions:
        return {}
    _check(tiling, spec)
    names = [tensor.name for tensor in tiling.problem.tensors]
    targets = sorted({names.index(option.target) for action in actions for option in action.options})
    return {t: _packing_of(tiling, tiling.problem.tensors[t]) for t in targets}


def _packing_of(tiling: Tiling, tensor: Tensor) -> Packing:
    """The lanes are the innermost level's, and so is the tile, whether it is kept there or passes through."""
    size, tile = tiling.size(tensor), tiling.tile_below(tiling.ends[0], tensor)
    lanes = tiling.product_over([j for j in tiling.loops(0) if not tiling.temporal(j)], tensor)
    passes, utilization = packing(tensor.density, size, tile, lanes)
    empty = prob_empty(tensor.density, size, tile)
    density = mean_density(tensor, size)
    return Packing(density, passes * (1.0 - empty) + empty, utilization, floats(tile.words) / floats(lanes))


def _check(tiling: Tiling, spec: SparseSpec) -> None:
    innermost, outputs = tiling.architecture.levels[0].name, [t.name for t in tiling.problem.tensors if t.is_output]
    places = [(action, option) for action in spec.actions for option in action.options]
    packed = [option.target for action, option in places if action.kind == "position_skipping"]
    for action, option in places:
        packs = action.kind == "position_skipping"
        if packs and (action.level != innermost or option.target in outputs or option.condition_on):
            raise InputError(
                f"position skipping of {option.target} is not modelled",
                Where("sparse_optimizations", action.level),
                f"it packs read-only tensors at the innermost level ({innermost}) on no condition",
            )
        if action.kind == "skipping_spatial":
            twice = action.level == innermost or not set(packed).isdisjoint(option.condition_on)
        else:
            twice = not packs and option.target not in outputs
        if twice:
            raise InputError(
                f"{action.kind} of {option.target} is not modelled beside position skipping",
                Where("sparse_optimizations", action.level),
                "both take the same zeros away; drop one",
            )


def packed_computes(computes: Int, packed: dict[int, Packing]) -> Int:
    """Computes with a nonzero of every packed operand: C - floor(C * (1 - prod(density))), int64[b]."""
    share = float(np.prod([one.density for one in packed.values()]))
    left: Int = computes - floor(floats(computes) * (1.0 - share))
    return left


def packed_reads(reads: Int, t: int, packed: dict[int, Packing]) -> Int:
    """Reads of an operand that are left: one for each pass of the packed others, int64[b]."""
    share: Float | None = None
    for other, one in packed.items():
        if other != t:
            share = one.passes / one.full if share is None else share * one.passes / one.full
    return reads if share is None else reads - floor(floats(reads) * (1.0 - share))


def packed_macs(macs: Float, packed: dict[int, Packing]) -> Float:
    """Average MACs at work, float64[b]."""
    for one in packed.values():
        macs = macs * one.utilization
    return macs
