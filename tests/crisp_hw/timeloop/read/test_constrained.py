"""Mappings against the constraints that stand beside them."""

import pytest

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError, MappingError

DOCUMENTS = """
architecture:
  subtree:
  - name: top
    local:
    - {name: Far, class: DRAM, attributes: {width: 64, word-bits: 8}}
    - {name: Near, class: SRAM, attributes: {depth: 512, width: 8, word-bits: 8}}
    - {name: "Mul[0..3]", class: intmac, attributes: {datawidth: 8, meshX: 2}}
problem:
  shape:
    dimensions: [U, V]
    data-spaces:
    - {name: A, projection: [[[U]], [[V]]]}
    - {name: B, projection: [[[V]]]}
    - {name: Z, projection: [[[U]]], read-write: true}
  instance: {U: 12, V: 20}
mapping:
- {target: Far, type: temporal, factors: U=6 V=2, permutation: VU}
- target: Near
  type: temporal
  factors:
    U=1
    V=5
  permutation: VU
- {target: Near, type: spatial, factors: U=2 V=2, permutation: UV, split: 1}
"""


@pytest.fixture
def run(tmp_path):
    def evaluate(*targets, text=DOCUMENTS):
        """The result of the mapping with these constraints beside it, one a line."""
        (tmp_path / "all.yaml").write_text(text)
        lines = "".join(f"  - {each}\n" for each in targets)
        (tmp_path / "limits.yaml").write_text(f"architecture_constraints:\n  targets:\n{lines}")
        return evaluate_files([tmp_path / "all.yaml", tmp_path / "limits.yaml"]).result

    return evaluate


OBEYED = [
    "{target: Far, type: temporal, factors: U=6 V<=2, permutation: V}",
    "{target: Near, type: temporal, factors: V>=5, permutation: UV}",  # a loop of one round has no place
    "{target: Near, type: spatial, factors: U=2, permutation: UV, split: 1}",
    "{target: Near, type: spatial, permutation: U, split: 1}",
    "{target: Far, type: temporal, permutation: _U}",
    "{target: Near, type: temporal, factors: U=1, default_max_factor: 5}",
]


@pytest.mark.parametrize("target", OBEYED)
def test_a_mapping_that_obeys_is_evaluated_as_without(run, target, tmp_path):
    (tmp_path / "plain.yaml").write_text(DOCUMENTS)
    assert run(target) == evaluate_files([tmp_path / "plain.yaml"]).result


BROKEN = [
    ("{target: Far, type: temporal, factors: U=3}", 18, "the factor U=6 breaks the constraint U=3 of Far, temporal at"),
    ("{target: Near, type: temporal, factors: V<=4}", 23, "the factor V=5 breaks the constraint V<=4"),
    ("{target: Near, type: temporal, factors: U>=2}", 22, "the factor U=1 breaks the constraint U>=2"),
    ("{target: Near, type: temporal, factors: V=0}", 23, "the factor V=5 breaks the constraint V=20"),
    ("{target: Far, type: temporal, permutation: UV}", 18, "the order V, U of its loops above 1"),
    ("{target: Far, type: temporal, permutation: _V}", 18, "breaks the constraint permutation _V"),
    ("{target: Near, type: spatial, permutation: UV, split: 2}", 25, "U along x and V along y breaks the .* split 2"),
    ("{target: Near, type: spatial, split: 0}", 25, "breaks the constraint split 0"),
    ("{target: Near, type: spatial, factors: V<=1}", 25, "the factor V=2 breaks the constraint V<=1 of Near, spatial"),
]


@pytest.mark.parametrize(("target", "line", "said"), BROKEN)
def test_a_broken_constraint_is_named_with_both_lines(run, target, line, said):
    with pytest.raises(MappingError, match=rf"all.yaml:{line}: mapping of .*{said}.*limits.yaml:3; change one"):
        run(target)


def test_what_timeloops_model_does_not_check_is_said(run):
    found = run(
        "{target: Near, type: bypass, bypass: [A]}",
        "{target: Near, type: spatial, no_link_transfer: [A]}",
        "{target: Near, type: utilization, min: 1.0}",
    )
    said = " / ".join(found.skipped)
    assert "constraints of Near: keep and bypass" in said
    assert "no_link_transfer: not checked" in said
    assert "least share of lanes" in said


def test_constraints_inside_the_architecture_are_those_of_it(run):
    inside = DOCUMENTS.replace("  subtree:", "  constraints: [{target: Far, type: temporal, factors: U=3}]\n  subtree:")
    with pytest.raises(InputError, match="Timeloop would pass over architecture_constraints"):
        run("{target: Far, type: temporal, factors: U=3}", text=inside)


def test_constraints_of_a_level_that_is_not_there_are_wrong(run):
    with pytest.raises(InputError, match=r"limits.yaml:3: .*the architecture has no level 'Fra'"):
        run("{target: Fra, type: temporal, factors: U=3}")
