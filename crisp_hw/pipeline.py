"""Layers on accelerators: encode, search, evaluate, against the same fabric run dense."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from crisp_hw.backends import BACKENDS, Backend, backend
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import (
    actual_weights,
    encode,
    hybrid_weights,
    index_line,
    overhead_lines,
    uncounted,
    with_weights,
)
from crisp_hw.engine.compare import compare_tiles
from crisp_hw.errors import CrispError, InputError, MappingError
from crisp_hw.mapper.search import Found
from crisp_hw.searches.content import Content
from crisp_hw.searches.pool import Solve, solving
from crisp_hw.searches.solve import Solved, Task, task_of
from crisp_hw.searches.store import default_store
from crisp_hw.spec import accelerator as schemes
from crisp_hw.spec import patterns
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.encoded import Encoded, IndexLine, OverheadLine
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.result import Result

Progress = Callable[[str, int, int], None]
"""Called with what is being evaluated, how many layers are done, and how many there are."""

Masks = Mapping[str, PrunedLayer]
"""Pruned layers by name."""

UNUSED = {
    "activation_density": "only dstc looks at activations",
    "block_index": "no block index is fetched here, or --no-overheads leaves it out",
    "density": "nothing here exploits zeros of weights",
    "dstc": "dstc is not among the accelerators",
    "offsets": "no lanes select for N:M weights here",
    "overheads": "no lanes select for N:M weights and no block index is fetched here",
}
"""Options that concern some accelerators and patterns alone, and why one of them changes nothing."""

FEWER = (
    "not the density said above: only nonzeros are stored, moved and computed, also where hardware with a fixed number "
    "of slots per N:M group would carry empty ones (pruned blocks on STC)"
)


@dataclass(frozen=True)
class _Planned:
    """An encoded layer and the search for its best mapping."""

    encoded: Encoded
    task: Task


@dataclass(frozen=True)
class _Row:
    """A layer on an accelerator before any search: its own encoding, the one that is searched, and the dense one."""

    descriptor: Descriptor
    encoded: Encoded
    pruned: _Planned
    dense: _Planned


class LayerEvaluator:
    """Evaluates layers on one accelerator; layers of equal shape and pattern are evaluated once."""

    def __init__(self, accelerator: Accelerator, options: EvaluateOptions, masks: Masks, content: Content) -> None:
        self._accelerator = accelerator
        self._options = replace(options, block_index=options.block_index and options.overheads)
        self._masks, self._content = masks, content
        self._dense = replace(accelerator, scheme=schemes.DenseScheme())
        self._backend: Backend = backend(options.backend)
        self._known: dict[str, Result] = {}

    @property
    def name(self) -> str:
        """Name of the accelerator."""
        return self._accelerator.name

    def plan(self, descriptor: Descriptor) -> _Row:
        """What one layer needs searched, as pruned and as dense."""
        whole = pattern_descriptor(descriptor.layer, patterns.Dense(), "dense")
        encoded = encode(descriptor, self._accelerator, self._options)
        pruned = self._planned(self._weighted(encoded, descriptor))
        return _Row(descriptor, encoded, pruned, self._planned(encode(whole, self._dense, self._options)))

    def evaluate(self, row: _Row, solve: Solve) -> LayerEvaluation:
        """One layer as pruned and as dense; MappingError names the layer and the accelerator."""
        descriptor, encoded, weighted = row.descriptor, row.encoded, row.pruned.encoded
        found = self._solved(row.pruned, solve, descriptor.layer.name).found
        point = DesignPoint(weighted.design, found.mapping, _said(row.pruned, found, descriptor.layer.name))
        result = self._result(row.pruned, solve, descriptor.layer.name)
        index = index_line(encoded, result) if encoded.block_index else None
        lines, unknown = self._overheads(weighted, result, index)
        return LayerEvaluation(
            arch=self._accelerator.name,
            descriptor=descriptor,
            point=replace(point, assumptions=(*point.assumptions, *unknown)),
            result=result,
            dense=self._result(row.dense, solve, descriptor.layer.name),
            real_macs=encoded.real_macs,
            tried=found.tried,
            valid=found.valid,
            index=index,
            sources=self._accelerator.sources,
            check=None if weighted.design is encoded.design else self._check(encoded, point),
            overheads=lines,
        )

    def _overheads(
        self, encoded: Encoded, result: Result, index: IndexLine | None
    ) -> tuple[tuple[OverheadLine, ...], tuple[str, ...]]:
        """The circuits beside the model, and a sentence about those without a cost."""
        if not self._options.overheads:
            return (), ()
        names = ", ".join(uncounted(encoded, result, index))
        said = (f"the energies have no cost for {names}: not counted",) if names else ()
        return overhead_lines(encoded, result, index), said

    def _weighted(self, encoded: Encoded, descriptor: Descriptor) -> Encoded:
        """The layer with its weights as the options describe them; unchanged where nothing exploits their zeros."""
        problem, name = encoded.design.problem, descriptor.layer.name
        if self._options.density == "model" or not encoded.design.sparse.active:
            return encoded
        if self._options.density == "actual":
            said = f"{name}: tiles of weights hold what the mask holds, {FEWER}"
            return with_weights(encoded, actual_weights(self._masks[name], problem), said)
        blocks = hybrid_weights(descriptor, problem)
        if blocks is None:
            said = f"{name}: no balanced blocks with N:M inside were found, so its weights keep the density said above"
            return replace(encoded, assumptions=(*encoded.assumptions, said))
        said = f"{name}: tiles of weights hold what the masks of its pattern hold on average, {FEWER}"
        return with_weights(encoded, blocks, said)

    def _check(self, model: Encoded, point: DesignPoint) -> DensityCheck:
        """The mapping once more, with the scheme's own density."""
        result = self._backend(DesignPoint(model.design, point.mapping))
        tiles = compare_tiles(point, "A", model.design.problem.tensor("A").density)
        return DensityCheck(self._options.density, result, tiles)

    def _planned(self, encoded: Encoded) -> _Planned:
        task = task_of(encoded.design, encoded.constraints, self._options.objective, content=self._content)
        return _Planned(encoded, task)

    def _solved(self, planned: _Planned, solve: Solve, name: str) -> Solved:
        try:
            return solve(planned.task)
        except CrispError as error:
            raise type(error)(f"layer {name} on {self._accelerator.name}: {error}") from error

    def _result(self, planned: _Planned, solve: Solve, name: str) -> Result:
        key, solved = planned.task.key, self._solved(planned, solve, name)
        if key not in self._known:
            self._known[key] = self._run(planned, solved, name)
        said = _said(planned, solved.found, name)
        return replace(self._known[key], assumptions=(*said, *self._known[key].assumptions))

    def _run(self, planned: _Planned, solved: Solved, name: str) -> Result:
        """What the backend makes of the mapping that the search found valid."""
        result = solved.result
        if self._backend is not BACKENDS["embedded"]:
            result = self._backend(DesignPoint(planned.task.design, solved.found.mapping))
        if not result.valid:
            reasons = "; ".join(result.reasons)
            raise MappingError(
                f"layer {name} on {self._accelerator.name}: backend {self._options.backend} refuses the best mapping: "
                f"{reasons}; `crisp-hw verify` compares the backends"
            )
        return result


def _said(planned: _Planned, found: Found, name: str) -> tuple[str, ...]:
    """The assumptions of an encoding, and that its mapping is not known to be the best where that is so."""
    doubt = () if found.proven else (f"{name}: mapping not proven: {found.certificate}",)
    return (*planned.encoded.assumptions, *doubt)


def evaluate_layers(
    descriptors: Sequence[Descriptor],
    accelerators: Sequence[Accelerator],
    options: EvaluateOptions,
    progress: Progress | None = None,
    masks: Masks | None = None,
) -> tuple[LayerEvaluation, ...]:
    """Every layer on every accelerator, accelerators outermost; raises InputError and MappingError as its parts do.

    `masks` are needed for the density "actual" alone.
    """
    _check_density(options.density, descriptors, masks or {})
    content = Content()
    benches = [LayerEvaluator(accelerator, options, masks or {}, content) for accelerator in accelerators]
    plan = [(bench, bench.plan(descriptor)) for bench in benches for descriptor in descriptors]
    tasks = [planned.task for _, row in plan for planned in (row.pruned, row.dense)]
    rows: list[LayerEvaluation] = []
    with solving(tasks, options.jobs, default_store() if options.cache else None) as solve:
        for bench, row in plan:
            if progress:
                progress(f"{bench.name} {row.descriptor.layer.name}", len(rows), len(plan))
            rows.append(bench.evaluate(row, solve))
    if progress:
        progress("done", len(plan), len(plan))
    return tuple(rows)


def _check_density(name: str, descriptors: Sequence[Descriptor], masks: Masks) -> None:
    if name == "actual" and (without := [each.layer.name for each in descriptors if each.layer.name not in masks]):
        raise InputError(
            f"density actual needs masks and {without[0]} has none; give a pruned-model file, or take density hybrid"
        )


def unused_options(
    options: EvaluateOptions, accelerators: Sequence[Accelerator], descriptors: Sequence[Descriptor]
) -> tuple[str, ...]:
    """A line for each option that was chosen and that changes no number of these layers on these accelerators."""
    asked = options.chosen & UNUSED.keys()
    if not asked:
        return ()
    indexed = replace(options, block_index=True)
    runs = [encode(layer, accelerator, indexed) for accelerator in accelerators for layer in descriptors]
    selects, indexes = any(run.selects for run in runs), any(run.block_index for run in runs)
    dual = any(isinstance(accelerator.scheme, schemes.Dstc) for accelerator in accelerators)
    used = {
        "activation_density": dual,
        "block_index": indexes and options.overheads,
        "density": any(run.design.sparse.active for run in runs),
        "dstc": dual,
        "offsets": selects,
        "overheads": selects or indexes,
    }
    return tuple(
        f"--{name.replace('_', '-')} has no effect: {UNUSED[name]}" for name in sorted(asked) if not used[name]
    )
