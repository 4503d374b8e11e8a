"""How a space is searched, and what is said of it."""

from dataclasses import replace

import pytest

from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.parallel import ParallelSearch
from crisp_hw.mapper.plan import FEW, Plan, plan_of
from crisp_hw.mapper.sample import FIRST_LOOK, estimate
from crisp_hw.mapper.search import search
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.problem import Problem, Tensor, Term

pytestmark = pytest.mark.slow  # each searches many spaces

LANES = {"instances": 168, "mesh_x": 14, "mesh_y": 12}
LEVELS = (
    StorageLevel("SPAD", size_words=256, **LANES),
    StorageLevel("GLB", size_words=65536, block_size=4, read_bandwidth=16, write_bandwidth=16),
    StorageLevel("DRAM", "DRAM", block_size=4, read_bandwidth=8, write_bandwidth=8),
)
PRICES = {"SPAD": 2.0, "GLB": 60.0, "DRAM": 512.0}
ENERGY = EnergyTable(
    {"MAC": {"compute": 2.2}} | {name: {"read": pj, "write": pj, "update": pj} for name, pj in PRICES.items()}
)
OPEN = Constraints(either={"SPAD": frozenset("ABZ"), "GLB": frozenset("ABZ")})


def gemm(size):
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),), (Term("N"),))),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    compute = ComputeLevel(**LANES)
    return Design(Architecture(LEVELS, compute), Problem("gemm", ("M", "N", "K"), (size,) * 3, tensors), energy=ENERGY)


def test_a_space_of_billions_is_proven_by_whatever_number_of_processes():
    steps = []
    found = search(gemm(512), OPEN, "edp", progress=steps.append)
    assert found.cycles * found.energy_pj == pytest.approx(3157467541484339, rel=1e-9)
    assert (found.proven, found.gap) == (True, None)
    assert found.certificate.startswith("optimal over 681,472,000 factorizations in every order")
    assert found.tried < FIRST_LOOK + 100
    gaps = [step.gap for step in steps if step.gap is not None]
    assert gaps == sorted(gaps, reverse=True)
    assert ParallelSearch(2)(gemm(512), OPEN, "edp") == found


def test_a_gap_that_is_allowed_ends_the_search_sooner_and_is_said(monkeypatch):
    monkeypatch.setattr("crisp_hw.mapper.chains.proof.chain_of", lambda spaces: None)  # the search by templates
    steps: dict[float, list[object]] = {0.0: [], 0.5: []}
    found = {
        gap: search(gemm(64), OPEN, "edp", options=SearchOptions(gap=gap), progress=seen.append)
        for gap, seen in steps.items()
    }
    near, best = found[0.5], found[0.0]
    assert (near.proven, best.proven) == (False, True)
    assert 0 < near.gap <= 0.5
    assert best.cycles * best.energy_pj <= near.cycles * near.energy_pj <= 1.5 * best.cycles * best.energy_pj
    assert near.cycles * near.energy_pj / (1 + near.gap) <= best.cycles * best.energy_pj
    assert len(steps[0.5]) < len(steps[0.0])


@pytest.mark.parametrize(
    ("options", "exact", "why"),
    [
        (SearchOptions(), True, None),
        (SearchOptions(budget=9), False, "a budget of mappings"),
        (SearchOptions(front=True), True, None),
        (SearchOptions(device="cpu"), False, "another device than numpy"),
    ],
)
def test_templates_are_for_spaces_whose_every_cost_they_know(options, exact, why):
    plan = plan_of(choices(gemm(512), OPEN).spaces, options)
    assert (plan.exact, plan.uncovered) == (exact, why)
    assert plan.budget == (options.budget or 500_000)


def test_few_mappings_are_gone_through():
    plan = plan_of(choices(gemm(2), Constraints()).spaces, SearchOptions())
    assert (plan.exact, plan.budget, plan.uncovered) == (False, None, None)


def test_what_is_not_covered_is_named_where_nothing_is_proven():
    found = search(gemm(64), OPEN, "energy", options=SearchOptions(budget=50))
    assert found.certificate.endswith("(the search by templates does not cover a budget of mappings)")
    assert replace(found, uncovered=None).certificate.endswith(" a lower bound")


def test_a_search_by_templates_that_is_interrupted_at_once_has_a_mapping():
    def interrupt(step):
        if step.gap is not None:
            raise KeyboardInterrupt

    found = search(gemm(512), OPEN, "edp", progress=interrupt)
    assert (found.interrupted, found.proven) == (True, False)
    assert 0 < found.valid <= FIRST_LOOK


def test_the_choice_of_a_way_does_not_depend_on_how_the_mappings_are_counted(monkeypatch):
    """A space that has few mappings at most is not estimated, and is searched as its estimate would say."""
    drawn = []
    monkeypatch.setattr("crisp_hw.mapper.plan.estimate", lambda space: drawn.append(space) or estimate(space))
    alone = replace(gemm(64), architecture=Architecture(LEVELS[2:], ComputeLevel()))
    few, more = choices(alone, Constraints()).spaces, choices(gemm(2), Constraints()).spaces
    assert plan_of(few, SearchOptions()) == Plan(False)
    assert drawn == [] and sum(map(estimate, few)) <= FEW
    assert plan_of(more, SearchOptions()) == Plan(sum(map(estimate, more)) > FEW)
    assert drawn == list(more)
