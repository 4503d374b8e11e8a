"""What spatial skipping leaves: lanes and working instances are held against what the engine says of mappings."""

from itertools import pairwise

import numpy as np
import pytest
from small_spaces import best_scores, every_mapping, found_by_templates, lanes_case

from crisp_hw.mapper.exact import layout, shrunk
from crisp_hw.mapper.fits import shrinking_levels


@pytest.mark.slow
def test_a_mapping_with_more_lanes_than_there_are_may_be_the_best(monkeypatch):
    """Were lanes limited to those there, something worse would be found in these spaces."""
    for seed in (0, 9):
        case = lanes_case(seed)
        best = best_scores(case, every_mapping(case))
        assert found_by_templates(case) == pytest.approx(best, rel=1e-9)
        with monkeypatch.context() as patch:
            patch.setattr(layout, "most_lanes", lambda space, level, fanout: fanout)
            assert found_by_templates(case)[0] > best[0]


@pytest.mark.slow
def test_no_valid_mapping_has_more_lanes_than_the_most():
    more = 0
    for seed in range(6):
        case = lanes_case(seed)
        for each in every_mapping(case):
            space = each.space
            for index, block in enumerate(space.blocks):
                if block.kind == "spatial":
                    fanout = np.prod(space.design.architecture.fanouts[block.level])
                    most = [shrunk.most_lanes(space, block.level, lanes) for lanes in _axes(space, block.level)]
                    lanes = each.rows[:, index].prod(axis=1)
                    assert None in most or (lanes <= np.prod(most)).all()
                    assert block.level in shrinking_levels(space) or (lanes <= fanout).all()
                    more += int((lanes > fanout).any())
    assert more  # and some have more than there are


@pytest.mark.slow
def test_no_valid_mapping_has_more_lanes_or_macs_at_work_than_all_levels_together():
    many = bound = 0
    for seed in (1, 4, 33, 66, 71):
        case = lanes_case(seed)
        for each in every_mapping(case):
            space, problem, inside = each.space, each.space.design.problem, {}
            together = shrunk.most_together(space)
            lanes = np.prod(
                [each.rows[:, i].prod(axis=1) for i, b in enumerate(space.blocks) if b.kind == "spatial"], 0
            )
            below = [i for i, b in enumerate(space.blocks) if (b.level, b.kind) < (together.inner, "spatial")]
            held = each.rows[:, below].prod(axis=1)
            for tensor in problem.tensors:
                inside[tensor.name] = np.prod([held[:, problem.place[dim]] for dim in tensor.dims], axis=0)
            if together.squeezers:
                most = together.allowed(lambda t, inside=inside: inside[t.name], lambda t: t.density.density)
                assert (lanes <= most).all() and (most <= together.lanes).all()
                many += 1
                bound += int((lanes == most).any())
    assert many >= 2 and bound  # and some have as many


def _axes(space, level):
    return space.design.architecture.fanouts[level]


def test_rounding_takes_a_lane_only_where_quotients_are_not_exact():
    assert not shrunk._inexact(64, 64)
    assert shrunk._inexact(49, 64)  # 49 * (1 / 49) is below 1
    assert shrunk._inexact(49, shrunk.MOST_LOOKED_AT)  # not looked at


def test_instances_work_at_least_as_often_as_a_word_is_not_zero():
    space = lanes_case(9).spaces[0]
    for tensor in space.design.problem.tensors:
        share = shrunk.at_work(space, tensor)
        assert len(share) == len(space.keeps)
        assert share[-1] == 1.0  # nothing takes lanes away outside of the outermost level
        assert all(0 <= inner <= outer for inner, outer in pairwise(share))
