"""Convolutions as they are: seven loops and groups, with windows that slide, stride and dilate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, inf, lcm

from crisp_hw.encode.cases import LayerEncoding
from crisp_hw.encode.shape import Gemm
from crisp_hw.spec.constraints import Constraints, Factor
from crisp_hw.spec.cores import fills_array
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.runs import dims_of

DIMS = dims_of("convolution")


@dataclass(frozen=True)
class Windows:
    """A convolution in sizes that its accelerator divides: `sizes` by dimension, the elements of a dimension that fill
    an axis of the array, and a sentence for each size that grew."""

    sizes: Mapping[str, int]
    filled: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def gemm(self) -> Gemm:
        """The matrix products that it is, for densities, which are those of weights and positions."""
        size = self.sizes
        return Gemm(
            size["G"], size["M"], size["N"] * size["P"] * size["Q"], size["C"] * size["R"] * size["S"], size["G"] > 1
        )


def sizes_of(layer: Layer) -> dict[str, int]:
    """Groups, filters of a group, channels of a group, height and width of a filter and of the output, images.

    >>> sizes_of(Layer("c", "conv2d", 8, 4, (3, 3), padding=(1, 1), groups=4, input_size=(6, 5)))
    {'G': 4, 'M': 2, 'C': 1, 'R': 3, 'S': 3, 'P': 6, 'Q': 5, 'N': 1}
    """
    height, width = layer.output_size if layer.kind == "conv2d" else (1, 1)
    rows, channels = layer.rows // layer.groups, layer.in_channels // layer.groups
    sizes = (layer.groups, rows, channels, *layer.kernel, height, width, layer.tokens)
    return dict(zip(DIMS, sizes, strict=True))


def windows(layer: Layer, form: LayerEncoding, constraints: Constraints) -> Iterator[Windows]:
    """A convolution on all of the array, and on every part of it that needs less padding."""
    own = sizes_of(layer)
    block = next((each for each in constraints.levels if fills_array(each)), None)
    axes = {dim: f.value for dim, f in block.factors.items() if f.value > 1} if block else {}
    fewest = inf
    for filled in _parts(axes, own):
        grown = {dim: _grown(size, lcm(filled.get(dim, 1), form.pads.get(dim, 1))) for dim, size in own.items()}
        found = Windows(grown, filled, tuple(_notes(own, grown, axes, filled)))
        if found.gemm.macs < fewest:  # without less padding, less of the array is never better
            fewest = found.gemm.macs
            yield found


def _parts(axes: Mapping[str, int], sizes: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """As many elements side by side as the array has room for, then fewer where that needs less padding."""
    parts: list[dict[str, int]] = [{}]
    for dim, room in axes.items():
        first = {_grown(sizes[dim], used): used for used in range(1, min(room, sizes[dim]) + 1)}  # the most of each
        best: list[int] = []
        for used in sorted(first.values(), reverse=True):
            if not best or _grown(sizes[dim], used) < _grown(sizes[dim], best[-1]):
                best.append(used)
        parts = [{**part, dim: used} for part in parts for used in best]
    yield from parts


def _grown(size: int, step: int) -> int:
    return ceil(size / step) * step


def _notes(
    own: Mapping[str, int], grown: Mapping[str, int], axes: Mapping[str, int], filled: Mapping[str, int]
) -> Iterator[str]:
    for dim, size in own.items():
        if grown[dim] > size:
            yield f"{dim} is padded from {size} to {grown[dim]}, which the array and the file divide evenly"
    for dim, room in axes.items():
        if filled[dim] < room:
            yield f"only {filled[dim]} of {room} units along {dim} are used"


def window_problem(layer: Layer, form: LayerEncoding, found: Windows) -> Problem:
    """Z[g,m,n,p,q] += A[g,m,c,r,s] x B[g,n,c, p * stride + r * dilation, q * stride + s * dilation]."""
    down = (Term("P", layer.stride[0]), Term("R", layer.dilation[0]))
    along = (Term("Q", layer.stride[1]), Term("S", layer.dilation[1]))
    real = Windows(sizes_of(layer), {}).gemm
    tensors = (
        Tensor("A", _plain("GMCRS"), density=form.weights(real, found.gemm)),
        Tensor("B", (*_plain("GNC"), down, along), density=form.activations(real, found.gemm)),
        Tensor("Z", _plain("GMNPQ"), is_output=True),
    )
    return Problem("convolution", DIMS, tuple(found.sizes[dim] for dim in DIMS), tensors)


def _plain(dims: str) -> tuple[tuple[Term, ...], ...]:
    return tuple((Term(dim),) for dim in dims)


def filled_by(constraints: Constraints, filled: Mapping[str, int]) -> Constraints:
    """The constraints with as many elements on each axis of the array as one layer has there."""
    exactly = {
        dim: Factor("=", count, "elements of the layer on an axis of the array") for dim, count in filled.items()
    }
    levels = tuple(
        replace(block, factors={**block.factors, **exactly}) if fills_array(block) else block
        for block in constraints.levels
    )
    return replace(constraints, levels=levels)
