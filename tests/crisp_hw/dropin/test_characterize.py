"""An ERT and an ART for the architecture of Timeloop's documents."""

import pytest
import yaml
from typer.testing import CliRunner

from crisp_hw.characterization.grid import interpolate, load_grid
from crisp_hw.characterization.sram import SramArray
from crisp_hw.cli import app
from crisp_hw.dropin.characterize import characterize_files, table_texts
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.timeloop.yaml.documents import InputFiles

TREE = """
architecture:
  version: 0.3
  subtree:
  - name: top
    local:
    - {name: Far, class: DRAM, attributes: {width: 64, word-bits: %(bits)d%(far)s}}
    - {name: Near, class: SRAM, attributes: {%(near)s, word-bits: %(bits)d}}
    - {name: "RF[0..3]", class: regfile, attributes: {depth: 16, width: %(bits)d, word-bits: %(bits)d}}
    - {name: "Mul[0..3]", class: %(unit)s, attributes: {datawidth: %(bits)d}}
"""
NODES = """
variables: {words: 4096}
architecture:
  version: 0.4
  nodes:
  - !Component {name: Far, class: DRAM, attributes: {width: 64, datawidth: 8}}
  - !Component {name: Near, class: SRAM, attributes: {depth: words / 8, width: 64, datawidth: 8}}
  - !Container {name: PE, spatial: {meshX: 4}}
  - !Component {name: RF, class: regfile, attributes: {depth: 16, width: 8, datawidth: 8}}
  - !Component {name: Mul, class: intmac, attributes: {datawidth: 8}}
"""


@pytest.fixture
def table(tmp_path):
    def energies(text=TREE, method="table", node=None, **parts):
        """The costs of documents with these parts."""
        given = {"bits": 8, "far": "", "near": "depth: 512, width: 64", "unit": "intmac", **parts}
        (tmp_path / "arch.yaml").write_text(text % given if text == TREE else text)
        return characterize_files(InputFiles((tmp_path / "arch.yaml",)), method, node).costs

    return energies


def test_every_component_is_taken_by_its_size_and_width(table):
    actions = table().table.actions
    assert list(actions) == ["Far", "Near", "RF", "Mul"]
    assert actions["Far"]["read"] == 512.0  # 64 bits at 8 pJ
    assert actions["Near"]["read"] == interpolate(load_grid(), SramArray(64, 512)).read_pj
    assert actions["RF"]["read"] == 0.072  # 8 bits of latches
    assert actions["Mul"]["compute"] == 0.5608
    assert "metadata_read" not in actions["Near"]


def test_the_front_end_is_the_same_architecture(table):
    assert table(NODES).table.actions == table().table.actions


def test_an_array_between_those_of_the_table_is_the_next_larger_and_said(table):
    small = table(near="depth: 256, width: 8")
    assert small.table.actions["Near"]["read"] == interpolate(load_grid(), SramArray(32, 128)).read_pj
    assert any("Near: charged as 0.5 KB" in note for note in small.assumptions)
    odd = table(near="depth: 512, width: 96")
    assert odd.table.actions["Near"]["read"] == interpolate(load_grid(), SramArray(128, 384)).read_pj
    assert not any("charged as 0.5 KB" in note or "next larger" in note for note in table().assumptions)


def test_a_wider_unit_is_scaled_and_said(table):
    found = table(bits=16, near="depth: 512, width: 64")
    assert found.table.actions["Mul"]["compute"] == pytest.approx(4 * 0.5608)
    assert any("Mul: a unit of 16 bits is that of 8 bits x 4" in note for note in found.assumptions)


def test_a_level_with_room_for_metadata_has_an_array_for_it(table):
    assert (
        "metadata_read"
        in table(near="depth: 512, width: 64, metadata_width: 32, metadata_depth: 64").table.actions["Near"]
    )


@pytest.mark.parametrize("text", [TREE, NODES], ids=["tree", "nodes"])
def test_the_node_that_a_component_names_is_its_node(table, text):
    named = "  nodes:\n  - !Container {name: whole, attributes: {technology: 32nm}}\n"
    tree = "  - name: top\n    attributes: {technology: 32nm}\n"
    said = text.replace("  nodes:\n", named).replace("  - name: top\n", tree)
    energies = table(said % {"bits": 8, "far": "", "near": "depth: 512, width: 64", "unit": "intmac"})
    assert energies.node_nm == 32
    assert energies.table.actions["Near"]["read"] == interpolate(load_grid(), SramArray(64, 512, node_nm=32)).read_pj
    assert energies.table.actions == table(node=32).table.actions != table().table.actions


def test_attributes_that_energies_lack_are_named(tmp_path):
    (tmp_path / "arch.yaml").write_text(NODES.replace("depth: words / 8", "n_banks: 2, depth: words / 8"))
    (note,) = characterize_files(InputFiles((tmp_path / "arch.yaml",))).notes[-1:]
    assert note == f"{tmp_path}/arch.yaml:7: attribute n_banks (Near): not in these energies"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"unit": "fpmac"}, r"arch.yaml:10: architecture level Mul: class 'fpmac': the tables have integer units only"),
        ({"far": ", type: HBM2"}, r"arch.yaml:7: architecture level Far: a DRAM of the type 'HBM2' has no numbers"),
        ({"near": "depth: 64, width: 2048"}, r"arch.yaml:8: architecture level Near: .*outside of the grid"),
        ({"near": "depth: 99999999, width: 64"}, r"arch.yaml:8: architecture level Near: .*outside of the grid"),
        ({"near": "width: 64"}, "an SRAM without a size has no energy"),
    ],
)
def test_what_has_no_numbers_is_refused_by_name(table, parts, said):
    with pytest.raises(InputError, match=said):
        table(**parts)


def test_files_without_an_architecture_are_a_sentence(table):
    with pytest.raises(InputError, match="no document 'architecture'"):
        table("problem: {}\n")


PROBLEM = """
problem:
  shape:
    dimensions: [U, V]
    data-spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read-write: true}
  instance: {U: 4, V: 4}
mapping:
- {target: Far, type: temporal, factors: U=4 V=1}
- {target: Near, type: temporal, factors: U=1 V=1}
- {target: RF, type: temporal, factors: U=1 V=4}
- {target: Near, type: bypass, bypass: [A, B, Z]}
"""


def test_the_tables_are_read_and_price_a_run(table, tmp_path):
    found = table()
    assert yaml.safe_load(table_texts(found)["ART.yaml"])["ART"]["tables"][0]["name"] == "Near"
    for name, text in {**table_texts(found), "problem.yaml": PROBLEM}.items():
        (tmp_path / name).write_text(text)
    names = ("arch.yaml", "problem.yaml", "ERT.yaml", "ART.yaml")
    result = evaluate_files([tmp_path / name for name in names]).result
    assert result.compute.energy_pj == pytest.approx(16 * 0.5608)
    assert not any("estimate" in note for note in result.assumptions)
    plain = evaluate_files([tmp_path / name for name in names[:2]]).result
    assert any("`crisp-hw characterize FILES` makes one" in note for note in plain.assumptions)


def test_the_command_writes_both_tables(table, tmp_path):
    table()
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["characterize", str(tmp_path / "arch.yaml"), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(each.name for each in out.iterdir()) == ["ART.yaml", "ERT.yaml"]
    for words, said in (
        (["characterize", str(tmp_path / "arch.yaml"), "--arch", "dense"], "--arch is for accelerators"),
        (["characterize", "-o", str(out)], "--out: only for FILES"),
    ):
        refused = CliRunner().invoke(app, words)
        assert said in str(refused.exception) + refused.output
