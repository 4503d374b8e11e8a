"""The weights that could be pruned, found by walking the modules (no tracing), and why the others cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.parameter import UninitializedParameter

from crisp_hw.errors import InputError
from crisp_hw.spec.layer import LayerKind, Skipped

_PLAIN = "Conv2d or Linear: not pruned, not exported"


@dataclass(frozen=True)
class Use:
    """One place that reads a weight: attribute `attribute` of module `owner`, read in the forward of `caller`."""

    name: str
    owner: str
    attribute: str
    caller: str

    @property
    def parameter(self) -> str:
        """Name of the weight in the model's state_dict, as this place knows it."""
        return f"{self.owner}.{self.attribute}" if self.owner else self.attribute


@dataclass(frozen=True)
class Site:
    """One weight with every place that reads it; the first place names it.

    `obstacle` says why it must stay dense, `own_code` why it must until a recorded forward pass has shown what the
    layer does with the weight (`reads.watched`).
    """

    kind: LayerKind
    uses: tuple[Use, ...]
    obstacle: str = ""
    own_code: str = ""

    @property
    def name(self) -> str:
        """The layer's name in tables and files: that of the module that reads the weight first."""
        return self.uses[0].name


def weight_of(model: nn.Module, use: Use) -> nn.Parameter:
    """The dense parameter behind a place, whatever hooks are attached.

    >>> weight_of(nn.Linear(2, 3), Use("fc", "", "weight", "")).shape
    torch.Size([3, 2])
    """
    parameter = model.get_submodule(use.owner)._parameters[use.attribute]
    if parameter is None:
        raise InputError(f"{use.name} has lost its weight", hint="was the layer changed after the pruner was attached?")
    return parameter


def find_sites(model: nn.Module) -> tuple[Site, ...]:
    """Every Conv2d and Linear weight in order of registration, packed attention projections included.

    Weights that several modules share appear once. InputError when a lazy layer has no weight yet.

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
        known = found.setdefault(id(weight), (kind, [], obstacle))
        known[1].append(use)
    readers = _readers(model)
    return tuple(
        Site(kind, tuple(uses), obstacle or _tie(uses, readers[identity]), _own_code(model, uses))
        for identity, (kind, uses, obstacle) in found.items()
    )


def unsupported(model: nn.Module, sites: tuple[Site, ...]) -> tuple[Skipped, ...]:
    """Weights with two or more axes that no site covers, such as those of Conv1d, Embedding or LSTM.

    >>> model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2))
    >>> unsupported(model, find_sites(model))[0].reason
    'Embedding.weight is not the weight of a plain Conv2d or Linear: not pruned, not exported'
    """
    covered = {id(weight_of(model, site.uses[0])) for site in sites}
    return tuple(
        Skipped(name, f"{type(module).__name__}.{attribute} is not the weight of a plain {_PLAIN}")
        for name, module, attribute, weight in _parameters(model)
        if weight.ndim >= 2 and id(weight) not in covered
    )


def _uses(model: nn.Module) -> Iterator[tuple[Use, LayerKind, str]]:
    """Places that read a Conv2d or Linear weight; the obstacle is empty where it may be pruned."""
    inside: set[str] = set()
    for path, module in model.named_modules():
        if isinstance(module, nn.MultiheadAttention):
            output = f"{path}.out_proj" if path else "out_proj"
            inside.add(output)
            packed = ("in_proj",) if module.in_proj_weight is not None else ("q_proj", "k_proj", "v_proj")
            for name in packed:
                yield Use(f"{path}.{name}".lstrip("."), path, f"{name}_weight", path), "linear", ""
            yield Use(output, output, "weight", path), "linear", ""
        elif isinstance(module, nn.Conv2d | nn.Linear) and path not in inside and "weight" in module._parameters:
            grouped = isinstance(module, nn.Conv2d) and module.groups > 1
            obstacle = f"grouped convolution ({module.groups} groups)" if grouped else ""
            yield Use(path or "model", path, "weight", path), _kind(module), obstacle


def _own_code(model: nn.Module, uses: list[Use]) -> str:
    """The caution about a class, or an object, that replaces the forward of Conv2d or Linear."""
    for use in uses:
        module = model.get_submodule(use.owner)
        plain = nn.Conv2d if isinstance(module, nn.Conv2d) else nn.Linear
        names = ("forward", "_conv_forward") if plain is nn.Conv2d else ("forward",)
        if use.caller != use.owner or not isinstance(module, plain):
            continue
        if any(getattr(type(module), name) is not getattr(plain, name) or name in vars(module) for name in names):
            kind = type(module).__name__
            return f"{kind} has a forward of its own, which may change the weight; a sample or a batch shows it"
    return ""


def _kind(module: nn.Module) -> LayerKind:
    """Conv2d or Linear."""
    return "conv2d" if isinstance(module, nn.Conv2d) else "linear"


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Parameter]]:
    """Name, module, attribute and value of every parameter, those that are shared each time, scripted ones too."""
    for path, module in model.named_modules():
        for attribute, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            yield f"{path}.{attribute}".lstrip("."), module, attribute, parameter


def _readers(model: nn.Module) -> dict[int, list[str]]:
    """Names under which each parameter is registered."""
    readers: dict[int, list[str]] = {}
    for name, _, _, parameter in _parameters(model):
        readers.setdefault(id(parameter), []).append(name)
    return readers


def _tie(uses: list[Use], names: list[str]) -> str:
    """An obstacle when a module that is neither Conv2d nor Linear reads the same weight."""
    others = set(names) - {use.parameter for use in uses}
    return f"shares its weight with {', '.join(sorted(others))}" if others else ""
