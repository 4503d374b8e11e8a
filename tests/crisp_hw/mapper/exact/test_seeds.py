"""Good mappings of a sparse design from templates of the dense one."""

from dataclasses import replace

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.mapper import plan
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.exact.seeds import seeds
from crisp_hw.mapper.search import search
from crisp_hw.mapper.tally import Tally
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.patterns import Banded, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, SparseSpec

pytestmark = pytest.mark.slow  # each searches many spaces

LANES = {"instances": 8, "mesh_x": 4, "mesh_y": 2}
LEVELS = (
    StorageLevel("RF", size_words=32, **LANES),
    StorageLevel("GLB", size_words=512, read_bandwidth=8, write_bandwidth=8),
    StorageLevel("DRAM", "DRAM", read_bandwidth=4, write_bandwidth=4),
)
ENERGY = EnergyTable({name: {"read": pj, "write": pj} for name, pj in (("RF", 2.0), ("GLB", 40.0), ("DRAM", 400.0))})
TENSORS = (
    Tensor("A", ((Term("M"),), (Term("K"),)), density=Hypergeometric(0.2)),
    Tensor("B", ((Term("K"),), (Term("N"),)), density=Banded(16)),  # bands are not covered
    Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
)
SKIPPING = tuple(ActionOptimization("GLB", "skipping", (Condition(*each),)) for each in (("A", ("B",)), ("B", ("A",))))
PROBLEM = Problem("gemm", ("M", "N", "K"), (64, 64, 64), TENSORS)
DESIGN = Design(Architecture(LEVELS, ComputeLevel(**LANES)), PROBLEM, SparseSpec((), SKIPPING, ()), ENERGY)


def score(objective, found):
    return {"edp": found.cycles * found.energy_pj, "energy": found.energy_pj}[objective]


@pytest.mark.parametrize("objective", ["edp", "energy"])
def test_seeds_are_judged_in_the_sparse_design_and_never_make_a_sample_worse(objective, monkeypatch):
    tally, steps = Tally(objective), []
    seeds(choices(DESIGN, Constraints()).spaces, tally, lambda *step: steps.append(step), 1 << 30)
    leader = tally.leader
    result = evaluate(DesignPoint(DESIGN, leader.mapping))
    assert (result.valid, result.cycles) == (True, leader.cycles)
    assert result.energy_pj == pytest.approx(leader.energy_pj)
    assert steps
    monkeypatch.setattr(plan, "FAST", (1000, 400))
    drawn = search(DESIGN, Constraints(), objective, options=SearchOptions(budget=400))
    both = search(DESIGN, Constraints(), objective)
    assert score(objective, both) <= min(score(objective, leader), score(objective, drawn))
    assert both.uncovered.startswith("bands")


@pytest.mark.parametrize(
    ("design", "constraints"),
    [
        (replace(DESIGN, sparse=SparseSpec()), Constraints()),
        (replace(DESIGN, energy=EnergyTable({"GLB": {"read": -1.0}})), Constraints()),
    ],
)
def test_nothing_is_judged_where_templates_say_nothing_or_all(design, constraints):
    tally = Tally("edp")
    seeds(choices(design, constraints).spaces, tally, lambda *_: None, 1 << 30)
    assert (tally.tried, tally.leader) == (0, None)
