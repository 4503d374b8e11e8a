"""Torch model -> layers as geometry, and everything that has no place among them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError
from crisp_hw.extract.leftovers import leftovers
from crisp_hw.extract.record import Call, record
from crisp_hw.spec.layer import Layer, Skipped, Workload

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Found:
    """A layer, the name of its weight in the state dict, and what the entry cannot say ("" when it says all)."""

    layer: Layer
    parameter: str
    note: str = ""


def extract(model: "nn.Module", example_input: Any) -> Workload:
    """The Conv2d and Linear layers of a model in execution order, with geometry; all else is in `skipped`.

    One forward pass with hooks, in evaluation mode and without gradients; the graph is not traced. Give one sample
    (batch 1): tokens are vectors per sample. A Linear called several times has the tokens of all calls; a Conv2d
    called again is a layer of its own, `name@2`. `nn.MultiheadAttention` gives `in_proj` and `out_proj`. Raises
    InputError when the model fails on the input or calls no Conv2d or Linear.

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
    """What `extract` finds, with the state-dict name of every weight."""
    recording = record(model, example_input)
    modules = dict(model.named_modules())
    found: dict[str, Found] = {}
    times: Counter[str] = Counter()
    for call in recording.calls:
        for entry in _layers_of(modules[call.name], call, recording.batch):
            _add(found, entry, times)
    if not found:
        raise InputError(
            f"{type(model).__name__} calls no Conv2d or Linear module on the example input",
            hint="scripted, exported and purely functional models cannot be read",
        )
    notes = tuple(Skipped(entry.layer.name, entry.note) for entry in found.values() if entry.note)
    return tuple(found.values()), notes + leftovers(modules, {call.name for call in recording.calls})


def _add(found: dict[str, Found], entry: Found, times: Counter[str]) -> None:
    """One more call: tokens of a Linear add up, a Conv2d becomes another layer."""
    name = entry.layer.name
    times[name] += 1
    if times[name] == 1:
        found[name] = entry
    elif entry.layer.kind == "linear":
        tokens = found[name].layer.tokens + entry.layer.tokens
        found[name] = replace(
            found[name], layer=replace(entry.layer, tokens=tokens), note=entry.note or found[name].note
        )
    else:
        again = f"{name}@{times[name]}"
        found[again] = replace(entry, layer=replace(entry.layer, name=again))


def _layers_of(module: "nn.Module", call: Call, batch: int) -> Iterator[Found]:
    """The layers that one call of a module runs: none, one, or the two of packed attention."""
    from torch import nn

    if isinstance(module, nn.Conv2d) and call.shapes:
        yield _conv(module, call, batch)
    elif isinstance(module, nn.Linear) and call.shapes:
        size = (module.out_features, module.in_features)
        yield _linear(call.name or "model", f"{call.name}.weight".lstrip("."), size, (call.shapes[0], batch))
    elif isinstance(module, nn.MultiheadAttention) and call.shapes:
        yield from _attention(module, call, batch)


def _linear(name: str, parameter: str, size: tuple[int, int], called: tuple[tuple[int, ...], int]) -> Found:
    """A matrix product; `size` is (out, in), `called` the input's shape and the samples in it."""
    shape, batch = called
    vectors = prod(shape[:-1])
    layer = Layer(name, "linear", *size, tokens=max(1, vectors // batch))
    if vectors % batch:
        return Found(layer, parameter, f"called on {vectors} vectors for {batch} samples; give an input of batch 1")
    return Found(layer, parameter)


def _attention(module: "nn.MultiheadAttention", call: Call, batch: int) -> Iterator[Found]:
    """The packed projection of query, key and value, and the output projection; both see the query's tokens."""
    name, width = call.name, module.embed_dim
    query, keys = call.shapes[0], call.shapes[1:2]
    if module.in_proj_weight is not None:
        entry = _linear(
            f"{name}.in_proj".lstrip("."), f"{name}.in_proj_weight".lstrip("."), (3 * width, width), (query, batch)
        )
        if keys and keys[0] != query:
            note = f"queries are {query} and keys {keys[0]}: the packed projection is counted with the queries' tokens"
            entry = replace(entry, note=note)
        yield entry
    output = f"{name}.out_proj".lstrip(".")
    yield _linear(output, f"{output}.weight", (width, width), (query, batch))


def _conv(module: "nn.Conv2d", call: Call, batch: int) -> Found:
    """A convolution; pairs are (height, width)."""
    shape = call.shapes[0]
    size, padding, note = (shape[-2], shape[-1]), _pair(module.padding), ""
    if isinstance(module.padding, str):
        spans = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        padding = _pair([span // 2 for span in spans]) if module.padding == "same" else (0, 0)
        if module.padding == "same" and any(span % 2 for span in spans):
            # PyTorch pads the far side by one more; as an input pixel more, the output has its true size.
            size = _pair([extent + span % 2 for extent, span in zip(size, spans, strict=True)])
            note = "padding 'same' of an even kernel: the odd row or column of padding is counted as input"
    images = prod(shape[:-3])
    if images != batch:
        note = f"called on {images} images for {batch} samples; one image per sample is counted"
    layer = Layer(
        call.name or "model",
        "conv2d",
        module.out_channels,
        module.in_channels,
        kernel=_pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=padding,
        dilation=_pair(module.dilation),
        groups=module.groups,
        input_size=size,
    )
    return Found(layer, f"{call.name}.weight".lstrip("."), note)


def _pair(value: Any) -> tuple[int, int]:
    """Height and width; (0, 0) for padding given as a word."""
    return (0, 0) if isinstance(value, str) else (int(value[0]), int(value[1]))
