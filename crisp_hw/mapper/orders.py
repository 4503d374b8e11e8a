"""Loop orders: which arrangements of a block the constraints allow, and which of them the model cannot tell apart.

Only loops with a bound above 1 ("active" loops) are permuted; the place of a loop that does nothing is not searched.
Two orders are one where no cost can see the difference; everything else is kept apart, so that the search stays exact:

- temporal loops, product tensors: deliveries into the keeper below a loop depend only on which loops stand inside the
  first one that the tensor depends on (closed form of `D_l`; it needs ranks of a single dimension);
- temporal loops, spatial skipping: the lanes of its target see the same run of loops;
- spatial loops: which dimensions run along x and along y;
- formats: the order of the loops that the formatted tensor depends on, as ranks are assigned to loops (the leaders
  of a spatial skipping are formatted tensors, so that the order of their lanes is kept too). Where only the innermost
  rank has any bits, ranks are filled from the inside, one loop each, and a loop further in takes that rank, the others
  cost nothing whatever they hold, and their order is not seen;
- imperfect factors: the order of temporal loops, as Timeloop's walk counts smaller last tiles where it meets them; not
  in level 0, whose steps all count, nor that of lanes outside it;
- ranks of several dimensions (halos), strides, diagonals, link transfers below level 0, flags that forbid reuse,
  storage gating or skipping, and networks that take energy (ways to lanes, what passes by levels): all differ.

Of the orders of a temporal block that differ in deliveries alone, one is dropped when another lets every tensor stand
still for as long or longer ("dominated"). Proof that it cannot be better: reads, fills and updates of every level are
products with the deliveries, so that none is larger under the other order; what SAFs and formats leave of a count,
c - floor(c p), c - ceil(c p), floor(c p) and ceil(c u), never falls when c grows, and energy and bandwidth demand are
sums of these with factors >= 0; the MACs' cycles, lanes, tiles and probabilities do not depend on the order at all.
(Two SAFs on one tensor can make counts that wrap around; there all are kept.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.formats import format_of, word_bits
from crisp_hw.engine.sliding import sliding
from crisp_hw.engine.wires import costs
from crisp_hw.mapper.space import LoopBlock, Space
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.mapping import Loop
from crisp_hw.spec.sparse import ActionKind, SparseSpec, TensorFormat

Bools = NDArray[np.bool_]
Arrangement = tuple[Loop, ...]
"""The loops of one block, innermost first, every dimension once."""
KEPT = 120  # arrangements of a block up to which its classes are remembered: 4,096 blocks are some tens of MB then


@dataclass(frozen=True)
class Run:
    """A tensor that sees which loops stand inside the first loop over its `dims`, while blocks `between` are silent."""

    dims: frozenset[str]
    between: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ranks:
    """The ranks of a format see the order of the loops over `dims`, unless a loop over them in a block of `inside`
    takes the only rank that costs anything.
    """

    dims: frozenset[str]
    inside: tuple[int, ...] = ()


@dataclass(frozen=True)
class Visible:
    """What the costs can see of the order of one block; with `ranked`, longer runs are never worse."""

    everything: bool
    runs: tuple[Run, ...] = ()
    sequences: tuple[Ranks, ...] = ()
    ranked: bool = False


def visible(space: Space) -> tuple[Visible, ...]:
    """What the costs can see of the order of each block, innermost first; the rules stand in the module's docstring."""
    return tuple(_visible(space, block) for block in space.blocks)


def nests(space: Space, seen: tuple[Visible, ...], active: Bools) -> Iterator[tuple[Arrangement, ...]]:
    """One arrangement per block for every class of orders; `active` is bool[blocks, dims], `seen` is `visible(space)`.

    >>> from crisp_hw.mapper.space import enumerate_space
    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.constraints import Constraints
    >>> from crisp_hw.spec.design import Design
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> outer = Problem("outer", ("M", "N"), (4, 4), (Tensor("A", ((Term("M"),),)), Tensor("B", ((Term("N"),),))))
    >>> space = enumerate_space(Design(chain, outer), Constraints())
    >>> [[loop.dim for loop in dram] for _, dram in nests(space, visible(space), np.ones((2, 2), dtype=np.bool_))]
    [['M', 'N'], ['N', 'M']]
    """
    return product(*choices(space, seen, active))


def count(space: Space, seen: tuple[Visible, ...], active: Bools) -> int:
    """How many arrangements `nests` has for a pattern, without making them."""
    return prod(len(options) for options in choices(space, seen, active))


def choices(space: Space, seen: tuple[Visible, ...], active: Bools) -> list[list[Arrangement]]:
    """The arrangements of each block that costs can tell apart and no other dominates."""
    dims = space.design.problem.dims
    names = tuple(frozenset(dim for dim, on in zip(dims, row, strict=True) if on) for row in active)
    blocks = enumerate(zip(space.blocks, seen, strict=True))
    return [
        list((_remembered if most_arrangements(block) <= KEPT else _classes)(block, see, index, names))
        for index, (block, see) in blocks
    ]


def _classes(block: LoopBlock, see: Visible, index: int, active: tuple[frozenset[str], ...]) -> tuple[Arrangement, ...]:
    """The first arrangement of each class of one block; `active` are the active dimensions of all blocks."""
    first: dict[object, Arrangement] = {}
    for arrangement in arrangements(block, active[index]):
        loops = tuple((loop.dim, loop.kind) for loop in arrangement if loop.dim in active[index])
        first.setdefault(_signature(see, loops, active), arrangement)
    return tuple(_best(first).values() if see.ranked else first.values())


_remembered = lru_cache(maxsize=4096)(_classes)
"""The same for many layers of a network, because it depends on no bound."""


def _best(classes: dict[Any, Arrangement]) -> dict[Any, Arrangement]:
    """The classes that no other dominates."""
    return {one: order for one, order in classes.items() if not any(_dominates(other, one) for other in classes)}


def _dominates(one: Any, other: Any) -> bool:
    """Do all runs of a signature hold those of another, equal in everything else but not in all runs?"""
    if one == other or (one[0], one[2]) != (other[0], other[2]):
        return False
    pairs = [(long, short) for long, short in zip(one[1], other[1], strict=True) if long is not None]
    return all(long >= short for long, short in pairs)


def _signature(see: Visible, loops: tuple[tuple[str, str], ...], active: tuple[frozenset[str], ...]) -> object:
    """What the costs see of the active loops of a block, innermost first; equal for orders that cost the same."""
    if see.everything:
        return loops
    order = [dim for dim, _ in loops]
    runs = [
        frozenset(_inside(order, run.dims)) if not any(active[other] & run.dims for other in run.between) else None
        for run in see.runs
    ]
    sequences = [
        () if any(active[inner] & ranks.dims for inner in ranks.inside) else tuple(d for d in order if d in ranks.dims)
        for ranks in see.sequences
    ]
    return frozenset(loops), tuple(runs), tuple(sequences)


def _inside(order: list[str], dims: frozenset[str]) -> list[str]:
    """The loops inside the first one over `dims` (all of them when there is none)."""
    first = next((place for place, dim in enumerate(order) if dim in dims), len(order))
    return order[:first]


def _visible(space: Space, block: LoopBlock) -> Visible:
    linked = block.level == 0 and block.kind == "spatial"
    if sliding(space.design.problem) or linked or unusual(space) or _under_storage_saf(space, block):
        return Visible(everything=True)
    if space.imperfect:
        steps = block.level > 0 or any(_delivered(space, block))
        return Visible(everything=block.kind == "temporal" and steps)
    formatted = tuple(_formatted(space, block))
    if block.kind == "spatial":
        return Visible(False, (), formatted)
    lanes = tuple(_idle_lanes(space, block))
    free = all(pj >= 0 for actions in space.design.energy.actions.values() for pj in actions.values())
    targets = [target for _, target in _actions(space, ("gating", "skipping"))]
    rising = free and not lanes and len(set(targets)) == len(targets)
    return Visible(False, (*_delivered(space, block), *lanes), formatted, ranked=rising)


def unusual(space: Space) -> bool:
    """Is traffic no product of deliveries, or does its way through a network cost anything?"""
    flags = (*space.no_multicast, *space.no_temporal_reuse, *space.rmw_first_update)
    return any(flags) or any(costs(level) for level in space.design.architecture.levels)


def _keepers(space: Space, tensor: str, level: int) -> tuple[int, int]:
    """The nearest level below `level` that keeps the tensor (-1 for the MACs), and the nearest from `level` on."""
    levels = [index for index, kept in enumerate(space.keeps) if tensor in kept]
    return max((k for k in levels if k < level), default=-1), next(k for k in levels if k >= level)


def _actions(space: Space, kinds: tuple[ActionKind, ...]) -> Iterator[tuple[int, str]]:
    """(level, target) of the storage optimizations of some kinds."""
    names = [level.name for level in space.design.architecture.levels]
    for action in space.design.sparse.actions:
        if action.kind in kinds:
            yield from ((names.index(action.level), option.target) for option in action.options)


def _under_storage_saf(space: Space, block: LoopBlock) -> bool:
    """Does a gating or skipping scan these loops: between the target's keeper and its next inner keeper?"""
    for level, target in _actions(space, ("gating", "skipping")):
        keeper = _keepers(space, target, level)[1]
        if _keepers(space, target, keeper)[0] < block.level <= keeper:
            return True
    return False


def _between(space: Space, first: int, block: LoopBlock) -> tuple[int, ...]:
    """The temporal blocks from level `first` up to below `block`."""
    return tuple(
        index
        for index, other in enumerate(space.blocks)
        if other.kind == "temporal" and first <= other.level < block.level
    )


def _delivered(space: Space, block: LoopBlock) -> Iterator[Run]:
    """Tensors kept below a temporal block; the MACs count as a keeper where neighbours pass operands on."""
    linked = prod(space.design.architecture.fanouts[0]) > 1
    for tensor in space.design.problem.tensors:
        below = _keepers(space, tensor.name, block.level)[0]
        if below >= 0 or (linked and tensor.name not in space.no_link_transfer[0]):
            yield Run(tensor.dims, _between(space, below + 1, block))


def _idle_lanes(space: Space, block: LoopBlock) -> Iterator[Run]:
    """Targets of spatial skipping: lanes hold what the temporal loops from there to the target's keeper leave alone."""
    for level, target in _actions(space, ("skipping_spatial",)):
        if level <= block.level <= _keepers(space, target, level)[1]:
            yield Run(space.design.problem.tensor(target).dims, _between(space, level, block))


def _formatted(space: Space, block: LoopBlock) -> Iterator[Ranks]:
    """The tensors whose format at the nearest keeper assigns ranks to the loops of this block."""
    levels, spec = space.design.architecture.levels, space.design.sparse
    for tensor in space.design.problem.tensors:
        child, keeper = _keepers(space, tensor.name, block.level)
        form = format_of(spec, levels[keeper].name, tensor.name)
        if form is None:
            continue
        below = format_of(spec, levels[child].name, tensor.name) if child >= 0 else None
        start = 0 if below is not None and below.compressed and form.compressed else child + 1
        before = space.blocks.index(block)
        inside = tuple(i for i, other in enumerate(space.blocks[:before]) if other.level >= start)
        yield Ranks(tensor.dims, inside if _one_rank_counts(spec, levels[keeper], form) else ())


def _one_rank_counts(spec: SparseSpec, level: StorageLevel, form: TensorFormat) -> bool:
    """Has only the innermost rank any bits, does each rank take one loop from the inside, and is nothing weighed by the
    number of entries (competing options of a SAF)?"""
    weighed = any(len(action.options) > 1 for action in spec.actions)
    plain = form.inner_to_outer and not any(rank.flattened for rank in form.ranks)
    return plain and not weighed and all(word_bits(level, rank) == (0, 0) for rank in form.ranks[1:])


def arrangements(block: LoopBlock, active: frozenset[str]) -> Iterator[Arrangement]:
    """All arrangements of a block's active loops; free loops that do nothing stand innermost of the free ones."""
    if block.kind == "spatial" and block.split is not None:
        for free in permutations(block.free):
            yield _spatial(block, block.fixed + free + block.last, block.split)
        return
    idle = tuple(dim for dim in block.free if dim not in active)
    for busy in permutations([dim for dim in block.free if dim in active]):
        order = block.fixed + idle + busy + block.last
        if block.kind == "temporal":
            yield tuple(Loop(block.level, dim, "temporal") for dim in order)
        else:
            yield from (_spatial(block, order, split) for split in range(len(order) + 1))


def most_arrangements(block: LoopBlock) -> int:
    """How many `arrangements` a block has where all its loops are active: with fewer of them, it has no more.

    >>> from crisp_hw.mapper.space import LoopBlock
    >>> most_arrangements(LoopBlock(0, "temporal", (), ("M", "N", "K")))
    6
    """
    orders = factorial(len(block.free))
    splits = (
        1 if block.kind == "temporal" or block.split is not None else len(block.fixed + block.free + block.last) + 1
    )
    return orders * splits


def _spatial(block: LoopBlock, order: tuple[str, ...], split: int) -> Arrangement:
    return tuple(Loop(block.level, dim, "x" if place < split else "y") for place, dim in enumerate(order))
