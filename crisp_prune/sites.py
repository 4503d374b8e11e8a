"""The weights that could be pruned, found by walking the modules (no tracing), and why the others cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.layer import LayerKind, Skipped
from crisp_hw.spec.wrapped import module_of, modules_of
from crisp_prune.choices import Layout

_PLAIN = "convolution or Linear: not pruned, not exported"
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""Convolutions whose weight has its inputs first: an input times the whole kernel, added up where it lands."""
OWN_COPY = "give it a copy of its own: nn.Parameter(value.detach().contiguous())"
"""What to do about numbers that are one in memory."""
SHOWN = "a sample or a batch shows it"
"""The end of every reason that a recorded forward pass can lift."""
STACKED = f"has stacked weights, to be multiplied along their last axis (linear(x, weight[i])); {SHOWN}"
"""The caution about weights of three axes in a module of the user's own, such as the experts of a mixture."""


@dataclass(frozen=True)
class Use:
    """One place that reads a weight: attribute `attribute` of module `owner`, read in the forward of `caller`."""

    name: str
    owner: str
    attribute: str
    caller: str

    @property
    def parameter(self) -> str:
        """Name of the weight in the state_dict of the model without wrappers, as this place knows it."""
        return f"{self.owner}.{self.attribute}" if self.owner else self.attribute


@dataclass(frozen=True)
class Site:
    """One weight with every place that reads it; the first place names it.

    `obstacle` says why it must stay dense, `own_code` why it must until a recorded forward pass has shown what the
    layer does with the weight (`reads.watched`). `layout` says how its axes lie.
    """

    kind: LayerKind
    uses: tuple[Use, ...]
    obstacle: str = ""
    own_code: str = ""
    layout: Layout = "plain"

    @property
    def name(self) -> str:
        """The layer's name in tables and files: that of the module that reads the weight first."""
        return self.uses[0].name


def weight_of(model: nn.Module, use: Use) -> nn.Parameter:
    """The dense parameter behind a place, whatever hooks are attached.

    >>> weight_of(nn.Linear(2, 3), Use("fc", "", "weight", "")).shape
    torch.Size([3, 2])
    """
    parameter: nn.Parameter | None = module_of(model, use.owner)._parameters.get(use.attribute)
    if parameter is None:
        raise InputError(f"{use.name} has lost its weight", hint="was the layer changed after the pruner was attached?")
    if type(parameter).__name__ == "DTensor":  # by name: importing it takes a while, and few need it
        raise InputError(
            "the weight is sharded over processes (a DTensor, as of fully_shard), and masks act on whole weights",
            Where(key=use.name),
            "prune in one process or under DistributedDataParallel, call finalize(), and shard the plain model",
        )
    return parameter


def find_sites(model: nn.Module) -> tuple[Site, ...]:
    """Every convolution and Linear weight in order of registration, packed attention projections included.

    GPT-2's Conv1D counts as the Linear that it is, a transposed convolution as one of a single tap to channels x taps,
    and stacked weights of three axes as one for all that are stacked.
    Weights that several modules share appear once. InputError when a lazy layer has no weight yet, or one has size 0.

    >>> [site.name for site in find_sites(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Linear(8, 2)))]
    ['0', '2']
    """
    found: dict[int, tuple[LayerKind, list[Use], str]] = {}
    for use, kind, obstacle in _uses(model):
        weight = weight_of(model, use)
        if isinstance(weight, UninitializedParameter):
            raise InputError(
                f"{use.name} is a lazy layer without a weight yet", hint="run the model once before pruning"
            )
        require_weights(use.name, weight)
        known = found.setdefault(id(weight), (kind, [], obstacle))
        known[1].append(use)
    _apart(model, [use for _, uses, _ in found.values() for use in uses])
    readers = _readers(model)
    return tuple(
        Site(
            kind,
            tuple(uses),
            obstacle or _tie(uses, readers[identity]) or _numbers(weight_of(model, uses[0])),
            _own_code(model, uses),
            _layout(model, uses[0]),
        )
        for identity, (kind, uses, obstacle) in found.items()
    )


def require_weights(name: str, weight: Tensor) -> None:
    """InputError where a layer has no output, or reads nothing.

    >>> require_weights("fc", torch.zeros(2, 3))
    """
    if not weight.numel():
        said = f"its weight has the shape {list(weight.shape)}, in which there is no number"
        raise InputError(said, Where(key=name), "take the layer out of the network")


def unsupported(model: nn.Module, sites: tuple[Site, ...]) -> tuple[Skipped, ...]:
    """Weights with two or more axes that no site covers, such as those of Embedding or LSTM.

    >>> model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2))
    >>> unsupported(model, find_sites(model))[0].reason
    'Embedding.weight is not the weight of a plain convolution or Linear: not pruned, not exported'
    """
    covered = {id(weight_of(model, site.uses[0])) for site in sites}
    return tuple(
        Skipped(name, f"{type(module).__name__}.{attribute} is not the weight of a plain {_PLAIN}")
        for name, module, attribute, weight in _parameters(model)
        if weight.ndim >= 2 and id(weight) not in covered
    )


def _uses(model: nn.Module) -> Iterator[tuple[Use, LayerKind, str]]:
    """Places that read a weight that is multiplied; the obstacle is empty where it may be pruned."""
    inside: set[str] = set()
    for path, module in modules_of(model).items():
        if isinstance(module, nn.MultiheadAttention):
            output = f"{path}.out_proj" if path else "out_proj"
            inside.add(output)
            packed = ("in_proj",) if module.in_proj_weight is not None else ("q_proj", "k_proj", "v_proj")
            for name in packed:
                yield Use(f"{path}.{name}".lstrip("."), path, f"{name}_weight", path), "linear", ""
            yield Use(output, output, "weight", path), "linear", ""
        elif _is_layer(module) and path not in inside and "weight" in module._parameters:
            grouped = isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)) and module.groups > 1
            obstacle = f"grouped convolution ({module.groups} groups)" if grouped else ""
            yield Use(path or "model", path, "weight", path), _kind(module), obstacle
        else:
            for attribute in _stacked(module):
                yield Use(f"{path}.{attribute}".lstrip("."), path, attribute, path), "linear", ""


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)) or turned(module)


def turned(module: nn.Module) -> bool:
    """Is it GPT-2's Conv1D, a Linear whose weight is (in, out)?

    >>> turned(nn.Linear(2, 2))
    False
    """
    if isinstance(module, torch.jit.ScriptModule):
        return False
    weight = module._parameters.get("weight")
    return type(module).__name__ == "Conv1D" and weight is not None and weight.ndim == 2


def _stacked(module: nn.Module) -> list[str]:
    """Parameters of three axes in a module of the user's own; one sample's worth, as of positions, is none."""
    if type(module).__module__.startswith("torch.") or isinstance(module, torch.jit.ScriptModule):
        return []
    weights = module._parameters.items()
    return [name for name, weight in weights if weight is not None and weight.ndim == 3 and len(weight) > 1]


def _layout(model: nn.Module, use: Use) -> Layout:
    module = module_of(model, use.owner)
    if turned(module) or isinstance(module, TRANSPOSED):
        return "turned"
    return "stacked" if use.attribute in _stacked(module) and not _is_layer(module) else "plain"


def _own_code(model: nn.Module, uses: list[Use]) -> str:
    """The caution about a class, or an object, that replaces the forward of a layer, or that stacks weights."""
    for use in uses:
        module = module_of(model, use.owner)
        if use.attribute in _stacked(module) and not _is_layer(module):
            return f"{type(module).__name__} {STACKED}"
        plain = next((kind for kind in (*CONVOLUTIONS, *TRANSPOSED) if isinstance(module, kind)), nn.Linear)
        names = ("forward", "_conv_forward") if plain in CONVOLUTIONS else ("forward",)
        if use.caller != use.owner or not isinstance(module, plain):
            continue
        if any(getattr(type(module), name) is not getattr(plain, name) or name in vars(module) for name in names):
            kind = type(module).__name__
            return f"{kind} has a forward of its own, which may change the weight; {SHOWN}"
    return ""


def _kind(module: nn.Module) -> LayerKind:
    """A convolution or a Linear."""
    return "conv2d" if isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)) else "linear"


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Parameter]]:
    """Name, module, attribute and value of every parameter, those that are shared each time, scripted ones too."""
    for path, module in modules_of(model).items():
        for attribute, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            yield f"{path}.{attribute}".lstrip("."), module, attribute, parameter


def _readers(model: nn.Module) -> dict[int, list[str]]:
    """Names under which each parameter is registered."""
    readers: dict[int, list[str]] = {}
    for name, _, _, parameter in _parameters(model):
        readers.setdefault(id(parameter), []).append(name)
    return readers


def _numbers(weight: nn.Parameter) -> str:
    """An obstacle when weights are no real numbers in memory of their own."""
    if weight.is_complex():
        return f"its weights are complex ({weight.dtype}), and saliency is that of real ones"
    return f"several of its weights are one number in memory (expanded); {OWN_COPY}" if expanded(weight) else ""


def expanded(weight: Tensor) -> bool:
    """Are several of its numbers one in memory, so that none can be changed alone?

    >>> expanded(torch.zeros(1, 2).expand(3, 2)), expanded(torch.zeros(1, 2))
    (True, False)
    """
    return any(step == 0 and size > 1 for step, size in zip(weight.stride(), weight.shape, strict=True))


def _apart(model: nn.Module, uses: list[Use]) -> None:
    """InputError where two parameters are the same numbers in memory: masks on one would change the other."""
    places: dict[int, Use] = {}
    for use in uses:
        weight = weight_of(model, use)
        if weight.is_meta or not weight.numel():
            continue
        other = places.setdefault(weight.data_ptr(), use)
        if weight_of(model, other) is not weight:
            said = f"{other.name} and {use.name} have parameters of their own that are the same numbers in memory"
            raise InputError(said, hint=f"tie them as one parameter: {use.name}.weight = {other.name}.weight")


def _tie(uses: list[Use], names: list[str]) -> str:
    """An obstacle when a module that is no layer reads the same weight."""
    others = set(names) - {use.parameter for use in uses}
    return f"shares its weight with {', '.join(sorted(others))}" if others else ""
