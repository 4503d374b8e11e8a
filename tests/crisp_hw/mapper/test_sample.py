"""How large a mapspace is, and what a sample of it evaluates."""

from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np
import pytest

from crisp_hw.mapper import plan
from crisp_hw.mapper.orders import choices, count, nests, visible
from crisp_hw.mapper.plan import plan_of
from crisp_hw.mapper.sample import FIRST_LOOK, estimate
from crisp_hw.mapper.search import search, search_spaces
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.mapper.sweep import by_nest, catalog_of
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.problem import Problem, Tensor, Term

CHAIN = Architecture((StorageLevel("RF", size_words=64), StorageLevel("DRAM", "DRAM")), ComputeLevel())


def gemm(m, n, k):
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),), (Term("N"),))),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    return Design(CHAIN, Problem("gemm", ("M", "N", "K"), (m, n, k), tensors))


def conv(size):
    """A row of windows: all orders of its loops differ."""
    tensors = (
        Tensor("W", ((Term("R"),), (Term("K"),))),
        Tensor("I", ((Term("P"), Term("R")),)),
        Tensor("O", ((Term("P"),), (Term("K"),)), is_output=True),
    )
    return Design(CHAIN, Problem("conv", ("R", "P", "K"), (3, size, size), tensors))


@pytest.mark.parametrize("design", [gemm(16, 16, 16), gemm(12, 30, 8), conv(16)])
def test_the_estimate_is_about_what_a_full_search_tries(design):
    space = enumerate_space(design, Constraints())
    whole = search_spaces((space,), options=SearchOptions(front=True))  # no bounds: everything that fits is tried
    assert estimate(space) == pytest.approx(whole.tried, rel=0.35)


def test_orders_are_counted_without_making_them():
    space = enumerate_space(conv(8), Constraints())
    seen, active = visible(space), np.ones((len(space.blocks), 3), dtype=bool)
    made = list(nests(space, seen, active))
    assert count(space, seen, active) == len(made) == prod(map(len, choices(space, seen, active))) == 36


def test_too_many_mappings_are_sampled_and_it_is_said(monkeypatch):
    monkeypatch.setattr(plan, "SLOW", (100, 60))
    design = replace(conv(64), dialect="head-2024")
    assert plan_of((enumerate_space(design, Constraints()),), SearchOptions()).budget == 60
    found = search(design, Constraints(), "energy")
    assert not found.proven
    bound = found.energy_pj / (1 + found.gap)
    assert found.certificate.startswith(
        f"best of {found.tried} mappings, {found.energy_pj:,.0f} pJ found, {bound:,.0f} pJ"
    )
    assert found.certificate.endswith("does not cover windows of a program before Timeloop's pull request 297)")
    asked = search(design, Constraints(), "energy", options=SearchOptions(budget=10**6))
    assert asked.proven
    assert asked.energy_pj <= found.energy_pj


def test_large_spaces_of_windows_are_proven():
    found = search(conv(180), Constraints(), "energy")
    every = search(conv(180), Constraints(), "energy", options=SearchOptions(budget=10**6))
    assert (found.proven, every.proven) == (True, True)
    assert found.energy_pj == pytest.approx(every.energy_pj)
    assert found.tried - FIRST_LOOK < every.tried


def test_few_mappings_are_all_searched():
    assert plan_of((enumerate_space(gemm(16, 16, 16), Constraints()),), SearchOptions()).budget is None


def test_a_sample_draws_some_orders_of_a_row_and_the_same_again():
    space = enumerate_space(conv(8), Constraints())
    row = np.array([[[3, 2, 2], [1, 4, 4]]])
    every = {arrangement for arrangement, _ in by_nest(catalog_of(space), row)}
    drawn = [[arrangement for arrangement, _ in by_nest(catalog_of(space, 4, seed), row)] for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert any(one != other for one, other in pairwise(drawn[1:]))
    for orders in drawn:
        assert set(orders) < every
        assert 0 < len(orders) <= 4


def test_windows_are_slow_only_where_they_are_walked():
    """They are counted in batches, unless the tensor is delivered anew at every step."""
    space = enumerate_space(conv(64), Constraints())
    anew = Constraints((LevelConstraint("RF", "temporal", no_temporal_reuse=frozenset("W")),))
    assert plan._pace(space) == (plan.WINDOWS, plan.FEW_WINDOWS)
    assert plan._pace(enumerate_space(conv(64), anew)) == (plan.SLOW, plan.FEW_WALKED)
