"""The handful of functions that a user imports: `crisp_hw.evaluate`, `load_arch`, `describe`, `render` and friends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.characterization.methods import characterize as by_method
from crisp_hw.descriptors import describe_model, layer_roles, network_pattern, network_sparsity, pattern_descriptor
from crisp_hw.dropin.map_files import Mapped, map_files
from crisp_hw.errors import CrispError, InputError
from crisp_hw.io import load_pruned
from crisp_hw.mapper.search import Found
from crisp_hw.mapper.search import Progress as SearchProgress
from crisp_hw.pipeline import Progress, evaluate_layers, unused_options
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.characterization import Characterization
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer, PrunedModel
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.layer import Skipped, Workload
from crisp_hw.spec.options import EvaluateOptions, SearchOptions
from crisp_hw.spec.patterns import NM, Dense
from crisp_hw.timeloop.render.documents import render as render_point
from crisp_hw.timeloop.render.front_end import FRONT_ENDS, FrontEnd
from crisp_hw.timeloop.yaml.documents import InputFiles
from crisp_hw.workloads import list_workloads, load_workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from crisp_hw.spec.result import Result

Arch = str | Path | Accelerator
DEFAULTS = EvaluateOptions()


@dataclass(frozen=True)
class WorkloadPattern:
    """A network known by its layer table alone, pruned to a pattern: no masks are needed.

    Without `nm` it is dense; without `block` every prunable layer is N:M alone; `sparsity` is over the prunable
    weights and counts N:M.
    """

    workload: str | Path | Workload
    nm: NM | None = None
    block: int | None = None
    sparsity: float | None = None


Source = str | Path | PrunedModel | WorkloadPattern


@dataclass(frozen=True)
class _Network:
    """A source resolved: names and descriptors of its layers, and what to say about it."""

    name: str
    descriptors: tuple[Descriptor, ...]
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    provenance: dict[str, object] | None = None
    masks: Mapping[str, PrunedLayer] | None = None


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` returns: the rows, with tables, figures and files on request."""

    network: NetworkEvaluation

    def to_frame(self) -> "pd.DataFrame":
        """One row per layer and accelerator; the columns are the keys of `report.records`, units in their names."""
        import pandas as pd  # slow to import, and only frames need it

        from crisp_hw.report.records import layer_records

        return pd.DataFrame(layer_records(self.network))

    def totals(self) -> "pd.DataFrame":
        """One row per accelerator."""
        import pandas as pd

        from crisp_hw.report.records import total_records

        return pd.DataFrame(total_records(self.network))

    def plot(self, kind: str = "speedup") -> "Figure":
        """A matplotlib figure: "speedup" or "energy" per layer, or "totals"."""
        from crisp_hw.report.plots import figure

        return figure(self.network, kind)

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Write tables, figures and the whole result into a folder; returns the files."""
        from crisp_hw.report.files import save

        return save(self.network, Path(folder))


def evaluate(
    source: Source,
    arch: Arch | Sequence[Arch] = ("crisp-stc",),
    *,
    layers: str | None = None,
    options: EvaluateOptions = DEFAULTS,
    progress: Progress | None = None,
) -> Evaluation:
    """Cycles and energy of a pruned network on accelerators, each layer with its best mapping.

    `source` is a pruned-model file, a PrunedModel or a WorkloadPattern; `arch` names, files or Accelerators; `layers`
    a glob over layer names. Raises InputError for what cannot be read and MappingError where a layer does not fit.

    >>> small = WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    >>> result = evaluate(small, ["crisp-stc"], layers="layer4.2.conv3")
    >>> round(result.network.rows[0].speedup, 1)
    16.0
    """
    network = resolve(source)
    chosen = select(network.descriptors, layers)
    accelerators = load_accelerators(arch, options.energy)
    rows = evaluate_layers(chosen, accelerators, options, progress, network.masks)
    return Evaluation(
        NetworkEvaluation(
            network.name,
            rows,
            network.skipped,
            (*network.assumptions, *_general(options), *unused_options(options, accelerators, chosen)),
            network.provenance or {},
        )
    )


def _general(options: EvaluateOptions) -> tuple[str, ...]:
    second = "energy" if options.objective == "cycles" else "cycles"
    beside = (
        "Sparseloop does not model activation selection and the decoders of offsets and block indices; their energy is"
    )
    return (
        "samples are processed one at a time; layers run one after another, and nothing stays on chip between them",
        f"each layer runs with the mapping that is best in {options.objective}; of equal ones, the best in {second}",
        "speedup and gain compare with the unpruned layer, run dense on the same fabric with its own best mapping",
        "only convolutions and linear layers are evaluated; other operators are neither timed nor charged",
        f"{beside} {'charged as overhead where lanes select for N:M' if options.overheads else 'not charged'}",
    )


def characterize(arch: Arch, method: str = "table", node_nm: int = 45) -> Characterization:
    """Energy per action and area of every component of an accelerator, each number with its source.

    `method` is "table" (the committed grid of CACTI's numbers), "cacti" (CACTI itself) or "accelergy". Raises
    InputError for an architecture or a node that the method has no numbers for, and where its tool is missing.

    >>> characterize("crisp-stc").table.actions["SMEM"]["read"]
    124.61
    """
    (accelerator,) = load_accelerators(arch)
    return by_method(accelerator.architecture, accelerator.constraints.keeps, method, node_nm)


def load_accelerators(arch: Arch | Sequence[Arch], energy: str | None = None) -> tuple[Accelerator, ...]:
    """Accelerators by name, file or value; InputError for an empty list or a name given twice."""
    items = [arch] if isinstance(arch, str | Path | Accelerator) else list(arch)
    files = [item for item in items if not isinstance(item, Accelerator)]
    loaded = tuple(item if isinstance(item, Accelerator) else load_arch(item, energy, beside=files) for item in items)
    if not loaded:
        raise InputError("no accelerator given", hint=f"there are {', '.join(list_arch())}")
    names = [accelerator.name for accelerator in loaded]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"accelerator {twice} is given twice", hint="name each once")
    return loaded


def resolve(source: Source) -> _Network:
    """Descriptors of every layer of a source, in execution order."""
    if isinstance(source, WorkloadPattern):
        return _from_pattern(source)
    model = source if isinstance(source, PrunedModel) else load_pruned(source)
    masks = {pruned.layer.name: pruned for pruned in model.layers}
    return _Network(model.name, describe_model(model), model.skipped, (), dict(model.provenance), masks)


def _from_pattern(source: WorkloadPattern) -> _Network:
    workload = source.workload if isinstance(source.workload, Workload) else load_workload(source.workload)
    roles = layer_roles(workload.layers)
    if source.nm is None and (source.block is not None or source.sparsity is not None):
        raise InputError(
            "a block size or a sparsity needs an N:M pattern too", hint="give --nm 2:4, or --nm 4:4 for none"
        )
    if source.nm is None:
        whole = tuple(pattern_descriptor(layer, Dense(), "dense") for layer in workload.layers)
        return _Network(workload.name, whole, workload.skipped)
    patterns = network_pattern(workload.layers, source.nm, source.block, source.sparsity, roles)
    descriptors = tuple(
        pattern_descriptor(layer, pattern, role)
        for layer, pattern, role in zip(workload.layers, patterns, roles, strict=True)
    )
    reached = network_sparsity(workload.layers, patterns)
    words = f"{workload.name} has no masks, so every hybrid layer keeps the same share of its columns, in whole blocks"
    notes = (f"{words}; the sparsity of the prunable weights is {reached:.4%}",)
    return _Network(workload.name, descriptors, workload.skipped, notes)


def select(descriptors: Sequence[Descriptor], pattern: str | None) -> tuple[Descriptor, ...]:
    """Layers whose names match a glob; InputError when none does."""
    chosen = tuple(d for d in descriptors if pattern is None or fnmatchcase(d.layer.name, pattern))
    if not chosen:
        names = ", ".join(d.layer.name for d in descriptors[:8])
        raise InputError(
            f"no layer matches {pattern!r}", hint=f"there are {names}{(' ...' if len(descriptors) > 8 else '')}"
        )
    return chosen


def describe(source: Source) -> tuple[Descriptor, ...]:
    """What every layer's weights really look like, whatever the file claims."""
    return resolve(source).descriptors


def render(evaluation: Evaluation, folder: str | Path, front_end: FrontEnd | None = None) -> tuple[Path, ...]:
    """Write the Timeloop documents of every row into FOLDER/ARCH/LAYER/, all or none; returns the files.

    `front_end` "v4" writes them for timeloopfe's 0.4 front end (pytimeloop) and not in the flattened form.
    """
    from crisp_hw.machine.writing import write_all

    contents = {
        f"{row.arch}/{row.layer}/{name}": text.encode()
        for row in evaluation.network.rows
        for name, text in documents(row, front_end).items()
    }
    return write_all(Path(folder), contents)


@dataclass(frozen=True)
class BestMapping:
    """What `find_mapping` returns: the best mapping, what it costs, and its files on request."""

    mapped: Mapped

    @property
    def found(self) -> Found:
        """The mapping, its cycles and energy in pJ, and how it was found."""
        return self.mapped.found

    @property
    def result(self) -> "Result":
        """Every count, as `crisp-hw model` has them; `skipped` is what the documents hold without effect."""
        return self.mapped.evaluated.result

    def texts(self, points: int = 1) -> dict[str, str]:
        """map.yaml, map.txt, stats.txt, stats.json and pareto.csv, the last with at most `points` mappings."""
        from crisp_hw.report.mapping import texts_of

        return texts_of(self.mapped, points)

    def save(self, folder: str | Path, points: int = 1) -> tuple[Path, ...]:
        """Write all of `texts` into a folder, all or none; returns the files."""
        from crisp_hw.machine.writing import write_all

        return write_all(Path(folder), {name: text.encode() for name, text in self.texts(points).items()})


def find_mapping(
    files: str | Path | Sequence[str | Path] | InputFiles,
    objective: str | None = None,
    *,
    options: SearchOptions | None = None,
    progress: SearchProgress | None = None,
    jobs: int = 1,
) -> BestMapping:
    """The best mapping for Timeloop's own YAML files, as timeloop-mapper finds one; see `map_files.map_files`.

    `objective` is "cycles", "energy" or "edp" (None: what the mapper document asks for). Raises InputError for what
    cannot be read and MappingError when nothing fits.
    """
    paths = [files] if isinstance(files, str | Path) else files
    return BestMapping(map_files(paths, objective, options=options, progress=progress, jobs=jobs))


map = find_mapping  # its first name, which hides Python's own


def documents(row: LayerEvaluation, front_end: FrontEnd | None = None) -> dict[str, str]:
    """File name to text of the Timeloop documents of one row; errors name the layer and the accelerator."""
    write = render_point if front_end is None else FRONT_ENDS[front_end]
    try:
        return write(row.point, row.sources)
    except CrispError as error:
        raise error.within(f"layer {row.layer} on {row.arch}") from error


__all__ = [
    "BestMapping",
    "EvaluateOptions",
    "Evaluation",
    "SearchOptions",
    "WorkloadPattern",
    "characterize",
    "describe",
    "documents",
    "evaluate",
    "find_mapping",
    "list_arch",
    "list_workloads",
    "load_arch",
    "load_pruned",
    "load_workload",
    "map",
    "render",
]
