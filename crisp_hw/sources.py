"""What a user gives to evaluate: a network by file, value or pattern, and accelerators by name, file or value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.descriptors import describe_model, layer_roles, network_pattern, network_sparsity, pattern_descriptor
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io import load_pruned
from crisp_hw.io.containers import CONTAINERS
from crisp_hw.meanings import file_hint
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Skipped, Workload
from crisp_hw.spec.patterns import NM, Dense
from crisp_hw.workloads import load_workload

Arch = str | Path | Accelerator


@dataclass(frozen=True)
class WorkloadPattern:
    """A network of which only the layer table is known, and the pattern that it is pruned to; it needs no masks.

    Parameters
    ----------
    workload
        A packaged layer table by name (`list_workloads()`), a YAML file, or a Workload.
    nm
        The N:M pattern of the weights; None leaves the network dense.
    block
        The side of the square blocks, in weights; None prunes every prunable layer N:M alone.
    sparsity
        The share of zeros among the prunable weights, from 0 to 1, those of N:M included.

    Examples
    --------
    >>> half = WorkloadPattern("resnet50", NM(2, 4))
    >>> resolve(half).descriptors[1].density
    0.5
    """

    workload: str | Path | Workload
    nm: NM | None = None
    block: int | None = None
    sparsity: float | None = None


Source = str | Path | PrunedModel | WorkloadPattern


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
    items = [arch] if isinstance(arch, str | Path | Accelerator) else list(arch)
    files = [item for item in items if not isinstance(item, Accelerator)]
    loaded = tuple(item if isinstance(item, Accelerator) else load_arch(item, energy, beside=files) for item in items)
    if not loaded:
        raise InputError("no accelerator given", hint=f"there are {', '.join(list_arch())}")
    names = [accelerator.name for accelerator in loaded]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(
            f"accelerator {twice} is given twice", hint="name each once, or one of them anew with replace(name=...)"
        )
    return loaded


def resolve(source: Source) -> Network:
    """Descriptors of every layer of a source, in execution order."""
    if isinstance(source, WorkloadPattern):
        return _from_pattern(source)
    model = source if isinstance(source, PrunedModel) else load_pruned(source)
    masks = {pruned.layer.name: pruned for pruned in model.layers}
    return Network(model.name, describe_model(model), model.skipped, (), dict(model.provenance), masks)


def _from_pattern(source: WorkloadPattern) -> Network:
    workload = source.workload if isinstance(source.workload, Workload) else load_workload(source.workload)
    roles = layer_roles(workload.layers)
    if source.nm is None and (source.block is not None or source.sparsity is not None):
        raise InputError(
            "a block size or a sparsity needs an N:M pattern too", hint="give --nm 2:4, or --nm 4:4 for none"
        )
    if source.nm is None:
        whole = tuple(pattern_descriptor(layer, Dense(), "dense") for layer in workload.layers)
        return Network(workload.name, whole, workload.skipped)
    patterns = network_pattern(workload.layers, source.nm, source.block, source.sparsity, roles)
    descriptors = tuple(
        pattern_descriptor(layer, pattern, role)
        for layer, pattern, role in zip(workload.layers, patterns, roles, strict=True)
    )
    reached = network_sparsity(workload.layers, patterns)
    words = f"{workload.name} has no masks, so every hybrid layer keeps the same share of its columns, in whole blocks"
    notes = (f"{words}; the sparsity of the prunable weights is {reached:.4%}",)
    return Network(workload.name, descriptors, workload.skipped, notes)


def select(descriptors: Sequence[Descriptor], pattern: str | None) -> tuple[Descriptor, ...]:
    """Layers whose names match a glob; InputError when none does."""
    chosen = tuple(d for d in descriptors if pattern is None or fnmatchcase(d.layer.name, pattern))
    if not chosen:
        names = ", ".join(d.layer.name for d in descriptors[:8])
        raise InputError(
            f"no layer matches {pattern!r}", hint=f"there are {names}{(' ...' if len(descriptors) > 8 else '')}"
        )
    return chosen
