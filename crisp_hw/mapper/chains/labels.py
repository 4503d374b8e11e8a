"""Partial mappings of a chain: those of the outer levels, or of the inner ones, at one extent each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STILL, STREAMS = 1, 2  # of inner labels: nothing has moved a tile yet; its words go to MACs that hand them on


@dataclass(frozen=True)
class Labels:
    """Partial mappings, one a row.

    `extent` is what a tile spans where they end, `lanes` what their spatial loops use, `mask` the dimensions that have
    a loop in the block under way; `pj` is the energy of what they settle, `leak_pj` that of a cycle. Per tensor:
    `keeper`, the nearest outer level that keeps it (of inner levels: `STILL` where nothing has moved its tile since one
    kept it, and `STREAMS`), `free` and `shared`, the factors of temporal loops in which it stands still and of lanes
    that share its words, `apart`, what lanes do to outputs, and `standing`, the pJ that more loops in which it stands
    still divide, and `held`, how often the tiles of its keeper are not empty (of outer levels).
    `time` and `waiting` are the cycles of ports, as `pj` and `standing` are energies: float64[n, ports] and [n, ports,
    tensors]. `most` are the lanes that all levels may have together, as far as inner levels decide it.
    `path` says what was chosen: a number per keeper and spatial block, two per temporal block (order and extent).
    """

    extent: Ints
    lanes: Ints
    mask: Ints
    keeper: Ints
    free: Floats
    shared: Floats
    apart: Floats
    standing: Floats
    held: Floats
    pj: Floats
    leak_pj: Floats
    time: Floats
    waiting: Floats
    most: Floats
    path: Ints

    def __len__(self) -> int:
        return len(self.extent)

    def at(self, rows: NDArray[np.int64] | Bools) -> "Labels":
        """Some of them."""
        return Labels(*(getattr(self, each.name)[rows] for each in fields(self)))

    def then(self, number: Ints | int) -> "Labels":
        """The same with one more step in the path."""
        column = np.broadcast_to(np.asarray(number, dtype=np.int64), (len(self),))
        return replace(self, path=np.concatenate([self.path, column[:, None]], axis=1))


def first_label(extent: int, keeper: int, tensors: int, ports: int = 0) -> Labels:
    """One label without loops."""
    one, ones, none = np.ones(1, dtype=np.int64), np.ones((1, tensors)), np.zeros(1)
    kept = np.full((1, tensors), keeper, dtype=np.int64)
    nothing, path = np.zeros((1, tensors)), np.empty((1, 0), dtype=np.int64)
    time = np.zeros((1, ports)), np.zeros((1, ports, tensors))
    per_tensor = (kept, ones, ones, ones, nothing, ones)
    return Labels(extent * one, one, 0 * one, *per_tensor, none, none, *time, np.full(1, np.inf), path)


def deciding(inner: Labels) -> Floats:
    """The words at least of the tiles of leaders that one access of each tensor spans, float64[n, tensors].

    Where MACs hand words on, these are of its lanes alone, although the words stand still in loops as well.
    """
    return np.where(inner.keeper & STREAMS, inner.shared, inner.free * inner.shared)


def joined(parts: Sequence[Labels]) -> Labels:
    """All of them together."""
    return Labels(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Labels)))


def undominated(labels: Labels, more: Floats, extents: int) -> Labels:
    """Those that no other beats: at the same place with the same keepers, no more energy, and no less of `more`."""
    if len(labels) < 2:
        return labels
    key = labels.extent + extents * labels.mask
    for column in (labels.lanes, *labels.keeper.T):
        _, number = np.unique(column, return_inverse=True)
        key = key * (int(number.max()) + 1) + number
    order = np.lexsort((*more.T, -labels.pj, key))[::-1]  # of equals in energy, those with more come first
    key, more = key[order], more[order]
    fresh = np.concatenate([[True], key[1:] != key[:-1]])
    start = np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    behind = np.arange(len(key)) - start
    alive = np.ones(len(key), dtype=np.bool_)
    rows, back = np.flatnonzero(behind >= 1), 1
    while len(rows):
        beaten = (more[rows - back] >= more[rows]).all(axis=1)
        alive[rows[beaten]] = False
        back += 1
        rows = rows[~beaten & (behind[rows] >= back)]
    return labels.at(np.sort(order[alive]))
