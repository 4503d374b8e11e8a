"""One layer on one accelerator: the best mapping of the best way to run it, against the same fabric run dense."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from operator import attrgetter

import numpy as np

from crisp_hw.backends import BACKENDS, Backend, backend
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import (
    Masks,
    baseline,
    described,
    encodings,
    index_line,
    overhead_lines,
    silicon_of,
    uncounted,
)
from crisp_hw.engine.compare import compare_tiles
from crisp_hw.engine.unpriced import unpriced
from crisp_hw.errors import CrispError, MappingError
from crisp_hw.layer_ways import SolvedWay, Way, Ways, compared, computes, energy_pj, noted, said_of
from crisp_hw.mapper.bounds import least
from crisp_hw.mapper.tally import OBJECTIVES
from crisp_hw.searches.content import Content
from crisp_hw.searches.pool import Solve
from crisp_hw.searches.solve import Solved, task_of
from crisp_hw.spec import patterns
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions, SearchOptions
from crisp_hw.spec.result import Result
from crisp_hw.uneven import Uneven, queued, waiting_rows, with_cycles

UNSEEN = ("layer", "metadata_bits")  # of a descriptor: no search depends on these
_SEEN = attrgetter(*(each.name for each in fields(Descriptor) if each.name not in UNSEEN))
_SHAPE = attrgetter(*(each.name for each in fields(Layer) if each.name != "name"))


@dataclass(frozen=True)
class PlannedLayer:
    """A layer on an accelerator before any search: all ways to run it, and all to run it dense."""

    descriptor: Descriptor
    ways: "Ways"
    dense: "Ways"


class LayerEvaluator:
    """Evaluates layers on one accelerator; layers of equal shape and pattern are evaluated once."""

    def __init__(self, accelerator: Accelerator, options: EvaluateOptions, masks: Masks, content: Content) -> None:
        self._accelerator = accelerator
        self._options = replace(options, block_index=options.block_index and options.overheads)
        self._masks, self._content = masks, content
        self._searching = SearchOptions(gap=options.gap) if options.gap else None
        self._silicon = silicon_of(accelerator)
        self._dense = baseline(accelerator)
        self._backend: Backend = backend(options.backend)
        self._best: dict[object, SolvedWay] = {}
        self._known: dict[str, Result] = {}
        self._planned_ways: dict[object, Ways] = {}

    @property
    def name(self) -> str:
        """Name of the accelerator."""
        return self._accelerator.name

    def plan(self, descriptor: Descriptor) -> PlannedLayer:
        """What one layer needs searched, as pruned and as dense."""
        whole = pattern_descriptor(descriptor.layer, patterns.Dense(), "dense")
        pruned = self._ways(descriptor, self._accelerator)
        return PlannedLayer(descriptor, pruned, self._ways(whole, self._dense))

    def evaluate(self, row: PlannedLayer, solve: Solve) -> LayerEvaluation:
        """One layer as pruned and as dense; MappingError names the layer and the accelerator."""
        descriptor = row.descriptor
        best = self._best_of(row.ways, solve, descriptor.layer.name, _nameless(descriptor))
        encoded, found = best.way.encoded, best.solved.found
        point = DesignPoint(encoded.design, found.mapping, said_of(best, descriptor.layer.name))
        dense = self._best_of(row.dense, solve, descriptor.layer.name, _SHAPE(descriptor.layer))
        both = self._waited(descriptor, *(self._result(each, descriptor.layer.name) for each in (best, dense)))
        unknown = (*both.assumed, *self._uncounted(best))
        return LayerEvaluation(
            arch=self._accelerator.name,
            descriptor=descriptor,
            point=replace(point, assumptions=(*point.assumptions, *unknown)),
            result=replace(both.result, assumptions=(*both.result.assumptions, *both.assumed)),
            dense=both.dense,
            real_macs=encoded.real_macs,
            tried=found.tried,
            valid=found.valid,
            gap=_larger(found.least_gap, dense.solved.found.least_gap),
            index=best.index,
            sources=self._accelerator.sources,
            check=None if encoded.design is best.way.model.design else self._check(best.way.model, point),
            overheads=best.lines,
            silicon=self._silicon,
        )

    def _waited(self, descriptor: Descriptor, result: Result, dense: Result) -> Uneven:
        """Both results with the waiting of parts that share work unevenly, where the accelerator has such."""
        machine = self._accelerator.machine
        if machine is None:
            return Uneven(result, dense, ())
        return queued(descriptor, machine, self._options, self._masks, (result, dense))

    def _ways(self, descriptor: Descriptor, accelerator: Accelerator) -> Ways:
        key = (_nameless(descriptor), accelerator is self._dense)
        if self._options.density == "actual" or key not in self._planned_ways:  # masks are known by the layer's name
            planned = partial(self._planned, descriptor=descriptor)
            self._planned_ways[key] = Ways(encodings(descriptor, accelerator, self._options), planned)
        return self._planned_ways[key]

    def _best_of(self, ways: Ways, solve: Solve, name: str, layer: object) -> SolvedWay:
        """The best way in the objective; of equals, the first. Errors are those of the first way.

        Layers that keep as many blocks share their first way, but not the others, which run the whole layer.
        """
        key = ways.first.task.key, layer
        if key in self._best:
            return self._best[key]
        best: SolvedWay | None = None
        failure: MappingError | None = None
        beaten: list[Encoded] = []
        judged: list[SolvedWay] = []
        for encoded in ways.encodings():
            if best is not None and self._beaten(encoded, best):
                beaten.append(encoded)
                continue
            try:
                way = ways.planned(encoded)
                found = self._judged(way, solve(way.task))
            except MappingError as error:
                failure = failure or error
                continue
            except CrispError as error:
                raise self._about(error, name) from error
            judged.append(found)
            if best is None or found.scores < best.scores:
                best = found
        if best is None:
            assert failure is not None  # there is a first way, and it was not valid
            raise self._about(failure, name) from failure
        if failure is not None:
            note = f"{name}: another way to run it is left out, because no mapping of it is valid; {failure}"
            best = noted(best, note)
        judged += self._thriftier(beaten, best, ways, solve)
        self._best[key] = best = compared(best, judged, self._options.objective)
        return best

    def _thriftier(self, beaten: list[Encoded], best: SolvedWay, ways: Ways, solve: Solve) -> Iterator[SolvedWay]:
        """Ways with less padding, which may take less energy although the best one beats them in the objective."""
        for encoded in beaten if self._options.objective != "energy" else ():
            bound_pj = float(least(encoded.design, encoded.macs_at_once).energy_pj[0])
            if computes(encoded) < computes(best.way.model) and bound_pj < best.energy_pj:
                way = ways.planned(encoded)
                with suppress(MappingError):
                    yield self._judged(way, solve(way.task))

    def _about(self, error: CrispError, name: str) -> CrispError:
        return error.within(f"layer {name} on {self._accelerator.name}")

    def _judged(self, way: Way, solved: Solved) -> SolvedWay:
        """One way with the circuits beside the model, which count where the objective is about energy."""
        index = index_line(way.encoded, solved.result) if way.encoded.block_index else None
        lines = overhead_lines(way.encoded, solved.result, index) if self._options.overheads else ()
        uneven = waiting_rows(way.encoded, solved.found.mapping, solved.result)
        result = with_cycles(solved.result, solved.result.cycles + uneven)
        scores = self._scores(result.cycles, energy_pj(result, index, lines))
        return SolvedWay(way, solved, result, index, lines, scores)

    def _scores(self, cycles: float, energy_pj: float) -> tuple[float, float]:
        first, second = OBJECTIVES[self._options.objective](np.array([float(cycles)]), np.array([energy_pj]))
        return float(first[0]), float(second[0])

    def _beaten(self, encoded: Encoded, best: SolvedWay) -> bool:
        """Do lower bounds show that another way cannot be better?"""
        bound = least(encoded.design, encoded.macs_at_once)
        return self._scores(float(bound.cycles[0]), float(bound.energy_pj[0])) >= best.scores

    def _uncounted(self, best: SolvedWay) -> tuple[str, ...]:
        """A sentence about circuits without a cost."""
        if not self._options.overheads:
            return ()
        names = ", ".join(uncounted(best.way.encoded, best.result, best.index))
        return (f"the energy table has no cost for {names}, so they are not counted",) if names else ()

    def _check(self, model: Encoded, point: DesignPoint) -> DensityCheck:
        """The mapping once more, with the case's own density."""
        result = self._backend(DesignPoint(model.design, point.mapping))
        tiles = compare_tiles(point, "A", model.design.problem.tensor("A").density)
        return DensityCheck(self._options.density, result, tiles)

    def _planned(self, model: Encoded, descriptor: Descriptor) -> Way:
        encoded = described(model, descriptor, self._options, self._masks)
        task = task_of(encoded.design, encoded.constraints, self._options.objective, self._searching, self._content)
        return Way(descriptor.layer.name, model, encoded, task)

    def _result(self, best: SolvedWay, name: str) -> Result:
        """What the backend makes of the mapping that the search found valid."""
        key = best.way.task.key
        if key not in self._known:
            self._known[key] = self._run(best, name)
        known = self._known[key]
        known = with_cycles(known, known.cycles + best.result.uneven_cycles)  # rows may differ where searches do not
        return replace(known, assumptions=(*said_of(best, name), *known.assumptions))

    def _run(self, best: SolvedWay, name: str) -> Result:
        result = best.solved.result
        if self._backend is not BACKENDS["embedded"]:
            result = self._backend(DesignPoint(best.way.task.design, best.solved.found.mapping))
        if not result.valid:
            said = f"backend {self._options.backend} refuses the best mapping: {'; '.join(result.reasons)}"
            error = MappingError(said, hint="`crisp-hw verify` compares the backends", failures=result.failures)
            raise self._about(error, name)
        design = best.way.task.design
        return replace(result, assumptions=(*result.assumptions, *unpriced(design, result), *best.solved.rounded))


def _nameless(descriptor: Descriptor) -> object:
    """What tells layers apart but their names."""
    return _SHAPE(descriptor.layer), tuple(sorted(descriptor.metadata_bits.items())), _SEEN(descriptor)


def _larger(one: float | None, other: float | None) -> float | None:
    """The larger of two gaps; None where one is not known."""
    return None if one is None or other is None else max(one, other)
