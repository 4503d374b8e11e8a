"""Words that move, against counts whose sums are known, and against the figures of a real evaluation."""

from dataclasses import replace

import pytest

import crisp_hw
from crisp_hw.report.moved import Moved, level_records, moved_by_level, total
from crisp_hw.report.records import layer_records, total_records
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.result import TensorCounts
from crisp_hw.spec.vocabulary import LEVEL, SECTIONS, columns

MLP = Workload("mlp", (Layer("fc", "linear", 64, 256, tokens=16), Layer("tail", "linear", 10, 64)))
ACCESSES = {
    "random_reads": 10,
    "gated_reads": 100,
    "skipped_reads": 1000,
    "random_fills": 3,
    "gated_fills": 100,
    "random_updates": 4,
    "skipped_updates": 1000,
}


@pytest.fixture
def moving(row):
    """Tensor A of the RF (16 bits): 10 words read and 7 written in each of 2.5 instances, 6 pJ each."""
    made = row()
    counts = TensorCounts(0, 0, 0, ACCESSES, {}, 8, 2.5, 8, 0, 0, 0.0, 0.0, energy_pj=6e6)
    levels = tuple(replace(level, tensors={"A": counts} if level.name == "RF" else {}) for level in made.result.levels)
    return replace(made, result=replace(made.result, levels=levels))


def test_skipped_and_gated_accesses_move_nothing(moving):
    moved = moved_by_level(moving.result, moving.point.design.architecture)
    bits = moving.point.design.architecture.level("RF").word_bits
    assert moved["rf"] == Moved(25.0, 17.5, 25.0 * bits / 8, 17.5 * bits / 8)
    assert moved["dram"] == Moved()


def test_a_record_of_a_tensor_by_hand(moving):
    (record,) = level_records(NetworkEvaluation("net", (moving,)))
    bits = moving.point.design.architecture.level("RF").word_bits
    assert record == {
        "arch": "a",
        "layer": "conv",
        "level": "RF",
        "tensor": "A",
        "read_words": 25.0,
        "written_words": 17.5,
        "read_bytes": 25.0 * bits / 8,
        "written_bytes": 17.5 * bits / 8,
        "tensor_uj": 15.0,
        "dense_read_words": 0.0,
        "dense_written_words": 0.0,
    }


def test_totals_are_sums_over_layers_and_levels(moving):
    network = NetworkEvaluation("net", (moving, moving))
    (sums,), layer = total_records(network), layer_records(network)[0]
    assert (sums["rf_read_words"], sums["dram_read_words"]) == (50.0, 0.0)
    assert sums["total_written_words"] == 2 * layer["total_written_words"] == 35.0


@pytest.fixture(scope="module")
def network():
    source = crisp_hw.WorkloadPattern(MLP, NM(2, 4), 64, 0.85)
    return crisp_hw.evaluate(source, ["crisp-stc", "dense"]).network


def test_levels_of_a_real_evaluation_add_up_to_its_layers(network):
    levels = level_records(network)
    for record in layer_records(network):
        own = [each for each in levels if (each["arch"], each["layer"]) == (record["arch"], record["layer"])]
        for key in ("read_words", "written_words", "read_bytes", "written_bytes"):
            assert sum(each[key] for each in own) == pytest.approx(record[f"total_{key}"])
            smem = sum(each[key] for each in own if each["level"] == "SMEM")
            assert smem == pytest.approx(record[f"smem_{key}"]) and smem > 0

        (row,) = (each for each in network.rows if (each.arch, each.layer) == (record["arch"], record["layer"]))
        leaks = sum(level.leakage_pj for level in row.result.levels) * 1e-6
        levels_uj = sum(record[f"{name}_uj"] for name in ("dram", "smem", "rf", "lrf"))
        found = sum(each["tensor_uj"] for each in own) + record["index_uj"] + leaks
        assert found == pytest.approx(levels_uj)


def test_every_weight_is_read_from_dram_at_least_once(network):
    for record in level_records(network):
        if (record["level"], record["tensor"], record["arch"]) == ("DRAM", "A", "dense"):
            weights = next(each.weights for each in MLP.layers if each.name == record["layer"])
            assert record["read_words"] >= weights and record["read_words"] == record["dense_read_words"]


@pytest.mark.parametrize(
    ("section", "records"), [("layers", layer_records), ("totals", total_records), ("levels", level_records)]
)
def test_the_vocabulary_has_every_key_and_no_other(network, section, records):
    keys = list(records(network)[0])
    named = [column.key for column in SECTIONS[section].columns if "wires" not in column.key]
    assert [key for key in keys if key in named] == [key for key in named if LEVEL not in key]
    templates = {column.key.replace(LEVEL, "smem") for column in SECTIONS[section].columns if LEVEL in column.key}
    assert {key for key in keys if "smem" in key} == templates
    assert len(columns(keys)) == len(keys)


def test_nothing_moves_nothing():
    assert total([]) == Moved()
