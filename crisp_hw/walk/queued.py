"""PEs that take broadcast columns through queues, state by state, on integers.

docs/imbalance.md states the rules of the machine. All units act on what the state before left.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.imbalance import QueuedPes

Integers = NDArray[np.int64]
WRITE_LATENCY = 5  # states from an entry held to its result written: SRAM, decode, multiply, add, write-back
FIRST_STOP = 9  # the first state in which the machine looks whether it is done


@dataclass(frozen=True)
class Entry:
    """A stored weight: its place in the codebook (0 is a filler), and how many rows of its PE it skips."""

    code: int
    skip: int


@dataclass(frozen=True)
class Sent:
    """A column on its way to the PEs, with its activation."""

    column: int
    activation: int


@dataclass
class Pe:
    """One PE: entries of every column and their addresses, a queue, the column that it holds, results and counts."""

    memory: list[list[Entry]]
    results: list[int]
    queue: deque[Sent] = field(default_factory=deque)
    held: Sent | None = None
    place: int = 0
    row: int = -1
    line: int = -1
    busy: int = 0
    macs: int = 0
    line_reads: int = 0

    def process(self, codebook: list[int], line_entries: int) -> bool:
        """Work on the entry that is held; was it a weight, whose result will be written?"""
        if self.held is None or not self.memory[self.held.column]:
            return False
        entry = self.memory[self.held.column][self.place]
        line = (sum(map(len, self.memory[: self.held.column])) + self.place) // line_entries
        self.line_reads += line != self.line
        self.line, self.busy, self.row = line, self.busy + 1, self.row + entry.skip + 1
        if entry.code == 0:
            return False
        self.results[self.row] += codebook[entry.code] * self.held.activation
        self.macs += 1
        return True

    def go_on(self) -> None:
        """Hold the next entry of the column; behind its last one, or with none, the head of the queue."""
        if self.held is not None and self.place + 1 < len(self.memory[self.held.column]):
            self.place += 1
            return
        self.held, self.place, self.row = self.queue.popleft() if self.queue else None, 0, -1


@dataclass
class Scan:
    """The register in which inputs that are not zero are found: one row of it at a time, the bias in the last."""

    rows: list[list[int]]
    row: int = 0
    last: int = -1

    def at_the_bias(self) -> bool:
        """Has the last row been loaded?"""
        return self.row >= len(self.rows) - 1

    def next_input(self) -> Sent | None:
        """The next input of the row in the register."""
        row = self.rows[self.row] if self.row < len(self.rows) else []
        at = next((each for each in range(self.last + 1, len(row)) if row[each]), None)
        return None if at is None else Sent(self.row * len(row) + at, row[at])

    def load(self) -> None:
        """The next row."""
        self.row, self.last = self.row + 1, -1

    def go_on(self, sent: Sent) -> None:
        """Behind an input that was broadcast; the last position of a row loads the next row at once."""
        self.last = sent.column % len(self.rows[0])
        if self.last == len(self.rows[0]) - 1:
            self.load()


@dataclass(frozen=True)
class Walked:
    """The product, and what was counted on the way, under the names of `spec.imbalance.QueuedRun`."""

    product: Integers
    cycles: int
    cycles_drained: int
    macs_at_stop: int
    broadcasts: int
    full_stalls: int
    pes: tuple[Pe, ...]


def encoded(rows: Integers, codes: dict[int, int], index_bits: int) -> list[list[Entry]]:
    """The rows of one PE, column by column; a gap of 2^b rows or more takes fillers.

    >>> encoded(np.array([[0], [0], [0], [7]]), {7: 1}, 1)
    [[Entry(code=0, skip=1), Entry(code=1, skip=1)]]
    """
    columns = []
    for values in rows.T.tolist():
        entries, gap = [], 0
        for value in values:
            while value and gap >= 2**index_bits:
                entries.append(Entry(0, 2**index_bits - 1))
                gap -= 2**index_bits
            if value:
                entries.append(Entry(codes[value], gap))
            gap = 0 if value else gap + 1
        columns.append(entries)
    return columns


def matrix_vector(weights: Integers, activations: Integers, machine: QueuedPes, bias: Integers | None = None) -> Walked:
    """The product of int[rows, columns] and int[columns], plus int[rows], with every state of the machine.

    >>> machine = QueuedPes(pes=2, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800)
    >>> matrix_vector(np.array([[1, 2], [0, 3]]), np.array([5, 7]), machine).product.tolist()
    [19, 21]
    """
    scan, padded = _scanned(weights, activations, machine.pes, bias)
    codebook = sorted({0, *padded.ravel().tolist()}, key=lambda value: (value != 0, value))
    codes = {value: code for code, value in enumerate(codebook)}
    pes = tuple(_pe(padded[each :: machine.pes], codes, machine) for each in range(machine.pes))
    writes: Counter[int] = Counter()  # results written in every state
    broadcasts = stalls = cycles = 0
    for state in count(1):
        if not cycles and state >= FIRST_STOP and scan.at_the_bias() and not writes[state]:
            cycles = state
        full = any(len(pe.queue) == machine.held for pe in pes)
        sent = scan.next_input()
        for pe in pes:
            writes[state + WRITE_LATENCY] += pe.process(codebook, machine.line_entries)
            pe.go_on()
        if sent is None:
            scan.load()
        elif full:
            stalls += 1
        else:
            broadcasts += 1
            scan.go_on(sent)
            for pe in pes:
                pe.queue.append(sent)
        if cycles and not any(pe.held or pe.queue for pe in pes) and scan.row >= len(scan.rows):
            break
    drained = max(cycles, *(state + 1 for state, many in writes.items() if many), 0)
    product = np.zeros(len(weights), np.int64)
    for first, pe in enumerate(pes):
        product[first :: machine.pes] = pe.results
    at_stop = sum(many for state, many in writes.items() if state <= cycles)
    return Walked(product, cycles, drained, at_stop, broadcasts, stalls, pes)


def _scanned(weights: Integers, activations: Integers, pes: int, bias: Integers | None) -> tuple[Scan, Integers]:
    """Inputs in rows of one position per PE, and the weights with a column for every position: the bias is the last."""
    width = -(-len(activations) // pes) * pes
    inputs = np.zeros(width, np.int64)
    inputs[: len(activations)] = activations
    padded = np.zeros((len(weights), width + 1), np.int64)
    padded[:, : len(activations)] = weights
    padded[:, width] = 0 if bias is None else bias
    return Scan([*inputs.reshape(-1, pes).tolist(), [1] + [0] * (pes - 1)]), padded


def _pe(rows: Integers, codes: dict[int, int], machine: QueuedPes) -> Pe:
    return Pe(encoded(rows, codes, machine.index_bits), [0] * len(rows))
