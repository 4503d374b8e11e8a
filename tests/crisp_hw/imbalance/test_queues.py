"""PEs with queues: the recurrence against a walk through every state, and against recorded runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_hw.imbalance.entries import streams
from crisp_hw.imbalance.queues import matrix_vector
from crisp_hw.spec.imbalance import QueuedPes
from crisp_hw.walk import queued

PAPER = QueuedPes(pes=64, queue_slots=8, index_bits=4, line_entries=8, clock_mhz=800.0)
WHOLE = ("cycles", "cycles_drained", "macs_at_stop", "broadcasts", "full_stalls")


@st.composite
def products(draw):
    """A machine, integer weights of any density, activations, and a bias or none."""
    machine = QueuedPes(*(draw(st.integers(*span)) for span in ((1, 9), (2, 9), (1, 4), (1, 9))), clock_mhz=800.0)
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    kept, on = draw(st.sampled_from((0.0, 0.05, 0.3, 0.7, 1.0))), draw(st.sampled_from((0.0, 0.2, 0.6, 1.0)))
    weights = generator.integers(1, 8, (rows, columns)) * (generator.random((rows, columns)) < kept)
    if draw(st.booleans()):  # one PE has all the work
        weights[np.arange(rows) % machine.pes > 0] = 0
    activations = generator.integers(1, 8, columns) * (generator.random(columns) < on)
    return machine, weights, activations, generator.integers(1, 8, rows) if draw(st.booleans()) else None


@given(products())
@settings(max_examples=150)
def test_the_recurrence_is_a_walk_through_every_state(case):
    machine, weights, activations, bias = case
    walked = queued.matrix_vector(weights, activations, machine, bias)
    found = matrix_vector(weights != 0, activations != 0, machine, bias is not None)
    assert walked.product.tolist() == (weights @ activations + (0 if bias is None else bias)).tolist()
    assert [getattr(found, name) for name in WHOLE] == [getattr(walked, name) for name in WHOLE]
    for name in ("busy", "macs", "line_reads"):
        assert getattr(found, name).tolist() == [getattr(pe, name) for pe in walked.pes]
    assert found.entries.tolist() == [sum(map(len, pe.memory)) for pe in walked.pes]


@given(products())
@settings(max_examples=60)
def test_what_must_hold_of_any_run(case):
    machine, weights, activations, bias = case
    found = matrix_vector(weights != 0, activations != 0, machine, bias is not None)
    wider = matrix_vector(weights != 0, activations != 0, replace(machine, queue_slots=64), bias is not None)
    longer = matrix_vector(weights != 0, activations != 0, replace(machine, index_bits=16), bias is not None)
    assert found.cycles <= found.cycles_drained
    assert found.busy.max() <= found.cycles_drained
    assert (found.macs <= found.busy).all() and (found.busy <= found.entries).all()
    assert wider.cycles_drained <= found.cycles_drained and wider.full_stalls <= found.full_stalls
    assert (longer.busy == longer.macs).all() and longer.cycles_drained <= found.cycles_drained
    assert found.imbalance >= 1.0


def test_a_large_layer_takes_no_time_worth_mentioning():
    generator = np.random.default_rng(0)
    weights, active = generator.random((4096, 4096)) < 0.09, generator.random(4096) < 0.35
    found = matrix_vector(weights, active, PAPER)
    assert int(found.macs.sum()) == int(weights[:, active].sum())
    assert 10_000 < found.cycles < 12_000
    assert PAPER.microseconds(found.cycles) == found.cycles / 800


def test_masks_of_another_shape_or_kind_are_refused():
    for weights, active in (
        (np.ones((2, 3), bool), np.ones(2, bool)),
        (np.ones((2, 3), int), np.ones(3, bool)),
        (np.ones(3, bool), np.ones(3, bool)),
    ):
        with pytest.raises(InputError, match="weights and activations are"):
            matrix_vector(weights, active, PAPER)


@pytest.mark.parametrize(
    ("name", "value"), [("pes", 0), ("queue_slots", 1), ("index_bits", 0), ("line_entries", 0), ("clock_mhz", 0.0)]
)
def test_a_machine_that_cannot_be_is_refused(name, value):
    with pytest.raises(InputError, match=f"{name} is {value}"):
        replace(PAPER, **{name: value})


def test_more_pes_than_rows_leave_some_without_anything():
    (one, other) = streams(np.ones((1, 3), bool), replace(PAPER, pes=2), bias=True)
    assert one.counts.tolist() == [1, 1, 1, 1] and other.counts.tolist() == [0, 0, 0, 0]
