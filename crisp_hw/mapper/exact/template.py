"""Templates: what is kept where, what stands still in every block, and the traffic that follows, as sums of products.

Of a dense problem whose ranks have one dimension each, every count of the engine (`engine.traffic`) is a product of
factors once these two are settled, less the words of an output that need no read: docs/mapper.md has the proof.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property

from crisp_hw.engine.energy import resolved
from crisp_hw.engine.validity import capacity_limits
from crisp_hw.mapper.exact.arrivals import Arrivals
from crisp_hw.mapper.exact.columns import Column, Open
from crisp_hw.mapper.exact.covers import passed_to_macs, too_little
from crisp_hw.mapper.exact.forms import Room, Template
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.ragged import Counted
from crisp_hw.mapper.exact.sparse import Thinner
from crisp_hw.mapper.exact.stills import Still
from crisp_hw.mapper.exact.tails import Tails
from crisp_hw.mapper.exact.variants import Variant, Variants
from crisp_hw.mapper.exact.windows import Lanes, Window, plain_dims, sliding_ranks
from crisp_hw.mapper.exact.wired import carried
from crisp_hw.mapper.exact.words import Left, Words, leaks_pj, ports_of, word_pj
from crisp_hw.mapper.space import Space
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.problem import Tensor


@dataclass(frozen=True)
class Templates:
    """Makes the templates of one space: what it keeps is settled, what stands still is given."""

    space: Space
    layout: Layout
    _known: dict[tuple[object, ...], Words] = field(default_factory=dict, repr=False, compare=False)

    def of(self, stills: tuple[Still, ...], forced: int, variant: Variant | None = None) -> Template:
        """The template of some classes, one per temporal block (innermost first); `forced` are further factors of 1.

        Without a variant neighbours may hand words on anywhere.
        """
        space, layout = self.space, self.layout
        design, top = space.design, len(space.keeps) - 1
        sums = Words.of(len(space.keeps))
        prices = resolved(design.energy, design.rules)
        for index in range(len(design.problem.tensors)):
            sums.add(self._moved_words(stills, index, variant, prices))
        for level in range(top + 1):
            self._shared(sums, level)
        computes = self._thinner.computes(stills)
        steps = Column(layout.bits(layout.every, "temporal", 0, top))
        for column, pj in computes.energy_pj.items():
            if column.shares:
                sums.pj[column] += pj
        if space.imperfect:
            self._tails.compute(sums)
        return Template(
            self._open(stills, forced, variant or Variant()),
            dict(sums.pj),
            dict(sums.unread_pj),
            leaks_pj(space, layout, idle=self._thinner.idles),
            ports_of(sums, design.architecture.levels),
            self._rooms,
            {steps.thinned(column.shares): share for column, share in computes.busy.items()},
            0.0 if space.imperfect else computes.energy_pj.get(Column(0), 0.0),
            tuple(sums.less),
            tuple(sums.more),
            too_little(self.space),
            dict(sums.or_pj),
            dict(sums.or_unread_pj),
        )

    def _moved_words(
        self, stills: tuple[Still, ...], index: int, variant: Variant | None, prices: EnergyTable
    ) -> Words:
        """What is moved of one tensor; it depends on what arrives where, and where neighbours may hand words on."""
        space, top, tensor = self.space, len(self.space.keeps) - 1, self.space.design.problem.tensors[index]
        kept = [level for level, keeps in enumerate(space.keeps) if tensor.name in keeps]
        into = {child: self._arrivals.at(stills, index, child).words for child in (-1, *kept[:-1])}
        links = None if variant is None else frozenset(link for link in variant.linked if link.tensor == index)
        key = (index, links, *map(id, into.values()))
        if key in self._known:
            return self._known[key]
        sums = Words.of(len(space.keeps))
        if not self._thinner.active:  # what is left of words depends on all that stands still
            self._known[key] = sums
        for child, level in zip([-1, *kept[:-1]], kept, strict=True):
            if space.imperfect:
                pj = word_pj(prices, space.design.architecture.levels[level])
                arrived = into[child].mask, None if level == top else into[level].mask
                self._tails.count(sums, (index, child, level), arrived, pj)
                continue
            lanes = self._lanes((index, child, level), variant)
            filled = None if level == top else into[level]
            sent = self._sent((index, child, level), into[child].times(*lanes), variant)
            self._count(sums, prices, (tensor, level), (sent, filled), self._left(stills, level, index))
            self._carried(sums, (index, child), into[child], variant)
            if self._handed_on(index, variant) or self._thinner.ends(level, index):
                self._round(sums, prices, level)
        return sums

    def key(self, stills: tuple[Still, ...], forced: int) -> tuple[object, ...]:
        """What the template of some classes depends on; equal for classes that no cost can tell apart.

        Good for as long as this object lives.
        """
        tensors = self.space.design.problem.tensors
        arriving = [
            id(self._arrivals.at(stills, index, child))
            for index, tensor in enumerate(tensors)
            for child in range(-1, len(self.space.keeps) - 1)
            if self._takes(tensor, child)
        ]
        return (forced | self._forced(stills), *arriving)

    def moved(self, level: int) -> frozenset[str]:
        """The tensors of which the temporal loops of a level deliver something, or may have neighbours hand it on."""
        tensors = self.space.design.problem.tensors
        return frozenset(t.name for t in tensors if any(self._takes(t, child) for child in range(-1, level)))

    def _takes(self, tensor: Tensor, child: int) -> bool:
        """Does it matter what a level, or the MACs (-1), is delivered of a tensor?"""
        if child < 0:
            return tensor.name in self._arrivals.passed
        return tensor.name in self.space.keeps[child] or self.variants.lanes(tensor, child + 1)

    @cached_property
    def variants(self) -> Variants:
        """The parts of its templates."""
        return Variants(self.space, self.layout, self._arrivals)

    @cached_property
    def _thinner(self) -> Thinner:
        return Thinner(self.space, self.layout)

    @cached_property
    def _tails(self) -> Tails:
        return Tails(self.space, self.layout)

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals(self.layout, self.space.design.problem, passed_to_macs(self.space))

    def _lanes(self, where: tuple[int, int, int], variant: Variant | None) -> tuple[int, tuple[Lanes, ...]]:
        """The lanes below a level, down to the next keeper, with words of their own: factors, and distinct tiles."""
        (index, child, level), layout = where, self.layout
        tensor = self.space.design.problem.tensors[index]
        plain = [d for d in layout.every if layout.dims[d] in plain_dims(tensor)]
        mask, found = layout.bits(plain, "spatial", child + 1, level), list[Lanes]()
        for here in range(child + 1, level + 1):
            if self.variants.lanes(tensor, here) and (variant is None or _linked(variant, index, here)):
                continue
            for rank in sliding_ranks(tensor):
                dims = [d for d in layout.every if layout.dims[d] in {term.dim for term in rank}]
                if bits := layout.bits(dims, "spatial", here, here):
                    found.append(Lanes(rank, bits))
        return mask, tuple(found)

    def _sent(self, where: tuple[int, int, int], words: Column, variant: Variant | None) -> tuple[Column, ...]:
        """Words that a level sends at least, in two parts where neighbours may hand some on.

        The first loop moves the tile along its rank alone, so that lanes along other ranks have nothing for each other
        then, and those along this one only what they held.
        """
        index, child, level = where
        links = () if variant is None else tuple(link for link in variant.linked if link.tensor == index and link.lanes)
        if len(links) != 1 or links[0].level != child + 1 or level != child + 1:
            return (words,)
        link, tensor = links[0], self.space.design.problem.tensors[index]
        first, others = (
            tuple(replace(w, part=part, lanes=link.lanes) if w.rank == link.rank else w for w in words.windows)
            for part in ("first", "others")
        )
        lanes = []
        for rank in sliding_ranks(tensor):
            dims = [d for d in self.layout.every if self.layout.dims[d] in {term.dim for term in rank}]
            if rank != link.rank:
                lanes.append(Lanes(rank, self.layout.bits(dims, "spatial", level, level)))
        return Column(words.mask, first, (*words.lanes, *lanes)), Column(words.mask, others, words.lanes)

    def _carried(self, sums: Words, where: tuple[int, int], words: Column, variant: Variant | None) -> None:
        """The energy of the network that brings a keeper its words, or the MACs theirs."""
        place = (*where, where[1] + 1)
        sent = self._sent(place, words.times(*self._lanes(place, variant)), variant)
        for column, pj in carried(self.space, self.layout, place[::2], sent):
            sums.pj[column] += pj

    def _handed_on(self, index: int, variant: Variant | None) -> bool:
        """Is it not known of a tensor that neighbours never hand it on?"""
        levels, tensor = range(len(self.space.keeps)), self.space.design.problem.tensors[index]
        if variant is None:
            return any(self.variants.lanes(tensor, level) for level in levels)
        return any(_linked(variant, index, level) for level in levels)

    def _round(self, sums: Words, prices: EnergyTable, level: int) -> None:
        """Words that neighbours hand on are shares of counts, of which the engine may round one word away."""
        layout, top = self.layout, len(self.space.keeps) - 1
        pj = word_pj(prices, self.space.design.architecture.levels[level])
        sums.unread_pj[Column(layout.bits(layout.every, "spatial", level + 1, top))] += pj["reads"] + pj["fills"]
        sums.unread[level][Column(0)] += 1.0
        sums.unwritten[level][Column(0)] += 1.0

    def _open(self, stills: tuple[Still, ...], forced: int, variant: Variant) -> Open:
        linked, apart = (
            tuple(sorted(links, key=lambda link: (link.tensor, link.level, link.mixed)))
            for links in (variant.linked, variant.apart)
        )
        return Open(forced | self._forced(stills) | variant.forced, variant.active, linked, apart)

    def _own(self, tensor: Tensor) -> list[int]:
        return [d for d in self.layout.every if self.layout.dims[d] in tensor.dims]

    def _forced(self, stills: tuple[Still, ...]) -> int:
        found = 0
        for level, still in enumerate(stills):
            dims = [d for d in self.layout.every if self.layout.dims[d] in still.forced]
            found |= self.layout.bits(dims, "temporal", level, level)
        return found

    def _left(self, stills: tuple[Still, ...], level: int, index: int) -> Left:
        thinner, tensor = self._thinner, self.space.design.problem.tensors[index]
        where = stills, level, index
        weight = thinner.weight(level, tensor) * thinner.at_work[index][level]
        return Left(thinner.sent(*where), thinner.through(*where), thinner.filled(*where), weight)

    def _count(
        self,
        sums: Words,
        prices: EnergyTable,
        where: tuple[Tensor, int],
        moved: tuple[tuple[Column, ...], Column | None],
        left: Left,
    ) -> None:
        """Enter what a level sends to the next inner keeper of a tensor, and what it is filled with."""
        (tensor, level), (sent, filled), weight = where, moved, left.weight
        layout, top, own = self.layout, len(self.space.keeps) - 1, self._own(tensor)
        outside = layout.bits(layout.every, "spatial", level + 1, top)
        pj = word_pj(prices, self.space.design.architecture.levels[level])
        # the words of an output that one instance sees over the whole run, whose first update reads nothing
        part = Column(layout.bits(own, "all", 0, top) & ~outside)
        rules = self.space.design.rules
        for words in sent:
            each = pj["updates"] + pj["reads"] if tensor.is_output else pj["reads"]
            sums.pj[words.times(outside).thinned(left.sent)] += each * weight
            sums.reads[level][words.thinned(left.through)] += weight
            if tensor.is_output:
                sums.writes[level][words.thinned(left.through)] += weight
        if tensor.is_output:
            sums.unread_pj[part.times(outside).thinned(left.sent)] += pj["reads"] * weight
            sums.unread[level][part.thinned(left.through)] += weight
        if filled is None:
            return
        sums.pj[filled.times(outside).thinned(left.filled)] += pj["fills"] * weight
        sums.writes[level][filled.thinned(left.filled)] += weight
        if tensor.is_output and rules.first_fill_elided:
            sums.unread_pj[part.times(outside).thinned(left.filled)] += pj["fills"] * weight
            sums.unwritten[level][part.thinned(left.filled)] += weight

    def _shared(self, sums: Words, level: int) -> None:
        """Where accesses are rounded to blocks, or shared in a cluster, and instances are many: what is rounded."""
        layout, one = self.layout, self.space.design.architecture.levels[level]
        outside = layout.bits(layout.every, "spatial", level + 1, len(self.space.keeps) - 1)
        if outside and (one.block_size > 1 or one.cluster_size > 1):
            less = [Column(outside), *sums.reads[level], *sums.writes[level]]
            sums.less.update(dict.fromkeys(each.bare for each in less))
            more = [*sums.unread[level], *sums.unwritten[level]]
            sums.more.update(dict.fromkeys(each.bare for each in more))

    @cached_property
    def _rooms(self) -> tuple[Room, ...]:
        """What the levels of limited size hold."""
        space, found = self.space, []
        for index, level in enumerate(space.design.architecture.levels):
            words: dict[Column, float] = defaultdict(float)
            fullest: dict[Column, float] = defaultdict(float)
            for tensor in space.design.problem.tensors:
                if tensor.name in space.keeps[index]:
                    words[self._tile(tensor, index)] += 1.0
                    fullest[self._tile(tensor, index)] += self._thinner.fullest(index, tensor)
            if level.size_words is not None:
                size, least = capacity_limits(level)[0], space.least_words[index]
                found += [Room(size, 0, dict(fullest)), *([Room(None, least, dict(words))] if least else [])]
        return tuple(found)

    def _tile(self, tensor: Tensor, level: int) -> Column:
        layout = self.layout
        plain = [d for d in layout.every if layout.dims[d] in plain_dims(tensor)]
        if self.space.imperfect:
            return Column(layout.bits(plain, "all", 0, level), counted=Counted(whole=True))
        windows = []
        for rank in sliding_ranks(tensor):
            dims = [d for d in layout.every if layout.dims[d] in {term.dim for term in rank}]
            windows.append(Window(rank, layout.bits(dims, "all", 0, level)))
        return Column(layout.bits(plain, "all", 0, level), tuple(windows))


def _linked(variant: Variant, index: int, level: int) -> bool:
    return any((link.tensor, link.level) == (index, level) and link.lanes for link in variant.linked)
