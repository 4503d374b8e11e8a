"""Processing elements that do not finish together: the machine, and what a run on it counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.spec.kinds import of_kind

Counts = NDArray[np.int64]
LEAST_SLOTS = 2  # a ring is full with one slot free, so that one of a single slot takes nothing


@dataclass(frozen=True)
class Queues:
    """What an accelerator's file says of its queues; the number of PEs is that of its MACs, the clock its own.

    >>> Queues(queue_slots=8, index_bits=4, line_entries=8).machine(pes=64, clock_ghz=0.8).clock_mhz
    800.0
    """

    queue_slots: int
    index_bits: int
    line_entries: int

    def machine(self, pes: int, clock_ghz: float) -> "QueuedPes":
        """So many PEs with such queues."""
        return QueuedPes(pes, self.queue_slots, self.index_bits, self.line_entries, clock_ghz * 1e3)


@dataclass(frozen=True)
class QueuedPes:
    """Processing elements (PEs) that share the rows of a matrix, and take its columns through a queue each.

    Row r lies in PE r mod `pes`. A column is broadcast where its activation is not zero, into all queues at once.
    `queue_slots` are the slots of a queue, which is a ring: it is full with one less. A weight is stored with the
    number of rows of its PE that lie between it and the weight before, in `index_bits`; a longer gap takes fillers.
    `line_entries` weights lie in one line of the weight memory. `clock_mhz` turns cycles into time.

    >>> QueuedPes(pes=64, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800.0).microseconds(8000)
    10.0
    """

    pes: int
    queue_slots: int
    index_bits: int
    line_entries: int
    clock_mhz: float

    def __post_init__(self) -> None:
        for name, least in (("pes", 1), ("queue_slots", LEAST_SLOTS), ("index_bits", 1), ("line_entries", 1)):
            value = of_kind(name, getattr(self, name), int)
            if value < least:
                why = ": a queue is full with one slot free" if name == "queue_slots" else ""
                raise InputError(f"{name} is {value}", hint=f"give {least} or more{why}")
        if not self.clock_mhz > 0:
            raise InputError(f"clock_mhz is {self.clock_mhz}", hint="give more than 0")

    @property
    def held(self) -> int:
        """Columns that a queue holds when it is full."""
        return self.queue_slots - 1

    @property
    def longest_gap(self) -> int:
        """Rows of a PE that a weight's index can skip, plus one: a gap of so many takes a filler."""
        return 1 << self.index_bits

    def microseconds(self, cycles: float) -> float:
        """Time of so many cycles."""
        return cycles / self.clock_mhz


@dataclass(frozen=True)
class QueuedRun:
    """One matrix-vector product on such PEs; arrays have one number per PE.

    `cycles` is when the machine says that it is done, `cycles_drained` when the last result is written; the first can
    be earlier, as docs/imbalance.md says. `broadcasts` are columns sent to the PEs, which is also how often each reads
    its pointers, and `full_stalls` are cycles in which one had to wait for a full queue. `entries` are weights and
    fillers that are stored, `busy` those that are processed, `macs` the weights among these, and `line_reads` the lines
    of the weight memory that are read. `macs_at_stop` results are written by `cycles`.
    """

    cycles: int
    cycles_drained: int
    macs_at_stop: int
    broadcasts: int
    full_stalls: int
    entries: Counts
    busy: Counts
    macs: Counts
    line_reads: Counts

    @property
    def imbalance(self) -> float:
        """Cycles over those that perfectly shared work would take, fillers included."""
        mean = float(self.busy.mean())
        return self.cycles_drained / mean if mean else 1.0
