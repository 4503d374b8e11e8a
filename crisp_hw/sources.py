"""What a user gives to evaluate: a network by file, value or pattern, and accelerators by name, file or value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.accelerators.settings import ACCEPTED
from crisp_hw.descriptors import describe_model, layer_roles, network_pattern, network_sparsity, pattern_descriptor
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io import load_pruned
from crisp_hw.io.containers import CONTAINERS
from crisp_hw.meanings import file_hint
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer, PrunedModel
from crisp_hw.spec.kinds import settled, wrong_kind
from crisp_hw.spec.layer import Skipped, Workload
from crisp_hw.spec.patterns import NM, Dense, nm_of
from crisp_hw.spec.shown import listed
from crisp_hw.workloads import load_workload

Arch = str | Path | Accelerator
ARCHS = f"{ACCEPTED}, an Accelerator, or a list of these"
WORKLOADS = "the name of a workload (list_workloads()), a .yaml layer table or a Workload"
SOURCES = f"{WORKLOADS}, a pruned-model file (.pt, .safetensors), a PrunedModel or a WorkloadPattern"


@dataclass(frozen=True)
class WorkloadPattern:
    """A network of which only the layer table is known, and the pattern that it is pruned to; it needs no masks.

    Parameters
    ----------
    workload
        A packaged layer table by name (`list_workloads()`), a YAML file, or a Workload.
    nm
        The N:M pattern of the weights, "2:4" or NM(2, 4); None leaves the network dense.
    block
        The side of the square blocks, in weights; None prunes every prunable layer N:M alone.
    sparsity
        The share of zeros among the prunable weights, from 0 to 1, those of N:M included.

    Examples
    --------
    >>> half = WorkloadPattern("resnet50", "2:4")
    >>> resolve(half).descriptors[1].density
    0.5
    """

    workload: str | Path | Workload
    nm: NM | str | None = None
    block: int | None = None
    sparsity: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.workload, str | Path | Workload):
            raise wrong_kind("the workload", self.workload, WORKLOADS)
        if self.nm is not None:
            object.__setattr__(self, "nm", nm_of(self.nm))
        settled(self)


Source = str | Path | PrunedModel | Workload | WorkloadPattern


@dataclass(frozen=True)
class Pattern:
    """What a user says of the pruning of a layer table: N:M, the side of blocks, the share of zeros."""

    nm: NM | str | None = None
    block: int | None = None
    sparsity: float | None = None

    @property
    def said(self) -> str:
        """The names of what is said."""
        return ", ".join(name for name, value in asdict(self).items() if value is not None)


@dataclass(frozen=True)
class Network:
    """A source resolved: names and descriptors of its layers, and what to say about it."""

    name: str
    descriptors: tuple[Descriptor, ...]
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    provenance: dict[str, object] | None = None
    masks: Mapping[str, PrunedLayer] | None = None


def is_pruned_model(name: str) -> bool:
    """Does this name of a network mean a pruned-model file, and not a layer table?

    Raises
    ------
    InputError
        When it is a file of another kind.

    Examples
    --------
    >>> is_pruned_model("run.pt"), is_pruned_model("resnet50"), is_pruned_model("mine.yaml")
    (True, False, False)
    """
    suffix = Path(name).suffix
    if suffix in ("", ".yaml", ".yml"):
        return False
    if suffix in CONTAINERS:
        return True
    hint = file_hint(suffix) or "give a file of these kinds, or a name that `crisp-hw workload list` lists"
    what = f"pruned models are {' and '.join(CONTAINERS)} files, layer tables are .yaml files"
    raise InputError(f"is no network that is read: {what}", Where(mark=Mark(name)), hint)


def load_accelerators(arch: Arch | Sequence[Arch], energy: str | None = None) -> tuple[Accelerator, ...]:
    """Load accelerators that are given by name, by file or as they are.

    Raises
    ------
    InputError
        When the list is empty, a name is not known or given twice, or a file cannot be read.
    """
    if isinstance(arch, str | Path | Accelerator):
        items: list[Arch] = [arch]
    elif isinstance(arch, Iterable) and not isinstance(arch, Mapping):
        items = list(arch)
    else:
        raise wrong_kind("arch", arch, ARCHS)
    files = [item for item in items if isinstance(item, str | Path)]
    loaded = tuple(_loaded(item, energy, files) for item in items)
    if not loaded:
        raise InputError("no accelerator given", hint=f"there are {', '.join(list_arch())}")
    names = [accelerator.name for accelerator in loaded]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(
            f"accelerator {twice} is given twice", hint="name each once, or one of them anew with replace(name=...)"
        )
    return loaded


def _loaded(item: Arch, energy: str | None, files: Sequence[str | Path]) -> Accelerator:
    if isinstance(item, str | Path):
        return load_arch(item, energy, beside=files)
    if not isinstance(item, Accelerator):
        raise wrong_kind("arch", item, ARCHS)
    if energy is not None and energy != item.energies_from:
        said = f"energy {energy} has no effect on an Accelerator, and {item.name} has other energies"
        raise InputError(said, hint="give load_arch(name, energy=...) or the name alone")
    return item


def resolve(source: Source, pattern: Pattern | None = None) -> Network:
    """Descriptors of every layer of a source, in execution order; `pattern` is what a layer table is pruned to.

    Raises
    ------
    InputError
        When the source is none, cannot be read, or says itself what is pruned beside a pattern.
    """
    given = pattern or Pattern()
    if isinstance(source, Workload) or (isinstance(source, str | Path) and not is_pruned_model(str(source))):
        source = WorkloadPattern(source, given.nm, given.block, given.sparsity)
    elif given.said and isinstance(source, str | Path | PrunedModel | WorkloadPattern):
        what = f"the file {source}" if isinstance(source, str | Path) else f"the {type(source).__name__}"
        said = f"{given.said}: would have no effect, because {what} says itself what is pruned"
        raise InputError(said, hint="leave it out, or give a layer table")
    if isinstance(source, WorkloadPattern):
        return _from_pattern(source)
    if not isinstance(source, str | Path | PrunedModel):
        raise wrong_kind("the network", source, SOURCES, _instead(source))
    model = source if isinstance(source, PrunedModel) else load_pruned(source)
    masks = {pruned.layer.name: pruned for pruned in model.layers}
    return Network(model.name, describe_model(model), model.skipped, (), dict(model.provenance), masks)


def _instead(value: object) -> str:
    """What to do with a thing that a network can be made of; empty for any other."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(value).__mro__}
    if "torch.nn.modules.module.Module" in kinds:
        return (
            "a PyTorch model does not tell the size of its inputs: give the file that crisp_prune saved, or "
            "crisp_hw.describe_checkpoint(model.state_dict(), model, example_input)"
        )
    if "crisp_prune.prune.Crisp" in kinds:
        return 'call pruner.save("run.pt") and give "run.pt", or give pruner.export()'
    if isinstance(value, Mapping):
        return "a state dict has no geometry: give crisp_hw.describe_checkpoint(state_dict, model, example_input)"
    return ""


def _from_pattern(source: WorkloadPattern) -> Network:
    workload = source.workload if isinstance(source.workload, Workload) else load_workload(source.workload)
    roles = layer_roles(workload.layers)
    if source.nm is None and (source.block is not None or source.sparsity is not None):
        raise InputError("a block size or a sparsity needs an N:M pattern too", hint="give nm 2:4, or nm 4:4 for none")
    if source.nm is None:
        whole = tuple(pattern_descriptor(layer, Dense(), "dense") for layer in workload.layers)
        nothing = (
            "no masks, so no weight is pruned; an N:M pattern, blocks and a sparsity can be given (nm, block, sparsity)"
        )
        return Network(workload.name, whole, workload.skipped, (nothing,))
    patterns = network_pattern(workload.layers, nm_of(source.nm), source.block, source.sparsity, roles)
    descriptors = tuple(
        pattern_descriptor(layer, pattern, role)
        for layer, pattern, role in zip(workload.layers, patterns, roles, strict=True)
    )
    reached = network_sparsity(workload.layers, patterns)
    words = (
        "no masks, so every hybrid layer keeps the same share of its columns; in whole blocks, which makes the sparsity"
    )
    notes = (f"{words} of the prunable weights of {workload.name} {reached:.4%}",)
    return Network(workload.name, descriptors, workload.skipped, notes)


def select(descriptors: Sequence[Descriptor], pattern: str | None) -> tuple[Descriptor, ...]:
    """Layers whose names match a glob; InputError when none does."""
    if pattern is not None and not isinstance(pattern, str):
        raise wrong_kind("layers", pattern, 'a glob over the names of layers, such as "layer4.*"')
    chosen = tuple(d for d in descriptors if pattern is None or fnmatchcase(d.layer.name, pattern))
    if not chosen:
        raise InputError(f"no layer matches {pattern!r}", hint=f"there are {listed(d.layer.name for d in descriptors)}")
    return chosen
