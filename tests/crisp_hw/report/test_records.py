"""Records against numbers computed by hand, totals against a loop over the rows."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crisp_hw
from crisp_hw.report.records import headline, layer_records, total_records
from crisp_hw.spec.encoded import OverheadLine
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.result import TensorCounts

MEGA = 1_000_000
MLP = Workload("mlp", (Layer("fc", "linear", 64, 256, tokens=16), Layer("tail", "linear", 10, 64)))


def evaluation(*rows):
    return NetworkEvaluation("net", tuple(rows))


def test_a_layer_record_by_hand(row):
    made = row(pj=(10 * MEGA, 4 * MEGA, 2 * MEGA), dense_pj=(40 * MEGA, 16 * MEGA, 8 * MEGA), index_pj={"DRAM": MEGA})
    (record,) = layer_records(evaluation(made))
    expected = {
        "arch": "a", "layer": "conv", "kind": "conv2d", "role": "hybrid", "rows": 64, "columns": 576, "positions": 16,
        "pattern": "2:4 B64", "nm": "2:4", "block": 64, "kept_blocks": 3, "total_blocks": 9, "kept_ratio": 192 / 576,
        "density": 96 / 576, "macs": 64 * 576 * 16, "cycles": 100, "dense_cycles": 400, "speedup": 4.0,
        "ms": 1e-4, "dense_tops": 589824 * 2 / 400e-9 / 1e12, "effective_tops": 589824 * 2 / 100e-9 / 1e12,
        "attained_tops": 1.6e-4, "attainable_tops": 0.008, "roof_share": 0.02, "binds": "MAC", "binds_share": 1.0,
        "dram_uj": 11.0, "rf_uj": 4.0, "mac_uj": 2.0, "selection_uj": 0.0, "decoder_uj": 0.0,
        "on_chip_uj": 6.0, "energy_uj": 17.0, "model_energy_uj": 16.0,
        "dram_metadata_uj": 1.0, "rf_metadata_uj": 0.0, "on_chip_metadata_uj": 0.0, "metadata_uj": 1.0,
        "on_chip_index_uj": 0.0, "index_uj": 1.0, "on_chip_overhead_uj": 0.0, "overhead_uj": 1.0,
        "dense_dram_uj": 40.0, "dense_rf_uj": 16.0, "dense_mac_uj": 8.0, "dense_on_chip_uj": 24.0,
        "dense_energy_uj": 64.0, "on_chip_gain": 4.0, "energy_gain": 64 / 17,
        "on_chip_w": 60.0, "on_chip_tops_per_w": 11.79648 / 60, "total_w": 170.0, "total_tops_per_w": 11.79648 / 170,
        "edp_uj_ms": 17e-4, "rf_mm2": 0.5, "mac_mm2": None, "selection_mm2": 0.0, "decoder_mm2": 0.25,
        "on_chip_mm2": 0.75, "effective_tops_per_mm2": 11.79648 / 0.75,
        **{f"{place}_{way}_{unit}": 0.0 for place in ("dram", "rf", "total") for unit in ("words", "bytes")
           for way in ("read", "written")},
        "off_chip_bytes": 0.0,
        "bound_by": "MAC", "utilization": 0.5, "imbalance": 1.0,
        "mappings_tried": 7, "mappings_valid": 5, "gap": None, "mapping": "DRAM K2 | RF K4",
    }  # fmt: skip
    assert list(record) == list(expected)
    assert record == pytest.approx(expected)


def test_a_dense_layer_has_no_blocks(row):
    (record,) = layer_records(evaluation(row(block=None, nm=None)))
    assert [record[key] for key in ("nm", "block", "kept_blocks", "kept_ratio", "index_uj")] == [None] * 4 + [0]


def test_index_on_chip_counts_on_chip(row):
    plain, indexed = layer_records(evaluation(row(), row(index_pj={"RF": 2.0, "DRAM": 8.0})))
    assert indexed["on_chip_uj"] - plain["on_chip_uj"] == pytest.approx(2e-6)
    assert indexed["energy_uj"] - plain["energy_uj"] == pytest.approx(10e-6) == indexed["index_uj"]
    assert indexed["on_chip_index_uj"] == pytest.approx(2e-6)


def test_circuits_beside_the_model_are_on_chip_and_in_no_level(row):
    lines = (OverheadLine("selection", 100, 0.5, 50.0), OverheadLine("offset_decoder", 3, 1.0, 3.0))
    lines += (OverheadLine("index_decoder", 2, 2.0, 4.0),)
    plain, more = layer_records(evaluation(row(), replace(row(), overheads=lines)))
    assert more["selection_uj"] == pytest.approx(50e-6)
    assert more["decoder_uj"] == pytest.approx(7e-6)
    for key in ("on_chip_uj", "energy_uj", "on_chip_overhead_uj", "overhead_uj"):
        assert more[key] - plain[key] == pytest.approx(57e-6)
    for key in ("model_energy_uj", "rf_uj", "dram_uj", "mac_uj", "metadata_uj", "dense_energy_uj", "cycles"):
        assert more[key] == plain[key]
    (total,) = total_records(evaluation(replace(row(), overheads=lines), row(), replace(row(), overheads=lines)))
    assert total["selection_uj"] == pytest.approx(100e-6)
    assert total["energy_uj"] - total["model_energy_uj"] == pytest.approx(114e-6)


def test_an_energy_table_of_zeros_has_no_ratio(row):
    (record,) = layer_records(evaluation(row(pj=(0, 0, 0), dense_pj=(0, 0, 0))))
    assert record["on_chip_gain"] is None and record["energy_gain"] is None


picojoules = st.tuples(*[st.integers(1, 10**9)] * 3)


@given(st.lists(st.tuples(st.integers(1, 9999), st.integers(1, 9999), picojoules, picojoules), min_size=1, max_size=5))
def test_totals_add_up_what_a_loop_adds_up(row, numbers):
    rows = [
        row(layer=str(i), cycles=c, dense_cycles=d, pj=p, dense_pj=q, bound_by="RF" if i % 2 else "MAC")
        for i, (c, d, p, q) in enumerate(numbers)
    ]
    (total,) = total_records(evaluation(*rows))
    chip = sum(rf + mac for _, _, (_, rf, mac), _ in numbers)
    dense_chip = sum(rf + mac for _, _, _, (_, rf, mac) in numbers)
    assert total["cycles"] == sum(c for c, *_ in numbers)
    assert total["speedup"] == sum(d for _, d, *_ in numbers) / sum(c for c, *_ in numbers)
    assert total["on_chip_uj"] == pytest.approx(chip * 1e-6)
    assert total["on_chip_gain"] == pytest.approx(dense_chip / chip)
    assert total["dram_uj"] == pytest.approx(sum(p[0] for _, _, p, _ in numbers) * 1e-6)
    assert total["mac_bound_share"] == -(-len(numbers) // 2) / len(numbers)


def test_one_total_per_accelerator(network):
    assert [(t["arch"], t["layers"], t["macs"]) for t in total_records(network)] == [
        ("a", 2, 2 * 64 * 576 * 16),
        ("b", 2, 2 * 64 * 576 * 16),
    ]


def test_headline_names_the_patterns(row):
    assert headline(evaluation(row(), row(block=None, nm=NM(1, 4)))) == "net, 2:4 and 1:4, blocks of 64"


@pytest.mark.slow
def test_frames_hold_the_records(network):
    assert crisp_hw.api.Evaluation(network).to_frame().to_dict("records") == layer_records(network)
    assert list(crisp_hw.api.Evaluation(network).totals().columns) == list(total_records(network)[0])


def test_columns_of_a_real_evaluation_add_up():
    source = crisp_hw.WorkloadPattern(MLP, NM(2, 4), 64, 0.85)
    network = crisp_hw.evaluate(source, ["crisp-stc", "dense"]).network
    for record, row in zip(layer_records(network), network.rows, strict=True):
        levels = [record[f"{name}_uj"] for name in ("dram", "smem", "rf", "lrf", "mac")]
        beside = record["selection_uj"] + record["decoder_uj"]
        assert sum(levels) + beside == pytest.approx(record["energy_uj"])
        assert record["model_energy_uj"] == pytest.approx(row.result.energy_pj * 1e-6)
        assert record["energy_uj"] == pytest.approx(record["model_energy_uj"] + record["overhead_uj"])
        assert record["overhead_uj"] == pytest.approx(record["index_uj"] + beside)
        assert record["dense_energy_uj"] == pytest.approx(row.dense.energy_pj * 1e-6)
        assert record["on_chip_uj"] == pytest.approx(sum(levels[1:]) + beside)
        assert record["mappings_tried"] >= record["mappings_valid"] > 0
    first, dense = layer_records(network)[0], layer_records(network)[2]
    assert first["index_uj"] > 0 < first["selection_uj"]
    assert 0 < first["smem_metadata_uj"] < first["smem_uj"]
    assert dense["metadata_uj"] == dense["overhead_uj"] == 0


def test_without_overheads_the_energies_are_those_of_the_model():
    source = crisp_hw.WorkloadPattern(MLP, NM(2, 4), 64, 0.85)
    with_, without = (
        layer_records(crisp_hw.evaluate(source, options=crisp_hw.EvaluateOptions(overheads=on)).network)[0]
        for on in (True, False)
    )
    assert without["overhead_uj"] == without["index_uj"] == 0 < with_["overhead_uj"]
    assert without["energy_uj"] == pytest.approx(without["model_energy_uj"]) == pytest.approx(with_["model_energy_uj"])
    assert without["cycles"] == with_["cycles"]


def test_the_metadata_of_a_real_evaluation_by_hand():
    """LRF: weights of 8 bits in accesses of 8 bits, their offsets of 2 bits too, so that one access moves four."""
    source = crisp_hw.WorkloadPattern(MLP, NM(2, 4), 64, 0.85)
    network = crisp_hw.evaluate(source).network
    (record, _), (made, _) = layer_records(network), network.rows
    counts = made.result.levels[0].tensors["A"]
    moved = [counts.accesses[key] for key in ("random_reads", "random_fills")]
    offsets = sum(ceil(2 * words / 8) for words in moved)
    assert record["lrf_metadata_uj"] == pytest.approx(offsets * counts.utilized_instances * 0.072e-6)
    assert record["lrf_uj"] == pytest.approx((sum(moved) + offsets) * counts.utilized_instances * 0.072e-6)


def test_metadata_that_a_backend_does_not_tell_apart_are_unknown(row):
    made = row()
    counts = TensorCounts(1, 1, 1, {}, {}, 1, 1.0, 1, 0, 0, 0.0, 0.0, energy_pj=2.0)
    levels = tuple(replace(level, tensors={"A": counts}) for level in made.result.levels)
    vague = replace(made, result=replace(made.result, levels=levels))
    (record,) = layer_records(evaluation(vague))
    assert record["metadata_uj"] is None and record["on_chip_metadata_uj"] is None and record["rf_metadata_uj"] is None
    assert total_records(evaluation(vague, row()))[0]["metadata_uj"] is None
    assert record["rf_uj"] == pytest.approx(4e-6)
