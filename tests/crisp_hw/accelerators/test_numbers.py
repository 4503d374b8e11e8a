"""Every number of a file has a path by which it is changed: in Python, on the command line, in design spaces."""

import pytest

import crisp_hw
from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.errors import InputError

ARCH = load_arch("crisp-stc")


@pytest.mark.parametrize("name", list_arch())
def test_every_number_that_has_a_source_has_a_path_and_takes_its_own_value(name):
    found = load_arch(name)
    levels, compute = {level.name for level in found.architecture.levels}, found.architecture.compute.name
    for key in found.sources:
        part, field = key.split(".")
        above = "compute" if part == compute else f"levels.{part}" if part in levels else part
        tensor = field[-1].upper() if field.startswith("word_bits_") else ""
        path = f"{above}.word_bits.{tensor}" if tensor else f"{above}.{field}"
        assert found.numbers.get(path) is not None or field == "size"
    given = {path: value for path, value in found.numbers.items() if value is not None and "word_bits." not in path}
    again = found.replace(**given, name=found.name)
    assert again.architecture == found.architecture and again.technology.clock_ghz == found.technology.clock_ghz
    assert again.constraints == found.constraints and again.machine == found.machine
    assert again.energy.actions == found.energy.actions and dict(again.numbers) == dict(found.numbers)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("levels.RF.fanout_y", 8, lambda a: a.cores),
        ("levels.LRF.fanout_x", 8, lambda a: a.architecture.compute.instances // 64),
        ("levels.SMEM.read_bandwidth", 48, lambda a: a.architecture.level("SMEM").read_bandwidth),
        ("levels.SMEM.word_bits", 16, lambda a: a.architecture.level("SMEM").word_bits),
        ("compute.word_bits.A", 4, lambda a: a.architecture.compute.operands.weights),
        ("technology.clock_ghz", 0.5, lambda a: a.technology.clock_ghz),
        ("technology.supply_v", 0.9, lambda a: a.technology.supply_v),
        ("technology.node_nm", 22, lambda a: a.technology.node_nm),
        ("energy.MAC.compute", 1.25, lambda a: a.energy.actions["MAC"]["compute"]),
    ],
)
def test_a_path_changes_its_number_and_says_who_did(path, value, told):
    found = ARCH.replace(**{path: value})
    assert told(found) == value == found.numbers[path] and found.name == f"crisp-stc[{path}={value}]"
    assert any(note.startswith(f"{path}={value} set by the caller") for note in found.notes)
    assert "set by the caller" in {*found.sources.values(), *found.energy.sources["MAC"].values()} or "tech" in path


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("technology.supply_v", 0.9, "no number follows from it"),
        ("technology.clock_ghz", 0.5, "energies per action stay as they are"),
        ("levels.SMEM.read_bandwidth", 12, "energies per action stay as they are"),
        ("levels.SMEM.size_kb", 128, "energies per action are those of the changed fabric"),
    ],
)
def test_a_note_says_whether_energies_follow_what_was_set(path, value, said):
    found = ARCH.replace(**{path: value})
    assert f"{path}={value} set by the caller; {said}" in found.notes
    assert (found.energy.actions == ARCH.energy.actions) == (
        said != "energies per action are those of the changed fabric"
    )


def test_a_supply_that_is_not_that_of_the_node_is_named_as_without_effect(tmp_path):
    for supply, notes in ((1.1, ()), (0.9, ("no number follows from the supply of 0.9 V that its file states",))):
        (tmp_path / "low.yaml").write_text(
            f"schema: crisp-hw/arch/2\nextends: crisp-stc\nname: low\ntechnology: {{node_nm: 45, supply_v: {supply}}}\n"
        )
        assert tuple(note for note in load_arch(tmp_path / "low.yaml").notes if "supply" in note) == notes


def test_energies_follow_and_what_was_set_stays():
    small = ARCH.replace(**{"technology.node_nm": 22})
    assert small.energy.actions["SMEM"]["read"] < ARCH.energy.actions["SMEM"]["read"]
    fixed = ARCH.replace(**{"energy.MAC.compute": 9.0}).replace(rf_kb=2)
    assert fixed.energy.actions["MAC"]["compute"] == 9.0 and fixed.numbers["levels.RF.size_kb"] == 2
    assert fixed.energy.actions["RF"]["read"] > ARCH.energy.actions["RF"]["read"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels.RF.size": 2}, r"unknown number levels.RF.size; did you mean levels.RF.size_kb\? there are levels.RF"),
        ({"technology.clok_ghz": 2}, r"did you mean technology.clock_ghz\? there are technology.clock_ghz, tech"),
        ({"levels.RF.size_kb": -2}, "should be greater than 0, found -2"),
        ({"levels.RF.size_kb": 2, "rf_kb": 4}, "has no effect beside"),
        ({"energy.MAC.compute": -1}, "give pJ from 0"),
        ({"levels.LRF.fanout_x": 2.5}, "whole number"),
        ({"clock_ghz": 2}, r"unknown parameter clock_ghz; did you mean technology.clock_ghz\?"),
        ({"levels.RF.fanout_y": None}, "fanout_y=none: .*it feeds 1 x 1 children"),
    ],
)
def test_what_cannot_be_is_refused_with_the_names_that_can(changes, said):
    with pytest.raises(InputError, match=said):
        ARCH.replace(**changes)


def test_a_short_name_and_a_path_of_one_number_do_not_follow_each_other():
    with pytest.raises(InputError, match="sets a number that rf_kb has set before"):
        ARCH.replace(rf_kb=2).replace(**{"levels.RF.size_kb": 4})
    assert ARCH.replace(**{"levels.RF.size_kb": 4}).replace(rf_kb=2).architecture.level("RF").size_words == 2048


def test_changed_numbers_are_columns_and_axes_of_design_spaces():
    found = crisp_hw.evaluate(
        "resnet50", ["crisp-stc", "crisp-stc:technology.clock_ghz=0.5,cores=8"], nm="2:4", layers="fc", cache=False
    ).to_frame()
    assert found["technology.clock_ghz"].tolist() == [None, 0.5] or found["technology.clock_ghz"].tolist()[1] == 0.5
    assert found["cores"].tolist() == [4, 8]
    study = crisp_hw.explore(
        "resnet50",
        base="crisp-stc",
        space={"levels.RF.fanout_y": [2, 4], "energy.MAC.compute": [0.5, 1.0]},
        nm="2:4",
        layers="fc",
        objectives=("cycles", "energy_uj"),
    )
    assert len(study.to_frame()) == 4 and study.to_frame()["energy_uj"].nunique() == 4


def test_cores_are_those_of_the_level_that_feeds_an_array_whatever_it_is_called():
    found = crisp_hw.evaluate(
        "resnet50", ["systolic", "vegeta:l2_kb=1024", "stc:cores=2"], nm="2:4", layers="fc", cache=False
    )
    assert found.to_frame()["cores"].tolist() == [1, 1, 2]
