"""Two results against each other: every figure counts, within what is allowed."""

import gzip
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.spec.result import ComputeResult, LevelResult, Result, TensorCounts
from crisp_hw.timeloop.read.point import read_point
from crisp_hw.timeloop.yaml.texts import merged
from crisp_hw.validation.results import Tolerance, compare_results

STATS = Path(__file__).parents[2] / "golden" / "stats"
NOT_COMPARED = {"accesses", "format_accesses", "action_energy_pj", "metadata_capacity_bits", "density"}


@pytest.fixture(scope="module")
def result():
    """A layer on CRISP-STC: metadata, leakage, bypassed tensors."""
    run = json.loads(gzip.decompress((STATS / "crisp-stc.json.gz").read_bytes()))
    found = evaluate(read_point(merged(run["documents"])))
    assert found.valid
    assert found.levels[-1].tensors["A"].format_accesses
    assert found.levels[-2].leakage_pj > 0
    return found


def with_level(result, **changes):
    """The same result, with other figures of DRAM."""
    return replace(result, levels=(*result.levels[:-1], replace(result.levels[-1], **changes)))


def with_tensor(result, **changes):
    """The same result, with other figures of A in DRAM."""
    tensors = result.levels[-1].tensors
    return with_level(result, tensors={**tensors, "A": replace(tensors["A"], **changes)})


def whats(*arguments):
    return [found.what for found in compare_results(*arguments)]


def test_a_result_agrees_with_itself(result):
    assert compare_results(result, result) == []


@pytest.mark.parametrize("name", [each.name for each in fields(TensorCounts) if each.name not in NOT_COMPARED])
def test_every_figure_of_a_tensor_counts(name, result):
    value = getattr(result.levels[-1].tensors["A"], name)
    other = with_tensor(result, **{name: value + 1})
    expected = "energy" if name == "energy_pj" else name
    assert whats(result, other) == [f"DRAM A {expected}"]


def test_every_kind_of_access_counts(result):
    accesses = result.levels[-1].tensors["A"].accesses
    for name, value in accesses.items():
        assert whats(result, with_tensor(result, accesses={**accesses, name: value + 1})) == [f"DRAM A {name}"]


def test_every_entry_of_a_rank_counts(result):
    formats = result.levels[-1].tensors["A"].format_accesses
    (metadata, payload), *rest = formats["random_reads"]
    other = {**formats, "random_reads": ((metadata, payload + 1), *rest)}
    assert whats(result, with_tensor(result, format_accesses=other)) == ["DRAM A random_reads rank 0 payload"]


def test_another_number_of_ranks_is_a_difference(result):
    formats = result.levels[-1].tensors["A"].format_accesses
    other = {**formats, "random_reads": formats["random_reads"][:1]}
    assert whats(result, with_tensor(result, format_accesses=other)) == ["DRAM A random_reads format ranks"]


def test_ranks_that_the_reference_does_not_tell_are_not_compared(result):
    assert compare_results(result, with_tensor(result, format_accesses={})) == []


@pytest.mark.parametrize("name", [each.name for each in fields(ComputeResult) if each.name != "name"])
def test_every_figure_of_the_macs_counts(name, result):
    other = replace(result, compute=replace(result.compute, **{name: getattr(result.compute, name) + 1}))
    assert len(whats(result, other)) == 1


@pytest.mark.parametrize("name", [each.name for each in fields(LevelResult) if each.name not in ("name", "tensors")])
def test_every_figure_of_a_level_counts_but_its_sum(name, result):
    other = with_level(result, **{name: getattr(result.levels[-1], name) + 1})
    assert len(whats(result, other)) == (0 if name == "energy_pj" else 1)  # its tensors and leakage are compared


@pytest.mark.parametrize("name", ["cycles", "energy_pj"])
def test_totals_count(name, result):
    assert len(whats(result, replace(result, **{name: getattr(result, name) + 1}))) == 1


def test_levels_of_other_names_are_a_difference(result):
    assert whats(result, with_level(result, name="HBM")) == ["levels"]


def test_what_the_reference_leaves_out_must_not_have_moved(result):
    lrf, dram = result.levels[0], result.levels[-1]
    assert whats(result, with_level(result, tensors={name: dram.tensors[name] for name in "BZ"})) == ["DRAM A"]
    assert not any((lrf.tensors["B"].reads, lrf.tensors["B"].fills, lrf.tensors["B"].updates))
    without = replace(result, levels=(replace(lrf, tensors={"A": lrf.tensors["A"]}), *result.levels[1:]))
    assert compare_results(result, without) == []


def test_counts_may_be_allowed_to_differ(result):
    reads = result.levels[-1].tensors["A"].reads
    assert compare_results(result, with_tensor(result, reads=reads + 2), Tolerance(counts=2)) == []
    assert whats(result, with_tensor(result, reads=reads + 3), Tolerance(counts=2)) == ["DRAM A reads"]


def test_energies_may_be_allowed_to_differ(result):
    more = result.levels[-1].tensors["A"].energy_pj * (1 + 1e-6)
    assert whats(result, with_tensor(result, energy_pj=more)) == ["DRAM A energy"]
    assert compare_results(result, with_tensor(result, energy_pj=more), Tolerance(energy=1e-5)) == []


def test_two_decimals_are_enough_only_where_they_were_printed(result):
    other = with_tensor(result, read_bandwidth=result.levels[-1].tensors["A"].read_bandwidth + 0.004)
    assert whats(result, other) == ["DRAM A read_bandwidth"]
    assert compare_results(result, other, Tolerance(rounded=True)) == []


def invalid(*reasons):
    return Result(False, reasons, 0, 0.0, 0.0, None, ())


def test_verdicts(result):
    assert whats(result, invalid("level RF: x")) == ["valid"]
    assert whats(invalid("level RF: x"), result) == ["valid"]
    assert compare_results(invalid("a", "b"), invalid("b")) == []
    assert whats(invalid("a"), invalid("a", "b")) == ["reason"]
