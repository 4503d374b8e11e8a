"""Torch model -> layers as geometry, and everything that has no place among them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError
from crisp_hw.extract.called import Found, convolution_layer, product_layers, renamed
from crisp_hw.extract.leftovers import leftovers
from crisp_hw.extract.record import Call, record
from crisp_hw.io.number_kinds import check_number_kind
from crisp_hw.products.layers import in_order
from crisp_hw.spec.calls import AttentionCall, check_batch_axis, convolution_call, linear_call, packed_projections
from crisp_hw.spec.layer import Layer, Skipped, Workload
from crisp_hw.spec.wrapped import modules_of

if TYPE_CHECKING:
    from torch import nn


def extract(model: "nn.Module", example_input: Any) -> Workload:
    """Read the geometry of the matrix products of a PyTorch model, in the order of execution.

    One forward pass runs with hooks, in evaluation mode and without gradients; the graph is not traced. Products
    outside of modules are seen where PyTorch's FLOP counter sees them, whatever code calls them.

    Parameters
    ----------
    model
        Any module.
    example_input
        What the model is called with, for one sample (batch 1): a tensor, a tuple or list of arguments, or a map of
        keyword arguments.

    Returns
    -------
    Workload
        The layers, and in `skipped` everything else with a reason. `tokens` counts vectors per sample (of a Conv2d,
        images per sample). A Linear that is called several times has the tokens of all calls; a Conv2d that is called
        again is a layer of its own, `name@2`. `nn.MultiheadAttention` gives `in_proj` and `out_proj`; `in_proj` is
        three layers where queries, keys and values differ in number. Products of activations are `matmul` layers, which
        attention calls `scores` and `values`; heads that repeat keys share them. A convolution of another kind is the
        Conv2d of the same products.

    Raises
    ------
    InputError
        When the model fails on the input, or multiplies no matrices.

    Examples
    --------
    >>> from torch import nn, zeros
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 10))
    >>> network = extract(model, zeros(1, 3, 4, 4))
    >>> [(layer.name, layer.macs) for layer in network.layers], network.skipped[0].name
    ([('0', 864), ('3', 320)], '1')
    """
    found, skipped = find_layers(model, example_input)
    source = f"forward hooks on {type(model).__module__}.{type(model).__qualname__}"
    return Workload(type(model).__name__, tuple(entry.layer for entry in found), skipped, source)


def find_layers(model: "nn.Module", example_input: Any) -> tuple[tuple[Found, ...], tuple[Skipped, ...]]:
    """Find the layers that `extract` reads, with the state-dict name of every weight, and what is skipped."""
    recording = record(model, example_input)
    modules = modules_of(model)
    found: dict[str, Found] = {}
    times: Counter[str] = Counter()
    for each in in_order(len(recording.calls), recording.products):
        if isinstance(each, int):
            call = recording.calls[each]
            for entry in _layers_of(modules[call.name], call, recording.batch):
                _add(found, entry, times)
        else:
            _add(found, product_layers(each, recording.batch), times)
    if not found:
        raise InputError(
            f"{type(model).__name__} multiplies no matrices on the example input",
            hint="scripted and exported models cannot be read",
        )
    notes = tuple(Skipped(entry.layer.name, entry.note) for entry in found.values() if entry.note)
    return tuple(found.values()), notes + leftovers(
        modules, {call.name for call in recording.calls}, {entry.parameter for entry in found.values()}
    )


def _add(found: dict[str, Found], entry: Found, times: Counter[str]) -> None:
    """One more call: tokens of a Linear add up, a Conv2d becomes another layer."""
    name = entry.layer.name
    times[name] += 1
    if times[name] == 1:
        found[name] = entry
    elif entry.layer.kind == "linear" and _same(entry, found[name]):
        tokens = found[name].layer.tokens + entry.layer.tokens
        found[name] = replace(
            found[name], layer=replace(entry.layer, tokens=tokens), note=entry.note or found[name].note
        )
    else:
        again = f"{name}@{times[name]}"
        found[again] = renamed(entry, again)


def _same(entry: Found, before: Found) -> bool:
    """The same weight, all of it."""
    sizes = [(each.parameter, each.layer.rows, each.layer.columns) for each in (entry, before)]
    return sizes[0] == sizes[1]


def _layers_of(module: "nn.Module", call: Call, batch: int) -> Iterator[Found]:
    """The layers that one call of a module runs: none, one, or those of attention."""
    from torch import nn

    if not call.shapes:
        return
    weight = getattr(module, "weight", None)
    if weight is not None and weight.is_complex():
        check_number_kind(f"{call.name}.weight".lstrip("."), str(weight.dtype).removeprefix("torch."))
    if isinstance(module, nn.Conv2d):
        counted = convolution_call(_conv(call.name or "model", module), call.shapes[0], call.output, batch)
        yield Found(counted.layer, f"{call.name}.weight".lstrip("."), counted.note)
    elif isinstance(module, nn.modules.conv._ConvNd):
        yield convolution_layer(call.name, module, (call.shapes[0], call.output), batch)
    elif isinstance(module, nn.Linear):
        layer = Layer(call.name or "model", "linear", module.out_features, module.in_features)
        counted = linear_call(layer, call.shapes[0], batch)
        yield Found(counted.layer, f"{call.name}.weight".lstrip("."), counted.note)
    elif isinstance(module, nn.MultiheadAttention):
        yield from _attention(module, call, batch)


def _attention(module: "nn.MultiheadAttention", call: Call, batch: int) -> Iterator[Found]:
    """The projections of query, key and value, packed or not, and that of the output, which has the query's tokens."""
    shapes = (*call.shapes, *[call.shapes[0]] * (3 - len(call.shapes)))
    attention = AttentionCall(shapes[0], shapes[1], shapes[2], module.batch_first)
    check_batch_axis(call.name or "model", attention, batch)
    width, prefix = module.embed_dim, f"{call.name}." if call.name else ""
    if module._qkv_same_embed_dim:
        packed = packed_projections(Layer(f"{prefix}in_proj", "linear", 3 * width, width), attention, batch)
        for place, counted in enumerate(packed):
            yield Found(counted.layer, f"{prefix}in_proj_weight", counted.note, (place, len(packed)))
    else:
        features = zip(("q_proj", "k_proj", "v_proj"), (width, module.kdim, module.vdim), shapes, strict=True)
        for name, columns, shape in features:
            counted = linear_call(Layer(f"{prefix}{name}", "linear", width, columns), shape, batch)
            yield Found(counted.layer, f"{prefix}{name}_weight", counted.note)
    counted = linear_call(Layer(f"{prefix}out_proj", "linear", width, width), shapes[0], batch)
    yield Found(counted.layer, f"{prefix}out_proj.weight", counted.note)


def _conv(name: str, module: "nn.Conv2d") -> Layer:
    """A convolution without the size of its input; pairs are (height, width)."""
    padding = _pair(module.padding)
    if module.padding == "same":
        spans = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        padding = _pair([span // 2 for span in spans])
    return Layer(
        name,
        "conv2d",
        module.out_channels,
        module.in_channels,
        kernel=_pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=padding,
        dilation=_pair(module.dilation),
        groups=module.groups,
    )


def _pair(value: Any) -> tuple[int, int]:
    """Height and width; (0, 0) for padding given as a word."""
    return (0, 0) if isinstance(value, str) else (int(value[0]), int(value[1]))
