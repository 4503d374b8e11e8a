"""Layers on accelerators: encode, search, evaluate, against the same fabric run dense."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from crisp_hw.encode import Masks, encodings, runs_layer
from crisp_hw.errors import InputError
from crisp_hw.layer_evaluator import LayerEvaluator, PlannedLayer
from crisp_hw.machine.store import open_store
from crisp_hw.mapper.found import SearchStatus
from crisp_hw.searches.content import Content
from crisp_hw.searches.pool import solving
from crisp_hw.searches.version import KIND, engine_version
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.options import EvaluateOptions

Progress = Callable[[str, int, int], None]
"""Called with what is being evaluated, how many layers are done, and how many there are; where one search takes long,
once a second with its best mapping, least bound and gap behind what is evaluated."""

UNUSED = {
    "activation_density": "nothing here exploits zeros of activations, or only the share of them that a file states",
    "activation_nm": "nothing here exploits zeros of activations, or only the share of them that a file states",
    "block_index": "no block index is fetched here, or overheads are left out, and it with them",
    "density": "nothing here exploits zeros of weights",
    "offsets": "no lanes select for N:M weights here",
    "packing": "nothing here packs nonzeros into lanes",
    "overheads": "no lanes select for N:M weights and no block index is fetched here",
}
"""Options that concern some accelerators and patterns alone, and why one of them changes nothing."""


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
    now = _Now(progress)
    evaluators = [LayerEvaluator(accelerator, options, masks or {}, content) for accelerator in accelerators]
    rows: list[LayerEvaluation] = []
    store = open_store(KIND, engine_version()) if options.cache else None
    with solving(options.jobs, store, progress and now.searching) as solve:
        plan: list[tuple[LayerEvaluator, PlannedLayer]] = []
        for evaluator, accelerator in zip(evaluators, accelerators, strict=True):
            planned = [evaluator.plan(each) for each in _run_by(accelerator, descriptors, options)]
            solve.announce([ways.first.task for row in planned for ways in (row.ways, row.dense)])
            plan += [(evaluator, row) for row in planned]
        for evaluator, row in plan:
            now.at(f"{evaluator.name} {row.descriptor.layer.name}", len(rows), len(plan))
            rows.append(evaluator.evaluate(row, solve))
    now.at("done", len(plan), len(plan))
    return tuple(rows)


@dataclass
class _Now:
    """What is being evaluated, as `progress` is told; of a search that takes long, how far it is."""

    progress: Progress | None
    what: str = ""
    done: int = 0
    total: int = 0

    def at(self, what: str, done: int, total: int) -> None:
        """Go on to the next."""
        self.what, self.done, self.total = what, done, total
        if self.progress:
            self.progress(what, done, total)

    def searching(self, status: SearchStatus) -> None:
        """Its search says how far it is."""
        if self.progress:
            self.progress(f"{self.what}: {status.best}", self.done, self.total)


def unused_gap(options: EvaluateOptions, rows: Sequence[LayerEvaluation]) -> tuple[str, ...]:
    """A line where a gap was allowed that ended no search."""
    if "gap" not in options.chosen or any(row.gap != 0 for row in rows):
        return ()
    return ("option gap has no effect: every mapping is proven to be the best",)


def _run_by(accelerator: Accelerator, descriptors: Sequence[Descriptor], options: EvaluateOptions) -> list[Descriptor]:
    """The layers that an accelerator runs; InputError where there are some, and it runs none of them."""
    found = [each for each in descriptors if runs_layer(each, accelerator, options)]
    if descriptors and not found:
        said = f"{accelerator.name} runs none of these layers: {accelerator.runs.skips}"
        raise InputError(said, hint="leave it out, or choose other layers with `layers`")
    return found


def skipped_layers(
    descriptors: Sequence[Descriptor], accelerators: Sequence[Accelerator], options: EvaluateOptions
) -> tuple[Skipped, ...]:
    """The layers that have no row on an accelerator, each with what its file says of them."""
    return tuple(
        Skipped(f"{each.layer.name} on {accelerator.name}", accelerator.runs.skips)
        for accelerator in accelerators
        for each in descriptors
        if not runs_layer(each, accelerator, options)
    )


def _check_density(name: str, descriptors: Sequence[Descriptor], masks: Masks) -> None:
    if name == "actual" and (without := [each.layer.name for each in descriptors if each.layer.name not in masks]):
        raise InputError(
            f"density actual needs masks and {without[0]} has none",
            hint="give a pruned-model file, or take density hybrid",
        )


def unused_options(
    options: EvaluateOptions, accelerators: Sequence[Accelerator], descriptors: Sequence[Descriptor]
) -> tuple[str, ...]:
    """A line for each option that was chosen and that changes no number of these layers on these accelerators."""
    asked = options.chosen & UNUSED.keys()
    if not asked:
        return ()
    indexed = replace(options, block_index=True)
    pairs = [(layer, each) for each in accelerators for layer in descriptors if runs_layer(layer, each, options)]
    runs = [run for pair in pairs for run in encodings(*pair, indexed)]
    indexes = any(run.block_index for run in runs)
    read = frozenset().union(*(run.options for run in runs))
    used = {
        "activation_density": "activation_density" in read,
        "activation_nm": bool(read & {"activation_nm", "activation_density"}),
        "block_index": indexes and options.overheads,
        "density": any(run.design.sparse.active for run in runs),
        "packing": "packing" in read,
        "offsets": "offsets" in read,
        "overheads": indexes or any(run.charges for run in runs),
    }
    return tuple(f"option {name} has no effect: {UNUSED[name]}" for name in sorted(asked) if not used[name])
