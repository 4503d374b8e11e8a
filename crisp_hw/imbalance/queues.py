"""One matrix-vector product on PEs with queues, exactly and without stepping through its cycles.

A cycle leads from one state of the machine to the next. docs/imbalance.md states the machine as rules and derives the
recurrence; a simulator that steps through the states is held against it in the tests.
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.imbalance.entries import Int, Mask, Stream, line_reads, streams
from crisp_hw.spec.imbalance import QueuedPes, QueuedRun

ENTERS = 2  # states from a push to the first entry that it lets a PE hold: the queue, then the pointer unit
WRITES = 5  # states from an entry held to its result written: SRAM, decode, multiply, add, write-back
FIRST_STOP = 9  # the state in which the machine looks for the first time whether it is done


def matrix_vector(mask: Mask, active: Mask, machine: QueuedPes, bias: bool = False) -> QueuedRun:
    """What the product of weights, bool[rows, columns], and activations, bool[columns], takes.

    >>> machine = QueuedPes(pes=2, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800)
    >>> found = matrix_vector(np.ones((4, 4), bool), np.array([True, False, True, True]), machine)
    >>> found.cycles_drained, found.macs.tolist(), found.broadcasts
    (14, [6, 6], 4)
    """
    if mask.ndim != 2 or active.shape != mask.shape[1:] or mask.dtype != np.bool_ or active.dtype != np.bool_:
        said = f"{mask.dtype}{list(mask.shape)} and {active.dtype}{list(active.shape)}"
        raise InputError(f"weights and activations are {said}", hint="give bool[rows, columns] and bool[columns]")
    order = np.append(np.flatnonzero(active), mask.shape[1])  # the bias is the last, with weights or without
    stored = [_kept(stream, order, machine) for stream in streams(mask, machine, bias)]
    counts = np.stack([each.counts for each in stored], axis=1)
    broadcast = _broadcast(order, mask.shape[1], machine, counts)
    ends = _ends(stored, broadcast)
    return QueuedRun(
        **ends,
        broadcasts=len(order),
        full_stalls=int((broadcast.pushes - broadcast.ready).sum()),
        entries=np.array([each.stored for each in stored]),
        busy=counts.sum(axis=0),
        macs=np.array([len(each.places) for each in stored]),
        line_reads=np.array([each.line_reads for each in stored]),
    )


@dataclass(frozen=True)
class _Kept:
    """What is needed of a PE's stream: entries of every broadcast column; of every weight the broadcast and place."""

    stored: int
    counts: Int
    broadcasts: Int
    places: Int
    line_reads: int


def _kept(stream: Stream, order: Int, machine: QueuedPes) -> _Kept:
    number = np.full(len(stream.counts), -1)
    number[order] = np.arange(len(order))
    broadcasts = number[stream.columns]
    seen = broadcasts >= 0
    reads = line_reads(stream, order, machine.line_entries)
    return _Kept(int(stream.pointers[-1]), stream.counts[order], broadcasts[seen], stream.places[seen], reads)


@dataclass(frozen=True)
class _Broadcast:
    """States of every broadcast: found by the scan, pushed into the queues, and first held by each PE."""

    ready: Int
    pushes: Int
    starts: Int


def _broadcast(order: Int, columns: int, machine: QueuedPes, counts: Int) -> _Broadcast:
    """The recurrence; `counts` is int[broadcasts, PEs]."""
    # inputs are scanned in rows of as many as there are PEs; the bias begins a row of its own
    behind = -(-columns // machine.pes) * machine.pes
    rows, places = np.divmod(np.where(order == columns, behind, order), machine.pes)
    # after the last input of a row the next row is there at once; after any other a state is spent to load it
    loads = np.where(np.diff(rows) == 0, 1, np.diff(rows) + (places[:-1] != machine.pes - 1))
    steps = np.concatenate([[1 + rows[0]], loads]).tolist()
    holds, held = np.maximum(counts, 1), machine.held
    starts, ready, pushes = np.empty_like(counts), [], []
    push, free = 0, np.zeros(machine.pes, np.int64)
    for k, step in enumerate(steps):
        ready.append(push + step)
        push = max(push + step, int(starts[k - held].max()) if k >= held else 0)
        pushes.append(push)
        np.maximum(free, push + ENTERS, out=starts[k])
        free = starts[k] + holds[k]
    return _Broadcast(np.array(ready), np.array(pushes), starts)


def _ends(stored: list[_Kept], broadcast: _Broadcast) -> dict[str, int]:
    """When the machine says that it is done, when it is, and what is written by the first."""
    last = int(broadcast.ready[-1]) + FIRST_STOP
    states = [broadcast.starts[each.broadcasts, pe] + each.places for pe, each in enumerate(stored)]
    last = max([last, *(int(each.max()) for each in states if len(each))])
    weights = np.zeros(last + 2, np.int64)  # held in every state, by all PEs
    for each in states:
        weights += np.bincount(each, minlength=len(weights))
    first = max(FIRST_STOP, int(broadcast.ready[-1]))
    idle = np.flatnonzero(weights[first - WRITES :] == 0)
    cycles = first + int(idle[0])
    held = np.flatnonzero(weights)
    drained = max(cycles, 1 + WRITES + int(held[-1])) if len(held) else cycles
    return {"cycles": cycles, "cycles_drained": drained, "macs_at_stop": int(weights[: cycles - WRITES + 1].sum())}
