"""Kernel maps: for every offset of a kernel, which input voxel lies there from which output voxel.

Two ways that give the same: merging sorted keys, as PointAcc does in hardware (Lin et al., MICRO 2021, section 4.1),
and a hash table, as TorchSparse does (Tang et al., MLSys 2022, section 4.4).
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from crisp_hw.points.voxels import keys_of
from crisp_hw.spec.points import Integers, KernelMap, Offset

Pairs = Callable[[Integers, Integers], "tuple[Integers, Integers]"]


def offsets_of(kernel: int) -> tuple[Offset, ...]:
    """The offsets of a kernel in lexicographic order: around the centre where it has one, else from 0 on.

    >>> len(offsets_of(3)), offsets_of(3)[0], offsets_of(2)[:2]
    (27, (-1, -1, -1), ((0, 0, 0), (0, 0, 1)))
    """
    start = -(kernel // 2) if kernel % 2 else 0
    along = range(start, start + kernel)
    return tuple(product(along, along, along))


def map_by_hash(inputs: Integers, outputs: Integers, kernel: int, stride: int = 1) -> KernelMap:
    """The map of a convolution: input = stride x output + offset, looked up in a hash table of the inputs.

    Parameters
    ----------
    inputs, outputs
        Voxels in lexicographic order, each once.
    kernel
        Its side in voxels of the input.
    stride
        Side of an output voxel in voxels of the input.

    Examples
    --------
    >>> row = np.array([[0, 0, 0], [0, 0, 1]])
    >>> map_by_hash(row, row, 3).pairs
    4
    """
    import pandas as pd  # slow to load, and only this table needs it

    table = pd.Index(keys_of(inputs))

    def pairs(wanted: Integers, _: Integers) -> tuple[Integers, Integers]:
        found = np.asarray(table.get_indexer(pd.Index(wanted)), np.int64)
        there = np.flatnonzero(found >= 0)
        return found[there], there

    return _mapped(inputs, outputs, kernel, stride, pairs)


def map_by_merge(inputs: Integers, outputs: Integers, kernel: int, stride: int = 1) -> KernelMap:
    """The same map: the keys of inputs and of shifted outputs, both sorted, are merged, and neighbours compared.

    >>> row = np.array([[0, 0, 0], [0, 0, 1]])
    >>> map_by_merge(row, row, 3).sizes == map_by_hash(row, row, 3).sizes
    True
    """
    return _mapped(inputs, outputs, kernel, stride, _merged)


def _merged(wanted: Integers, there: Integers) -> tuple[Integers, Integers]:
    """Pairs of equal keys of two sorted lists without repetitions: equal ones are neighbours in the merged list."""
    both = np.concatenate([there, wanted])
    order = np.argsort(both, kind="stable")  # a merge, because both runs are sorted; of equal keys the input is first
    same = np.flatnonzero(both[order[1:]] == both[order[:-1]])
    return order[same], order[same + 1] - len(there)


def _mapped(inputs: Integers, outputs: Integers, kernel: int, stride: int, pairs: Pairs) -> KernelMap:
    offsets = offsets_of(kernel)
    there = keys_of(inputs)
    found = [pairs(keys_of(outputs * stride + np.array(offset)), there) for offset in offsets]
    return KernelMap(offsets, tuple(a for a, _ in found), tuple(b for _, b in found), len(inputs), len(outputs))
