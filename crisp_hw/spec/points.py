"""Sparse convolutions over points: voxels, which pairs of them a kernel joins, and how kernels are grouped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Offset = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class KernelMap:
    """Which input voxel meets which weight matrix for which output voxel.

    `inputs[k]` and `outputs[k]` are row numbers of voxels, pair by pair in the order of outputs, joined by the weights
    of `offsets[k]`. There are `input_voxels` and `output_voxels` in all.
    """

    offsets: tuple[Offset, ...]
    inputs: tuple[Integers, ...]
    outputs: tuple[Integers, ...]
    input_voxels: int
    output_voxels: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Pairs of every offset: the rows of its matrix product."""
        return tuple(len(each) for each in self.inputs)

    @property
    def pairs(self) -> int:
        """Pairs of all offsets."""
        return sum(self.sizes)

    @property
    def swapped(self) -> "KernelMap":
        """The map of the transposed convolution, which goes back from the outputs to the inputs."""
        return KernelMap(self.offsets, self.outputs, self.inputs, self.output_voxels, self.input_voxels)


@dataclass(frozen=True)
class KernelGroup:
    """Matrix products that run together: `offsets` by their number, and the rows of each, padding included.

    `batched` products have equally many rows, the largest number of pairs among them; others run one after another.
    `gathered` is False where inputs and outputs are the same voxels in the same order, so that nothing is collected.
    """

    offsets: tuple[int, ...]
    rows: tuple[int, ...]
    batched: bool = True
    gathered: bool = True

    @property
    def kernels(self) -> int:
        """Launches of matrix products."""
        return 1 if self.batched else len(self.offsets)


@dataclass(frozen=True)
class PointConvolution:
    """One convolution of a network over points; `kernel` and `stride` along every axis, in voxels of its input.

    A `transposed` one goes back to the voxels from which an earlier one of the same kernel and stride came.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: int = 3
    stride: int = 1
    transposed: bool = False


@dataclass(frozen=True)
class PointTraffic:
    """Words that collecting inputs and adding up outputs move at the outermost level, besides the matrix products."""

    gather_read: int
    gather_write: int
    scatter_read: int
    scatter_write: int

    @property
    def read(self) -> int:
        """Words read."""
        return self.gather_read + self.scatter_read

    @property
    def written(self) -> int:
        """Words written."""
        return self.gather_write + self.scatter_write


@dataclass(frozen=True)
class PointLayer:
    """A convolution with its map and groups, and the words that move for them."""

    convolution: PointConvolution
    map: KernelMap
    groups: tuple[KernelGroup, ...]
    traffic: PointTraffic

    @property
    def kernels(self) -> int:
        """Launches of matrix products."""
        return sum(group.kernels for group in self.groups)

    @property
    def rows(self) -> int:
        """Rows of all matrix products, padding included."""
        return sum(sum(group.rows) for group in self.groups)

    @property
    def padding(self) -> float:
        """Rows that are padding, per pair."""
        return self.rows / self.map.pairs - 1 if self.map.pairs else 0.0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the pairs, without padding."""
        return self.map.pairs * self.convolution.in_channels * self.convolution.out_channels


@dataclass(frozen=True)
class TrafficCost:
    """Cycles and energy in pJ of gather and scatter on one accelerator."""

    cycles: int
    energy_pj: float
