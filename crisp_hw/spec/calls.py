"""How a call of a layer in a recorded forward pass is counted: samples, images, input vectors; one rule for all.

Shapes come from whoever records (`crisp_prune.geometry`, `crisp_hw.extract`); nothing here knows tensors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.spec.layer import Layer

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Extent:
    """The shape of one tensor inside nested arguments."""

    shape: Shape


@dataclass(frozen=True)
class Counted:
    """A layer as one call of it uses it, for one sample; `note` says what the numbers cannot ("" when nothing)."""

    layer: Layer
    note: str = ""


def samples_in(arguments: Any, listed: bool = False) -> int:
    """The samples of a batch: the first axis of its tensors, or the length of a list that holds one tensor a sample.

    Parameters
    ----------
    arguments
        Nested lists, tuples and maps of `Extent`; everything else in them counts as no tensor.
    listed
        Whether the outermost list may itself be a list of samples (three or more tensors of one shape).

    Raises InputError when there is no tensor, or when the shapes allow two answers.

    Examples
    --------
    >>> samples_in([Extent((8, 3, 16, 16)), Extent((8,))])
    8
    >>> samples_in([[Extent((3, 16, 16)), Extent((3, 12, 16))]])
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: the batch could hold 2 samples or 3; say how many with batch_size=
    """
    whole = [arguments] if isinstance(arguments, Extent) else _members(arguments)
    opened = _opened(whole)
    direct = [member for member in opened if isinstance(member, Extent) and member.shape]
    choices = {extent.shape[0] for extent in direct}
    if listed and len(direct) == len(whole) > 2 and len({extent.shape for extent in direct}) == 1:
        choices |= {len(whole)}
    lists = [_lengths(member) for member in opened if _all_extents(member) and not isinstance(member, Extent)]
    if not direct and lists:
        choices = set.intersection(*lists) or set.union(*lists)
    found = choices - {1} or choices
    if not found:
        raise InputError("the batch holds no tensor with a batch axis", hint="say how many with batch_size=")
    if len(found) > 1:
        said = " samples or ".join(str(size) for size in sorted(found))
        raise InputError(f"the batch could hold {said}", hint="say how many with batch_size=")
    return found.pop()


def _lengths(value: Any) -> set[int]:
    """The samples that a list could hold: its length, and the first axis of its tensors where they have one in common.

    Maps in a list describe one sample each.
    """
    firsts = {extent.shape[0] for extent in _all_extents(value)}
    described = any(isinstance(member, Mapping) for member in _members(value))
    return {len(_members(value))} | (firsts if len(firsts) == 1 and not described else set())


def _members(value: Any) -> list[Any]:
    """What a list, a tuple or a map holds."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _opened(members: Sequence[Any]) -> list[Any]:
    """The members with every map replaced by its values: a map names its tensors, a list may number samples."""
    return [
        one for member in members for one in (_opened(_members(member)) if isinstance(member, Mapping) else [member])
    ]


def _all_extents(value: Any) -> list[Extent]:
    """Every tensor with an axis inside of nested lists and maps."""
    if isinstance(value, Extent):
        return [value] if value.shape else []
    return [extent for member in _members(value) for extent in _all_extents(member)]


def linear_call(layer: Layer, inputs: Shape, samples: int) -> Counted:
    """A Linear layer applied to `inputs` (..., features): its tokens are the input vectors of one sample.

    Examples
    --------
    >>> linear_call(Layer("fc", "linear", 4, 8), (2, 5, 8), samples=2).layer.tokens
    5
    """
    tokens, note = _per_sample(prod(inputs[:-1]), samples, "vectors")
    return Counted(replace(layer, tokens=tokens), note)


def convolution_call(layer: Layer, inputs: Shape, output: Shape, samples: int) -> Counted:
    """A Conv2d applied to `inputs` (..., channels, height, width) that gave `output`.

    Its tokens are the images of one sample (frames or crops folded into the batch count). Where the code pads in a
    way of its own, or by an odd number of pixels, the input size is the one that gives the output's true size.

    Examples
    --------
    >>> conv = Layer("c", "conv2d", 16, 3, kernel=(3, 3), padding=(1, 1))
    >>> convolution_call(conv, (16, 3, 8, 8), (16, 16, 8, 8), samples=2).layer.positions
    512
    """
    tokens, note = _per_sample(prod(inputs[:-3]), samples, "images")
    counted = replace(layer, tokens=tokens, input_size=(inputs[-2], inputs[-1]))
    if output and counted.output_size != output[-2:]:
        note = note or "its output is not the size that its padding gives: the input is counted with the pixels missing"
        counted = replace(counted, input_size=_input_for(counted, output))
    return Counted(counted, note)


def _input_for(layer: Layer, output: Shape) -> tuple[int, int]:
    """The smallest input that gives the output's height and width."""
    sizes = zip(output[-2:], layer.kernel, layer.stride, layer.padding, layer.dilation, strict=True)
    height, width = ((o - 1) * s + d * (k - 1) + 1 - 2 * p for o, k, s, p, d in sizes)
    return height, width


@dataclass(frozen=True)
class AttentionCall:
    """One call of nn.MultiheadAttention: shapes of query, key and value, and whether the batch is their first axis."""

    query: Shape
    key: Shape
    value: Shape
    batch_first: bool


def packed_projections(layer: Layer, call: AttentionCall, samples: int) -> tuple[Counted, ...]:
    """The packed projection of query, key and value: one layer, or three when their tokens differ.

    `layer` has the rows of all three; those of the query come first, then those of the key, then the value's.

    Raises
    ------
    InputError
        When the axis that holds the batch contradicts the number of samples.

    Examples
    --------
    >>> call = AttentionCall((2, 1, 64), (2, 100, 64), (2, 100, 64), batch_first=True)
    >>> [(each.layer.name, each.layer.macs) for each in packed_projections(Layer("in", "linear", 192, 64), call, 2)]
    [('in.q_proj', 4096), ('in.k_proj', 409600), ('in.v_proj', 409600)]
    """
    check_batch_axis(layer.name, call, samples)
    shapes = (call.query, call.key, call.value)
    if len({prod(shape[:-1]) for shape in shapes}) == 1:
        return (linear_call(layer, call.query, samples),)
    third = replace(layer, out_channels=layer.out_channels // 3)
    names = ("q_proj", "k_proj", "v_proj")
    return tuple(
        linear_call(replace(third, name=f"{layer.name}.{name}"), shape, samples)
        for name, shape in zip(names, shapes, strict=True)
    )


def check_batch_axis(name: str, call: AttentionCall, samples: int) -> None:
    """Refuse an attention layer whose batch axis does not fit the samples: exchanged with the sequence, or missing."""
    if len(call.query) == 3:
        batch, other = (call.query[0], call.query[1]) if call.batch_first else (call.query[1], call.query[0])
    else:
        batch, other = 1, 0
    if batch % samples or (other == samples != batch):
        raise InputError(
            f"{name} is called on {batch} sequences (shape {call.query}) for a batch of {samples} samples",
            hint="give batches whose first axis is the batch, or say how many samples with batch_size=",
        )


def _per_sample(count: int, samples: int, kind: str) -> tuple[int, str]:
    """Vectors or images of one sample; all of them, and a note, when they are no whole number each."""
    if count % samples:
        return count, f"called on {count} {kind} for {samples} samples, no whole number each; all are counted"
    return max(1, count // samples), ""
