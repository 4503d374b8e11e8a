"""Time, throughput, power, area and what binds: by hand, against each other, and without numbers."""

from dataclasses import replace

import pytest

from crisp_hw import NM, Evaluation, WorkloadPattern, evaluate, load_arch
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.report.records import layer_records, total_records
from crisp_hw.report.silicon import area_records, technology_records, without_area
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Layer, Workload

SMALL = Workload("small", (Layer("fc", "linear", 64, 256, tokens=64), Layer("tail", "linear", 64, 128)))
SOURCE = WorkloadPattern(SMALL, NM(2, 4))
ARCHS = ("dense", "stc", "dstc", "crisp-stc")


@pytest.fixture(scope="module")
def network():
    return evaluate(SOURCE, [*ARCHS, load_arch("crisp-stc").replace(name="slow", dram_bandwidth=1)]).network


def test_every_figure_follows_from_cycles_energy_and_area(network):
    for record in (*layer_records(network), *total_records(network)):
        seconds = record["ms"] / 1e3
        assert seconds == pytest.approx(record["cycles"] / 1e9)  # 1 GHz
        assert record["effective_tops"] == pytest.approx(2 * record["macs"] / seconds / 1e12)
        assert record["dense_tops"] * record["speedup"] == pytest.approx(record["effective_tops"])
        assert record["total_w"] == pytest.approx(record["energy_uj"] * 1e-6 / seconds)
        assert record["on_chip_tops_per_w"] == pytest.approx(2 * record["macs"] / record["on_chip_uj"] / 1e6)
        assert record["edp_uj_ms"] == pytest.approx(record["energy_uj"] * record["ms"])
        parts = [record[f"{name}_mm2"] for name in ("smem", "rf", "lrf", "mac", "selection", "decoder")]
        assert record["on_chip_mm2"] == pytest.approx(sum(parts)) and "dram_mm2" not in record
        assert record["off_chip_bytes"] == record["dram_read_bytes"] + record["dram_written_bytes"]


def test_nothing_is_above_its_roof_and_what_binds_is_where_the_cycles_are(network):
    for record in layer_records(network):
        assert 0 < record["attained_tops"] <= record["attainable_tops"] * (1 + 1e-9) <= 0.512 * (1 + 1e-9)
        assert record["roof_share"] == pytest.approx(record["attained_tops"] / record["attainable_tops"])
        level, _, way = record["binds"].partition(" ")
        assert level == record["bound_by"] and way in (("",) if level == "MAC" else ("read", "write"))
    binding = {(record["arch"], record["layer"]): record["binds"] for record in layer_records(network)}
    assert binding["slow", "tail"] == "DRAM read"  # one position: every weight is fetched for a single MAC
    assert binding["dense", "fc"] == "MAC"


def test_totals_name_what_binds_most_cycles(row):
    rows = (row(cycles=100, bound_by="MAC"), row(cycles=300, bound_by="RF"), row(cycles=100, bound_by="MAC"))
    (total,) = total_records(NetworkEvaluation("net", rows))
    assert (total["binds"], total["binds_share"]) == ("RF", 0.6)


def test_a_slower_clock_takes_longer_and_no_more_energy(row):
    made = row(cycles=1000)
    silicon = made.silicon
    slow = replace(made, silicon=replace(silicon, technology=replace(silicon.technology, clock_ghz=0.25)))
    (fast, late) = (layer_records(NetworkEvaluation("net", (each,)))[0] for each in (made, slow))
    assert (late["ms"], late["energy_uj"], late["total_w"]) == (4 * fast["ms"], fast["energy_uj"], fast["total_w"] / 4)


def test_what_has_no_area_is_named_and_is_in_no_sum(row):
    network = NetworkEvaluation("net", (row(),))
    named = [each.name for each in without_area(network)]
    assert named[0] == "area of MAC on a" and "area of DRAM" in named
    assert layer_records(network)[0]["mac_mm2"] is None
    document = evaluation_document(network)
    assert any(line.startswith("area of MAC on a: no area") for line in document.remarks["skipped"])
    assert {"name": named[0], "reason": "no area is given, so the sum of areas is without it"} in document.content[
        "skipped"
    ]


def test_a_result_older_than_clocks_has_no_time(row):
    network = NetworkEvaluation("net", (row(silicon=None), row()))
    old, new = layer_records(network)
    for key in ("ms", "effective_tops", "total_w", "edp_uj_ms", "on_chip_mm2", "selection_mm2"):
        assert old[key] is None and new[key] is not None
    assert total_records(network)[0]["ms"] is None
    assert technology_records(NetworkEvaluation("net", (row(silicon=None),))) == []


def test_clock_node_and_supply_stand_with_their_sources(network):
    records = technology_records(network)
    assert [(each["arch"], each["peak_tops"]) for each in records] == [(each, 0.512) for each in (*ARCHS, "slow")]
    for record in records:
        assert (record["clock_ghz"], record["node_nm"], record["supply_v"]) == (1.0, 45.0, 1.1)
        assert all(f"{what}: " in record["source"] for what in ("clock", "node", "supply"))
    assert all(len(record["source"]) > 20 for record in area_records(network))


def test_the_packaged_table_has_the_areas_of_the_characterization():
    for name in ARCHS:
        fixed = {key: area.um2 for key, area in load_arch(name).energy.areas.items()}
        found = {key: area.um2 for key, area in load_arch(name, energy="table").energy.areas.items()}
        assert {key: fixed[key] for key in found} == pytest.approx(found)


def test_area_grows_with_what_an_accelerator_has():
    base, cores, memory = "crisp-stc", "crisp-stc:cores=8", "crisp-stc:smem_kb=512"
    frame = evaluate(SOURCE, [base, cores, memory], energy="table").totals().set_index("arch")
    mm2 = frame["on_chip_mm2"].tolist()
    assert mm2[0] < mm2[1] < mm2[2]
    assert frame["mac_mm2"].tolist()[1] == 2 * frame["mac_mm2"].tolist()[0]


def test_silicon_comes_back_with_a_saved_result(network, tmp_path):
    evaluation = Evaluation(network)
    evaluation.save(tmp_path / "result.json")
    back = Evaluation.load(tmp_path / "result.json")
    assert back.network == network and back.areas().equals(evaluation.areas())
