"""What templates count where last tiles are smaller: words, multiply-accumulates, and what is rounded off them."""

from dataclasses import dataclass, replace

from crisp_hw.engine.energy import compute_energy
from crisp_hw.mapper.exact.columns import Column
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.ragged import Counted
from crisp_hw.mapper.exact.words import Words
from crisp_hw.mapper.space import Space


@dataclass(frozen=True)
class Tails:
    """The columns of one space with imperfect factors; Timeloop's counts are those of `engine.residual`."""

    space: Space
    layout: Layout

    @property
    def _top(self) -> int:
        return len(self.space.keeps) - 1

    def count(
        self, sums: Words, where: tuple[int, int, int], arrived: tuple[int, int | None], pj: dict[str, float]
    ) -> None:
        """Enter what a level sends to the next inner keeper (tensor, keeper, level), and what it is filled with.

        `arrived` are the pairs of what arrives at one instance of the two.
        """
        (index, child, level), (inner, outer), layout = where, arrived, self.layout
        tensor = self.space.design.problem.tensors[index]
        own = [d for d in layout.every if layout.dims[d] in tensor.dims]
        near, far = (layout.bits(own, "spatial", *ends) for ends in ((child + 1, child + 1), (child + 2, level)))
        sent = Column(inner | near, counted=Counted(times=far))
        if tensor.is_output:  # no fewer than no words at all are read of an output
            self._priced(sums, sent, level, (pj["reads"] + pj["updates"], pj["updates"]))
        else:
            self._priced(sums, sent, level, (pj["reads"], pj["reads"]))
        sums.reads[level][sent] += 1.0
        taken = {"reads": sums.unread}
        if tensor.is_output:
            sums.writes[level][sent] += 1.0
        if outer is not None:
            lanes = layout.bits(layout.every, "spatial", level + 1, level + 1)
            filled = Column(outer | lanes, counted=Counted(per=lanes))
            sure = 0.0 if tensor.is_output and self.space.design.rules.first_fill_elided else pj["fills"]
            self._priced(sums, filled, level, (pj["fills"], sure))
            sums.writes[level][filled] += 1.0
            if self.space.design.rules.first_fill_elided:
                taken["fills"] = sums.unwritten
        if tensor.is_output:
            part = self._seen(own, level)
            for name, unread in taken.items():
                sums.unread_pj[self._everywhere(part, level)] += pj[name]
                unread[level][part] += 1.0
        self._rounded(sums, level, pj)

    def compute(self, sums: Words) -> None:
        """Enter the multiply-accumulates: the steps of the first MACs, times those at work on average."""
        layout, compute = self.layout, self.space.design.architecture.compute
        pj = compute_energy(self.space.design.energy, compute, "random")
        lanes, outside = (layout.bits(layout.every, "spatial", *ends) for ends in ((0, 0), (1, self._top)))
        steps = Column(layout.bits(layout.every, "temporal", 0, self._top) | lanes, counted=Counted(whole=True))
        sums.pj[_with(steps, mean=outside)] += pj
        sums.or_pj[_with(steps, floor=outside)] += pj
        for here in self._lanes(1):
            sums.unread_pj[_with(steps, per=lanes, ragged=here)] += pj
        for here in self._lanes(0):
            self._taken(sums, Column(0, counted=Counted(ragged=here)), pj)

    def _priced(self, sums: Words, words: Column, level: int, pj: tuple[float, float]) -> None:
        """Words of one instance, times all at work: their average is cut to a whole number, which takes off one, and
        leaves no less than the product of the whole numbers of each dimension.
        """
        sums.pj[self._everywhere(words, level)] += pj[0]
        outside = self.layout.bits(self.layout.every, "spatial", level + 1, self._top)
        sums.or_pj[_with(words, floor=outside)] += pj[1]
        for here in self._lanes(level + 1):
            sums.unread_pj[_with(words, ragged=here)] += pj[0]

    def _rounded(self, sums: Words, level: int, pj: dict[str, float]) -> None:
        """Counts of lanes with residuals are averages, of which whole numbers take off a word each."""
        for here in self._lanes(0):
            word = Column(0, counted=Counted(ragged=here))
            instances = self.space.design.architecture.levels[level].instances
            self._taken(sums, word, sum(pj.values()) * instances)
            sums.unread[level][word] += 1.0
            sums.unwritten[level][word] += 2.0

    def _taken(self, sums: Words, words: Column, pj: float) -> None:
        """What is taken off either form."""
        sums.unread_pj[words] += pj
        sums.or_unread_pj[words] += pj

    def _everywhere(self, words: Column, level: int) -> Column:
        return _with(words, mean=self.layout.bits(self.layout.every, "spatial", level + 1, self._top))

    def _lanes(self, level: int) -> list[int]:
        """The lanes from a level on outwards, by dimension, where there are any."""
        masks = (self.layout.bits([d], "spatial", level, self._top) for d in self.layout.every)
        return [mask for mask in masks if mask]

    def _seen(self, own: list[int], level: int) -> Column:
        """The words of an output that one instance of a level sees, at most."""
        layout, pairs = self.layout, []
        for inner in range(level, self._top):
            held = layout.bits(own, "all", 0, inner)
            pairs.append((held, held | layout.bits(own, "spatial", inner + 1, inner + 1)))
        pairs = [(held, spread) for held, spread in pairs if held != spread]
        return Column(layout.bits(own, "all", 0, self._top), counted=Counted(whole=True, part=tuple(pairs)))


def _with(column: Column, *, mean: int = 0, per: int = 0, ragged: int = 0, floor: int = 0) -> Column:
    """A column of which more is said."""
    said = column.counted or Counted()
    said = replace(said, mean=said.mean | mean, per=said.per | per, ragged=said.ragged | ragged)
    said = replace(said, floor=said.floor | floor)
    return replace(column, counted=said)
