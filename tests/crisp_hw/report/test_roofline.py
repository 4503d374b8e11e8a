"""No layer lies above its roofs, and the level that binds it is the roof that it touches."""

from dataclasses import replace

import pytest

from crisp_hw import NM, WorkloadPattern, evaluate, list_arch, load_arch
from crisp_hw.report.roofline import Port, points, ports

pytestmark = pytest.mark.slow
SOURCE = WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)


FABRIC = ("crisp-stc", "dense", "dstc", "stc")


@pytest.fixture(scope="module")
def networks():
    """Layers of many shapes on the accelerators of one fabric, and on some whose other levels have bandwidths."""
    crisp, dstc = load_arch("crisp-stc"), load_arch("dstc")
    changed = (
        crisp.replace(name="slow-dram", dram_read_bandwidth=2),
        crisp.replace(name="narrow-rf", rf_read_bandwidth=8, rf_write_bandwidth=8),
        dstc.replace(name="wide", smem_read_bandwidth=64, smem_write_bandwidth=None),
    )
    layers = "*.0.*"
    others = sorted({*list_arch()} - {*FABRIC})
    convolving = [each for each in others if not load_arch(each).runs.skips]
    few = [evaluate(SOURCE, archs, layers=at).network for archs, at in ((convolving, "layer4.2.conv1"), (others, "fc"))]
    return [*(evaluate(SOURCE, archs, layers=layers).network for archs in (FABRIC, changed)), *few]


def rounding(row):
    """How far whole cycles may lie from the exact quotient, relative."""
    return 1 + 1.5 / row.result.cycles


def test_no_point_lies_above_its_roofs(networks):
    for network in networks:
        seen = [point for port in ports(network) for point in points(network, port)]
        assert seen and all(point.performance <= point.roof * (1 + 1e-9) for point in seen)


def test_what_binds_is_the_roof_that_is_touched(networks):
    bound = 0
    for network in networks:
        shares = {}
        for port in ports(network):
            for point in points(network, port):
                share = point.performance / point.roof
                shares.setdefault((point.arch, point.layer, port.level), []).append(share)
        for row in network.rows:
            if row.result.bound_by != row.result.compute.name:
                bound += 1
                assert max(shares[row.arch, row.layer, row.result.bound_by]) * rounding(row) >= 1
    assert bound > 20


def test_a_layer_below_all_its_roofs_is_bound_by_macs_that_are_not_all_at_work_or_wait(networks):
    for network in networks:
        shares = {}
        for port in ports(network):
            for point in points(network, port):
                shares.setdefault((point.arch, point.layer), []).append(point.performance / point.roof)
        for row in network.rows:
            if max(shares[row.arch, row.layer]) * rounding(row) < 1:
                assert row.result.bound_by == "MAC"
                macs = row.point.design.architecture.compute.instances
                assert row.result.compute.utilized_instances < macs or row.result.uneven_cycles > 0


def test_performance_is_executed_macs_per_cycle(networks):
    network = networks[0]
    rows = {(row.arch, row.layer): row for row in network.rows}
    for point in points(network, ports(network)[0]):
        row = rows[point.arch, point.layer]
        assert point.performance == pytest.approx(row.result.utilization * point.peak)


def test_words_are_those_that_the_port_moves(networks):
    network = networks[0]
    rows = {(row.arch, row.layer): row for row in network.rows if row.arch == "dense"}
    for point in points(network, Port("SMEM", "read")):
        if point.arch == "dense":  # no metadata, so all words are accesses
            level = next(lv for lv in rows[point.arch, point.layer].result.levels if lv.name == "SMEM")
            words = sum(counts.accesses["random_reads"] for counts in level.tensors.values())
            macs = rows[point.arch, point.layer].result.compute.random
            assert point.intensity == pytest.approx(macs / words)


def test_ports_are_those_with_a_bandwidth_outermost_first(networks):
    shipped, changed, *_ = networks
    assert ports(shipped) == (Port("SMEM", "read"), Port("SMEM", "written"))
    expected = [("DRAM", "read"), ("SMEM", "read"), ("SMEM", "written"), ("RF", "read"), ("RF", "written")]
    assert [(port.level, port.way) for port in ports(changed)] == expected


def test_without_any_bandwidth_the_reads_of_dram_stand_below_the_macs_alone():
    free = load_arch("crisp-stc").replace(name="free", smem_bandwidth=None)
    network = evaluate(SOURCE, [free], layers="layer3.0.*").network
    (port,) = ports(network)
    found = points(network, port)
    assert port == Port("DRAM", "read") and all(p.bandwidth is None and p.roof == p.peak for p in found)
    assert len(found) == len(network.rows)


def test_rows_that_do_no_work_have_no_point(networks):
    row = networks[0].rows[0]
    idle = replace(row, result=replace(row.result, compute=None))
    assert points(replace(networks[0], rows=(idle,)), Port("SMEM", "read")) == ()
    assert points(networks[0], Port("nowhere", "read")) == ()
