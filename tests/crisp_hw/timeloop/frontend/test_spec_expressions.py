"""Expressions over the whole specification, as timeloopfe's `spec`."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.frontend.flatten import flatten
from crisp_hw.timeloop.yaml.documents import load_documents

TEXT = """
variables: {version: 0.4, wide: len(spec.problem.instance)}
architecture:
  nodes:
  - !Component {name: DRAM, class: DRAM, attributes: {width: 8}}
  - !Component {name: RF, class: regfile, attributes: {width: 8, depth: %(depth)s}}
  - !Container {name: Lane, spatial: {meshX: %(mesh)s}, constraints: {spatial: {split: %(split)s}}}
  - !Component {name: MAC, class: mac}
problem:
  shape:
    dimensions: [M, K]
    data_spaces:
      - {name: A, projection: [[[M]], [[K]]]}
      - {name: B, projection: [[[K]]]}
      - {name: Z, projection: [[[M]]], read_write: true}
  instance: {M: 4, K: 2 * 3}
mapping:
- {target: Lane, type: spatial, factors: M=2%(more)s}
"""


@pytest.fixture
def flat(tmp_path):
    def flatten_text(depth="1", mesh="2", split="1", more=""):
        """The documents, flattened, and the attributes by level."""
        (tmp_path / "a.yaml").write_text(TEXT % {"depth": depth, "mesh": mesh, "split": split, "more": more})
        found = plain(flatten(load_documents([tmp_path / "a.yaml"]))[0])
        (top,) = found["architecture"]["subtree"]
        return found, {entry["name"].split("[")[0]: entry["attributes"] for entry in top["local"]}

    return flatten_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("spec.problem.instance.M * 2", 8),
        ("spec.problem.instance.K", 6),  # an expression itself, computed before
        ("len(spec.problem.shape.dimensions)", 2),
        ("max(spec.problem.instance.values())", 6),
        ("len(spec.problem.instance.keys()) + wide", 4),
        ("spec.variables.wide * 3", 6),
        ("len(spec.problem.shape.data_spaces)", 3),
    ],
)
def test_expressions_see_the_specification(flat, text, value):
    assert flat(depth=text)[1]["RF"]["depth"] == value


def test_numbers_of_constraints_and_mappings_are_expressions(flat):
    entries = {(e["target"], e["type"]): e for e in flat(split="len(spec.problem.instance)")[0]["mapping"]}
    assert entries["inter_Lane_spatial", "spatial"]["split"] == 2
    same = flat(split="2", more=", split: spec.variables.wide")[0]["mapping"]
    assert {(e["target"], e["type"]): e for e in same}["inter_Lane_spatial", "spatial"]["split"] == 2
    assert flat(mesh="spec.problem.instance.M")[1]["MAC"]["meshX"] == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spec.problme.instance.M", "there is no 'problme'"),
        ("spec.problem.instance.pop(1)", "only functions by name are known"),
        ("spec.__class__", "there is no '__class__'"),
        ("spec.problem.shape.dimensions.keys()", "has no keys"),
        ("open(spec)", "only functions by name are known"),
    ],
)
def test_what_is_not_there_is_a_sentence(flat, text, said):
    with pytest.raises(InputError, match=rf"a.yaml:6: .*{said}"):
        flat(depth=text)
