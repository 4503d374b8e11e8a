"""Recorded runs of PEs that take broadcast columns through queues, against `crisp_hw.imbalance`.

A case is flat: the machine (`pes`, `fifo`, `index_bits`, `line_entries`), the masks (as bits, or as a seed and two
densities), and what was counted; tests/golden/README.md describes it.
"""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.accelerators.queued import read_queued_pes
from crisp_hw.errors import InputError
from crisp_hw.imbalance.drawn import drawn_masks
from crisp_hw.imbalance.queues import matrix_vector
from crisp_hw.spec.imbalance import QueuedPes
from crisp_hw.validation.compare import Difference

Case = dict[str, Any]
Mask = NDArray[np.bool_]

MACHINE = {"pes": "pes", "fifo": "queue_slots", "index_bits": "index_bits", "line_entries": "line_entries"}
RECORDED_ON = {"pes": 64, "queue_slots": 8, "index_bits": 4, "line_entries": 8}
"""The machine of the paper. Its cases hold the packaged file; a case that departs from it changes those numbers."""
SHAPE = ("rows", "columns", "bias", "weights", "active")
WHOLE = ("cycles", "cycles_drained", "macs_at_stop", "broadcasts", "full_stalls")
PER_PE = {
    "entries": "entries",
    "busy_per_pe": "busy",
    "macs_per_pe": "macs",
    "line_reads_per_pe": "line_reads",
}
NEEDED = ("id", "family", *MACHINE, *SHAPE, *WHOLE, *PER_PE)
DRAWN = ("seed", "weight_density", "activation_density")
STORED = ("weight_mask", "activation_mask")
MOST_WEIGHTS = 2**30  # of one case, as a mask of bytes; the largest recorded one has 10^8


def is_queued(case: Case) -> bool:
    """Is it a run on PEs with queues?"""
    return "pes" in case


def missing_of(case: Case) -> list[str]:
    """The fields that such a case lacks."""
    masks = DRAWN if "seed" in case else STORED
    return [name for name in (*NEEDED, *masks) if name not in case]


def compare_queued(case: Case) -> list[Difference]:
    """Every figure that differs, of a PE or of all; each must be equal, none may be close."""
    try:
        weights, active = masks_of(case)
        run = matrix_vector(weights, active, machine_of(case), bool(case["bias"]))
    except InputError as error:
        return [Difference("input", "refused", str(error), "figures")]
    ours: dict[str, Any] = {name: getattr(run, name) for name in WHOLE}
    ours |= {name: getattr(run, field).tolist() for name, field in PER_PE.items()}
    return list(_differences(ours, case))


def _differences(ours: dict[str, Any], case: Case) -> Iterator[Difference]:
    for name, value in ours.items():
        theirs = case[name]
        if isinstance(value, list) and isinstance(theirs, list) and len(value) == len(theirs):
            pairs = enumerate(zip(value, theirs, strict=True))
            yield from (Difference(f"{name} of PE {pe}", "exact", *pair) for pe, pair in pairs if pair[0] != pair[1])
        elif value != theirs:
            yield Difference(name, "exact", value, theirs)


def machine_of(case: Case) -> QueuedPes:
    """The packaged machine, with the numbers in which the case departs from that of the paper."""
    given = {field: case[name] for name, field in MACHINE.items()}
    return replace(_packaged(), **{field: said for field, said in given.items() if said != RECORDED_ON[field]})


@cache
def _packaged() -> QueuedPes:
    return read_queued_pes()


def masks_of(case: Case) -> tuple[Mask, Mask]:
    """Where weights, bool[rows, columns], and activations, bool[columns], are not zero.

    Raises InputError where the case does not say it, or counts others than it says.
    """
    rows, columns = case["rows"], case["columns"]
    if not all(isinstance(each, int) and each > 0 for each in (rows, columns)) or rows * columns > MOST_WEIGHTS:
        raise InputError(f"a matrix of {rows} x {columns} cannot be", hint=f"give up to {MOST_WEIGHTS} weights")
    if "seed" in case:
        drawn = drawn_masks((rows, columns), case["weight_density"], case["activation_density"], case["seed"])
        weights, active = drawn.weights, drawn.active
    else:
        weights = _bits(case["weight_mask"], rows * columns).reshape(rows, columns)
        active = _bits(case["activation_mask"], columns)
    found = int(weights.sum()), int(active.sum())
    if found != (case["weights"], case["active"]):
        said = f"{case['weights']} weights and {case['active']} activations"
        raise InputError(f"the masks have {found[0]} weights and {found[1]} activations, not {said}")
    return weights, active


def _bits(text: str, size: int) -> Mask:
    """A packed mask of so many bits, in base64."""
    try:
        packed = np.frombuffer(b64decode(text, validate=True), np.uint8)
    except ValueError as error:
        raise InputError("a mask is not base64", hint="encode numpy.packbits of it") from error
    if len(packed) != -(-size // 8):
        raise InputError(f"a mask has {len(packed)} bytes where {size} bits need {-(-size // 8)}")
    return np.unpackbits(packed, count=size).astype(bool)
