"""Dimensions along both axes of a mesh: which meshes are taken apart, and that it is the mesh that was meant."""

from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
import pytest
from small_spaces import Case, best_scores, every_mapping, tensor

from crisp_hw.errors import InputError
from crisp_hw.mapper.axes import both_axes
from crisp_hw.mapper.search import search
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.constraints import Across, Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.sparse import ActionOptimization, Condition, SparseSpec

GEMM = (tensor("A", "MK"), tensor("B", "KN"), tensor("Z", "MN", output=True))
PRICES = {name: dict.fromkeys(("read", "write", "update"), pj) for name, pj in (("RF", 1.0), ("DRAM", 50.0))}


def design(x, y, sizes=(4, 8, 2), words_per_cycle=2.0):
    lanes = {"instances": x * y, "mesh_x": x, "mesh_y": y}
    levels = (StorageLevel("RF", size_words=24, **lanes), StorageLevel("DRAM", "DRAM", read_bandwidth=words_per_cycle))
    problem = Problem("gemm", tuple("MKN"), sizes, GEMM)
    return Design(Architecture(levels, ComputeLevel(**lanes)), problem, energy=EnergyTable(PRICES))


def on_axes(factors, x, y):
    """Is there a way to lay factors along two axes, each divided between them?"""
    ways = [[(a, factor // a) for a in range(1, factor + 1) if factor % a == 0] for factor in factors]
    return any(prod(a for a, _ in way) <= x and prod(b for _, b in way) <= y for way in product(*ways))


@pytest.mark.parametrize(("x", "y", "objective"), [(2, 2, "edp"), (3, 2, "cycles"), (4, 2, "energy")])
def test_both_axes_are_one_long_axis_on_which_factors_can_be_divided(x, y, objective):
    apart = both_axes(design(x, y), Constraints())
    found = search(apart.design, apart.constraints, objective)
    case = Case(design(x * y, 1), Constraints(), objective)
    every = []
    for each in every_mapping(case):
        lanes = next(i for i, block in enumerate(each.space.blocks) if block.kind == "spatial")
        fits = np.array([on_axes(row[lanes], x, y) for row in each.rows])
        every.append(replace(each, rows=each.rows[fits], cycles=each.cycles[fits], energy_pj=each.energy_pj[fits]))
    best = best_scores(case, every)
    score = {"cycles": found.cycles, "energy": found.energy_pj, "edp": found.cycles * found.energy_pj}[objective]
    assert found.proven
    assert score == pytest.approx(best[0], rel=1e-9)


def test_a_dimension_along_both_axes_uses_lanes_that_one_axis_does_not_have():
    given = design(2, 2, (1, 8, 1), None)
    apart = both_axes(given, Constraints())
    assert (search(given, Constraints()).cycles, search(apart.design, apart.constraints).cycles) == (4, 2)
    assert apart.added == ("DRAM_lanes",)
    assert apart.design.architecture.fanouts == ((1, 1), (2, 1), (1, 2))


def test_bounds_of_a_mesh_hold_for_the_product_over_its_axes():
    spatial = LevelConstraint("DRAM", "spatial", {"K": Factor("=", 4), "N": Factor("=", 1)}, at_least={"M": 1})
    apart = both_axes(design(4, 4), Constraints((spatial,)))
    assert apart.constraints.across == (Across(("DRAM_lanes", "DRAM"), spatial),)
    space = enumerate_space(apart.design, apart.constraints)
    lanes = [i for i, block in enumerate(space.blocks) if block.kind == "spatial"]
    assert {tuple(row) for row in space.factors["K"][:, lanes].tolist()} == {(1, 4), (2, 2), (4, 1)}
    assert (space.factors["N"][:, lanes] == 1).all()
    assert {row[lanes].prod() for row in space.factors["M"]} == {1, 2, 4}


def test_orders_and_flags_hold_along_each_axis():
    spatial = LevelConstraint("DRAM", "spatial", {}, ("K",), order_free=True, no_multicast=frozenset("A"))
    levels = both_axes(design(2, 2), Constraints((spatial,))).constraints.levels
    assert [(each.level, each.permutation, each.no_multicast) for each in levels if each.kind == "spatial"] == [
        ("DRAM", ("K",), frozenset("A")),
        ("DRAM_lanes", ("K",), frozenset("A")),
    ]


SHRINKS = SparseSpec(actions=(ActionOptimization("DRAM", "skipping_spatial", (Condition("A", ("A",)),)),))


@pytest.mark.parametrize(
    ("given", "constraints", "why"),
    [
        (design(2, 2), Constraints((LevelConstraint("DRAM", "spatial", split=1),)), "its split of 1 says"),
        (replace(design(2, 2), sparse=SHRINKS), Constraints(), "its lanes shrink"),
        (design(4, 1), Constraints(), "no level fans out along both axes"),
    ],
)
def test_a_mesh_that_stays_as_it_is_is_named(given, constraints, why):
    apart = both_axes(given, constraints)
    assert (apart.design, apart.constraints, apart.added) == (given, constraints, ())
    assert why in apart.notes[0]


def test_a_network_that_costs_stays_one_mesh():
    given = design(2, 2)
    levels = (given.architecture.levels[0], replace(given.architecture.levels[1], wires=Wires(hop_pj=1.0)))
    wired = replace(given, architecture=replace(given.architecture, levels=levels))
    assert "network" in both_axes(wired, Constraints()).notes[0]


def test_programs_without_such_levels_and_searches_without_them_are_refused():
    with pytest.raises(InputError, match="micro22 is no program"):
        both_axes(replace(design(2, 2), dialect="micro22"), Constraints())
    with pytest.raises(InputError, match="changes the design"):
        search(design(2, 2), Constraints(), options=SearchOptions(both_axes=True))
