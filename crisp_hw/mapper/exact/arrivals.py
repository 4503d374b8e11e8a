"""Words of a tensor that a level receives, as a product: which loops deliver its tile, or slide it on."""

from dataclasses import dataclass, field

from crisp_hw.mapper.exact.columns import Column
from crisp_hw.mapper.exact.hashed import hashed_once
from crisp_hw.mapper.exact.layout import Layout, Which
from crisp_hw.mapper.exact.stills import Still
from crisp_hw.mapper.exact.windows import Rank, Window, plain_dims, sliding_ranks
from crisp_hw.spec.problem import Problem, Tensor

Dims = frozenset[str]


@hashed_once
@dataclass(frozen=True)
class Arrival:
    """The words that arrive, or no more than arrive.

    `inside` are the loops (a bit set) in which the tile stands still before it moves: where one of them does anything,
    neighbours hand nothing on. `first` is the loop that moves it then, in `window` where that slides. `mixed`: loops
    along other ranks, or none, stand between those along its rank that move it on.
    """

    words: Column
    inside: int = 0
    first: int = 0
    window: Window | None = None
    mixed: bool = False


@dataclass
class _Walk:
    """From the inside out: the loops that count, those along the rank that slides (`chain`), and the blocks in which
    any order may be (`loose`). `standing`: nothing has moved the tile yet; `rank`: along which it slides on so far.
    """

    mask: int = 0
    chain: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    standing: bool = True
    rank: Rank | None = None
    slid: Rank | None = None
    inside: int = 0
    first: int = 0
    between: bool = False
    mixed: bool = False


@dataclass(frozen=True)
class Arrivals:
    """What arrives of the tensors of a problem at any level, given what stands still in every temporal block.

    MACs that are `passed` a tensor take what stands still from each other, perhaps all of it.
    """

    layout: Layout
    problem: Problem
    passed: frozenset[str] = frozenset()
    _known: dict[tuple[int, ...], tuple[tuple[Still, ...], Arrival]] = field(default_factory=dict, repr=False)
    _alike: dict[Arrival, Arrival] = field(default_factory=dict, repr=False)

    def at(self, stills: tuple[Still, ...], tensor: int, child: int) -> Arrival:
        """At one instance of the level `child`; -1 is a MAC, which takes a word at every step, or, where neighbours
        pass it on, at least whenever it is another. What is equal is the very same object each time.
        """
        above = stills[child + 1 :]
        key = (tensor, child, *map(id, above))
        if key not in self._known:
            found = self._at(stills, tensor, child)
            # the classes stand beside it, so that nothing else gets their ids
            self._known[key] = (above, self._alike.setdefault(found, found))
        return self._known[key][1]

    def _at(self, stills: tuple[Still, ...], tensor: int, child: int) -> Arrival:
        layout, one = self.layout, self.problem.tensors[tensor]
        if child < 0 and one.name not in self.passed:
            return Arrival(Column(layout.bits(layout.every, "temporal", 0, len(stills) - 1)))
        walk = _Walk(self._bits(plain_dims(one), "all", 0, child))
        for level in range(child + 1, len(stills)):
            self._step(walk, one, level, (tensor, stills[level]))
        windows = []
        for rank in sliding_ranks(one):
            box = self._bits(frozenset(term.dim for term in rank), "all", 0, child)
            chain = walk.chain if rank is walk.slid else ()
            loose = walk.loose if walk.slid is None or rank is walk.slid else ()
            windows.append(Window(rank, box, chain, loose))
        slid = next((each for each in windows if each.chain), None)
        return Arrival(Column(walk.mask, tuple(windows)), walk.inside, walk.first, slid, walk.mixed)

    def _step(self, walk: _Walk, tensor: Tensor, level: int, where: tuple[int, Still]) -> None:
        index, still = where
        every = frozenset(self.layout.dims)
        if not walk.standing and walk.rank is None:
            counted = every
        elif still.undecided:
            counted = self._loose(walk, tensor, level)
        elif walk.standing:
            walk.inside |= self._bits(still.free[index] & frozenset(still.order), "temporal", level, level)
            walk.standing = still.passes[index]
            counted = every - still.free[index]
            if not walk.standing and still.runs[index].first:
                walk.first = self._bits(frozenset([still.runs[index].first]), "temporal", level, level)
                walk.rank = walk.slid = self._rank(tensor, still.runs[index].loops[:1])
                counted -= self._slide(walk, level, (index, still))
        else:
            walk.between |= bool(still.free[index])
            counted = every - self._slide(walk, level, (index, still))
        walk.mask |= self._bits(counted, "temporal", level, level)

    def _loose(self, walk: _Walk, tensor: Tensor, level: int) -> Dims:
        """What counts in a block of any order: other ranks, and what stands outside a loop that moves the tile."""
        ranks = sliding_ranks(tensor) if walk.rank is None else (walk.rank,)
        along = frozenset(term.dim for rank in ranks for term in rank)
        if ranks:
            walk.loose = (*walk.loose, self._slot(level))
        return (tensor.dims if walk.standing else frozenset(self.layout.dims)) - along

    def _slide(self, walk: _Walk, level: int, where: tuple[int, Still]) -> Dims:
        """Enter the loops of a block that slide the tile on; these dimensions."""
        index, still = where
        run, rank = still.runs[index], walk.rank
        if rank is None or still.passes[index]:
            walk.between |= bool(still.order)
            return frozenset()
        own = frozenset(term.dim for term in rank)
        if not own & frozenset(run.loops[:1]):  # a loop along another rank comes first
            walk.rank = None
            return frozenset()
        dims = tuple(dim for dim in run.loops if dim in own)
        slot, many = self._slot(level), len(self.layout.slots)
        walk.mixed |= (bool(walk.chain) and walk.between) or len(run.loops) > len(dims)
        walk.between |= bool(frozenset(still.order) - own - still.free[index])
        walk.chain = (*walk.chain, *(self.layout.dims.index(dim) * many + slot for dim in dims))
        if run.interrupted:
            walk.rank = None
        return frozenset(dims)

    def _rank(self, tensor: Tensor, first: tuple[str, ...]) -> Rank | None:
        return next((r for r in sliding_ranks(tensor) if first and first[0] in {term.dim for term in r}), None)

    def _slot(self, level: int) -> int:
        return next(s for s, slot in enumerate(self.layout.slots) if (slot.level, slot.kind) == (level, "temporal"))

    def _bits(self, dims: Dims, which: Which, first: int, last: int) -> int:
        return self.layout.bits([d for d in self.layout.every if self.layout.dims[d] in dims], which, first, last)
