"""A nest walked on data beside its result: words, offsets, cycles and energies of every level."""

from collections.abc import Iterator
from functools import cached_property

from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.engine.rounded import rounding_pj
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.patterns import Actual
from crisp_hw.spec.result import TensorCounts
from crisp_hw.verification.counts import Count
from crisp_hw.walk.nested import Fabric, Walked
from crisp_hw.walk.priced import Run, energy_pj, per_instance, port_cycles

GATED = "zeros of activations are gated, of which the model knows the expectation"


class Beside:
    """What was walked of a result, and the result."""

    def __init__(self, row: LayerEvaluation, fabric: Fabric, walked: Walked) -> None:
        self._row, self._fabric, self._walked = row, fabric, walked
        self._design = row.point.design
        self._words = {place: per_instance(moved) for place, moved in walked.moved.items()}

    def counts(self) -> list[Count]:
        """Every figure, of the MACs first and of all together last."""
        return [*self._computes(), *self._storage(), *self._ports(), *self._energies()]

    def _computes(self) -> Iterator[Count]:
        compute, why = self._row.result.compute, self._expected("B")
        assert compute is not None
        yield _count("MAC products", self._walked.products, compute.random + compute.gated, why)
        yield _count("MAC cycles", self._mac_cycles, compute.cycles, why)
        yield _count("MAC energy pJ", self._walked.products * self._mac_pj, compute.energy_pj, why or self._gated)
        if self._fabric.squeezes is not None:
            there = self._design.architecture.fanouts[self._fabric.squeezes][0]
            yield Count("MACs of a row, at most", max(self._walked.lanes, there), there)

    @cached_property
    def _mac_cycles(self) -> int:
        """Steps; Timeloop cuts the mean of the MACs at work to a whole number, and so does this."""
        at_work = self._walked.products // self._walked.steps
        return -(-self._walked.products // at_work) if at_work else 0

    @property
    def _mac_pj(self) -> float:
        table = self._design.energy.actions[self._design.architecture.compute.name]
        return next(table[name] for name in ("mac", "compute") if name in table)

    def _storage(self) -> Iterator[Count]:
        """Words and offsets of one instance, and the instances at work."""
        for (level, tensor), mine in self._words.items():
            model, why = self._row.result.levels[level].tensors[tensor], self._expected(tensor)
            place = f"{self._row.result.levels[level].name} {tensor}"
            yield _count(f"{place} instances", float(mine.used), model.utilized_instances, why)
            for name in ("reads", "fills", "updates"):
                yield _count(f"{place} {name}", getattr(mine, name), _accesses(model, name), why)
            yield _count(f"{place} offsets read", mine.offsets_read, _entries(model, "reads"), why)
            yield _count(f"{place} offsets filled", mine.offsets_filled, _entries(model, "fills"), why)

    def _ports(self) -> Iterator[Count]:
        """Cycles of the levels whose ports have a width, and of all."""
        slowest, why = self._mac_cycles, self._expected("B") or self._expected("A")
        for number, level in enumerate(self._design.architecture.levels):
            mine = {name: words for (at, name), words in self._words.items() if at == number}
            bits = {name: self._offset_bits.get((number, name), 0) for name in mine}
            run = Run(self._mac_cycles, len(self._fabric.instances(number)))
            busy = port_cycles(level, mine, bits, run)
            yield _count(f"{level.name} cycles", busy, self._row.result.levels[number].cycles, why)
            slowest = max(slowest, busy)
        yield _count("cycles", slowest, self._row.result.cycles, why)

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
            yield _count(f"{level.name} {tensor} energy pJ", walked, wanted, self._expected(tensor) or self._gated)

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

    def _expected(self, tensor: str) -> str:
        """Why counts of a tensor are expectations; "" where the model knows which of its words are zero."""
        packed = any(name == tensor for _, name in self._fabric.packed)
        known = isinstance(self._design.problem.tensor(tensor).density, Actual)
        return "" if known or not packed else f"the model knows the expectation over zeros of {tensor}"

    @property
    def _gated(self) -> str:
        gates = any(each.kind == "gating" for each in self._design.sparse.actions) or self._design.sparse.compute
        return GATED if gates else ""


def _accesses(model: TensorCounts, op: str) -> int:
    return model.accesses[f"random_{op}"] + model.accesses[f"gated_{op}"]


def _entries(model: TensorCounts, op: str) -> int:
    """Those of the innermost rank, which has one for each word."""
    kinds = (model.format_accesses.get(f"{kind}_{op}", ()) for kind in ("random", "gated"))
    return sum(ranks[0][0] for ranks in kinds if ranks)


def _count(name: str, walked: float, model: float, why: str) -> Count:
    return Count(name, walked, None if why else model, why)
