"""Labels from both ends of a chain, which meet where few are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.bounds import inner_least, outer_least
from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.inner import innermost, outwards
from crisp_hw.mapper.chains.labels import Labels
from crisp_hw.mapper.chains.meet import Pairs, best_pairs, pairs
from crisp_hw.mapper.chains.outer import inwards, outermost
from crisp_hw.mapper.chains.steps import Step, steps_of
from crisp_hw.mapper.exact.program import Costs
from crisp_hw.mapper.tally import OBJECTIVES

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bound = Callable[[Chain, Labels, Step], Costs]

MOST_LABELS = 4_000_000  # before dominance: about 1 GiB


class TooManyError(Exception):
    """More labels than may be held."""


@dataclass
class Meeting:
    """A search under way. `beaten` says of costs which are not wanted, and `most` how many labels are kept of each step
    (None: all, so that `least` is at any moment a bound of all mappings that are wanted).
    """

    chain: Chain
    objective: str
    beaten: Callable[[Costs], Bools]
    tick: Callable[["Meeting"], None]
    most: int | None = None
    most_labels: int = MOST_LABELS
    least: float = 0.0
    done: int = 0
    outer: Labels = field(init=False)
    inner: Labels = field(init=False)
    taken: tuple[Step, ...] = ()
    given: tuple[Step, ...] = ()

    def run(self, many: int) -> Pairs:
        """The pairs that cost least, at most so many, the least first; none where nothing is wanted."""
        chain, steps = self.chain, steps_of(self.chain)
        self.outer, self.inner = outermost(chain), innermost(chain)
        first, last = 0, len(steps)
        while first < last and len(self.outer) and len(self.inner):
            if len(self.outer) <= len(self.inner):
                self.outer = inwards(chain, self.outer, steps[first], self._cut(outer_least, steps[first]))
                self._bounded(outer_least(chain, self.outer, steps[first]))
                first += 1
            else:
                last -= 1
                self.inner = outwards(chain, self.inner, steps[last], self._cut(inner_least, steps[last]))
                self._bounded(inner_least(chain, self.inner, steps[last]))
            self.done += 1
        self.taken, self.given = steps[:first], steps[last:]
        return best_pairs(self._pairs(), self.objective, many)

    def _pairs(self) -> Iterator[Pairs]:
        for each in pairs(self.chain, self.outer, self.inner, self.beaten):
            self.tick(self)
            yield each

    def _bounded(self, costs: Costs) -> None:
        if len(costs.cycles):
            least = float(OBJECTIVES[self.objective](costs.cycles, costs.energy_pj)[0].min())
            self.least = max(self.least, least)
        self.tick(self)

    def _cut(self, bound: Bound, step: Step) -> Callable[[Labels], Labels]:
        """Leaves out of labels after a step what cannot fit, what is not wanted, and what is too many."""

        def cut(labels: Labels) -> Labels:
            if len(labels) > self.most_labels:
                raise TooManyError
            self.tick(self)
            costs = bound(self.chain, labels, step)
            kept = np.flatnonzero(costs.fits & ~self.beaten(costs))
            if self.most is not None and len(kept) > self.most:
                first = OBJECTIVES[self.objective](costs.cycles[kept], costs.energy_pj[kept])[0]
                kept = kept[of_every_extent(labels.extent[kept], first)[: self.most]]
            return labels.at(kept)

        return cut


def of_every_extent(extent: Ints, first: Floats) -> Ints:
    """Places in an order in which the best of every extent come first, then the second best, and so on.

    Labels meet at an extent: were the best kept alone, those of the one end would lie where none of the other are.
    """
    order = np.lexsort((first, extent))
    fresh = np.concatenate([[True], np.diff(extent[order]) != 0])
    rank = np.arange(len(order)) - np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    found: Ints = order[np.lexsort((first[order], rank))]
    return found
