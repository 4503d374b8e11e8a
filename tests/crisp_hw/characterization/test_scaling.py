"""Scaling between nodes: the published quadratics, nothing at the node of the tables, nothing outside."""

import pytest

from crisp_hw.characterization.scaling import area_factor, energy_factor, scaling_note
from crisp_hw.errors import InputError


def test_nothing_changes_at_the_node_of_the_tables():
    assert (energy_factor(45), area_factor(45), scaling_note(45)) == (1.0, 1.0, "")


def test_the_quadratics_by_hand():
    at_45 = 1.103 * 1.1**2 - 0.362 * 1.1 + 0.2767
    assert energy_factor(90) == pytest.approx((4.762 * 1.2**2 - 4.781 * 1.2 + 2.092) / at_45)
    assert energy_factor(65) == pytest.approx((3.755 * 1.1**2 - 4.398 * 1.1 + 1.975) / at_45)
    assert energy_factor(32) == pytest.approx((0.9559 - 0.7823 + 0.471) / at_45)


def test_between_two_nodes_it_lies_between_their_factors():
    assert energy_factor(20) < energy_factor(22) < energy_factor(32) < energy_factor(38) < 1
    assert area_factor(20) < area_factor(22) < area_factor(32)
    assert "between their 32 and 20 nm" in scaling_note(22)
    assert "between" not in scaling_note(65)


@pytest.mark.parametrize("node", [7, 16, 130, 180])
def test_outside_of_the_covered_nodes_it_is_refused(node):
    for scale in (energy_factor, area_factor):
        with pytest.raises(InputError, match=rf"logic at {node} nm: .* from 20 to 90 nm"):
            scale(node)
