"""Networks that a user gives, resolved into descriptors of their layers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from crisp_hw.descriptors import describe_model, layer_roles, network_pattern, network_sparsity, pattern_descriptor
from crisp_hw.errors import InputError
from crisp_hw.sources.foreign import (
    LiveModel,
    ModelFile,
    Read,
    config_of,
    is_module,
    read_live,
    read_model_file,
    unknown_family,
)
from crisp_hw.sources.kinds import ZOO, kind_of
from crisp_hw.sources.models import zoo_table
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer, PrunedModel
from crisp_hw.spec.kinds import settled, wrong_kind
from crisp_hw.spec.layer import Skipped, Workload, batched
from crisp_hw.spec.patterns import NM, Dense, nm_of
from crisp_hw.spec.shown import listed
from crisp_hw.spec.transformers import Demand
from crisp_hw.workloads import load_workload

WORKLOADS = "the name of a workload (list_workloads()), a .yaml layer table or a Workload"
SOURCES = (
    f"{WORKLOADS}, a pruned-model file (.pt, .safetensors), weights of another tool (a state dict, a folder of Hugging "
    'Face, .onnx, .pt2), "timm:NAME", a torch.nn.Module with its example, a PrunedModel, a ModelFile or a '
    "WorkloadPattern"
)


LACKS = (
    "an earlier release of crisp_prune wrote this file and left products of activations out: if the network has "
    "attention, its QK^T and PV are missing; save it again with this release to have them"
)


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


Source = str | Path | PrunedModel | Workload | WorkloadPattern | ModelFile | LiveModel


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
class Asked:
    """A source, and what is asked of it: samples at once, and of a transformer, phase, tokens and context."""

    source: Any
    demand: Demand


@dataclass(frozen=True)
class Network:
    """A source resolved: names and descriptors of its layers, and what to say about it.

    `unsized` names layers that can be described and not evaluated, because their sizes are not known, and `read_as`
    says how a file of another tool was read.
    """

    name: str
    descriptors: tuple[Descriptor, ...]
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    provenance: dict[str, object] | None = None
    masks: Mapping[str, PrunedLayer] | None = None
    unsized: tuple[Skipped, ...] = ()
    read_as: tuple[str, ...] = ()


def resolve(source: Source | Asked, pattern: Pattern | None = None) -> Network:
    """Descriptors of every layer of a source, in execution order; `pattern` is what a layer table is pruned to.

    Raises
    ------
    InputError
        When the source is none, cannot be read, or says itself what is pruned beside a pattern.
    """
    if not isinstance(source, Asked):
        return _resolved(source, pattern, Demand())
    found, batch = _resolved(source.source, pattern, source.demand), source.demand.batch
    if batch == 1:
        return found
    layers = tuple(replace(each, layer=batched(each.layer, batch)) for each in found.descriptors)
    masks = {name: replace(each, layer=batched(each.layer, batch)) for name, each in (found.masks or {}).items()}
    return replace(found, descriptors=layers, masks=masks if found.masks else found.masks)


def _resolved(source: Source, pattern: Pattern | None, demand: Demand) -> Network:
    """The network of a source, for one sample."""
    given = pattern or Pattern()
    kind = kind_of(str(source)) if isinstance(source, str | Path) else None
    if isinstance(source, Workload) or kind == "table":
        assert isinstance(source, str | Path | Workload)
        source = WorkloadPattern(source, given.nm, given.block, given.sparsity)
    elif given.said and isinstance(source, str | Path | PrunedModel | WorkloadPattern | ModelFile | LiveModel):
        what = f"the file {source}" if isinstance(source, str | Path) else f"the {type(source).__name__}"
        said = f"{given.said}: would have no effect, because {what} says itself what is pruned"
        raise InputError(said, hint="leave it out, or give a layer table")
    if isinstance(source, WorkloadPattern):
        return _from_pattern(source, demand)
    if demand.said and config_of(source) is None:
        said = f"{demand.said}: only for a layer table of a transformer, or a folder of Hugging Face"
        family = unknown_family(source)
        hint = "leave it out, or give --model and --input" if family else "leave it out"
        raise InputError(f"{said}; {family}" if family else said, hint=hint)
    if not isinstance(source, str | Path | PrunedModel | ModelFile | LiveModel):
        raise wrong_kind("the network", source, SOURCES, _instead(source))
    read = _read(source, demand)
    masks = {pruned.layer.name: pruned for pruned in read.model.layers}
    model = read.model
    found = Network(model.name, describe_model(model), model.skipped, read.notes, dict(model.provenance), masks)
    return replace(found, unsized=read.unsized, read_as=read.notes)


def _read(source: str | Path | PrunedModel | ModelFile | LiveModel, demand: Demand) -> Read:
    """The masks of a source that has some."""
    match source:
        case PrunedModel():
            return Read(source)
        case LiveModel():
            return read_live(source)
        case ModelFile():
            if kind_of(str(source.path)) != "pruned":
                return read_model_file(source, demand)
            if source.model is not None:
                said = f"a model would have no effect, because {source.path} holds the geometry of its layers"
                raise InputError(said, hint="leave --model and --input out")
            return _read_pruned(source.path)
    return _read_pruned(source) if kind_of(str(source)) == "pruned" else read_model_file(ModelFile(source), demand)


def _read_pruned(path: str | Path) -> Read:
    """A pruned-model file, and what an older one lacks."""
    from crisp_hw.io import load_pruned  # its schema, for which a layer table has no use

    model = load_pruned(path)
    return Read(model, (LACKS,) if model.may_lack_attention else ())


def sized(network: Network) -> Network:
    """The layers of a network that can be evaluated, the others among what is skipped; InputError when none is left.

    >>> sized(resolve("resnet50")) == resolve("resnet50")
    True
    """
    lost = {each.name for each in network.unsized}
    kept = tuple(each for each in network.descriptors if each.layer.name not in lost)
    if not kept and lost:
        said = f"the size of no layer of {network.name} is known: {network.unsized[0].reason}"
        raise InputError(said, hint="on the command line --model package.module:factory --input 1,3,224,224")
    return replace(network, descriptors=kept, skipped=(*network.skipped, *network.unsized), unsized=())


def _instead(value: object) -> str:
    """What to do with a thing that a network can be made of; empty for any other."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(value).__mro__}
    if is_module(value):
        return (
            "a PyTorch model does not tell the size of its inputs: give an example input, too, such as "
            "example=(1, 3, 224, 224), or the file that crisp_prune saved"
        )
    if "crisp_prune.prune.Crisp" in kinds:
        return 'call pruner.save("run.pt") and give "run.pt", or give pruner.export()'
    if isinstance(value, Mapping):
        return "a state dict has no geometry: give crisp_hw.describe_checkpoint(state_dict, model, example_input)"
    return ""


def _table(given: str | Path | Workload, demand: Demand) -> Workload:
    """The layers of a table that is given by name or file, as a model of timm, or as it is."""
    fixed = isinstance(given, Workload) or str(given).startswith(ZOO)
    if fixed and demand.said:
        raise InputError(f"{demand.said}: the sizes of {given} are fixed", hint="give the example with those sizes")
    if isinstance(given, Workload):
        return given
    return zoo_table(str(given)) if fixed else load_workload(given, demand)


def _from_pattern(source: WorkloadPattern, demand: Demand) -> Network:
    workload = _table(source.workload, demand)
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
