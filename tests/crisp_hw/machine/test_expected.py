"""What a schema expects is found under keys, items and tags."""

from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.machine.expected import Expected
from crisp_hw.workloads import _WorkloadFile


def test_keys_are_those_of_the_place():
    arch = Expected(ArchFile)
    assert {"schema", "name", "levels"} <= set(arch.keys(()))
    assert "read_bandwidth" in arch.keys(("levels", "SMEM")) and "read_bandwidth" not in arch.keys(())
    assert arch.needed(("levels", "SMEM", "read_bandwidth")) == ["value", "source"]
    charge = ("runs", 0, "charges", 0)
    assert arch.told(charge) == ["circuit", "per (computes, latched_weights or index_entries)"]
    assert arch.keys(("levels", "SMEM", "nowhere")) == arch.keys(("nowhere", 3)) == []


def test_members_of_a_union_stand_under_their_tags():
    layers = Expected(_WorkloadFile)
    assert "kernel" in layers.keys(("layers", 0, "conv2d")) and "kernel" not in layers.keys(("layers", 0, "linear"))
