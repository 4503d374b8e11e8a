"""Steps of sliding windows: how often each kind happens, how far a tile moves in it, and which words are new.

Timeloop walks every loop through its iterations 0 and 1 and takes the second for all later ones
(nest-analysis.cpp: ComputeDeltas). What a level receives at a step is its new tile less the old one, provided that the
tile keeps moving by one and the same translation; any other move fetches it whole (SaveAndSubtractIfSameStride). The
walk is a binary counter over the time loops: the step in which loop j advances sends all loops inside it back from 1
to 0, so the tile moves by stride(j) less the strides of those, whatever the loops outside do. That makes the walk a
sum over "kinds of steps", one per loop (docs/model.md, section 3.1).
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.tiling import Bool, Int, Tiling, rank_extents
from crisp_hw.spec.problem import Tensor, Term


@dataclass(frozen=True)
class WindowSteps:
    """Kinds of steps that a receiver takes: how often each happens int64[K, b], how far the tile moves int64[K, R, b],
    its new words int64[K, b], and are all of them new.
    """

    times: Int
    move: Int
    words: Int
    whole: Bool

    @property
    def total(self) -> Int:
        """Words of all steps, int64[b]."""
        found: Int = (self.times * self.words).sum(axis=0)
        return found


def flagged(names: tuple[frozenset[str], ...], level: int, tensor: Tensor) -> bool:
    """Does a list of tensors per level (empty: none anywhere) name the tensor in this level?"""
    return bool(names) and tensor.name in names[level]


def strides(tiling: Tiling, tensor: Tensor, loops: list[int]) -> Int:
    """How far one iteration of each of some loops moves through each rank of the tensor, int64[K, R, b]."""
    dims = tiling.problem.dims
    factors = np.array([[coefficient(rank, dim) for rank in tensor.ranks] for dim in dims], dtype=np.int64)
    factors = factors.reshape(len(dims), len(tensor.ranks))
    if tiling.orders is not None:
        # a loop of one iteration takes no step
        below = np.where(tiling.bounds[loops] > 1, tiling.orders.below([tiling.sides(j) for j in loops], loops), 0)
        return factors[tiling.orders.dims[loops]].swapaxes(1, 2) * below[:, None]
    places = [tiling.problem.place[tiling.nest.loops[j].dim] for j in loops]
    below = np.array([tiling.sides(j)[place] for j, place in zip(loops, places, strict=True)], dtype=np.int64)
    return factors[places][:, :, None] * below.reshape(len(loops), 1, tiling.batch)


def coefficient(rank: tuple[Term, ...], dim: str) -> int:
    """How far one step along a dimension moves through a rank of a tensor."""
    return sum(term.coefficient for term in rank if term.dim == dim)


def arrivals(tiling: Tiling, tensor: Tensor, level: int) -> WindowSteps:
    """What a receiver below a level gets: the first delivery, then a kind of step per time loop from the level on."""
    start = tiling.start(level)
    size, extents = tiling.size_below(start, tensor), _extents(tiling, tensor, start)
    bounds, advance = _time_loops(tiling, tensor, start)
    # a step of loop j happens in all but the first of its iterations, for all iterations of the loops outside it, and
    # takes back how far the loops inside have moved the tile; loop by loop, which is faster than cumulative sums here
    times, move = np.empty_like(bounds), np.empty_like(advance)
    outside, returned = tiling.ones, np.zeros_like(extents)
    for k in range(len(bounds) - 1, -1, -1):
        times[k] = (bounds[k] - 1) * outside
        outside = bounds[k] * outside
    for k, far in enumerate(advance):
        move[k] = far - returned
        returned = returned + far
    # MACs: one operand per multiply-accumulate, nothing is subtracted
    anew = level == 0 or flagged(tiling.nest.no_temporal_reuse, level - 1, tensor)
    words, whole = (
        (np.broadcast_to(size, bounds.shape), np.ones(bounds.shape, dtype=bool))
        if anew
        else (_new_words(size, extents, move))
    )
    first = size[None], np.ones((1, len(size)), dtype=bool)
    return WindowSteps(
        np.concatenate([tiling.ones[None], times]),
        np.concatenate([np.zeros_like(extents)[None], move]),
        np.concatenate([first[0], words]),
        np.concatenate([first[1], whole]),
    )


def _new_words(size: Int, extents: Int, move: Int) -> tuple[Int, Bool]:
    """New words of each kind of step, int64[K, b], and are all of them new.

    Timeloop subtracts the old tile only while it moves by the same translation as before, and fetches it whole after
    any other move. The innermost loop that moves the tile advances after every such move, so that its translation is
    always the one to compare with.
    """
    still = (move == 0).all(axis=1)
    if not len(move):
        return np.zeros(still.shape, dtype=np.int64), still
    innermost = np.argmax(~still, axis=0)
    slides = (move == np.take_along_axis(move, innermost[None, None], axis=0)).all(axis=1)
    # two boxes of one shape overlap in what the move leaves of every extent, in nothing where it exceeds one
    kept = np.prod(np.maximum(extents - np.abs(move), 0), axis=1)
    words = np.where(still, 0, np.where(slides, size - kept, size))
    return words, ~still & (~slides | (kept == 0))


def _time_loops(tiling: Tiling, tensor: Tensor, start: int) -> tuple[Int, Int]:
    """Bounds int64[K, b] of the time loops from `start` on, innermost first, and how far an iteration of each moves
    through each rank of the tensor, int64[K, R, b]; where structures differ, loops that do nothing stand outermost.
    """
    loops = [j for j in range(start, len(tiling.nest.loops)) if tiling.active[j] and tiling.temporal(j)]
    bounds, advance = tiling.bounds[loops], strides(tiling, tensor, loops)
    if tiling.orders is None or not loops:
        return bounds, advance
    order = tiling.orders.active_first(start, bounds)
    return np.take_along_axis(bounds, order, axis=0), np.take_along_axis(advance, order[:, None], axis=0)


def _extents(tiling: Tiling, tensor: Tensor, start: int) -> Int:
    """Extent of each rank of a tensor's tile, int64[R, b]."""
    parts = rank_extents(tiling.problem, tensor, tiling.sides(start))
    return np.array(parts, dtype=np.int64).reshape(len(parts), tiling.batch)


def linkable(steps: WindowSteps) -> WindowSteps | None:
    """Steps before which every receiver held a set of words of the same shape, and how often; None: there are none.

    Before loop j > first advances, the first loop did; before the first loop advances, any step outside it happened,
    or the first delivery.
    """
    if len(steps.times) < 2:
        return None
    alike = _alike(steps)
    counted = steps.times * alike
    others = counted.sum(axis=0) - counted[1]
    # of the innermost loop's steps, those after each kind of outer step, and those after the first delivery
    per_visit = steps.times[1] // (1 + steps.times[2:].sum(axis=0))
    counted[1] = others * per_visit
    return WindowSteps(counted[1:], steps.move[1:], steps.words[1:], steps.whole[1:])


def _alike(steps: WindowSteps) -> Bool:
    """Which kinds of steps bring words in sets of one shape with the innermost loop's: whole tiles, or the same rim."""
    rims = ~steps.whole & ~steps.whole[1] & (steps.move == steps.move[1]).all(axis=1)
    found: Bool = ((steps.whole & steps.whole[1]) | rims) & (steps.words > 0) & (steps.words[1] > 0)
    return found
