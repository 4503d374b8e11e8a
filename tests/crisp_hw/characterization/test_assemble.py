"""Circuits to costs: the fixed table comes out again, and nodes and widths scale as said."""

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization.assemble import ASSUMED, assemble, from_grid, listed, mac_share
from crisp_hw.characterization.components import Dram, Latches, Mac, Overhead, Sram, circuits
from crisp_hw.characterization.scaling import area_factor, energy_factor, wire_factor
from crisp_hw.characterization.sram import SramArray
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import OperandBits


def costs(*parts, node=45):
    return assemble("table", parts, from_grid, node)


@pytest.mark.parametrize("name", ["dense", "stc", "dstc", "crisp-stc"])
def test_the_fabric_costs_what_the_fixed_table_says(name):
    edge = load_arch(name, energy="fabric-45nm")
    found = costs(*circuits(edge.architecture, edge.constraints.keeps)).table
    assert found.actions == edge.energy.actions


def test_dram_costs_by_the_bit_at_every_node():
    for node in (45, 22):
        (dram,) = costs(Dram("DRAM", 32), node=node).components
        assert dram.actions["read"].pj == dram.actions["metadata_write"].pj == 256.0
        assert dram.actions["leak"].pj == 0.0


def test_metadata_of_a_dram_cost_by_their_own_bits():
    (dram,) = costs(Dram("DRAM", 64, 8)).components
    assert dram.actions["read"].pj == 512.0
    assert {dram.actions[f"metadata_{action}"].pj for action in ("read", "write", "update")} == {64.0}


def test_latches_scale_with_bits_and_node():
    (latch,) = costs(Latches("LRF", 16, 4), node=65).components
    assert latch.actions["read"].pj == pytest.approx(16 * 0.009 * energy_factor(65))
    assert latch.actions["gated_write"].pj == pytest.approx(16 * 0.00037 * energy_factor(65))
    assert latch.actions["metadata_update"].pj == pytest.approx(4 * 0.009 * energy_factor(65))
    assert latch.area_um2 == pytest.approx(20 * 5.98 * area_factor(65))
    assert "scaled from 45 to 65 nm by Stillmaker" in latch.actions["read"].source
    (plain,) = costs(Latches("LRF", 16, 0)).components
    assert not [action for action in plain.actions if "metadata" in action]


def test_an_sram_adds_the_leakage_and_area_of_both_arrays():
    data, metadata = SramArray(256, 8192), SramArray(64, 8192)
    (smem,) = costs(Sram("SMEM", data, metadata)).components
    both = [from_grid(array)[0] for array in (data, metadata)]
    assert smem.actions["leak"].pj == pytest.approx(sum(n.leakage_uw for n in both) * 1e-3, abs=1e-6)
    assert smem.area_um2 == sum(n.area_um2 for n in both)
    (alone,) = costs(Sram("RF", data, None)).components
    assert "metadata_read" not in alone.actions
    assert alone.actions["update"] == alone.actions["write"]


def test_a_source_says_whether_cacti_was_asked_for_that_very_array():
    assert "from the grid of hwcomponents-cacti" in from_grid(SramArray(64, 8192))[1]
    assert "interpolated in the grid of" in from_grid(SramArray(64, 8000))[1]


def test_logic_scales_and_says_so():
    found = {each.name: each for each in costs(Mac("MAC", 8), Overhead("selection", 8), node=32).components}
    assert found["MAC"].actions["compute"].pj == pytest.approx(0.5608 * energy_factor(32))
    assert found["selection"].actions["select"].pj == pytest.approx(0.040725 * energy_factor(32))
    assert "x 0.5314" in found["MAC"].actions["compute"].source
    assert costs(Mac("MAC", 8), node=32).assumptions[0].startswith("logic and registers are scaled")
    assert costs(Mac("MAC", 8)).assumptions == ASSUMED


def test_units_of_other_widths_follow_the_widths_and_say_so():
    parts = (Mac("MAC", 16), Overhead("selection", 4), Overhead("offset_decoder", 4))
    wide = {each.name: each for each in costs(*parts).components}
    assert wide["MAC"].actions["compute"].pj == pytest.approx(0.5608 * mac_share(OperandBits(16, 16, 16)))
    assert wide["selection"].actions["select"].pj == pytest.approx(0.040725 / 2)
    assert "x 0.5 for the bits" in wide["selection"].actions["select"].source
    assert "for the bits" not in str(wide["offset_decoder"].actions)  # it decodes offsets, whatever the words are


@pytest.mark.parametrize("node", [7, 28, 130])
def test_nodes_without_arrays_are_refused(node):
    with pytest.raises(InputError, match=f"no technology file for {node} nm"):
        costs(Mac("MAC", 8), node=node)


def test_every_cost_and_area_has_a_source():
    edge = load_arch("crisp-stc")
    for each in costs(*circuits(edge.architecture, edge.constraints.keeps, 22), node=22).components:
        assert all(cost.source for cost in each.actions.values())
        assert (each.area_um2 is None) == (each.area_source == "")
        assert each.stands_for


def test_an_adder_and_a_wire_are_listed_with_their_sources_and_charged_nowhere():
    found = costs(Mac("MAC", 8), node=32)
    adder, wire = found.listed
    assert adder.actions["add"].pj == pytest.approx(0.1 * energy_factor(32))
    assert "Horowitz 2014" in adder.actions["add"].source and "x 0.5314" in adder.actions["add"].source
    # 8 bits, a fifth of them switching, 1.627 fF per um over 1000 um at 1 V; the supply falls from 1.1 to 1.0 V
    assert wire.actions["transfer"].pj == pytest.approx(8 * 0.2 * 1.627e-3 * 1000 * (1.0 / 1.1) ** 2)
    assert "x 0.8264 at 32 nm: the square of the supply" in wire.actions["transfer"].source
    assert set(found.table.actions) == {"MAC"}
    assert all(cost.source for node in (90, 22) for each in listed(node) for cost in each.actions.values())


def test_a_wire_takes_less_at_every_lower_supply():
    factors = [wire_factor(node) for node in (90, 65, 45, 32, 22)]
    assert factors == sorted(factors, reverse=True) and factors[1] == factors[2] == 1.0
