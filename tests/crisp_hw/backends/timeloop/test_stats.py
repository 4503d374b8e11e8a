"""stats.txt as recorded, cut off, and as something else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.backends.timeloop.result import result
from crisp_hw.backends.timeloop.stats import read_stats

from .conftest import VALID

STATS = "timeloop-model.stats.txt"


@pytest.fixture
def text(recorded):
    return recorded("crisp-stc")["files"][STATS]


def test_every_level_is_found_from_the_inside(text):
    assert [level.name for level in read_stats(text).levels] == ["MAC", "LRF", "RF", "SMEM", "DRAM"]


def test_a_level_lists_the_tensors_that_it_keeps(text):
    kept = {level.name: sorted(level.tensors) for level in read_stats(text).levels}
    assert kept == {"MAC": [], "LRF": ["A"], "RF": ["Z"], "SMEM": ["A", "B"], "DRAM": ["A", "B", "Z"]}


def test_figures_are_those_that_stand_in_the_text(text):
    smem = next(level for level in read_stats(text).levels if level.name == "SMEM")
    block = text.split("=== SMEM ===")[1].split("    A:\n")[1].split("    B:\n")[0]
    line = next(line for line in block.splitlines() if "Actual scalar reads" in line)
    assert smem.tensors["A"].numbers["random_reads"] == int(line.split(":")[1])


def test_ranks_stand_innermost_first(text):
    block = text.split("=== SMEM ===")[1].split("Actual scalar format reads (per-instance)")[1]
    rank = next(line for line in block.splitlines() if "Rank 0 " in line)
    smem = next(level for level in read_stats(text).levels if level.name == "SMEM")
    metadata, payload = smem.tensors["A"].ranks["random_format_reads"][0]
    assert f"({metadata},  {payload})" in rank


def test_specs_are_not_taken_for_figures(text):
    lrf = read_stats(text).levels[1]
    assert set(lrf.own.numbers) == {"instances", "leakage_energy", "cycles", "slowdown"}


def test_summary_of_the_text(text):
    summary = read_stats(text).summary
    assert f"Cycles: {summary['Cycles']:.0f}\n" in text
    assert f"Energy: {summary['Energy']:.2f} uJ" in text


def test_dense_figures_have_other_words_and_the_same_names(recorded):
    level = read_stats(recorded("dense")["files"][STATS]).levels[3]
    assert {"reads", "fills", "updates", "utilized_capacity", "energy"} <= level.tensors["A"].numbers.keys()
    assert "random_reads" not in level.tensors["A"].numbers


@pytest.mark.parametrize("name", VALID)
def test_a_result_needs_stats_alone(name, recorded):
    found = result(read_stats(recorded(name)["files"][STATS]))
    assert found.valid
    assert found.cycles > 0
    assert [level.name for level in found.levels] == ["LRF", "RF", "SMEM", "DRAM"]


def test_a_figure_that_is_gone_is_named(text):
    line = next(line for line in text.splitlines() if "Partition size" in line)
    with pytest.raises(ToolError, match="no partition_size of LRF A"):
        result(read_stats(text.replace(line, "", 1)))


def test_energies_must_add_up(text):
    with pytest.raises(ToolError, match="add up to"):
        result(read_stats(text.replace("Energy: ", "Energy: 9")))


def test_a_count_is_whole(text):
    line = next(line for line in text.splitlines() if "Partition size" in line)
    with pytest.raises(ToolError, match=r"partition_size 2\.5 of LRF A"):
        result(read_stats(text.replace(line, f"{line.split(':')[0]}: 2.5", 1)))


@given(st.data())
@settings(max_examples=25)
def test_cut_anywhere_it_is_never_a_result(text, data):
    cut = data.draw(st.integers(0, text.index("    Total ") - 1))
    with pytest.raises(ToolError):
        result(read_stats(text[:cut]))


@given(st.text())
@settings(max_examples=60)
def test_garbage_is_refused(garbage):
    with pytest.raises(ToolError):
        read_stats(garbage)


def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(ToolError, match="where a number must stand"):
        read_stats(text.replace("Energy: ", "Energy: x"))
