"""Every design of the mapper's table can be read, and is what its name says."""

import pytest
import yaml
from problems import LAYERS, Convolution, resnet50
from rows import DATAFLOWS, DESIGNS, ROWS, chosen

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.mapper.bypass import choices
from crisp_hw.timeloop.read.constraints import read_mapspace
from crisp_hw.timeloop.read.point import read_design

BY_HAND = [name for name, row in ROWS.items() if row.group == "dataflows"]


def space_of(row):
    documents = row.documents()
    design = read_design(
        {key: value for key, value in documents.items() if key not in ("mapspace_constraints", "mapper")}
    )
    return design, read_mapspace(documents, design).constraints


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_design_can_be_read(name):
    design, constraints = space_of(ROWS[name])
    assert choices(design, constraints).spaces


def test_every_design_and_mapping_has_a_row():
    assert {path.stem for path in DESIGNS.glob("*.yaml")} == {row.design for row in ROWS.values()}
    assert {path.stem for path in (DESIGNS / "hand").glob("*.yaml")} == set(BY_HAND)
    assert len(BY_HAND) == len(DATAFLOWS) * len(LAYERS) == 9


def test_rows_are_chosen_by_name_and_by_group():
    assert [row.name for row in chosen(["g512s", "conv3x3-free"])] == ["g512s", "conv3x3-free"]
    assert len(chosen(["resnet50"])) == 23
    with pytest.raises(KeyError, match="g513"):
        chosen(["g512", "g513"])


def test_six_levels_fan_out_twice():
    design, _ = space_of(ROWS["six-levels"])
    assert len(design.architecture.levels) == 6
    assert [fanout for fanout in design.architecture.fanouts if fanout != (1, 1)] == [(4, 4), (2, 2)]


def test_the_convolutions_of_the_network():
    assert len(resnet50()) == 23
    assert resnet50()[0] == Convolution(3, 64, 7, 7, 112, 112, stride=2)
    assert {(each.r, each.stride) for each in resnet50()} == {(7, 2), (1, 1), (3, 1), (1, 2), (3, 2)}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_mapping_by_hand_is_one_of_the_mapspace(name, tmp_path):
    """It is valid, multiplies what the layer multiplies, and keeps and spreads what the constraints allow."""
    row = ROWS[name]
    documents = {key: value for key, value in row.documents().items() if key not in ("mapspace_constraints", "mapper")}
    (tmp_path / "design.yaml").write_text(yaml.safe_dump(documents, sort_keys=False))
    found = evaluate_files([tmp_path / "design.yaml", row.hand])
    design, constraints = space_of(row)
    (space,) = choices(design, constraints).spaces
    nest, bounds = found.point.mapping.nest, found.point.mapping.bounds
    assert nest.keeps == space.keeps
    for dim, bound in zip(design.problem.dims, design.problem.bounds, strict=True):
        factors = [1] * len(space.blocks)
        for loop, factor in zip(nest.loops, bounds, strict=True):
            if loop.dim == dim:
                kind = "temporal" if loop.kind == "temporal" else "spatial"
                factors[[(block.level, block.kind) for block in space.blocks].index((loop.level, kind))] *= factor
        assert factors in space.factors[dim].tolist(), (dim, bound)


def test_a_network_has_ten_minutes_and_any_other_design_one():
    assert {row.group: row.limit_s for row in ROWS.values()} == {
        **dict.fromkeys((row.group for row in ROWS.values()), 60),
        "resnet50": 600,
    }
