"""Representation formats: which loops each fibertree rank spans, and how much metadata a tile needs.

Docs/model.md, section 5 (Timeloop: sparse-analysis/representation-analyzer.cpp, tiling-tile-info.cpp).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from crisp_hw.engine.apart import Group, joined, tensor_groups
from crisp_hw.engine.arrays import Int, on_host
from crisp_hw.engine.structures import AmbiguousChoice
from crisp_hw.engine.tiling import Tile, Tiling, keeper_below
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.dialect import Rules
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.rules import Failure, Rule, Unmappable
from crisp_hw.spec.sparse import Rank, SparseSpec, TensorFormat


@dataclass(frozen=True)
class StoredRanks:
    """How a tensor lies in a level: fiber length of each rank, innermost first, and the tiles between them, int64[b].

    `tiles[r]` is the tile below rank r (the first is one word), the last one the tile of the top rank as the model
    records it. `form` is None where the tensor has no metadata; then there is one implicit rank, left out where no
    level of the tensor has a format. `loops` are the (dimension, bound) of the loops that each rank spans; `extents[r]`
    are those of `tiles[r]`, int64[b] along each rank of the tensor. `widths[r]` are the (metadata, payload) bits of an
    entry;
    ranks from `bits_until` on are not counted (None: all are), because neither they nor any further out have bits.
    """

    form: TensorFormat | None
    fibers: tuple[Int, ...]
    tiles: tuple[Int, ...]
    loops: tuple[tuple[tuple[str, Int], ...], ...] = ()
    extents: tuple[Sequence[Int], ...] = ()
    widths: tuple[tuple[int, int], ...] = ()
    bits_until: int | None = None

    @property
    def counted(self) -> int:
        """How many ranks are counted, from the innermost."""
        return len(self.fibers) if self.bits_until is None else min(self.bits_until, len(self.fibers))

    @property
    def below(self) -> tuple[Tile, ...]:
        """The tile below each rank that is counted, and that below the next one (or the whole tile)."""
        return tuple(map(Tile, self.tiles, self.extents))[: self.counted + 1]

    def at(self, rows: Int) -> "StoredRanks":
        """Some mappings of the batch, on the host."""
        fibers, tiles = (tuple(on_host(each[rows]) for each in every) for every in (self.fibers, self.tiles))
        loops = tuple(tuple((dim, on_host(bound[rows])) for dim, bound in rank) for rank in self.loops)
        extents = tuple(tuple(on_host(extent[rows]) for extent in each) for each in self.extents)
        return StoredRanks(self.form, fibers, tiles, loops, extents, self.widths, self.bits_until)


@dataclass(frozen=True)
class _Segment:
    """A relevant loop as a rank sees it: dimension, bound, and the tile up to and including it."""

    dim: str
    bound: Int
    active: bool
    tile: Tile


@dataclass(frozen=True)
class _Group:
    """The loops that one rank absorbs, and the tile that the rank above it rests on."""

    segments: tuple[_Segment, ...]
    tile: Tile


def format_of(sparse: SparseSpec, level: str, tensor: str) -> TensorFormat | None:
    """The representation format of a tensor in a level, or None (stored as it is, no metadata)."""
    return next((f for f in sparse.formats if f.level == level and f.tensor == tensor), None)


@lru_cache(maxsize=4096)
def word_bits(level: StorageLevel, rank: Rank) -> tuple[int, int]:
    """(metadata, payload) bits of one entry of a rank, widened to divide the metadata port.

    A width that does not divide the port is rounded up to the next divisor below twice itself
    (sparse-optimization-parser.cpp: AdjustFormatWordBits).

    >>> word_bits(StorageLevel("SMEM", metadata_width_bits=64), Rank("CP", metadata_bits=3, payload_bits=0))
    (4, 0)
    """
    bitmask = 1 if rank.format == "B" else None
    metadata = rank.metadata_bits if rank.metadata_bits is not None else bitmask
    return _widen(level, metadata), _widen(level, rank.payload_bits)


def _widen(level: StorageLevel, bits: int | None) -> int:
    bits = level.metadata_word_bits if bits is None else bits
    if bits == 0 or level.metadata_width_bits % bits == 0:
        return bits
    widths = range(bits, min(2 * bits, level.metadata_width_bits + 1))  # none above the port divides it
    return next((wide for wide in widths if level.metadata_width_bits % wide == 0), 2 * bits)


def stored_ranks(tiling: Tiling, sparse: SparseSpec) -> dict[tuple[int, str], StoredRanks]:
    """Assign loops to ranks for every kept (level, tensor); Unmappable when a format has too few ranks."""
    out: dict[tuple[int, str], StoredRanks] = {}
    formatted = {form.tensor for form in sparse.formats}
    for tensor in tiling.problem.tensors:
        kept = [level for level, keeps in enumerate(tiling.nest.keeps) if tensor.name in keeps]
        found = {level: StoredRanks(None, (), ()) for level in kept}
        if tensor.name in formatted:
            found = _ranks(tiling, sparse, tensor) if tiling.orders is None else _ranks_apart(tiling, sparse, tensor)
        out.update({(level, tensor.name): found[level] for level in kept})
    return out


def _ranks(tiling: Tiling, sparse: SparseSpec, tensor: Tensor) -> dict[int, StoredRanks]:
    """The ranks of one tensor in each level that keeps it."""
    found: dict[int, StoredRanks] = {}
    for level, keeps in enumerate(tiling.nest.keeps):
        if tensor.name in keeps:
            form = format_of(sparse, tiling.architecture.levels[level].name, tensor.name)
            below = found.get(keeper_below(tiling.nest, level, tensor.name))
            found[level] = _stored(tiling, form, level, tensor, below)
    return found


def _ranks_apart(tiling: Tiling, sparse: SparseSpec, tensor: Tensor) -> dict[int, StoredRanks]:
    """The same where structures differ; where some mappings have too few ranks, AmbiguousChoice takes them apart."""
    found: dict[int, StoredRanks] = {}
    for level in (level for level, keeps in enumerate(tiling.nest.keeps) if tensor.name in keeps):
        form = format_of(sparse, tiling.architecture.levels[level].name, tensor.name)
        child = keeper_below(tiling.nest, level, tensor.name)
        parts, ranks, refused = [], [], []
        for group in tensor_groups(tiling, range(child + 1, level + 1), tensor):
            below = found[child].at(group.rows) if child in found else None
            try:
                ranks.append(_stored(group.tiling, form, level, tensor, below))
                parts.append(group)
            except Unmappable as error:
                refused.append((group.rows, error))
        _take_apart(tiling, refused)
        found[level] = _joined(parts, ranks)
    return found


def _take_apart(tiling: Tiling, refused: list[tuple[Int, Unmappable]]) -> None:
    """Raise what all mappings are refused for, or AmbiguousChoice where it is some of them or for several reasons."""
    failures = list(dict.fromkeys(error.failure for _, error in refused))
    if sum(len(rows) for rows, _ in refused) == tiling.batch and len(failures) == 1:
        raise refused[0][1]
    if refused:
        choice = tiling.zeros.copy()
        for rows, error in refused:
            choice[rows] = 1 + failures.index(error.failure)
        raise AmbiguousChoice(choice)


def _joined(parts: list[Group], ranks: list[StoredRanks]) -> StoredRanks:
    """The ranks of all mappings from those of groups; which loops a rank spans is left out."""
    first = ranks[0]
    fibers = [joined(parts, column) for column in zip(*(each.fibers for each in ranks), strict=True)]
    tiles = [joined(parts, column) for column in zip(*(each.tiles for each in ranks), strict=True)]
    extents = [
        tuple(joined(parts, column) for column in zip(*tile, strict=True))
        for tile in zip(*(each.extents for each in ranks), strict=True)
    ]
    return replace(first, fibers=tuple(fibers), tiles=tuple(tiles), loops=(), extents=tuple(extents))


def _stored(
    tiling: Tiling, form: TensorFormat | None, level: int, tensor: Tensor, below: StoredRanks | None
) -> StoredRanks:
    """Ranks of one tensor in one level; `below` are those of the level that it feeds."""
    child = keeper_below(tiling.nest, level, tensor.name)
    pretiled = form is not None and form.compressed and below is not None and int(tiling.tile(child, tensor)[0]) > 1
    if pretiled and form and below:
        _check_aligned(form, below)
    segments = _segments(tiling, level, child, tensor, not pretiled)
    inherited = len(below.fibers) if pretiled and below else 0
    word = tiling.tile_below(0, tensor)
    groups, left = _assign(form, segments, (inherited, word), tiling.rules)
    if left and form is not None:
        ranks = float(len(form.ranks))
        raise Unmappable(Failure(Rule.FORMAT_RANKS, form.level, tensor.name, have=ranks, other=", ".join(left)))
    fibers = tuple(_fiber(tiling, tensor, group) for group in groups)
    tiles, extents = [group.tile.words for group in groups], [group.tile.extents for group in groups]
    loops = tuple(tuple((segment.dim, segment.bound) for segment in group.segments) for group in groups)
    widths = tuple(word_bits(tiling.architecture.levels[level], rank) for rank in form.ranks) if form else ()
    inner = below if pretiled and below else StoredRanks(None, (), (word.words,), (), (word.extents,))
    fibers, tiles = (*inner.fibers, *fibers), [*inner.tiles, *tiles]
    until = max((r + 1 for r, bits in enumerate(widths) if any(bits)), default=0) if tiling.costs_only else None
    return StoredRanks(form, fibers, tuple(tiles), (*inner.loops, *loops), (*inner.extents, *extents), widths, until)


def _check_aligned(form: TensorFormat, child: StoredRanks) -> None:
    """A compressed level that feeds tiles to a child must hold them in the child's own ranks."""
    inner = child.form.ranks if child.form is not None and child.form.compressed else ()
    if len(child.fibers) > len(form.ranks) or any(
        a.format != b.format for a, b in zip(form.ranks, inner, strict=False)
    ):
        raise Unmappable(Failure(Rule.ALIGNED_RANKS, form.level, form.tensor))


def _segments(tiling: Tiling, level: int, child: int, tensor: Tensor, absorb: bool) -> list[_Segment]:
    """Relevant loops between the child and the level, inner first; `absorb` adds the child's extents to them."""
    start = tiling.start(child + 1)
    below = dict(zip(tiling.problem.dims, tiling.sides(start), strict=True)) if absorb else {}
    out = []
    for j in range(start, tiling.ends[level]):
        if tiling.relevant(j, tensor):
            dim = tiling.nest.loops[j].dim
            inner = below.pop(dim, tiling.ones)
            active = tiling.active[j] or inner is not tiling.ones
            bound = inner if not tiling.active[j] else tiling.bounds[j, :] * inner
            out.append(_Segment(dim, bound, active, tiling.tile_below(j + 1, tensor)))
    return out


def _fiber(tiling: Tiling, tensor: Tensor, group: _Group) -> Int:
    sides = dict.fromkeys(tiling.problem.dims, ones := tiling.ones)
    for segment in group.segments:
        sides[segment.dim] = segment.bound if sides[segment.dim] is ones else sides[segment.dim] * segment.bound
    return tiling.projected(tensor, tuple(sides.values())).words


def _assign(
    form: TensorFormat | None, segments: Sequence[_Segment], start: tuple[int, Tile], rules: Rules
) -> tuple[list[_Group], list[str]]:
    """Ranks with the loops they span, and the dimensions of the loops that are left over.

    `start` is the first rank to fill, and a tile of one word.
    """
    live = [segment for segment in segments if segment.active]
    smallest, word = segments[0].tile, start[1]
    if form is None:
        tile = live[-1].tile if live else smallest
        return [_Group(tuple(live), tile)], []
    ranks, order = form.ranks[start[0] :], live
    dummy = refused = _Group((), smallest)
    if form.inner_to_outer:
        groups, used = _fill(ranks, live, _Group((), word))
        groups += [dummy] * (len(ranks) - len(groups))
    else:
        order = live[::-1]
        groups, used = _fill(ranks[::-1], order, refused)
        dummy = dummy if rules.idle_rank_on_tile else _Group((), word)  # D9
        # ranks whose rule finds no loop are recorded outside all others, whatever their place (as Timeloop does)
        empty = [group for group in groups if not group.segments]
        spanned = [group for group in groups if group.segments]
        groups = [dummy] * (len(ranks) - len(groups)) + spanned[::-1] + empty
    return groups, [segment.dim for segment in order[used:]]


def _fill(ranks: Sequence[Rank], live: Sequence[_Segment], refused: _Group) -> tuple[list[_Group], int]:
    """Give each rank in turn the next loop, and with a flattening rule all that follow and obey it."""
    groups: list[_Group] = []
    used = 0
    for rank in ranks:
        if used == len(live):
            break
        rule = next((r for r in rank.flattened if live[used].dim in r), None)
        if rank.flattened and rule is None:
            groups.append(refused)
            continue
        stop = used + 1
        while rule and stop < len(live) and live[stop].dim in rule:
            stop += 1
        groups.append(_Group(tuple(live[used:stop]), live[used].tile))
        used = stop
    return groups, used
