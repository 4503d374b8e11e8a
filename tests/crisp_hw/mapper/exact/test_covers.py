"""Which spaces are searched by templates, and the reason for the others."""

from dataclasses import replace

import pytest

from crisp_hw.mapper.exact.covers import uncovered
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, SparseSpec

LEVELS = (StorageLevel("RF", size_words=16), StorageLevel("DRAM", "DRAM"))
TENSORS = (Tensor("A", ((Term("M"),), (Term("K"),))), Tensor("B", ((Term("K"),),)), Tensor("Z", ((Term("M"),),), True))
PLAIN = Design(Architecture(LEVELS, ComputeLevel()), Problem("mv", ("M", "K"), (4, 4), TENSORS))


def acting(*kinds):
    """Some optimizations of one tensor."""
    return SparseSpec((), tuple(ActionOptimization("DRAM", kind, (Condition("A", ("B",)),)) for kind in kinds), ())


SPARSE = acting("skipping")
BANDED = replace(PLAIN, problem=replace(PLAIN.problem, tensors=(replace(TENSORS[0], density=Banded(1)), *TENSORS[1:])))


def with_first(*ranks, output=False):
    """The problem with another first tensor."""
    return replace(PLAIN, problem=replace(PLAIN.problem, tensors=(Tensor("A", ranks, output), *TENSORS[1:])))


WIRED = (LEVELS[0], replace(LEVELS[1], wires=Wires(hop_pj=1.0)))
SHARED = (replace(LEVELS[0], instances=3, mesh_x=3, cluster_size=2), LEVELS[1])
REUSE = LevelConstraint("RF", "temporal", no_temporal_reuse=frozenset("A"))


@pytest.mark.parametrize(
    ("design", "constraints", "why"),
    [
        (PLAIN, Constraints(), None),
        (replace(PLAIN, sparse=SPARSE), Constraints(), None),
        (replace(PLAIN, sparse=acting("skipping_spatial")), Constraints(), None),
        (replace(PLAIN, sparse=acting("skipping_spatial", "skipping_spatial")), Constraints(), "two spatial skippings"),
        (replace(PLAIN, sparse=acting("position_skipping")), Constraints(), "packed into lanes"),
        (replace(BANDED, sparse=SPARSE), Constraints(), "bands"),
        (BANDED, Constraints(), None),
        (with_first((Term("M"), Term("K"))), Constraints(), None),
        (with_first((Term("M", 2),), (Term("K"),)), Constraints(), None),
        (with_first((Term("M"), Term("K")), (Term("K"),)), Constraints(), "diagonals"),
        (with_first((Term("M"), Term("K", -1))), Constraints(), "coefficients below 1"),
        (with_first((Term("M"), Term("K")), output=True), Constraints(), "outputs that slide"),
        (replace(with_first((Term("M"), Term("K"))), dialect="head-2024"), Constraints(), "pull request 297"),
        (PLAIN, Constraints((REUSE,)), None),
        (replace(PLAIN, architecture=Architecture(WIRED, ComputeLevel())), Constraints(), None),
        (replace(PLAIN, architecture=Architecture(LEVELS, ComputeLevel("MAC", 2, 2))), Constraints(), None),
        (replace(PLAIN, energy=EnergyTable({"RF": {"read": -1.0}})), Constraints(), "energies below 0"),
        (replace(PLAIN, architecture=Architecture(SHARED, ComputeLevel("MAC", 3, 3))), Constraints(), "clusters"),
    ],
)
def test_reasons(design, constraints, why):
    found = uncovered(enumerate_space(design, constraints))
    assert found == why if why is None else why in found
