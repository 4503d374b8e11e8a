"""The node of Timeloop's documents is the one that they name, and no other without a word."""

import pytest

from crisp_hw.dropin.technology import Node, node_of
from crisp_hw.errors import InputError


def designs(group=None, own=None, dram=None, variables=None):
    """Documents in which these name a node: the group, one of its two components, its DRAM, the variables."""
    said = {key: {} if value is None else {"technology": value} for key, value in locals().items()}
    local = [
        {"name": "Far", "class": "DRAM", "attributes": said["dram"]},
        {"name": "Near[0..3]", "class": "SRAM", "attributes": said["own"]},
        {"name": "Mul", "class": "intmac"},
    ]
    top = {"name": "top", "attributes": said["group"], "local": local}
    return {"architecture": {"subtree": [{"name": "all", "subtree": [top]}]}, "variables": said["variables"]}


@pytest.mark.parametrize(
    ("named", "node"),
    [
        ({}, 45),
        ({"group": "32nm"}, 32),
        ({"group": 22}, 22),
        ({"group": "65 NM", "dram": "7nm"}, 65),
        ({"variables": "90nm"}, 90),
        ({"variables": "7nm", "group": "22nm"}, 22),
        ({"own": "SRAM", "dram": "LPDDR4"}, 45),
    ],
)
def test_the_nearest_word_holds(named, node):
    assert node_of(designs(**named), None) == Node(node)


def test_a_component_may_say_otherwise_where_all_do():
    alone = designs(group="7nm", own="32nm")
    alone["architecture"]["subtree"][0]["subtree"][0]["local"].pop()
    assert node_of(alone, None) == Node(32)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"group": "7nm"}, "architecture level top: technology '7nm' has no numbers here; there are 22, 32, .*--node"),
        ({"group": "33.5nm"}, "technology '33.5nm' has no numbers here"),
        ({"variables": "tsmc16"}, "variables: technology 'tsmc16' names no node in nm; there are 22"),
        ({"group": "45nm", "own": "32nm"}, "technology 32nm of Near, but technology 45nm of top: one run has one node"),
        ({"own": ["45nm"]}, "names no node"),
    ],
)
def test_what_is_no_node_that_has_numbers_is_refused(named, said):
    with pytest.raises(InputError, match=said):
        node_of(designs(**named), None)


def test_what_gives_way_to_the_node_that_is_asked_for_is_named():
    found = node_of(designs(group="7nm", own="32nm"), 32)
    assert found == Node(32, ("architecture: technology 7nm of top: not used, 32 nm was asked for",))
