"""Parts of a template of tensors that slide: where it says all that a mapping costs, and where perhaps too little.

Between lanes that slide, neighbours may hand words on after some steps. They never do where a loop stands inside that
does not move the tile (nothing is brought in its steps), or where the first loop moves it along a rank that no lane
shares; elsewhere it depends on the rows (`windows.uncertain`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from crisp_hw.mapper.exact.arrivals import Arrival, Arrivals
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.stills import Still
from crisp_hw.mapper.exact.windows import Link, sliding_ranks
from crisp_hw.mapper.space import Space
from crisp_hw.spec.problem import Tensor


@dataclass(frozen=True)
class Variant:
    """Factors that are 1, factors that are not, and the places where the template may say too little, or says all."""

    forced: int = 0
    active: int = 0
    linked: frozenset[Link] = frozenset()
    apart: frozenset[Link] = frozenset()

    def __add__(self, other: "Variant") -> "Variant":
        both = self.linked | other.linked, self.apart | other.apart
        return Variant(self.forced | other.forced, self.active | other.active, *both)


@dataclass(frozen=True)
class Variants:
    """The variants of a space's templates: every mapping of a template is in one of them, or in another template."""

    space: Space
    layout: Layout
    arrivals: Arrivals

    def of(self, stills: tuple[Still, ...]) -> Iterator[Variant]:
        """All variants of some classes that can hold a mapping."""
        places = []
        for index, tensor in enumerate(self.space.design.problem.tensors):
            if sliding_ranks(tensor):
                for level in range(1, len(stills)):
                    places += self._places(tensor, (index, level), self.arrivals.at(stills, index, level - 1))
        for chosen in product(*places):
            whole = sum(chosen, Variant())
            if not whole.forced & whole.active:
                yield whole

    def lanes(self, tensor: Tensor, level: int) -> bool:
        """Has a level lanes whose neighbours may hand on words of a tensor that slides?"""
        flags = self.space.no_link_transfer
        there = any(slot.level == level and slot.kind != "temporal" for slot in self.layout.slots)
        return bool(there and level and sliding_ranks(tensor) and not (flags and tensor.name in flags[level]))

    def _places(self, tensor: Tensor, where: tuple[int, int], arrival: Arrival) -> list[list[Variant]]:
        (index, level), found = where, []
        rank = arrival.window.rank if arrival.window else ()
        dims = [self.layout.dims.index(term.dim) for term in rank]
        if self.lanes(tensor, level) and arrival.inside:
            found.append(list(self._inside(arrival.inside)))
        elif self.lanes(tensor, level) and arrival.window is not None:
            lanes = self.layout.bits(dims, "spatial", level, level)
            steps = self.layout.bits(dims, "temporal", level, len(self.space.keeps) - 1)
            both = _both(Link(index, level, arrival.window, lanes, steps, mixed=False))
            found.append([each + Variant(active=arrival.first) for each in both])
        elif self.lanes(tensor, level) and arrival.first:
            found.append([Variant(active=arrival.first)])
        top = len(self.space.keeps) - 1
        own = self.layout.bits([self.layout.dims.index(dim) for dim in sorted(tensor.dims)], "temporal", top, top)
        if found and not arrival.inside and arrival.first & own:  # nor does anything move it in the outermost block
            found[0].append(Variant(forced=own))
        if arrival.mixed and arrival.window is not None and tensor.name in self.space.keeps[level - 1]:
            found.append(_both(Link(index, level, arrival.window, 0, 0, mixed=True)))
        return found

    def _inside(self, bits: int) -> Iterator[Variant]:
        """The first of some loops that does anything: each in turn, and never none."""
        before = 0
        for bit in (1 << place for place in range(bits.bit_length()) if bits >> place & 1):
            yield Variant(before, bit)
            before |= bit


def _both(link: Link) -> list[Variant]:
    return [Variant(apart=frozenset([link])), Variant(linked=frozenset([link]))]
