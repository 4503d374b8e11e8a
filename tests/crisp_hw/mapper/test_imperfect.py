"""Imperfect factors: rows, residuals, and that a search with them finds what is better."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from small_spaces import tensor

from crisp_hw.errors import InputError
from crisp_hw.mapper import plan
from crisp_hw.mapper.bypass import perfect_spaces
from crisp_hw.mapper.exact import search as exact_search
from crisp_hw.mapper.imperfect import factorizations_of, mapping_of, ragged_factorizations, residuals_of
from crisp_hw.mapper.search import search
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

LANES = ComputeLevel(instances=4, mesh_x=4)


def vector(size, sparse=SparseSpec()):  # noqa: B008 - frozen
    tensors = (tensor("A", "K"), tensor("B", "K"), tensor("Z", "", output=True))
    levels = (StorageLevel("RF", size_words=16), StorageLevel("DRAM", "DRAM"))
    return Design(Architecture(levels, LANES), Problem("sums", ("K",), (size,), tensors), sparse)


@pytest.mark.parametrize(("bound", "blocks"), [(1, 2), (5, 2), (7, 3), (12, 3)])
def test_rows_are_all_ways_to_count_to_a_bound(bound, blocks):
    every = [np.arange(1, bound + 1)] * blocks
    rows = ragged_factorizations(bound, every).tolist()
    expected = []
    for row in product(range(1, bound + 1), repeat=blocks):
        left, fine = bound, True
        for factor in row:
            fine &= factor <= left
            left = -(-left // factor)
        if fine and left == 1:
            expected.append(list(row))
    assert rows == expected
    assert {tuple(row) for row in factorizations_of(bound, every).tolist()} <= {tuple(row) for row in rows}


def test_rows_obey_what_each_block_allows():
    assert ragged_factorizations(7, [np.array([2, 3]), np.array([1, 2, 4])]).tolist() == [[2, 4]]


def test_residuals_count_to_the_size_of_their_dimension():
    nest = LoopNest(tuple(Loop(level, dim, "temporal") for level in range(3) for dim in "KM"), (frozenset(),) * 3)
    problem = Problem("two", ("K", "M"), (11, 6), ())
    bounds = np.array([[4, 2, 2, 1, 2, 3]])
    rest = residuals_of(problem, nest, bounds)[0]
    assert rest.tolist() == [3, 2, 1, 1, 2, 3]  # 10 = 2 + 4 * (0 + 2 * 1)
    assert mapping_of(problem, nest, bounds[0]).residuals == tuple(rest)
    assert mapping_of(replace(problem, bounds=(16, 6)), nest, bounds[0]).residuals is None


def test_a_prime_number_of_steps_uses_all_lanes():
    found = [search(vector(13), Constraints(imperfect=imperfect)) for imperfect in (False, True)]
    assert [each.cycles for each in found] == [13, 4]
    assert all(each.proven for each in found)
    loops = zip(found[1].mapping.nest.loops, found[1].mapping.bounds, found[1].mapping.residuals, strict=True)
    assert next((loop.kind, bound, last) for loop, bound, last in loops if bound > 1) == ("x", 4, 1)
    assert "imperfect" in found[1].assumptions[0]


def test_a_search_with_imperfect_factors_begins_with_the_best_perfect_mapping(monkeypatch):
    """However few mappings it may look at: the walk of others takes long."""
    monkeypatch.setattr(plan, "FEW_WALKED", 0)
    best = search(vector(12), Constraints(), "energy")
    monkeypatch.setattr(exact_search, "MOST_PAIRS", 0)
    steps = []
    found = search(vector(12), Constraints(imperfect=True), "energy", progress=steps.append)
    assert found.energy_pj <= best.energy_pj
    assert next(step for step in steps if step.best_cycles).best_energy_pj >= found.energy_pj


def test_perfect_spaces_are_none_where_constraints_leave_none():
    four = LevelConstraint("RF", "spatial", {"K": Factor("=", 4)}, order_free=True)
    assert perfect_spaces((enumerate_space(vector(13), Constraints((four,), imperfect=True)),)) == ()
    (space,) = perfect_spaces((enumerate_space(vector(12), Constraints((four,), imperfect=True)),))
    assert space.factors["K"].tolist() == enumerate_space(vector(12), Constraints((four,))).factors["K"].tolist()


def test_exact_factors_need_not_divide():
    four = LevelConstraint("RF", "spatial", {"K": Factor("=", 4)}, order_free=True)
    assert search(vector(13), Constraints((four,), imperfect=True)).cycles == 4


def test_formats_are_refused_and_other_sparse_designs_gone_through():
    form = TensorFormat("DRAM", "A", (Rank("UOP", 0, 0),))
    with pytest.raises(InputError, match="whose density Timeloop takes for higher"):
        search(vector(5, SparseSpec((form,))), Constraints(imperfect=True))
    skips = SparseSpec(actions=(ActionOptimization("DRAM", "skipping", (Condition("A", ("B",)),)),))
    assert search(vector(5, skips), Constraints(imperfect=True)).proven


def test_the_option_is_for_those_who_make_the_space():
    with pytest.raises(InputError, match="changes the mapspace"):
        search(vector(5), Constraints(), options=SearchOptions(imperfect=True))
