"""The architecture document, in the words of Timeloop's buffers."""

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import FREE, Wires
from crisp_hw.timeloop.read.architecture import (
    multiplicity,
    plain_name,
    read_architecture,
)
from crisp_hw.timeloop.read.tables import read_areas, read_energy, wire_energy


def chain(*elements):
    """One `local` list, outermost first: (name, class, attributes)."""
    local = [{"name": name, "class": kind, "attributes": attributes} for name, kind, attributes in elements]
    return {"subtree": [{"name": "system", "local": local}]}


def level(**attributes):
    """The storage level that these attributes describe."""
    return read_architecture(chain(("S", "SRAM", attributes), ("MAC", "mac", {}))).levels[0]


@pytest.mark.parametrize(
    ("name", "plain", "count"),
    [("a.b.SMEM[1..4]", "SMEM", 4), ("PE[0..15]", "PE", 16), ("PE [0 .. 3]", "PE", 4), ("X", "X", 1)],
)
def test_names_carry_a_multiplicity(name, plain, count):
    assert (plain_name(name), multiplicity(name)) == (plain, count)


@pytest.mark.parametrize("name", ["PE[4]", "PE[0..]", "PE[3..0]", "PE[0..3.5]", "PE[0..3", "PE[0..3]x", "PE[-1..2]"])
@pytest.mark.parametrize("place", ["subtree", "local"])
def test_brackets_without_a_range_are_no_name(name, place):
    tree = chain(("S", "SRAM", {}), (name if place == "local" else "M", "mac", {}))
    if place == "subtree":
        tree["subtree"][0]["name"] = name
    with pytest.raises(InputError, match=r"hold no range of instances; write PE\[0\.\.3\] for four"):
        read_architecture(tree)


def test_multiplicities_of_a_tree_multiply():
    tree = {
        "subtree": [
            {
                "name": "chip",
                "local": [{"name": "DRAM", "class": "DRAM"}],
                "subtree": [
                    {
                        "name": "PE[0..3]",
                        "local": [
                            {"name": "RF", "class": "regfile", "attributes": {"entries": 8}},
                            {"name": "MAC[1..2]", "class": "compute"},
                        ],
                    }
                ],
            }
        ]
    }
    found = read_architecture(tree)
    assert [(each.name, each.instances, each.mesh_x, each.mesh_y) for each in found.levels] == [
        ("RF", 4, 4, 1),
        ("DRAM", 1, 1, 1),
    ]
    assert (found.compute.name, found.compute.instances) == ("MAC", 8)
    assert found.fanouts == ((2, 1), (4, 1))


@pytest.mark.parametrize(
    ("attributes", "mesh"),
    [
        ({"instances": 6}, (6, 6, 1)),
        ({"instances": 6, "meshX": 2}, (6, 2, 3)),
        ({"instances": 6, "meshY": 2}, (6, 3, 2)),
        ({"instances": 6, "meshX": 3, "meshY": 2}, (6, 3, 2)),
    ],
)
def test_a_missing_side_of_the_mesh_follows(attributes, mesh):
    found = read_architecture(chain(("S", "SRAM", attributes), ("MAC", "mac", {"instances": 6}))).levels[0]
    assert (found.instances, found.mesh_x, found.mesh_y) == mesh


@pytest.mark.parametrize(
    ("attributes", "word_bits", "block", "cluster", "words"),
    [
        ({}, 16, 1, 1, None),
        ({"datawidth": 8, "width": 64, "depth": 10}, 8, 8, 1, 80),
        ({"word_bits": 8, "block_size": 4, "depth": 10}, 8, 4, 1, 40),
        ({"width": 64, "block_size": 2, "instances": 4}, 16, 2, 2, None),  # the rest of the width is the cluster
        ({"width": 64, "cluster_size": 2, "instances": 4}, 16, 2, 2, None),
        ({"entries": 99, "depth": 3}, 16, 1, 1, 99),
        ({"sizeKB": 2, "word_bits": 8}, 8, 1, 1, 2048),
    ],
)
def test_widths_and_sizes(attributes, word_bits, block, cluster, words):
    found = level(**attributes)
    assert (found.word_bits, found.block_size, found.cluster_size, found.size_words) == (
        word_bits,
        block,
        cluster,
        words,
    )


def test_bandwidths_and_metadata():
    found = level(bandwidth=6, shared_bandwidth=4.5, multiple_buffering=2)
    assert (found.read_bandwidth, found.write_bandwidth, found.shared_bandwidth) == (3.0, 3.0, 4.5)
    assert found.multiple_buffering == 2
    found = level(read_bandwidth=1, metadata_datawidth=4, metadata_storage_width=32, metadata_storage_depth=7)
    assert (found.read_bandwidth, found.write_bandwidth) == (1, None)
    assert (found.metadata_word_bits, found.metadata_width_bits, found.metadata_depth) == (4, 32, 7)


def test_dram_is_told_by_its_class_or_technology():
    assert read_architecture(chain(("S", "DRAM", {}), ("MAC", "mac", {}))).levels[0].technology == "DRAM"
    assert level(technology="DRAM").technology == "DRAM"
    assert level(technology="45nm").technology == "SRAM"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (
            chain(("S", "SRAM", {"deepth": 4}), ("MAC", "mac", {})),
            "architecture level S: unknown key 'deepth'; known are ",
        ),
        (
            chain(("S", "SRAM", {"depth": 1.5}), ("MAC", "mac", {})),
            "architecture level S.depth: expected a whole number",
        ),
        (
            chain(("S", "SRAM", {"width": 0}), ("MAC", "mac", {})),
            "architecture level S.width: expected a whole number of at least 1",
        ),
        (
            chain(("S", "SRAM", {"instances": 4, "meshX": 3}), ("MAC", "mac", {})),
            "architecture level S: meshX 3 x meshY 1 is not its 4 instances",
        ),
        (
            chain(("S", "SRAM", {"instances": "4"}), ("MAC", "mac", {})),
            "architecture level S.instances: expected a nonnegative number, found str '4'",
        ),
        (
            chain(("S", "SRAM", {"compression_supported": "yes"}), ("MAC", "mac", {})),
            "architecture level S.compression_supported: expected true or false",
        ),
        (
            chain(("S", "SRAM", {"allow_overbooking": True}), ("MAC", "mac", {})),
            "architecture level S: allow_overbooking (tiles that fit most of the time) is not modelled; leave it out",
        ),
        (
            chain(("S", "SRAM", {"min_utilization": 0.5}), ("MAC", "mac", {})),
            "architecture level S.min_utilization: 0.5 of an unbounded level; give the level a size",
        ),
        (
            chain(("S", "router", {}), ("MAC", "mac", {})),
            "architecture level S: class 'router' is neither storage nor compute",
        ),
        (chain(("MAC", "mac", {})), "architecture: 0 storage and 1 compute levels; needed are some and one"),
        (chain(("S", "SRAM", {})), "architecture: 1 storage and 0 compute levels"),
        ({"subtree": [{"local": []}]}, "architecture.subtree: the key 'name' is missing; there are 'local'"),
        (
            {"subtree": [{"name": "s", "local": [{"name": "X"}]}]},
            "architecture level X: the key 'class' is missing; there are 'name'",
        ),
    ],
)
def test_errors_name_the_level_and_the_attribute(document, sentence):
    with pytest.raises(InputError) as error:
        read_architecture(document)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    "attributes",
    [
        {"width": 8, "datawidth": 16},
        {"width": 24, "datawidth": 8, "cluster_size": 2},
        {"width": 8, "datawidth": 8, "cluster_size": 2},
        {"width": 64, "datawidth": 8, "block_size": 3},
        {"width": 64, "datawidth": 8, "block_size": 4, "cluster_size": 4},
    ],
)
def test_a_width_is_whole_blocks(attributes):
    """Timeloop stops, or divides by 0 words, where it is not."""
    with pytest.raises(InputError, match=r"level S: width \d+ is not a whole number of blocks"):
        level(**attributes)


def test_instances_stand_in_whole_clusters():
    with pytest.raises(InputError, match="level S: 3 instances are no whole number of clusters of 2"):
        level(cluster_size=2, instances=3)


@pytest.mark.parametrize("name", ["datawidth", "word_bits"])
def test_words_have_bits(name):
    with pytest.raises(InputError, match=r"level S.word_bits: expected a whole number of at least 1"):
        level(**{name: 0})
    with pytest.raises(InputError, match=r"level MAC.word_bits: expected a whole number of at least 1"):
        read_architecture(chain(("S", "SRAM", {}), ("MAC", "mac", {name: 0})))


def test_a_size_is_said_once():
    with pytest.raises(InputError, match="level S: sizeKB and a number of entries"):
        level(sizeKB=1, depth=4)


def test_energy_of_a_component_without_its_path():
    tables = {
        "tables": [
            {"name": "chip.PE[0..3].RF", "actions": [{"name": "read", "energy": 1}, {"name": "leak", "energy": 0.5}]}
        ]
    }
    assert read_energy(tables).actions == {"RF": {"read": 1.0, "leak": 0.5}}


def test_a_share_of_the_size_may_have_to_be_used():
    levels = read_architecture(chain(("S", "SRAM", {"depth": 8, "min_utilization": 0.5}), ("MAC", "mac", {}))).levels
    assert levels[0].min_utilization == 0.5


def test_a_level_says_what_its_network_costs():
    everything = {
        "network_word_bits": 8,
        "network_type": "1:N",
        "wire_energy": 0.25,
        "tile_width": 300,
        "energy_per_hop": 2,
        "router_energy": 0.5,
        "energy-per-ingress": 0.125,
        "network_fill_latency": 3,
        "network_drain_latency": 4,
    }
    assert level(**everything).wires == Wires(8, 0.25, 300.0, 2.0, 0.5, 0.125, 3, 4, "1:N")
    assert level(depth=4).wires is FREE


@pytest.mark.parametrize(("value", "said"), [(True, True), ("False", False), ("true", True)])
def test_adding_up_partial_sums_is_said_by_a_flag_or_its_name(value, said):
    assert level(reduction_supported=value).reduction_supported is said
    assert level().reduction_supported is None


@pytest.mark.parametrize(
    "attributes",
    [{"network_type": "M:N"}, {"reduction_supported": "maybe"}, {"router_energy": -1}, {"network_fill_latency": 0.5}],
)
def test_networks_that_are_not_modelled_are_refused(attributes):
    with pytest.raises(InputError, match=f"architecture level S.*{next(iter(attributes))}"):
        level(**attributes)


def test_areas_are_the_tables_or_the_components_own():
    parts = chain(("S", "SRAM", {"cluster_area": 30, "cluster_size": 3}), ("MAC", "mac", {"area": 5}))
    assert read_areas(parts) == {"S": 10.0, "MAC": 5.0}
    assert read_areas(parts, {"tables": [{"name": "chip.S[1..2]", "area": 0.1}]}) == {
        "S": float(np.float32(0.1)),
        "MAC": 5.0,
    }


def wires(*energies, action="transfer_random"):
    return {"name": "chip.wire", "actions": [{"name": action, "energy": energy} for energy in energies]}


def test_the_table_of_wires_is_in_single_precision_and_the_last_that_costs_counts():
    assert wire_energy({"tables": [wires(0.1, 0.2)]}) == float(np.float32(0.2))
    assert wire_energy({"tables": [wires(0.5), {**wires(0), "name": "Wire"}]}) == 0.5
    assert wire_energy({"tables": [{**wires(0.5), "name": "wires"}]}) is None
    assert wire_energy({"tables": [wires(0)]}) is None


def test_a_table_of_wires_without_its_action_is_refused():
    with pytest.raises(InputError, match="ERT wire: without the action transfer_random Timeloop stops"):
        wire_energy({"tables": [wires(1, action="transfer")]})
