"""A layer on MACs with queues: from its mask, or from one that is drawn where it has none."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.imbalance.drawn import drawn_masks
from crisp_hw.imbalance.entries import Mask
from crisp_hw.imbalance.queues import matrix_vector
from crisp_hw.spec.imbalance import QueuedPes

SEED = 0  # of whatever has to be drawn: any number would do, and the same one gives the same cycles again
MOST_WEIGHTS = 2**30  # of a layer, as a mask of bytes
ROWS_ALIKE = 16  # scan rows of a full matrix that are run; the others take what one more takes


@dataclass(frozen=True)
class Waiting:
    """Cycles of a layer with all waiting, the share of entries that are fillers, and what had to be assumed."""

    cycles: int
    fillers: float
    assumed: str


@dataclass(frozen=True)
class Product:
    """A matrix of so many weights times so many vectors, of whose inputs a share is not zero."""

    rows: int
    columns: int
    vectors: int
    weight_share: float
    input_share: float


def waiting(product: Product, mask: Mask | None, machine: QueuedPes) -> Waiting:
    """What a layer takes; `mask` is bool[rows, columns], None where nothing says where its weights are.

    Every vector takes as long as the first.

    >>> machine = QueuedPes(pes=2, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800)
    >>> waiting(Product(4, 4, 1, 1.0, 1.0), np.ones((4, 4), bool), machine).cycles
    16
    """
    if product.rows * product.columns > MOST_WEIGHTS:
        said = f"{product.rows} x {product.columns} weights are more than are counted one by one"
        raise InputError(said, hint=f"split the layer, or take one of up to {MOST_WEIGHTS:,} weights")
    shape = product.rows, product.columns
    drawn = drawn_masks(
        shape if mask is None else (0, product.columns), product.weight_share, product.input_share, SEED
    )
    run = matrix_vector(drawn.weights if mask is None else mask, drawn.active, machine)
    entries = int(run.busy.sum())
    fillers = 1 - int(run.macs.sum()) / entries if entries else 0.0
    return Waiting(run.cycles_drained * product.vectors, fillers, _assumed(product, mask))


def _assumed(product: Product, mask: Mask | None) -> str:
    said = "cycles are counted MAC by MAC, waiting included, from the layer's mask"
    if mask is None:
        said = (
            f"cycles are counted MAC by MAC, waiting included, from one mask with {product.weight_share:.4g} of the "
            f"weights, drawn uniformly from seed {SEED}: nothing says where they are"
        )
    if product.input_share < 1:
        said += f"; {product.input_share:.4g} of the inputs are not zero, drawn uniformly from seed {SEED}"
    return said + (f"; {product.vectors:,} vectors one after another" if product.vectors > 1 else "")


@lru_cache(maxsize=256)
def full_cycles(rows: int, columns: int, vectors: int, machine: QueuedPes) -> int:
    """Cycles of a matrix and vectors without a zero: behind some scan rows every other one takes the same.

    >>> machine = QueuedPes(pes=4, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800)
    >>> whole = matrix_vector(np.ones((9, 400), bool), np.ones(400, bool), machine).cycles_drained
    >>> full_cycles(9, 400, 1, machine) == whole
    True
    """
    spare = max(0, columns // machine.pes - ROWS_ALIKE) * machine.pes
    counted = _full(rows, columns - spare, machine)
    return vectors * (counted + spare * -(-rows // machine.pes))


def _full(rows: int, columns: int, machine: QueuedPes) -> int:
    return matrix_vector(np.ones((rows, columns), bool), np.ones(columns, bool), machine).cycles_drained
