"""The supply that is assumed is that of the node that a file names."""

import pytest

from crisp_hw.accelerators.schema import TechnologyFields
from crisp_hw.accelerators.technology import at_node, technology_of


@pytest.mark.parametrize(
    ("node_nm", "supply_v", "said"),
    [(90, 1.2, "of 90 nm has"), (32, 1.0, "of 32 nm has"), (22, 0.9, "of 20 nm, the nearest to 22 nm, has")],
)
def test_a_node_brings_its_supply(node_nm, supply_v, said):
    named = technology_of(TechnologyFields.model_validate({"node_nm": node_nm}))
    moved = at_node(technology_of(TechnologyFields()), node_nm, "table")
    for each in (named, moved):
        assert each.supply_v == supply_v and said in each.supply_source


def test_a_supply_that_is_given_stays():
    given = {"node_nm": 32, "supply_v": {"value": 0.8, "source": "my own chip"}}
    found = technology_of(TechnologyFields.model_validate(given))
    assert (found.supply_v, found.supply_source) == (0.8, "my own chip")
