"""The sentence about a space in which nothing fits."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_hw.engine.evaluate import Batch
from crisp_hw.engine.validity import RuleCheck
from crisp_hw.errors import MappingError
from crisp_hw.mapper.diagnose import best_attempt, least_violating, nothing_fits
from crisp_hw.mapper.fits import limits
from crisp_hw.mapper.search import search
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.rules import Failure, Rule


def design(words, lanes=4):
    chain = Architecture(
        (
            StorageLevel("RF", instances=lanes, mesh_x=lanes),
            StorageLevel("SMEM", size_words=words),
            StorageLevel("DRAM", "DRAM"),
        ),
        ComputeLevel(instances=lanes, mesh_x=lanes),
    )
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),), (Term("N"),))),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    return Design(chain, Problem("gemm", ("M", "N", "K"), (8, 4, 32), tensors))


WHOLE_K = LevelConstraint("DRAM", "temporal", {"K": Factor("=", 1), "N": Factor("=", 1)})
FOUR_ROWS = LevelConstraint("SMEM", "spatial", {"M": Factor("=", 4)}, split=3)


def message(subject, *levels, keeps=None):
    with pytest.raises(MappingError) as caught:
        search(subject, Constraints(levels, keeps or {"RF": frozenset("Z"), "SMEM": frozenset("AB")}))
    return str(caught.value)


def test_it_names_level_tensors_words_and_the_constraints_to_loosen():
    # the best attempt keeps M = 4 rows: A 4 x 32 = 128 words, B 32 x 4 = 128 words, 56 more than there are
    assert message(design(200), WHOLE_K, FOUR_ROWS) == (
        "architecture level SMEM: gemm (M=8 N=4 K=32): none of 378 factorizations is valid; in the best attempt level "
        "SMEM needs 256 words of capacity and has 200, 56 too many (tiles before compression: A 128, B 128); A cannot "
        "be split further under DRAM temporal K=1 and SMEM spatial M=4: loosen that, or enlarge SMEM"
    )


def test_without_constraints_in_the_way_the_level_is_too_small():
    assert message(design(1)).endswith("no constraint is in the way: enlarge SMEM, or let A bypass it")


def test_too_many_lanes_are_named():
    text = message(design(10**6, lanes=2), FOUR_ROWS)
    assert "level SMEM needs 4 lanes and has 2, 2 too many; lower the spatial factors above level SMEM" in text


@pytest.mark.parametrize("chunk_rows", [1, 7, 10**6])
@pytest.mark.parametrize("words", [1, 30, 100])
def test_the_least_violating_is_the_least_of_all(words, chunk_rows):
    constraints = Constraints((WHOLE_K, FOUR_ROWS), {"SMEM": frozenset("AB")})
    space = enumerate_space(design(words), constraints)
    attempt = least_violating(space, chunk_rows)
    dims = space.design.problem.dims
    every = next(factorizations(space, 10**6, lambda rows, _: np.ones(len(rows), bool))).rows
    worst = np.max([one.need / one.have for one in limits(space, every, dims)], axis=0)
    assert attempt.ratio == worst.min()
    assert attempt.factors.tolist() == every[np.argmin(worst)].tolist()


def test_of_a_batch_the_row_with_the_smallest_worst_rule_is_taken():
    words = RuleCheck(Rule.CAPACITY, "RF", np.ones(3, bool), np.array([30.0, 12.0, 11.0]), np.full(3, 10.0))
    lanes = RuleCheck(Rule.LANES, "RF", np.array([False, True, True]), np.array([1.0, 5.0, 8.0]), np.full(3, 4.0))
    batch = Batch(np.zeros(3, bool), np.zeros(3, np.int64), np.zeros(3), (words, lanes))
    attempt = best_attempt(batch, np.arange(3).reshape(3, 1, 1))
    assert (attempt.failure, int(attempt.factors[0, 0])) == (Failure(Rule.LANES, "RF", need=5.0, have=4.0), 1)
    assert best_attempt(Batch(np.ones(1, bool), np.ones(1, np.int64), np.zeros(1)), np.zeros((1, 1, 1))) is None


def test_runs_of_no_cycles_are_told_where_no_rule_is_broken():
    batch = Batch(np.ones(2, bool), np.array([3, 0]), np.zeros(2))
    attempt = best_attempt(batch, np.arange(2).reshape(2, 1, 1))
    assert (attempt.failure, int(attempt.factors[0, 0])) == (Failure(Rule.NO_CYCLES, ""), 1)


def test_too_few_lanes_are_told_with_the_most_that_there_are():
    half = LevelConstraint("SMEM", "spatial", {"M": Factor("<=", 2), "N": Factor("=", 1), "K": Factor("=", 1)})
    space = enumerate_space(design(1000), Constraints((half,), parallelism=0.75))
    said = str(nothing_fits(space, least_violating(space, 100)))
    assert said.endswith("those that fit use at most 50 % of the lanes, and the constraints want 75 %; lower that")


@pytest.mark.slow
def test_too_empty_a_level_is_told_with_its_words():
    subject = design(1000)
    smem = replace(subject.architecture.level("SMEM"), min_utilization=1.0)
    levels = (subject.architecture.levels[0], smem, subject.architecture.levels[2])
    subject = replace(subject, architecture=replace(subject.architecture, levels=levels))
    with pytest.raises(MappingError, match="level SMEM must have 1000 words in use and has 416; lower its min_utiliz"):
        search(subject, Constraints())
    space = enumerate_space(subject, Constraints())
    assert "or leave SMEM too empty; lower min_utilization" in str(nothing_fits(space, least_violating(space, 100)))


def test_lanes_that_are_enough_together_but_not_along_y_are_told():
    along_y = LevelConstraint(
        "SMEM", "spatial", {"M": Factor("=", 4), "N": Factor("=", 1), "K": Factor("=", 1)}, split=0
    )
    with pytest.raises(
        MappingError,
        match=r"exceed their lanes along x or along y; .* \(--both-axes\)$",
    ):
        search(design(1000), Constraints((along_y,)))
