"""What roundings of Timeloop's cost, and when it is said."""

from dataclasses import replace

import pytest

from crisp_hw import load_arch
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import encode
from crisp_hw.engine.evaluate import evaluate, evaluate_point
from crisp_hw.engine.rounded import remainder_pj, rounded, rounding_pj
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
    vectors, _ = said_of(found, evaluate(found))
    assert "0.0017 uJ for A in SMEM" in vectors


def test_it_is_not_said_where_it_is_less_than_a_thousandth():
    found = point(0.125)
    assert said_of(found, replace(evaluate(found), energy_pj=1e9)) == ()


def test_tiles_that_fill_whole_vectors_cost_nothing_more():
    assert costs(point(1.0)) == {}
    assert costs(point(0.5, rows=512, columns=512)) == {}


def vectors_on_pes(vectors, pes):
    """64 x 48 weights of 1:4 on PEs that skip the 0.4 of the inputs that are zero."""
    layer = pattern_descriptor(Layer("fc", "linear", 64, 48, tokens=vectors), Unstructured(0.25), "nm")
    encoded = encode(layer, load_arch("eie").replace(**{"levels.Weights.fanout_y": pes}))
    return DesignPoint(encoded.design, search(encoded.design, encoded.constraints, "energy").mapping)


def skipped(found, place):
    tally = evaluate_point(found).sparse.tally.data
    return {kind: int(tally[kind]["reads"][place][0]) for kind in ("random", "skipped")}


def test_every_instance_pays_for_the_part_of_an_access_that_is_not_skipped():
    """Of 2,352 reads of a PE 940 are skipped, in doubles 939.99...; 8.5925 pJ a read in 16 PEs that have weights."""
    found = vectors_on_pes(49, 128)
    assert skipped(found, (1, 0)) == {"random": 1413, "skipped": 939}
    pj = remainder_pj(evaluate_point(found), found.design.energy)
    assert pj["Weights", "A"] == pytest.approx(16 * 8.5925)
    assert pj["Sums", "Z"] == pytest.approx(64 * 1.4025)
    (said,) = said_of(found, evaluate(found))
    assert said.startswith("more instances may cost more energy here: Timeloop rounds")
    assert "0.000137 uJ for A in Weights" in said
    assert said_of(found, replace(evaluate(found), energy_pj=1e9)) == ()


def test_whole_accesses_leave_nothing():
    """1,498 of 2,496 inputs are nonzeros, so that a PE skips exactly 998 reads."""
    found = vectors_on_pes(52, 64)
    assert skipped(found, (1, 0)) == {"random": 1498, "skipped": 998}
    assert ("Weights", "A") not in remainder_pj(evaluate_point(found), found.design.energy)
