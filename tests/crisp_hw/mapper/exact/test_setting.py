"""Nodes and their names."""

from itertools import product
from math import ceil

import pytest
from small_spaces import KINDS, tensor

from crisp_hw.mapper.bounds import computes_left
from crisp_hw.mapper.exact.setting import Setting
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_node_has_a_name_that_another_process_understands(kind):
    case = KINDS[kind](1)
    mine, theirs = Setting(case.spaces), Setting(KINDS[kind](1).spaces)
    layer = mine.roots()
    for _ in range(len(mine.classes) + 1):
        for node in layer[:20]:
            assert mine.node_of(mine.name_of(node)) == node
            assert theirs.node_of(mine.name_of(node)) == node
        layer = tuple(each for node in layer[:20] if node.variant is None for each in mine.following(node))
    assert all(node.variant is not None for node in layer)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_cycles_that_are_always_there_are_those_of_the_lanes_that_sides_leave(kind):
    """Against every row of factors: a side that no dimension can fill gives no lanes, however many are there."""
    setting = Setting(KINDS[kind](1).spaces)
    layout, groups = setting.layout, setting.values.groups
    spatial = [slot for slot, limit in enumerate(layout.limits) if layout.slots[slot].kind != "temporal"]
    if any(layout.limits[slot] is None for slot in spatial):
        return  # lanes that shrink have no limit
    computes = computes_left(setting.spaces[0].design)
    for forced in setting.sides:
        most = 1
        for slot in spatial:
            taken = {1}
            for group in groups:
                for place, dim in enumerate(group.dims):
                    free = {1} if forced & layout.bit(dim, slot) else set(group.factors[:, place, slot].tolist())
                    taken = {one * factor for one, factor in product(taken, free)}
            most *= max(each for each in taken if each <= layout.limits[slot])
        assert setting.demands[forced].least_cycles == ceil(computes / most * (1 - 1e-12))


def test_a_split_that_puts_nothing_along_x_leaves_the_lanes_of_y():
    """Of 14 x 12 lanes: a split of 1 after N, which is 1, uses the 12 along y alone."""
    lanes = {"instances": 168, "mesh_x": 14, "mesh_y": 12}
    levels = (StorageLevel("RF", **lanes), StorageLevel("DRAM", "DRAM"))
    problem = Problem("gemm", ("N", "C", "M"), (1, 24, 24), (tensor("A", "CM"), tensor("Z", "NM", output=True)))
    design = Design(Architecture(levels, ComputeLevel(**lanes)), problem)
    said = LevelConstraint("DRAM", "spatial", permutation=("N", "C", "M"), split=1)
    setting = Setting((enumerate_space(design, Constraints((said,))),))
    assert [demands.least_cycles for demands in setting.demands.values()] == [24 * 24 / 12]
