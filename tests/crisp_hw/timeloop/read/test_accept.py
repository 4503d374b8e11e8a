"""Documents down to what the readers know: notes for what has no effect, errors for what is not modelled."""

import copy

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.read.accept import accept
from crisp_hw.timeloop.read.accept_attributes import NEUTRAL, without_others
from crisp_hw.timeloop.read.point import read_point
from crisp_hw.timeloop.yaml.documents import load_documents

TEXT = """
architecture:
  version: 0.4
  subtree:
    - name: system
      attributes: {technology: 45nm}
      local:
        - {name: DRAM, class: DRAM, attributes: {width: 16, type: LPDDR4, n_banks: 8, power_gated_at: DRAM}}
        - {name: adder, class: intadder}
        - {name: MAC, class: mac, attributes: {word_width: 8}, required_actions: [compute]}
problem:
  shape:
    dimensions: [M]
    data_spaces: [{name: A, projection: [[[M]]], ranks: [M]}, {name: Z, projection: [[[M]]], read_write: true}]
  instance: {M: 4, Height: 7}
mapping: [{target: DRAM, type: temporal, factors: M=4, split: null}]
ERT: {version: 0.4, tables: [{name: system.DRAM, actions: [{name: reed, energy: 1}]}, {name: L2, actions: []}]}
mapper: {algorithm: random}
ignore_this: [1, 2]
"""


@pytest.fixture
def documents(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    return load_documents([path])


def test_everything_left_out_is_noted_with_its_line(documents):
    accepted, notes = accept(documents)
    said = {note.split("a.yaml:")[1].split(": ")[0]: note for note in notes}
    expected = {
        "6": "technology (system)",
        "8": "power_gated_at (DRAM)",
        "9": "adder: Timeloop's model has no class 'intadder'",
        "10": "word_width (MAC)",
        "14": "ranks of A",
        "15": "Height",
        "18": "mapper",
        "19": "ignore_this",
    }
    assert {line: part for line, part in expected.items() if part not in said.get(line, "")} == {}
    assert len([note for note in notes if ":8: " in note]) == 3  # type, n_banks, power_gated_at
    assert any("no action 'reed'" in note for note in notes)
    assert any("ERT of L2: the architecture has no such level" in note for note in notes)
    point = read_point(accepted)
    assert [level.name for level in point.design.architecture.levels] == ["DRAM"]
    assert point.design.architecture.compute.word_bits == 16  # Timeloop does not read word_width of a MAC


def test_accepting_changes_nothing_that_is_known(documents):
    accepted, _ = accept(documents)
    again, notes = accept(accepted)
    assert plain(again) == plain(accepted)
    assert notes == tuple(note for note in notes if "ERT of" in note)


CHANGES = [
    (("layout", 1), "the document 'layout' is not modelled"),
    (("problm", 1), "did you mean 'problem'?"),
    (("arch", {}), "arch and architecture are the same"),
    (("constraints", {"targets": [{}]}), "is for the front end alone"),
    (("globals", {"environment_variables": {"TIMELOOP_ENABLE_FIRST_READ_ELISION": 0}}), "switch TIMELOOP_ENABLE"),
    (("model", {"auto_bypass_on_failure": True}), "auto_bypass_on_failure is not modelled"),
    (("model", {"verbos": True}), "unknown key 'verbos'"),
    (("problem", {"shape": "attention", "instance": {}}), "use cnn_layer or gemm_ABZ, or write the shape out"),
    (("problem", {"shape": {"flatten": [1]}, "instance": {}}), "flatten is not modelled"),
    (("problem", {"version": 7}), "version '7' is not known|'instance'|missing"),
    (("ERT", {"tables": [{"name": "wire", "actions": [{"name": "transfer_random", "energy": 1e16}]}]}), "are in pJ"),
    (("ERT", {"tables": [{"name": "DRAM", "actions": [{"name": "read", "energy": 1e20}]}]}), "energies are in pJ"),
    (("ART", {"tables": [{"name": "MAC", "area": 1}, {"name": "MAC", "area": 2}]}), "two different areas"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_what_is_refused(documents, change, said):
    name, value = change
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        accept(documents.derived({**documents, name: value}))


@pytest.mark.parametrize("name", ["architecture_constraints", "arch_constraints", "constraints"])
def test_empty_constraints_are_noted(documents, name):
    _, notes = accept(documents.derived({**documents, name: {"targets": []}}))
    assert any(f"{name}: empty" in note for note in notes)


def test_bounds_may_stand_in_the_problem_itself(documents):
    shape = documents["problem"]["shape"]
    accepted, _ = accept(documents.derived({**documents, "problem": {"shape": shape, "M": 4}}))
    assert accepted["problem"]["instance"] == {"M": 4}


def test_variables_stand_in_for_attributes(documents):
    given = copy.deepcopy(plain(documents)) | {"variables": {"WIDE": 64}}
    given["architecture"]["subtree"][0]["local"][0]["attributes"]["width"] = "WIDE"
    accepted, _ = accept(documents.derived(given))
    assert read_point(accepted).design.architecture.levels[0].block_size == 4


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_what_timeloop_reads_and_this_does_not_is_refused(name):
    with pytest.raises(InputError, match=f"architecture level RF: {name} = .* is not modelled"):
        without_others("RF", {name: 0.123}, is_compute=False)


@pytest.mark.parametrize(
    "attributes",
    [
        {"fill_latency": 5, "drain_latency": 5},
        {"allow_overbooking": False},
        {"per_dataspace_bandwidth_consumption_scale": {"A": 1}},
        {"addr_gen_energy": -0.1},
        {"energy_per_ingress": 0},
        {"cell_datawidth": 3},
    ],
)
def test_values_without_effect_are_listed(attributes):
    assert without_others("RF", attributes, is_compute=False) == ({}, list(attributes))


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("name: adder, class: intadder", "name: DRAM, class: SRAM", "a.yaml:9: architecture level DRAM: there are two"),
        ("{name: L2, actions: []}", "{name: 'DRAM[1..1]', actions: []}", "ERT DRAM: there is a table of it already"),
    ],
)
def test_names_are_given_once(tmp_path, before, after, sentence):
    path = tmp_path / "a.yaml"
    path.write_text(TEXT.replace(before, after))
    with pytest.raises(InputError, match=sentence):
        accept(load_documents([path]))
