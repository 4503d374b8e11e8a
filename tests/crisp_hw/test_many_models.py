"""Every packaged network on every accelerator, at several patterns: nothing fails, and what must hold of each does."""

import pytest

from crisp_hw import api
from crisp_hw.accelerators import load_arch
from crisp_hw.spec.patterns import NM
from crisp_hw.workloads import list_workloads, load_workload

pytestmark = pytest.mark.long
ARCHS = ["dense", "stc", "dstc", "crisp-stc"]


@pytest.mark.parametrize("name", list_workloads())
@pytest.mark.parametrize(("n", "block", "sparsity"), [(2, None, None), (1, 64, 0.8), (2, 16, 0.75)])
def test_a_network_on_every_accelerator(name, n, block, sparsity):
    source = api.WorkloadPattern(load_workload(name), NM(n, 4), block=block, sparsity=sparsity)
    network = api.evaluate(source, ARCHS).network
    layers = len(load_workload(name).layers)
    assert len(network.rows) == layers * len(ARCHS)
    lanes = load_arch("dense").architecture.compute.instances
    for row in network.rows:
        assert row.result.cycles >= row.real_macs * row.descriptor.density / lanes
        assert row.dense.cycles >= row.real_macs / lanes
        assert row.result.energy_pj > 0
        if row.arch == "dense":
            assert row.result.cycles == row.dense.cycles
