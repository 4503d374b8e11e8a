"""A variable that nothing speaks of is named, and no other is."""

import pytest

from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.timeloop.yaml.documents import InputFiles, load_documents
from crisp_hw.timeloop.yaml.unused_variables import unused_variables

DESIGN = """
variables:
  version: 0.4
  rows: 4
  half: rows * 32
  words: half * 2
  banks: 12
  of_banks: banks / 4
  technology: "32nm"
architecture:
  version: 0.4
  nodes:
  - !Component {name: Far, class: DRAM, attributes: {width: 64, datawidth: 8}}
  - !Component {name: Near, class: SRAM, attributes: {depth: ceil(variables.words / 2), width: 64, datawidth: 8}}
  - !Component {name: Mul, class: intmac, spatial: {meshX: rows}, attributes: {datawidth: 8}}
problem:
  version: 0.4
  shape:
    dimensions: [U, V]
    data_spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read_write: true}
  instance: {U: 4, V: 4}
"""
MAPPING = """
mapping:
- {target: Far, type: temporal, factors: [U=1, V=1]}
- {target: Near, type: temporal, factors: [U=1, V=4]}
- {target: Mul, type: spatial, factors: [U=4, V=1]}
"""
UNUSED = ["design.yaml:7: variable banks", "design.yaml:8: variable of_banks", "design.yaml:9: variable technology"]


def named(notes, folder):
    return [note.removeprefix(f"{folder}/") for note in notes if ": variable " in note]


def files(folder, text=DESIGN, strict=False):
    (folder / "design.yaml").write_text(text)
    return InputFiles((folder / "design.yaml",), strict=strict)


def test_the_model_names_them(tmp_path):
    found = evaluate_files(files(tmp_path, DESIGN + MAPPING))
    said = named(found.result.skipped, tmp_path)
    assert said == [f"{each}: nothing in the files speaks of it, without effect" for each in UNUSED]


def test_the_mapper_names_them(tmp_path):
    found = map_files(files(tmp_path))
    said = named(found.evaluated.result.skipped, tmp_path)
    assert said == [f"{each}: nothing in the files speaks of it, without effect" for each in UNUSED]


@pytest.mark.parametrize("run", [evaluate_files, map_files])
def test_strict_runs_refuse_them(tmp_path, run):
    with pytest.raises(InputError, match=r"design\.yaml:7: variable banks: nothing in the files speaks of it"):
        run(files(tmp_path, DESIGN + (MAPPING if run is evaluate_files else ""), strict=True))


def test_documents_without_variables_have_none():
    assert unused_variables({"problem": {"M": "rows"}}) == unused_variables({"variables": None}) == ()


def test_an_alias_speaks_of_a_variable_and_an_equal_number_does_not(tmp_path):
    text = "variables: {a: &a 4, b: &b [1, 7], c: 4, d: &d 9, e: *d}\nproblem: {size: *a, list: *b, same: 4}\n"
    (tmp_path / "all.yaml").write_text(text)
    said = unused_variables(load_documents([tmp_path / "all.yaml"]))
    assert [note.split(": ")[1] for note in said] == ["variable c", "variable d", "variable e"]
