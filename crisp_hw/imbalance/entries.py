"""Weights as processing elements store them: rows interleaved, columns one after another, gaps with fillers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.imbalance import QueuedPes

Mask = NDArray[np.bool_]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """What one PE stores, column after column, with that of the bias last.

    `counts` are the entries of every column, fillers included, and `pointers` where each column begins (and the last
    ends). Of every weight `columns` tells the column and `places` how many entries of it come before, fillers included.
    """

    counts: Int
    pointers: Int
    columns: Int
    places: Int


def streams(mask: Mask, machine: QueuedPes, bias: bool) -> Iterator[Stream]:
    """The stream of each PE, in order; `mask` is bool[rows, columns], true where a weight is not zero.

    With `bias` every row has one more weight, in a column of its own behind the others, which is there in any case.

    >>> machine = QueuedPes(pes=1, queue_slots=8, index_bits=1, line_entries=8, clock_mhz=800)
    >>> (found,) = streams(np.array([[False], [False], [False], [True]]), machine, bias=False)
    >>> found.counts.tolist(), found.places.tolist()  # three rows are skipped: one filler stands for two of them
    ([2, 0], [1])
    """
    for pe in range(machine.pes):
        yield _stream(mask[pe :: machine.pes], machine.longest_gap, bias)


def _stream(rows: Mask, longest_gap: int, bias: bool) -> Stream:
    """The stream of a PE that holds these rows, bool[own rows, columns]."""
    height, width = rows.shape
    inside = np.flatnonzero(np.ascontiguousarray(rows.T))
    columns, local = np.divmod(inside, max(1, height))
    gaps = local.copy()
    gaps[1:] -= np.where(columns[1:] == columns[:-1], local[:-1] + 1, 0)
    fillers = gaps // longest_gap
    counts = np.bincount(columns, minlength=width + 1)
    counts += np.bincount(columns, weights=fillers, minlength=width + 1).astype(np.int64)
    addresses = np.cumsum(fillers + 1) - 1
    if bias:  # every row of the PE: no gaps
        counts[width] = height
        columns = np.concatenate([columns, np.full(height, width)])
        addresses = np.concatenate([addresses, counts[:width].sum() + np.arange(height)])
    pointers = np.concatenate([[0], np.cumsum(counts)])
    return Stream(counts, pointers, columns, addresses - pointers[columns])


def line_reads(stream: Stream, order: Int, line_entries: int) -> int:
    """Lines of the weight memory that a PE reads when it processes columns in this order.

    A line is read when an entry lies in another line than the entry before it.

    >>> machine = QueuedPes(pes=1, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800)
    >>> (found,) = streams(np.ones((4, 3), bool), machine, bias=False)
    >>> line_reads(found, np.arange(3), 8), line_reads(found, np.array([1]), 8)
    (2, 1)
    """
    used = order[stream.counts[order] > 0]
    first = stream.pointers[used] // line_entries
    last = (stream.pointers[used + 1] - 1) // line_entries
    again = first[1:] == last[:-1]
    return int((last - first + 1).sum() - again.sum())
