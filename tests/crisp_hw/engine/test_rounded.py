"""What two roundings of Timeloop's cost, and when it is said."""

from dataclasses import replace

import pytest

from crisp_hw import load_arch
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import encode
from crisp_hw.engine.evaluate import evaluate, evaluate_point
from crisp_hw.engine.rounded import rounded, rounding_pj
from crisp_hw.mapper.search import search
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import Unstructured


def point(density, rows=4, columns=8):
    layer = pattern_descriptor(Layer("fc", "linear", rows, columns, tokens=20), Unstructured(density), "nm")
    encoded = encode(layer, load_arch("dstc"))
    return DesignPoint(encoded.design, search(encoded.design, encoded.constraints, "energy").mapping)


def costs(found):
    return rounding_pj(evaluate_point(found), found.design.energy)


def said_of(found, result):
    return rounded(evaluate_point(found), found.design.energy, result)


def test_the_last_vector_is_counted_kappa_times():
    """4 nonzeros of 32 words in a vector of 32: one vector, but 8 of them are paid, for reads and for fills."""
    found = point(0.125)
    counts = evaluate(found).levels[2].tensors["A"]
    paid = sum(counts.action_energy_pj[each] for each in ("random_reads", "random_fills"))
    assert costs(found)["SMEM", "A"] == pytest.approx(paid * 7 / 8)


def test_it_is_said_with_its_energy_where_it_matters():
    found = point(0.125)
    (said,) = said_of(found, evaluate(found))
    assert "0.0017 uJ for A in SMEM" in said


def test_it_is_not_said_where_it_is_less_than_a_thousandth():
    found = point(0.125)
    assert said_of(found, replace(evaluate(found), energy_pj=1e9)) == ()


def test_tiles_that_fill_whole_vectors_cost_nothing_more():
    assert costs(point(1.0)) == {}
    assert costs(point(0.5, rows=512, columns=512)) == {}
