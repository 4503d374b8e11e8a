"""Networks over points: their tables, the way down and back, and their matrix products as layers."""

from math import inf

import numpy as np
import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.errors import InputError
from crisp_hw.points import load_network, point_layers, workload_of
from crisp_hw.points.priced import traffic_cost
from crisp_hw.points.voxels import downsampled

HEAD = "schema: crisp-hw/point-network/1\nname: n\nsource: by hand\nlayers:\n"
VOXELS = np.unique(np.random.default_rng(1).integers(0, 24, (600, 3)), axis=0)


def test_minkunet_on_a_cloud():
    layers = point_layers(load_network("minkunet"), VOXELS, 0.5)
    by_name = {each.convolution.name: each for each in layers}
    sides = [len(VOXELS), *(len(downsampled(VOXELS, side)) for side in (2, 4, 8, 16))]
    for stage in range(1, 5):
        assert by_name[f"stage{stage}.down"].map.output_voxels == sides[stage]
        assert by_name[f"stage{stage}.down"].map.pairs == sides[stage - 1]  # every voxel lies in one larger one
        assert by_name[f"up{stage}.up"].map.output_voxels == sides[4 - stage]
    assert by_name["classifier"].map.sizes == (len(VOXELS),)
    workload = workload_of("minkunet", layers)
    assert sum(layer.macs for layer in workload.layers) == sum(
        each.rows * each.convolution.in_channels * each.convolution.out_channels for each in layers
    )
    assert all(each.rows >= each.map.pairs for each in layers)
    unpadded = point_layers(load_network("minkunet"), VOXELS)
    assert sum(each.macs for each in unpadded) == sum(layer.macs for layer in workload_of("m", unpadded).layers)


def test_gather_and_scatter_take_the_bandwidth_and_energy_of_the_outermost_level():
    (layer,) = point_layers(load_network("minkunet")[:1], VOXELS, 1.0, inf)
    pairs, rows = layer.map.pairs - len(VOXELS), layer.rows - len(VOXELS)  # the centre is not gathered
    moved = layer.traffic
    assert (moved.gather_read, moved.gather_write) == (pairs * 4, rows * 4)
    assert (moved.scatter_read, moved.scatter_write) == (pairs * 32, len(VOXELS) * 32)
    arch = load_arch("crisp-stc")
    outer = arch.architecture.levels[-1]
    slow = arch.replace(**{f"{outer.name.lower()}_bandwidth": 8})
    cost = traffic_cost([layer], slow)
    assert cost.cycles == -(-max(moved.read, moved.written) // 8)
    table = arch.energy.actions[outer.name]
    assert cost.energy_pj == pytest.approx(
        (moved.read * table["read"] + moved.written * table["write"]) / outer.block_size
    )
    faster = arch.replace(**{f"{outer.name.lower()}_read_bandwidth": 8, f"{outer.name.lower()}_write_bandwidth": None})
    assert traffic_cost([layer], faster).cycles == -(-moved.read // 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - {name: a, in_channels: 1, out_channels: 1, kernel: 9}", r"n.yaml:5: .*kernel"),
        ("  - {name: a, in_channels: 1, out_channels: 1, stride: 2, transposed: true}", "goes back by 2"),
        ("  - {name: a, in_channels: 1, out_channels: 1}\n  - {name: a, in_channels: 1, out_channels: 1}", "is taken"),
        ("  - {name: a, in_channels: 1, out_chanels: 1}", "n.yaml:5: .*out_chan"),
    ],
)
def test_files_that_say_something_else(tmp_path, text, said):
    (tmp_path / "n.yaml").write_text(HEAD + text + "\n")
    with pytest.raises(InputError, match=said):
        load_network(str(tmp_path / "n.yaml"))


def test_no_such_network():
    with pytest.raises(InputError, match="there is minkunet"):
        load_network("spvcnn")
