"""What the order of a temporal block lets stand still: the classes of orders that deliveries can tell apart.

A tensor kept below a block is not delivered anew while only loops advance that stand inside the first loop over one of
its dimensions. A class says, for every tensor, which loops these are (`free`), and whether the block holds no loop over
the tensor at all (`passes`), so that the same goes on in the next outer block. That depends on which loops do anything:
a class names the dimensions that it takes to be 1 here (`forced`), and supposes that all others are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

from crisp_hw.mapper.exact.windows import sliding_ranks
from crisp_hw.mapper.space import LoopBlock
from crisp_hw.spec.problem import Problem, Tensor

Dims = frozenset[str]


@dataclass(frozen=True)
class Run:
    """How a tile starts to slide: from the first loop over the tensor, which is over a rank that slides, to the last
    one over that rank that no loop over another rank precedes, with what stands between them. Nothing where the first
    loop moves the tile along a rank that is a dimension as it is. `interrupted`: a loop over another rank follows.
    `first` is that first loop, where there is one and some rank of the tensor slides.
    """

    loops: tuple[str, ...] = ()
    interrupted: bool = True
    first: str = ""


@dataclass(frozen=True)
class Still:
    """One class of orders of a temporal block: an order of it, innermost first, of the dimensions that may do anything.

    `free[t]` are the loops that deliver nothing new of tensor t while its tile has not moved further in, `passes[t]`
    says that the block never moves it. `runs[t]` is how it starts to slide here.
    """

    order: tuple[str, ...]
    forced: Dims
    free: tuple[Dims, ...]
    passes: tuple[bool, ...]
    runs: tuple[Run, ...]
    undecided: bool = False


def open_still(problem: Problem) -> Still:
    """No order has so little to deliver: every tensor stands still in all loops that are not its own, in every block.

    What a template counts with it, it counts of no order too much.
    """
    every = frozenset(problem.dims)
    many = len(problem.tensors)
    return Still((), frozenset(), tuple(every - t.dims for t in problem.tensors), (True,) * many, (Run(),) * many, True)


def stills(
    problem: Problem, block: LoopBlock, active: Dims, outermost: bool, moved: Dims | None = None
) -> tuple[Still, ...]:
    """The classes of a block that are not worse than another; `active` are the dimensions that may do anything in it.

    Where the order is free, only sets of dimensions that are 1 matter that let a tensor pass, or slide on: unions of
    what tensors move along, or of what moves them along all ranks but one that slides (any other order of the loops
    that do something is there as well); and none in the outermost block,
    outside of which there is nothing to stand still in. Where constraints settle some of the order, all sets matter.
    `moved` are the tensors that the block delivers, where not all: no class is made for the sake of the others.

    >>> from crisp_hw.spec.problem import Tensor, Term
    >>> outer = Problem("outer", ("M", "N"), (4, 4), (Tensor("A", ((Term("M"),),)), Tensor("B", ((Term("N"),),))))
    >>> classes = stills(outer, LoopBlock(1, "temporal", (), ("M", "N")), frozenset("MN"), outermost=True)
    >>> [(each.order, [sorted(free) for free in each.free]) for each in classes]
    [(('M', 'N'), [[], ['M']]), (('N', 'M'), [['N'], []])]
    """
    classes = every_still(problem, block, active, outermost, moved)
    slide = {t: bool(sliding_ranks(problem.tensors[t])) for t in _counted(problem, moved)}
    return tuple(one for one in classes if not any(_better(other, one, slide) for other in classes))


def every_still(
    problem: Problem, block: LoopBlock, active: Dims, outermost: bool, moved: Dims | None = None
) -> tuple[Still, ...]:
    """The same with the classes that are worse: to stand still makes tiles larger, which may decide what is skipped."""
    found: dict[tuple[object, ...], Still] = {}
    count = _counted(problem, moved)
    for forced in _forcings([problem.tensors[t] for t in count], block, active, outermost):
        for order in orders(block, active - forced):
            free = tuple(frozenset(_inside(order, tensor.dims)) for tensor in problem.tensors)
            passes = tuple(not (tensor.dims & (active - forced)) for tensor in problem.tensors)
            runs = tuple(_run(order, tensor) for tensor in problem.tensors)
            key = (forced, *((free[t], passes[t], runs[t]) for t in count))
            found.setdefault(key, Still(order, forced, free, passes, runs))
    return tuple(found.values())


def _counted(problem: Problem, moved: Dims | None) -> list[int]:
    return [t for t, tensor in enumerate(problem.tensors) if moved is None or tensor.name in moved]


def orders(block: LoopBlock, active: Dims) -> Iterator[tuple[str, ...]]:
    """The orders of some dimensions that the constraints leave, innermost first."""
    first, last = ([dim for dim in dims if dim in active] for dims in (block.fixed, block.last))
    for free in permutations([dim for dim in block.free if dim in active]):
        yield (*first, *free, *last)


def _forcings(tensors: list[Tensor], block: LoopBlock, active: Dims, outermost: bool) -> list[Dims]:
    if (block.fixed or block.last) and len(active) > 1:
        own = [frozenset([dim]) for dim in sorted(active)]
    else:
        own = [] if outermost else [dims & active for tensor in tensors for dims in _steps_over(tensor)]
    chosen = (
        frozenset[str]().union(*(dims for dims, taken in zip(own, picks, strict=True) if taken))
        for picks in product((False, True), repeat=len(own))
    )
    return list(dict.fromkeys(chosen))


def _steps_over(tensor: Tensor) -> list[Dims]:
    """What a block without loops over it lets pass of a tensor: the tile, or, along a rank that slides, what moves it
    along the others, so that it slides on in the next outer block.
    """
    return [tensor.dims, *(tensor.dims - {term.dim for term in rank} for rank in sliding_ranks(tensor))]


def _inside(order: tuple[str, ...], dims: Dims) -> tuple[str, ...]:
    """The loops inside the first one over some dimensions; all where there is none."""
    return order[: next((place for place, dim in enumerate(order) if dim in dims), len(order))]


def _run(order: tuple[str, ...], tensor: Tensor) -> Run:
    rest = order[len(_inside(order, tensor.dims)) :]
    ranks = sliding_ranks(tensor)
    rank = next((rank for rank in ranks if rest and rest[0] in {term.dim for term in rank}), None)
    if rank is None:
        return Run(first=rest[0] if rest and ranks else "")
    own = {term.dim for term in rank}
    stop = next((place for place, dim in enumerate(rest) if dim in tensor.dims and dim not in own), None)
    ahead = rest[:stop]
    last = max(place for place, dim in enumerate(ahead) if dim in own)
    return Run(ahead[: last + 1], stop is not None, rest[0])


def _better(one: Still, other: Still, slide: dict[int, bool]) -> bool:
    """Does one class hold all mappings of another, and let every tensor that counts stand still, or slide on, as long?

    `slide` says of the tensors that count, by their places, whether they slide.
    """
    if one is other or not one.forced <= other.forced:
        return False
    longer = all(one.free[t] >= other.free[t] for t in slide)
    passes = all(one.passes[t] >= other.passes[t] for t in slide)
    return longer and passes and all(_slides_on(one, other, t) for t, sliding in slide.items() if sliding)


def _slides_on(one: Still, other: Still, tensor: int) -> bool:
    """Is no tile of a tensor that slides fetched less often in the other class, nor handed on by neighbours?

    Neighbours hand words on only where nothing stands inside the first loop that moves the tile.
    """
    mine, theirs = one.runs[tensor], other.runs[tensor]
    if one.free[tensor] and not other.free[tensor] and (theirs.loops or other.passes[tensor]):
        return False
    if mine == theirs or other.passes[tensor]:
        return True
    if mine.first != theirs.first:
        return False
    return not theirs.loops or (theirs.interrupted and len(theirs.loops) == 1 and mine.loops[:1] == theirs.loops)
