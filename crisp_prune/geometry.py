"""What each layer was called with: one forward pass with hooks, no tracing of the graph."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from crisp_hw.products.product import Product
from crisp_hw.products.recorded import recorded_products
from crisp_hw.spec.calls import (
    AttentionCall,
    Counted,
    Extent,
    Shape,
    check_batch_axis,
    convolution_call,
    linear_call,
    packed_projections,
    samples_in,
)
from crisp_hw.spec.convolutions import Convolution, as_conv2d
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.wrapped import module_of, plain_name
from crisp_prune.batches import count_left
from crisp_prune.ends import watched_end
from crisp_prune.followers import watched_norms
from crisp_prune.matrix import to_matrix
from crisp_prune.nesting import named
from crisp_prune.reads import uncompiled, watched
from crisp_prune.sites import Site, Use, weight_of

ARGUMENT = {"in_proj_weight": 0, "q_proj_weight": 0, "k_proj_weight": 1, "v_proj_weight": 2}
"""Which argument of nn.MultiheadAttention each projection of it reads."""
NOT_EXPORTED = "that product is not exported"


@dataclass(frozen=True)
class Call:
    """One call of a layer in a forward pass: the place, and the shape of its input with the batch.

    `others` are the key's and the value's shapes where the place is in an attention layer (`shape` is the query's);
    `output` is the shape of what came out, empty where it was not one tensor.
    """

    use: str
    shape: Shape
    others: tuple[Shape, ...] = ()
    output: Shape = ()


@dataclass(frozen=True)
class Geometry:
    """The calls of one forward pass in execution order, over `batch` samples.

    `obstacles` says for layers by name why a mask on their weight would not be one on what is multiplied. `products`
    are those of two activations, such as attention's; None where whoever wrote the geometry did not look for them.
    `headless` says that the last layer is no classifier (`ends`); `norms` are the batch norms behind layers by name;
    `outside` says why products with a weight that are no call of a layer are not exported.
    """

    calls: tuple[Call, ...]
    batch: int
    obstacles: Mapping[str, str] = field(default_factory=dict)
    products: tuple[Product, ...] | None = None
    headless: bool = False
    norms: Mapping[str, str] = field(default_factory=dict)
    outside: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the places called, each once, by first call."""
        return tuple(dict.fromkeys(call.use for call in self.calls))


def samples_of(batch: Any, listed: bool = False) -> int:
    """The samples of a batch or of a tuple of arguments; see `crisp_hw.spec.calls.samples_in`.

    >>> samples_of({"x": torch.zeros(2, 3), "y": torch.zeros(2)})
    2
    """
    return samples_in(_extents(batch), listed)


def samples_left(batch: Any, counted: int | None, classes: Collection[int]) -> int:
    """The samples of a batch of which the user counted so many, after it was narrowed to classes.

    >>> samples_left((torch.zeros(2, 3), torch.zeros(2, dtype=torch.long)), 5, (0,))
    2
    """
    return count_left(batch, counted, classes) or samples_of(batch, listed=True)


def _extents(value: Any) -> Any:
    """The same nesting with the shape of each tensor."""
    match value:
        case Tensor():
            return Extent(tuple(value.shape))
        case list() | tuple():
            return [_extents(item) for item in value]
    inside = named(value)
    return {key: _extents(item) for key, item in inside.items()} if inside else value


def record(model: nn.Module, sites: tuple[Site, ...], run: Callable[[], object], batch: int) -> Geometry:
    """Geometry of the calls that `run()` makes, in evaluation mode and without gradients; hooks and modes are undone.

    `run` must call the model once on `batch` samples. InputError when the calls contradict that number.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3))
    >>> from crisp_prune.sites import find_sites
    >>> record(model, find_sites(model), lambda: model(torch.zeros(2, 3, 6, 6)), batch=2).calls
    (Call(use='0', shape=(2, 3, 6, 6), others=(), output=(2, 8, 4, 4)),)
    """
    calls: list[Call] = []
    handles = []
    for site in sites:
        for use in site.uses:
            module, recorder = module_of(model, use.caller), _Recorder(use, calls)
            handles.append(module.register_forward_pre_hook(recorder.enter, with_kwargs=True))
            handles.append(module.register_forward_hook(recorder.leave, always_call=True))
    try:
        with (
            evaluation(model),
            torch.no_grad(),
            uncompiled(),
            watched(model, sites) as obstacles,
            recorded_products(model, calls) as found,
            watched_end(model, calls) as end,
            watched_norms(model, [use.name for site in sites for use in site.uses]) as norms,
        ):
            run()
    finally:
        for handle in handles:
            handle.remove()
    places = {use.name: site for site in sites for use in site.uses}
    for call in calls:
        layers_of(model, places[call.use], call, batch)
    products = tuple(each for each in found if each.of_activations)
    maps = frozenset(use for use, site in places.items() if site.kind == "conv2d")
    outside = _outside(model, sites, found)
    return Geometry(tuple(calls), batch, dict(obstacles), products, end.headless(maps), dict(norms), outside)


def _outside(model: nn.Module, sites: tuple[Site, ...], products: Sequence[Product]) -> dict[str, str]:
    """Products with a weight that are no call of a layer, and why none of the layers that are exported is theirs.

    Parameters that are no layer's are named by `sites.unsupported`, and stacked ones are multiplied by the user's code.
    """
    places = {use.parameter: site for site in sites for use in site.uses}
    others = {plain_name(name) for name, value in model.named_parameters() if value.ndim > 1} - places.keys()
    found: dict[str, str] = {}
    for each in products:
        where, parameter = each.module or "the model itself", each.origin.parameter if each.origin else ""
        site = places.get(parameter)
        if each.of_activations or parameter in others or (site and site.layout == "stacked"):
            continue
        if site is not None:
            if each.module not in {name for use in site.uses for name in (use.owner, use.caller)}:
                found[f"{site.name} in {where}"] = f"its weight is multiplied outside of the layer: {NOT_EXPORTED}"
        elif parameter:
            found[f"{parameter} in {where}"] = f"it is multiplied outside of any layer: {NOT_EXPORTED}"
        else:
            found[f"convolution in {where}"] = f"its weight is computed: {NOT_EXPORTED}"
    return found


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for the whole model, each module's own mode restored afterwards.

    >>> layer = nn.Dropout()
    >>> with evaluation(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


class _Recorder:
    """The pair of hooks that notes the calls of one place."""

    def __init__(self, use: Use, calls: list[Call]) -> None:
        self.use, self.calls, self.open = use, calls, list[int]()

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the call: the shapes of its input."""
        names = ("query", "key", "value") if isinstance(module, nn.MultiheadAttention) else ("input",)
        given = [args[place] if place < len(args) else kwargs.get(name) for place, name in enumerate(names)]
        given = given if isinstance(given[0], Tensor) else [*args, *kwargs.values()]
        shapes = [tuple(value.shape) for value in given if isinstance(value, Tensor)][: len(names)]
        self.open.append(len(self.calls))
        if shapes:
            self.calls.append(Call(self.use.name, shapes[0], tuple(shapes[1:])))

    def leave(self, module: nn.Module, args: Any, output: Any) -> None:
        """After the call: the shape of its output."""
        place = self.open.pop()
        if place < len(self.calls) and isinstance(output, Tensor):
            call = self.calls[place]
            self.calls[place] = Call(call.use, call.shape, call.others, tuple(output.shape))


def layers_of(model: nn.Module, site: Site, call: Call, batch: int) -> tuple[Counted, ...]:
    """The layers that one call stands for, in the order of the weight's rows: one, or three of packed attention.

    Stacked weights of experts give none: their router decides how many vectors each of them sees.

    >>> from crisp_prune.sites import find_sites
    >>> model = nn.Sequential(nn.Linear(8, 4))
    >>> layers_of(model, find_sites(model)[0], Call("0", (2, 5, 8)), batch=2)[0].layer.tokens
    5
    """
    use = next(use for use in site.uses if use.name == call.use)
    module = module_of(model, use.owner)
    if site.layout == "stacked":
        return ()
    if isinstance(module, nn.Conv2d):
        return (convolution_call(_conv(call.use, module), call.shape, call.output, batch),)
    if isinstance(module, nn.Conv1d | nn.Conv3d | _ConvTransposeNd):
        return (as_conv2d(_convolution(call.use, module), call.shape, call.output, batch),)
    layer = Layer(call.use, "linear", *to_matrix(weight_of(model, use), site.layout).shape)
    caller = module_of(model, use.caller)
    if not isinstance(caller, nn.MultiheadAttention):
        return (linear_call(layer, call.shape, batch),)
    shapes = (call.shape, *call.others, *[call.shape] * (2 - len(call.others)))
    attention = AttentionCall(shapes[0], shapes[1], shapes[2], caller.batch_first)
    if use.attribute == "in_proj_weight":
        return packed_projections(layer, attention, batch)
    check_batch_axis(layer.name, attention, batch)
    return (linear_call(layer, shapes[ARGUMENT.get(use.attribute, 0)], batch),)


def _conv(name: str, conv: nn.Conv2d) -> Layer:
    """A Conv2d without the size of its input."""
    kernel, dilation = _pair(conv.kernel_size), _pair(conv.dilation)
    match conv.padding:
        case "valid":
            padding = (0, 0)
        case "same":
            padding = (dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2)
        case sizes:
            padding = _pair(sizes)
    return Layer(
        name,
        "conv2d",
        conv.out_channels,
        conv.in_channels,
        kernel=kernel,
        stride=_pair(conv.stride),
        padding=padding,
        dilation=dilation,
        groups=conv.groups,
    )


def _convolution(name: str, conv: nn.Conv1d | nn.Conv3d | _ConvTransposeNd) -> Convolution:
    """A convolution of one or three axes, or a transposed one."""
    kernel, dilation = tuple(conv.kernel_size), tuple(conv.dilation)
    match conv.padding:
        case "valid":
            padding: tuple[int, ...] = (0,) * len(kernel)
        case "same":
            padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
        case sizes:
            padding = tuple(int(size) for size in sizes)
    channels = conv.out_channels, conv.in_channels
    return Convolution(name, *channels, kernel, tuple(conv.stride), padding, dilation, conv.groups, conv.transposed)


def _pair(value: Any) -> tuple[int, int]:
    """Height and width as two plain integers."""
    return int(value[0]), int(value[1])
