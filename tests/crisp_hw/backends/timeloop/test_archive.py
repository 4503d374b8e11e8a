"""The archive of Timeloop's objects against the text that was printed from them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.backends.timeloop.archive import refine
from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.backends.timeloop.result import result
from crisp_hw.backends.timeloop.stats import read_stats

from .conftest import VALID

TENSORS = ("A", "B", "Z")


@pytest.fixture
def outputs(recorded):
    def load(name):
        files = recorded(name)["files"]
        return read_stats(files["timeloop-model.stats.txt"]), files["timeloop-model.map+stats.xml"]

    return load


@pytest.mark.parametrize("name", VALID)
def test_both_tell_the_same_result_but_for_rounding(name, outputs):
    stats, archive = outputs(name)
    printed, exact = result(stats), result(refine(stats, archive, TENSORS))
    assert printed.cycles == exact.cycles
    assert printed.energy_pj == pytest.approx(exact.energy_pj, abs=0.005 * 12)
    for rough, fine in zip(printed.levels, exact.levels, strict=True):
        for tensor, counts in rough.tensors.items():
            same = fine.tensors[tensor]
            assert counts.accesses == same.accesses
            assert counts.energy_pj == pytest.approx(same.energy_pj, abs=0.00501)
            assert all(same.format_accesses[key] == ranks for key, ranks in counts.format_accesses.items())


def test_it_has_the_ranks_whose_words_have_no_bits(outputs):
    stats, archive = outputs("crisp-stc")
    rough, fine = result(stats).levels[0].tensors["A"], result(refine(stats, archive, TENSORS)).levels[0].tensors["A"]
    assert "gated_reads" not in rough.format_accesses
    assert len(fine.format_accesses["gated_reads"]) == len(fine.format_accesses["random_reads"]) == 1


def test_digits_are_not_rounded(outputs):
    stats, archive = outputs("crisp-stc")
    rf = refine(stats, archive, TENSORS).levels[2].tensors["Z"].numbers["write_bandwidth"]
    assert not math.isclose(rf * 100, round(rf * 100), rel_tol=1e-12) or rf == int(rf)


@given(st.data())
@settings(max_examples=12)
def test_cut_inside_the_levels_it_is_refused(outputs, data):
    stats, archive = outputs("crisp-stc")
    cut = data.draw(st.integers(0, archive.index("<networks_")))
    with pytest.raises(ToolError):
        refine(stats, archive[:cut], TENSORS)


def test_an_archive_of_another_run_is_refused(outputs):
    stats, _ = outputs("crisp-stc")
    _, archive = outputs("stc")
    with pytest.raises(ToolError, match="different runs"):
        refine(stats, archive, TENSORS)


def test_a_tensor_that_the_problem_does_not_have_is_refused(outputs):
    stats, archive = outputs("dense")
    with pytest.raises(ToolError, match=r"stats\.txt has tensor A"):
        refine(stats, archive, ("W", "B", "Z"))


def test_entities_are_refused(outputs):
    stats, _ = outputs("dense")
    bomb = '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><boost_serialization>&b;'
    with pytest.raises(ToolError, match="entities"):
        refine(stats, bomb, TENSORS)


def test_words_where_numbers_must_stand_are_refused(outputs):
    stats, archive = outputs("dense")
    with pytest.raises(ToolError, match="'many' where a number must stand"):
        refine(stats, archive.replace("<cycles_>", "<cycles_>many</cycles_><cycles_>"), TENSORS)
