"""Errors about nouns get the line of what they are about: here wrong products of factors, with several suspects."""

import pytest

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError, MappingError, Where
from crisp_hw.machine.yaml_text import read_yaml_text
from crisp_hw.spec.rules import Failure, Rule, misfit
from crisp_hw.timeloop.read.lines import with_line

DOCUMENTS = """\
architecture:
  version: 0.4
  nodes:
  - !Component {name: Far, class: DRAM, attributes: {width: 64, datawidth: 8}}
  - !Component {name: Mid, class: SRAM, attributes: {depth: 256, width: 8, datawidth: 8}}
  - !Component {name: Near, class: SRAM, attributes: {depth: 256, width: 8, datawidth: 8}}
  - !Component {name: Mul, class: intmac, attributes: {datawidth: 8}}
problem:
  version: 0.4
  shape:
    name: dot
    dimensions: [I, J]
    data_spaces:
    - {name: A, projection: [[[I]], [[J]]]}
    - {name: B, projection: [[[J]]]}
    - {name: Z, projection: [[[I]]], read_write: true}
  instance: {I: 10, J: 18}
mapping:
- target: Far
  type: temporal
  factors: I=10 J=FAR
- target: Mid
  type: temporal
  factors:
  - J=MID
- target: Near
  type: temporal
  factors: >
    I=1
    J=NEAR
"""


@pytest.mark.parametrize(
    ("far", "mid", "near", "line"),
    [
        (2, 1, 7, 30),  # 7 does not divide 18
        (2, 5, 3, 25),  # nor does 5
        (4, 3, 3, 21),  # nor does 4
        (1, 9, 1, 25),  # all others do nothing
        (2, 2, 9, 21),  # either 2 may be one too many: the first
        (6, 3, 3, 21),  # 6, or a 3 that should be 1: the first
        (3, 2, 6, 25),  # without the 2 it is right: 18 / 18 = 1
        (1, 1, 1, 21),  # none does anything
    ],
)
def test_the_factor_that_is_most_likely_wrong_is_named(far, mid, near, line, tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(DOCUMENTS.replace("FAR", str(far)).replace("MID", str(mid)).replace("NEAR", str(near)))
    with pytest.raises(InputError) as caught:
        evaluate_files([path])
    assert caught.value.at.mark.line == line
    assert caught.value.reason == f"the factors of J multiply to {far * mid * near}, but the problem has J = 18"


def test_the_lines_of_the_other_factors_are_told(tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(DOCUMENTS.replace("FAR", "2").replace("MID", "5").replace("NEAR", "3"))
    with pytest.raises(InputError, match="the other factors of J are 2 in line 21, 3 in line 30"):
        evaluate_files([path])


FLAT = """\
architecture:
  subtree:
  - name: system
    local:
    - name: Far
      class: DRAM
    - name: Near
      class: SRAM
      attributes:
        depth: 4
mapping:
- target: Far
  type: spatial
  factors: M=1
           N=4
- target: Near
  type: temporal
  permutation: MN
"""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("it is wrong", Where("architecture", "Near", "depth")), 10),
        (InputError("it is wrong", Where("architecture", "Near")), 7),
        (InputError("it is wrong", Where("mapping", "Near", "permutation")), 18),
        (InputError("it is wrong", Where("sparse_optimizations", "Near")), 7),
        (InputError("it is wrong", Where("mapping")), 11),
        (misfit([Failure(Rule.INSTANCES_X, "Near", need=4.0, have=1.0)], Where("mapping")), 15),
        (misfit([Failure(Rule.CAPACITY, "Near", need=8.0, have=4.0)], Where("mapping")), 16),
        (misfit([Failure(Rule.CAPACITY, "Near", need=8.0, have=4.0)], Where("architecture")), 10),
    ],
)
def test_document_entry_and_key_are_looked_up(error, line):
    placed = with_line(error, read_yaml_text(FLAT, "flat.yaml")[0])
    assert placed.at.mark.line == line
    assert (type(placed), placed.reason, placed.hint) == (type(error), error.reason, error.hint)


def test_what_has_a_line_or_no_place_stays_as_it_is():
    documents = read_yaml_text(FLAT, "flat.yaml")[0]
    for error in (InputError("no place"), MappingError("there", Where("mapping", mark=documents.keys_at["mapping"]))):
        assert with_line(error, documents) is error
