"""The handful of functions that a user imports: `crisp_hw.evaluate`, `load_arch`, `describe`, `render` and friends."""

from collections.abc import Sequence
from pathlib import Path

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.characterization.methods import characterize as by_method
from crisp_hw.dropin.map_files import map_files
from crisp_hw.errors import CrispError
from crisp_hw.io import load_pruned
from crisp_hw.mapper.search import Progress as SearchProgress
from crisp_hw.pipeline import Progress, evaluate_layers, unused_options
from crisp_hw.returned import BestMapping, Evaluation
from crisp_hw.sources import Arch, Source, WorkloadPattern, load_accelerators, resolve, select
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.characterization import Characterization
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.options import EvaluateOptions, SearchOptions
from crisp_hw.spec.variant import Changes, parameters_of
from crisp_hw.timeloop.render.documents import render as render_point
from crisp_hw.timeloop.render.front_end import FRONT_ENDS, FrontEnd
from crisp_hw.timeloop.yaml.documents import InputFiles
from crisp_hw.workloads import list_workloads, load_workload

DEFAULTS = EvaluateOptions()


def evaluate(
    source: Source,
    arch: Arch | Sequence[Arch] = ("crisp-stc",),
    *,
    layers: str | None = None,
    options: EvaluateOptions = DEFAULTS,
    progress: Progress | None = None,
) -> Evaluation:
    """Compute the cycles and energy of a pruned network on accelerators, each layer with its best mapping.

    Parameters
    ----------
    source
        The network: a pruned-model file (.pt or .safetensors), a PrunedModel, or a WorkloadPattern.
    arch
        One accelerator or several, each by name, as a YAML file or as an Accelerator.
    layers
        A glob over the names of layers, such as "layer4.*"; None takes all.
    options
        What is minimised, how densities are described, where energies come from, and so on.
    progress
        Called with what is being evaluated, how many layers are done, and how many there are.

    Returns
    -------
    Evaluation
        A row per layer and accelerator: cycles, energies in pJ, and the same for the unpruned layer run dense.

    Raises
    ------
    InputError
        When the source, an accelerator or an option is not accepted.
    MappingError
        When no mapping of a layer fits an accelerator.

    Examples
    --------
    >>> from crisp_hw import NM
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
            _parameters(accelerators),
        )
    )


def _parameters(accelerators: Sequence[Accelerator]) -> dict[str, Changes]:
    changed = dict.fromkeys(name for each in accelerators if each.variant for name in each.variant.changed)
    return parameters_of({each.name: each.architecture for each in accelerators}, changed)


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
    """Work out the energy per action (pJ) and the area of every component of an accelerator, with sources.

    Parameters
    ----------
    arch
        The accelerator, by name, as a YAML file or as an Accelerator.
    method
        "table" for the committed grid of CACTI's numbers, "cacti" for CACTI itself, or "accelergy".
    node_nm
        The technology node in nm: 22, 32, 45, 65 or 90.

    Raises
    ------
    InputError
        When the method has no numbers for the architecture or the node.
    ToolError
        When its tool is missing or fails.

    Examples
    --------
    >>> characterize("crisp-stc").table.actions["SMEM"]["read"]
    124.61
    """
    (accelerator,) = load_accelerators(arch)
    return by_method(accelerator.architecture, accelerator.constraints.keeps, method, node_nm)


def describe(source: Source) -> tuple[Descriptor, ...]:
    """Measure the weights of every layer of a network: N:M, blocks, balance, density, bits of metadata.

    Parameters
    ----------
    source
        A pruned-model file, a PrunedModel or a WorkloadPattern. Masks are measured, whatever the file claims of them.

    Returns
    -------
    tuple of Descriptor
        One per layer, in the order of execution.

    Examples
    --------
    >>> from crisp_hw import NM
    >>> layer = describe(WorkloadPattern("resnet50", NM(2, 4), 64, 0.9))[1]
    >>> layer.layer.name, layer.nm, layer.kept_blocks, layer.total_blocks
    ('layer1.0.conv1', NM(n=2, m=4), 1, 1)
    """
    return resolve(source).descriptors


def render(evaluation: Evaluation, folder: str | Path, front_end: FrontEnd | None = None) -> tuple[Path, ...]:
    """Write the Timeloop documents of every row into FOLDER/ARCH/LAYER/, all of them or none.

    Parameters
    ----------
    evaluation
        What `evaluate` returned.
    folder
        A folder, which is made where it is missing.
    front_end
        None writes the flattened form; "v4" writes for timeloopfe's 0.4 front end, which pytimeloop loads.

    Returns
    -------
    tuple of Path
        The files that were written.

    Examples
    --------
    >>> import tempfile
    >>> from crisp_hw import NM
    >>> found = evaluate(WorkloadPattern("resnet50", NM(2, 4)), "stc", layers="fc")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in render(found, folder))
    ['ART.yaml', 'ERT.yaml', 'architecture.yaml', 'mapping.yaml', 'problem.yaml', 'sparse_optimizations.yaml']
    """
    from crisp_hw.machine.writing import folder_name, write_all

    contents = {
        f"{folder_name(row.arch)}/{row.layer}/{name}": text.encode()
        for row in evaluation.network.rows
        for name, text in documents(row, front_end).items()
    }
    return write_all(Path(folder), contents)


def find_mapping(
    files: str | Path | Sequence[str | Path] | InputFiles,
    objective: str | None = None,
    *,
    options: SearchOptions | None = None,
    progress: SearchProgress | None = None,
    jobs: int = 1,
) -> BestMapping:
    """Find the best mapping for Timeloop's own YAML files, as timeloop-mapper does (`dropin.map_files`).

    Parameters
    ----------
    files
        One file or several: architecture, problem and, where there are any, constraints, mapper, sparse
        optimizations, ERT and ART.
    objective
        "cycles", "energy" (pJ) or "edp"; None takes what the mapper document asks for, else "edp".
    options
        Budget, seed, memory and device of the search.
    progress
        Called with the state of the search from time to time.
    jobs
        The number of processes.

    Raises
    ------
    InputError
        When a file is wrong or asks for something that is not modelled; it names the file and the line.
    MappingError
        When no mapping fits.
    """
    paths = [files] if isinstance(files, str | Path) else files
    return BestMapping(map_files(paths, objective, options=options, progress=progress, jobs=jobs))


map = find_mapping  # its first name, which hides Python's own


def documents(row: LayerEvaluation, front_end: FrontEnd | None = None) -> dict[str, str]:
    """Return the Timeloop documents of one row, texts by file name; errors name the layer and the accelerator."""
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
