"""Expected fillers against every mask that there is."""

from itertools import product
from math import comb

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.imbalance.entries import streams
from crisp_hw.imbalance.fillers import expected_fillers, expected_fillers_of
from crisp_hw.spec.imbalance import QueuedPes

ROWS = 10


def fillers_of_every_mask(bits):
    """(weights, fillers) of all masks of one column."""
    machine = QueuedPes(pes=1, queue_slots=8, index_bits=bits, line_entries=8, clock_mhz=800.0)
    masks = np.array(list(product((False, True), repeat=ROWS))).T  # a column each
    (stream,) = streams(masks, machine, bias=False)
    weights = masks.sum(axis=0)
    return weights, stream.counts[:-1] - weights


@pytest.mark.parametrize("bits", [1, 2, 3])
@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 0.97, 1.0])
def test_independent_weights(bits, density):
    weights, fillers = fillers_of_every_mask(bits)
    chance = density**weights * (1 - density) ** (ROWS - weights)
    assert expected_fillers(ROWS, density, 2**bits) == pytest.approx(float((chance * fillers).sum()), abs=1e-12)


@pytest.mark.parametrize("bits", [1, 2, 3])
@pytest.mark.parametrize("many", range(ROWS + 1))
def test_a_known_number_of_weights(bits, many):
    weights, fillers = fillers_of_every_mask(bits)
    assert expected_fillers_of(ROWS, many, 2**bits) == pytest.approx(
        int(fillers[weights == many].sum()) / comb(ROWS, many), abs=1e-12
    )


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="not between 0 and 1"):
        expected_fillers(4, 1.5, 2)
    with pytest.raises(InputError, match="5 weights do not fit 4 rows"):
        expected_fillers_of(4, 5, 2)
