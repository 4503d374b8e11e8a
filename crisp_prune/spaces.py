"""Which layers make and read the same channels, as torch.fx sees a model, and which channels are zero there."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional

SAME = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Tanh, nn.Dropout, nn.Identity),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Dropout2d),
)
"""Modules that leave channels apart from each other, and zeros zero."""
SAME_FUNCTIONS: frozenset[Callable[..., Any]] = frozenset(
    {functional.relu, functional.relu6, functional.gelu, functional.silu, functional.dropout, torch.relu,
     functional.max_pool2d, functional.avg_pool2d, functional.adaptive_avg_pool2d}
)  # fmt: skip
"""Functions of the same kind."""
ADDITIONS: frozenset[Callable[..., Any]] = frozenset({operator.add, operator.iadd, torch.add})


@dataclass(frozen=True)
class Member:
    """A layer with its name."""

    name: str
    module: nn.Module


@dataclass(frozen=True)
class Reader:
    """A layer that reads channels: `idle` where they are zero or have zero weights; `times` features a channel."""

    name: str
    module: nn.Module
    idle: Tensor
    times: int = 1


@dataclass
class Space:
    """Channels that belong together: who makes, passes and reads them; `held` says why none may go."""

    size: int
    held: str = ""
    makers: list[Member] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)


@dataclass
class Value:
    """What a node of the graph carries: its space, which channels are zero, and features a channel."""

    space: Space
    zero: Tensor
    times: int = 1


def spaces_of(model: nn.Module, graph: fx.Graph, inputs: tuple[Any, ...]) -> list[Space]:
    """The spaces of a model in order of execution.

    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> spaces = spaces_of(model, fx.symbolic_trace(model).graph, (torch.zeros(1, 4),))
    >>> [(space.size, space.held) for space in spaces]
    [(4, 'inputs of the model'), (3, ''), (2, 'outputs of the model')]
    """
    ShapeProp(fx.GraphModule(model, graph)).propagate(*inputs)
    walk = _Walk(dict(model.named_modules()))
    for node in graph.nodes:
        walk.visit(node)
    return list({id(walk.root(space)): walk.root(space) for space in walk.spaces}.values())


class _Walk:
    """The spaces so far, and what stands for which since additions made one of two."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self.modules, self.values, self.spaces = modules, dict[fx.Node, Value](), list[Space]()
        self.stands: dict[int, Space] = {}
        self.called: set[str] = set()

    def root(self, space: Space) -> Space:
        while id(space) in self.stands:
            space = self.stands[id(space)]
        return space

    def visit(self, node: fx.Node) -> None:
        """The value of one node from those of its inputs."""
        given = [self.values[each] for each in node.all_input_nodes if each in self.values]
        shape = getattr(node.meta.get("tensor_meta"), "shape", None)
        if node.op == "output":
            self._hold(given, "outputs of the model")
        elif node.op == "placeholder":
            self._fresh(node, shape, "inputs of the model")
        elif node.op == "call_module" and given:
            self._module(node, given[0], shape)
        elif _same(node) and len(given) == 1:
            self.values[node] = given[0]
        elif node.target in ADDITIONS and len(given) == len(node.args) == 2 and len(shape or ()) > 1:
            self._add(node, given)
        elif _flattens(node) and len(given) == 1 and shape is not None:
            self._flatten(node, given[0], shape)
        else:
            self._hold(given, f"{node.name} needs them as they are")
            self._fresh(node, shape, f"{node.name} makes them")

    def _module(self, node: fx.Node, value: Value, shape: Any) -> None:
        name = str(node.target)
        module = self.modules[name]
        if name in self.called and any(True for _ in module.parameters()):
            self._hold([value, *(Value(space, torch.zeros(0)) for space in self.spaces)], f"{name} is called twice")
        self.called.add(name)
        match module:
            case nn.Conv2d(groups=1) | nn.Linear() if len(shape) in (2, 4):
                self._layer(node, Member(name, module), value)
            case nn.Conv2d() if module.groups == module.in_channels == module.out_channels:
                self.root(value.space).members.append(Member(name, module))
                self.values[node] = Value(value.space, _zero_rows(module) | (value.zero & _no_bias(module)))
            case nn.BatchNorm2d() | nn.BatchNorm1d() if module.running_mean is not None and module.weight is not None:
                self.root(value.space).members.append(Member(name, module))
                self.values[node] = Value(value.space, _normed(module, value.zero))
            case nn.Flatten():
                self._flatten(node, value, shape)
            case _ if isinstance(module, SAME):
                self.values[node] = value
            case _:
                self._hold([value], f"{name} needs them as they are")
                self._fresh(node, shape, f"{name} makes them")

    def _layer(self, node: fx.Node, layer: Member, value: Value) -> None:
        weight: Tensor = layer.module.weight.detach()  # type: ignore[operator]  # a tensor
        used = (weight != 0).transpose(0, 1).flatten(1).any(1).reshape(-1, value.times).any(1)
        self.root(value.space).readers.append(Reader(layer.name, layer.module, value.zero | ~used, value.times))
        space = Space(len(weight), makers=[layer])
        self.spaces.append(space)
        self.values[node] = Value(space, _zero_rows(layer.module))

    def _fresh(self, node: fx.Node, shape: Any, why: str) -> None:
        if shape is not None and len(shape) > 1:
            space = Space(shape[1], why)
            self.spaces.append(space)
            self.values[node] = Value(space, torch.zeros(shape[1], dtype=torch.bool))

    def _hold(self, values: list[Value], why: str) -> None:
        for value in values:
            self.root(value.space).held = self.root(value.space).held or why

    def _add(self, node: fx.Node, given: list[Value]) -> None:
        """Two branches become one space, whose channels are zero where both are."""
        first, second = (self.root(value.space) for value in given)
        if first is not second and first.size == second.size:
            first.makers += second.makers
            first.members += second.members
            first.readers += second.readers
            first.held = first.held or second.held
            self.stands[id(second)] = first
        elif first.size != second.size:
            self._hold(given, f"{node.name} adds different numbers of channels")
        self.values[node] = Value(first, given[0].zero & given[1].zero)

    def _flatten(self, node: fx.Node, value: Value, shape: Any) -> None:
        """Positions become features of their channel."""
        size = len(value.zero)
        if len(shape) != 2 or shape[1] % size:
            self._hold([value], f"{node.name} needs them as they are")
            self._fresh(node, shape, f"{node.name} makes them")
        else:
            self.values[node] = Value(value.space, value.zero, value.times * (shape[1] // size))


def _same(node: fx.Node) -> bool:
    return (node.op == "call_function" and node.target in SAME_FUNCTIONS) or (
        node.op == "call_method" and node.target in ("relu", "contiguous")
    )


def _flattens(node: fx.Node) -> bool:
    return node.target in (torch.flatten, "flatten") and node.args[1:] in ((1,), ())


def _no_bias(module: nn.Module) -> Tensor:
    bias = module.bias
    rows = len(module.weight)  # type: ignore[arg-type]  # a tensor
    return torch.ones(rows, dtype=torch.bool) if bias is None else (bias.detach() == 0)  # type: ignore[operator]  # a tensor


def _zero_rows(module: nn.Module) -> Tensor:
    weight: Tensor = module.weight.detach()  # type: ignore[operator]  # a tensor
    return (weight == 0).flatten(1).all(1) & _no_bias(module)


def _normed(norm: nn.BatchNorm1d | nn.BatchNorm2d, zero: Tensor) -> Tensor:
    """Which channels are zero behind a batch norm: those that it scales and shifts to nothing."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias.detach() - norm.running_mean * scale
    return ((norm.weight == 0) & (norm.bias == 0)) | (zero & (shift == 0))
