"""What a mapping must use, against a walk in plain Python."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.orders import nests, visible
from crisp_hw.mapper.space import enumerate_space, loop_nest
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.rules import Rule

TENSORS = (Tensor("A", ((Term("M"),), (Term("K"),))), Tensor("Z", ((Term("M"),),), is_output=True))


def design(size=None, least=0.0):
    chain = Architecture(
        (
            StorageLevel("RF", instances=3, mesh_x=3, size_words=size, min_utilization=least),
            StorageLevel("SMEM"),
            StorageLevel("DRAM", "DRAM"),
        ),
        ComputeLevel(instances=12, mesh_x=6, mesh_y=2),
    )
    return Design(chain, Problem("mv", ("M", "K"), (12, 6), TENSORS))


def rows_of(space):
    """Every factorization, whatever fits: int64[b, blocks, dims]."""
    m, k = (space.factors[dim] for dim in "MK")
    return np.stack([np.repeat(m, len(k), axis=0), np.tile(k, (len(m), 1))], axis=2)


@given(st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0]))
def test_parallelism_is_the_share_of_all_lanes(least):
    space = enumerate_space(design(), Constraints(parallelism=least))
    rows = rows_of(space)
    spatial = [index for index, block in enumerate(space.blocks) if block.kind == "spatial"]
    assert len(spatial) == 2
    lanes = [prod(int(n) for index in spatial for n in row[index]) for row in rows]
    assert admitted(space, rows).tolist() == [count >= least * 12 for count in lanes]


@pytest.mark.slow
@pytest.mark.parametrize("least", [0.0, 0.5, 0.9])
def test_no_mapping_that_the_engine_takes_is_dropped_and_none_that_fills_too_little_passes(least):
    space = enumerate_space(design(size=20, least=least), Constraints())
    seen = visible(space)
    for row in next(factorizations(space, 10**6)).rows:
        arrangement = next(nests(space, seen, row > 1))
        loops = tuple(loop for block in arrangement for loop in block)
        bounds = np.array([[row[i, "MK".index(loop.dim)] for i, block in enumerate(arrangement) for loop in block]])
        failures = evaluate_batch(space.design, loop_nest(space, loops), bounds).failures
        idle = any(failure.rule is Rule.MIN_UTILIZATION for failure in failures)
        assert admitted(space, row[None])[0] == (not idle)
