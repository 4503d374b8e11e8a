"""The methods by name, and accelerators that are characterized anew when they change."""

import pickle

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization.grid import interpolate, load_grid
from crisp_hw.characterization.methods import METHODS, characterize
from crisp_hw.characterization.sram import SramArray
from crisp_hw.errors import InputError

EDGE = load_arch("crisp-stc", energy="table")


def test_the_table_is_what_the_default_uses():
    assert EDGE.energy.actions == load_arch("crisp-stc").energy.actions
    assert "characterized by table at 45 nm" in EDGE.notes[-1]


def test_a_larger_memory_is_characterized_anew():
    big = EDGE.replace(smem_kb=512)
    want = interpolate(load_grid(), SramArray(256, 16384))
    assert big.energy.actions["SMEM"]["read"] == want.read_pj > EDGE.energy.actions["SMEM"]["read"]
    assert big.energy.actions["SMEM"]["metadata_read"] > EDGE.energy.actions["SMEM"]["metadata_read"]
    assert big.energy.actions["RF"] == EDGE.energy.actions["RF"]
    assert "energies per action are those of the changed fabric" in big.notes[-1]
    assert big.replace(smem_kb=256).energy == EDGE.energy


def test_a_fixed_set_stays():
    fixed = load_arch("crisp-stc", energy="fabric-45nm")
    larger = fixed.replace(smem_kb=512).energy
    assert (larger.actions, larger.sources) == (fixed.energy.actions, fixed.energy.sources)
    assert set(fixed.energy.areas) - set(larger.areas) == {"SMEM"}  # that of another size is not known
    assert "energies per action stay those of the original fabric" in fixed.replace(smem_kb=512).notes[-1]


def test_bandwidth_and_cores_leave_energies_as_they_are():
    assert EDGE.replace(smem_bandwidth=32, cores=8).energy == EDGE.energy


def test_outside_of_the_grid_a_change_is_refused():
    with pytest.raises(InputError, match=r"outside of the grid .*it spans 2 to 2048 KB"):
        EDGE.replace(smem_kb=16384)
    with pytest.raises(InputError, match="SRAM without a size"):
        EDGE.replace(smem_size_words=None)


def test_another_node():
    small = load_arch("crisp-stc", energy="table", node_nm=22)
    assert small.energy.actions["SMEM"]["read"] < EDGE.energy.actions["SMEM"]["read"] / 2
    assert small.replace(smem_kb=512).energy.actions["MAC"] == small.energy.actions["MAC"]
    assert small.energy.actions["DRAM"] == EDGE.energy.actions["DRAM"]


def test_it_travels_to_another_process():
    again = pickle.loads(pickle.dumps(EDGE))
    assert again == EDGE
    assert again.replace(smem_kb=512).energy == EDGE.replace(smem_kb=512).energy


def test_unknown_names_list_the_valid_ones():
    with pytest.raises(InputError, match="named guess; valid names: table, cacti, accelergy"):
        characterize(EDGE.architecture, EDGE.constraints.keeps, "guess")
    with pytest.raises(InputError, match="no energy table guess; valid names: table, cacti, accelergy, eie, fabric"):
        load_arch("crisp-stc", energy="guess")
    assert tuple(METHODS) == ("table", "cacti", "accelergy")
