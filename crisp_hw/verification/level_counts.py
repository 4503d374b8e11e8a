"""A nest walked on data beside its result: words, offsets, cycles and energies of every level."""

from collections.abc import Iterator
from functools import cached_property
from math import prod

from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.engine.rounded import rounding_pj
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.patterns import Actual
from crisp_hw.spec.problem import FULL, Tensor
from crisp_hw.spec.result import TensorCounts
from crisp_hw.spec.sparse import Rank
from crisp_hw.verification.counts import Count
from crisp_hw.walk.fabric import Fabric
from crisp_hw.walk.nested import Walked
from crisp_hw.walk.packed import Passes
from crisp_hw.walk.priced import Run, energy_pj, per_instance, port_cycles

GATED = "zeros of activations are gated, of which the model knows the expectation"
WINDOWS = "windows overlap, and Timeloop takes the second iteration of every loop for all later ones"
FIRST = "the model leaves out the first of all sums, also of those that nothing is added to"
BITMAP = "bits of pointers, and of bitmaps of what is packed pass by pass, are not walked, nor what they cost"
VECTORS = "a vector holds several tiles, and the model leaves it out where none of them is wanted"
PASSES = "the model divides products by the mean of lanes at work, instead of counting pass by pass"


class Beside:
    """What was walked of a result, tiles packed into lanes `passes`, and the result."""

    def __init__(self, row: LayerEvaluation, fabric: Fabric, walked: Walked, passes: Passes | None = None) -> None:
        self._row, self._fabric, self._walked, self._passes = row, fabric, walked, passes
        self._design = row.point.design
        for name, reads in ({} if passes is None else passes.reads).items():
            keeper = min(fabric.keepers(self._design.problem.tensor(name)))
            moved = walked.moved[keeper, name]
            moved.reads = round(reads)
            if keeper == 0:  # where words are packed, tiles without any arrive, too
                moved.used = moved.visits * len(fabric.instances(0))
        self._words = {place: per_instance(moved) for place, moved in walked.moved.items()}

    def counts(self) -> list[Count]:
        """Every figure, of the MACs first and of all together last."""
        return [*self._computes(), *self._storage(), *self._ports(), *self._energies()]

    def _computes(self) -> Iterator[Count]:
        compute, why = self._row.result.compute, self._unknown(*self._deciding)
        assert compute is not None
        yield Count("MAC products", self._walked.products, compute.random + compute.gated, why)
        if self._at_work is not None:
            yield Count("MACs at work", self._at_work, compute.utilized_instances, why)
        yield Count("MAC cycles", self._mac_cycles, compute.cycles, why)
        if self._passes is not None:
            yield Count(
                "MAC cycles, pass by pass", -(-self._passes.passes // self._passes.arrays), compute.cycles, PASSES
            )
        pj = self._walked.products * self._mac_pj
        yield Count("MAC energy pJ", pj, compute.energy_pj, why or (GATED if self._design.sparse.compute else ""))
        if self._fabric.squeezes is not None:
            there = self._design.architecture.fanouts[self._fabric.squeezes][0]
            yield Count("MACs of a row, at most", max(self._walked.lanes, there), there)

    @property
    def _deciding(self) -> list[str]:
        """The operands whose zeros are no work for the MACs: those that they get packed."""
        inputs = [each for each in self._design.problem.tensors if not each.is_output]
        return [each.name for each in inputs if (min(self._fabric.keepers(each)), each.name) in self._fabric.packed]

    @property
    def _in_transit(self) -> int:
        """Cycles until the first words have come through all networks, and the last ones have gone."""
        wires = [level.wires for level in self._design.architecture.levels]
        return sum(each.fill_cycles + each.drain_cycles for each in wires) * self._design.rules.network_latency

    @cached_property
    def _at_work(self) -> float | None:
        """MACs that work on average where zeros take no time; None: those of every step."""
        if self._passes is not None:
            return self._passes.at_work * len(self._fabric.instances(-1))
        skips = self._fabric.skips or self._fabric.skips_tiles
        return float(len(self._fabric.instances(-1))) if skips else None

    @cached_property
    def _mac_cycles(self) -> int:
        """Steps; Timeloop cuts the mean of the MACs at work to a whole number, and so does this."""
        at_work = self._walked.products // self._walked.steps if self._at_work is None else int(self._at_work)
        return -(-self._walked.products // at_work) if at_work else 0

    @property
    def _mac_pj(self) -> float:
        table = self._design.energy.actions[self._design.architecture.compute.name]
        return next(table[name] for name in ("mac", "compute") if name in table)

    def _storage(self) -> Iterator[Count]:
        """Words and offsets of one instance, and the instances at work."""
        for (level, tensor), mine in self._words.items():
            model, why = self._row.result.levels[level].tensors[tensor], self._why(level, tensor)
            place = f"{self._row.result.levels[level].name} {tensor}"
            yield Count(f"{place} instances", float(mine.used), model.utilized_instances, self._unknown_of(tensor))
            for name in ("reads", "fills", "updates"):
                said = FIRST if name == "reads" and tensor in self._fabric.skips and tensor == "Z" else why
                yield Count(f"{place} {name}", getattr(mine, name), _accesses(model, name), said)
            if self._is_bitmap(level, tensor):
                yield Count(f"{place} offsets read", mine.offsets_read, None, BITMAP)
            else:
                ranks = len(self._fabric.bitmaps.get((level, tensor), (True,)))
                read, filled = (_entries(model, op, ranks) for op in ("reads", "fills"))
                yield Count(f"{place} offsets read", mine.offsets_read, read, why)
                yield Count(f"{place} offsets filled", mine.offsets_filled, filled, why)

    def _ports(self) -> Iterator[Count]:
        """Cycles of the levels whose ports have a width, and of all."""
        slowest, every = self._mac_cycles, [self._why(level, tensor) for level, tensor in self._words]
        why = next((each for each in [self._unknown(*self._deciding), *every] if each), "")
        for number, level in enumerate(self._design.architecture.levels):
            mine = {name: words for (at, name), words in self._words.items() if at == number}
            bits = {name: self._offset_bits.get((number, name), 0) for name in mine}
            if any(self._has_more_bits(number, name) for name in mine):
                bits, why = {}, why or BITMAP
            run = Run(self._mac_cycles, len(self._fabric.instances(number)))
            busy = port_cycles(level, mine, bits, run) if self._mac_cycles else 0
            yield Count(f"{level.name} cycles", busy, self._row.result.levels[number].cycles, why)
            slowest = max(slowest, busy)
        yield Count("cycles", slowest + self._in_transit, self._row.result.cycles, why)

    def _energies(self) -> Iterator[Count]:
        """Energy by level and tensor, less what Timeloop's order of two roundings adds, which results name."""
        roundings = rounding_pj(evaluate_point(self._row.point), self._design.energy)
        for (at, tensor), words in self._words.items():
            level, model = self._design.architecture.levels[at], self._row.result.levels[at].tensors[tensor]
            wanted = model.energy_pj * model.utilized_instances - roundings.get((level.name, tensor), 0.0)
            costs, bits = self._design.energy.actions.get(level.name, {}), self._offset_bits.get((at, tensor), 0)
            tiles = self._walked.moved[at, tensor].tiles
            ways = [energy_pj(level, costs, words, bits, each) for each in {(), tiles}]
            walked = min(ways, key=lambda pj: abs(pj - wanted))
            bitmap = BITMAP if self._has_more_bits(at, tensor) else ""
            why = bitmap or self._why(at, tensor) or (GATED if tensor in self._gated_tensors else "")
            yield Count(f"{level.name} {tensor} energy pJ", walked, None if bitmap else wanted, why)

    @cached_property
    def _offset_bits(self) -> dict[tuple[int, str], int]:
        """Bits of an offset by level and tensor."""
        levels, found = self._design.architecture.levels, {}
        names = [level.name for level in levels]
        for form in self._design.sparse.formats:
            at, rank = names.index(form.level), form.ranks[0]
            own = 1 if rank.format == "B" else levels[at].metadata_word_bits
            found[at, form.tensor] = own if rank.metadata_bits is None else rank.metadata_bits
        return found

    def _why(self, level: int, tensor: str) -> str:
        """Why counts of a tensor in a level are not compared; "" where they are."""
        place = self._design.problem.tensor(tensor)
        if any(len([term for term in rank if self._design.problem.bound(term.dim) > 1]) > 1 for rank in place.ranks):
            return WINDOWS
        own = self._unknown_of(tensor) or self._unknown(*self._leading(level, tensor)) or self._by_vector(level, place)
        if own or level > min(self._fabric.keepers(place)):
            return own
        passes = {} if self._passes is None else self._passes.reads
        partners = set(passes) - {tensor} if tensor in passes else set()
        return self._unknown(*sorted(self._fabric.skips.get(tensor, frozenset()) | partners))

    def _leading(self, level: int, tensor: str) -> list[str]:
        """The operands that decide whether tiles of a tensor are sent on from a level, or from one outside of it."""
        asked = (each for (at, name), each in self._fabric.skips_tiles.items() if name == tensor and at >= level)
        return sorted(frozenset().union(*asked))

    def _by_vector(self, level: int, tensor: Tensor) -> str:
        """Do vectors decide about several tiles, in a level that leaves some out, or outside of this one?"""
        levels = self._design.architecture.levels
        links = ((at, child) for at, child in self._fabric.links(tensor) if at >= level)
        asked = ((at, child) for at, child in links if (at, tensor.name) in self._fabric.skips_tiles)
        smaller = any(prod(self._fabric.tile(tensor, child)) < levels[at].block_size for at, child in asked)
        return VECTORS if smaller else ""

    def _unknown_of(self, tensor: str) -> str:
        return self._unknown(tensor) if any(name == tensor for _, name in self._fabric.packed) else ""

    def _unknown(self, *tensors: str) -> str:
        """The first of some tensors of whose zeros the model knows an expectation alone."""
        for name in tensors:
            if not isinstance(density := self._design.problem.tensor(name).density, Actual) and density != FULL:
                return f"the model knows the expectation over zeros of {name}"
        return ""

    def _is_bitmap(self, level: int, tensor: str) -> bool:
        """Is a tensor stored with bitmaps that are not walked: of other ranks, or packed into lanes pass by pass?"""
        if (level, tensor) in self._fabric.bitmaps and (level > 0 or self._passes is None):
            return False
        return any(ranks[0].format == "B" for ranks in self._ranks(level, tensor))

    def _has_more_bits(self, level: int, tensor: str) -> bool:
        """Has a tensor other bits beside its words than an offset with each, or those of bitmaps that are walked?"""
        if self._is_bitmap(level, tensor):
            return True
        if (level, tensor) in self._fabric.bitmaps:
            return False
        outer = (rank for ranks in self._ranks(level, tensor) for rank in ranks[1:])
        return any(rank.metadata_bits or rank.payload_bits for rank in outer)

    def _ranks(self, level: int, tensor: str) -> Iterator[tuple[Rank, ...]]:
        """The ranks of a tensor in a level, innermost first, where it has a format there."""
        name = self._design.architecture.levels[level].name
        return (each.ranks for each in self._design.sparse.formats if (each.level, each.tensor) == (name, tensor))

    @property
    def _gated_tensors(self) -> frozenset[str]:
        """Those whose accesses are gated on the way, or between a level and the MACs."""
        gates = (each for each in self._design.sparse.actions if each.kind == "gating")
        return frozenset(option.target for action in gates for option in action.options)


def _accesses(model: TensorCounts, op: str) -> int:
    return model.accesses[f"random_{op}"] + model.accesses[f"gated_{op}"]


def _entries(model: TensorCounts, op: str, ranks: int = 1) -> int:
    """Those of so many ranks, innermost first; the innermost has one for each word, or a bit where it is a bitmap."""
    kinds = (model.format_accesses.get(f"{kind}_{op}", ()) for kind in ("random", "gated"))
    return sum(rank[0] for each in kinds for rank in each[:ranks])
