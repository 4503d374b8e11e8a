"""The stream of factorizations against itertools, whatever the size of its chunks."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.mapper.fits import fits
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem, Tensor, Term

GEMM = (
    Tensor("A", ((Term("M"),), (Term("K"),))),
    Tensor("B", ((Term("K"),), (Term("N"),))),
    Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
)


def space_of(bounds, size=None):
    chain = Architecture(
        (StorageLevel("RF", instances=4, mesh_x=4, size_words=size), StorageLevel("DRAM", "DRAM")),
        ComputeLevel(instances=4, mesh_x=4),
    )
    return enumerate_space(Design(chain, Problem("gemm", ("M", "N", "K"), bounds, GEMM)), Constraints())


def everything(rows, dims):
    return np.ones(len(rows), dtype=bool)


def rows_of(chunks):
    return [row.tolist() for chunk in chunks for row in chunk.rows]


bounds = st.tuples(*[st.integers(1, 8)] * 3)


@given(bounds, st.integers(1, 50))
def test_every_factorization_comes_exactly_once(sizes, chunk_rows):
    space = space_of(sizes)
    found = rows_of(factorizations(space, chunk_rows, everything))
    combinations = product(*(space.factors[dim].tolist() for dim in "MNK"))
    expected = [[list(slot) for slot in zip(*columns, strict=True)] for columns in combinations]
    assert sorted(found) == sorted(expected)
    assert len(found) == space.size


@given(bounds, st.integers(3, 60), st.integers(1, 50))
def test_pruning_half_built_rows_drops_exactly_what_does_not_fit(sizes, words, chunk_rows):
    space = space_of(sizes, words)
    whole = next(factorizations(space, 10**6, everything)).rows
    expected = whole[fits(space, whole, ("M", "N", "K"))].tolist()
    assert rows_of(factorizations(space, chunk_rows)) == expected


@given(bounds, st.integers(1, 50))
def test_progress_ends_at_the_size_of_the_space_and_never_falls(sizes, chunk_rows):
    space = space_of(sizes)
    done = [chunk.done for chunk in factorizations(space, chunk_rows, everything)]
    assert done == sorted(done)
    assert done[-1] == space.size


def test_chunks_stay_small():
    space = space_of((64, 64, 64))
    longest = max(len(table) for table in space.factors.values())
    sizes = [len(chunk.rows) for chunk in factorizations(space, 100)]
    assert len(sizes) > 10
    assert max(sizes) <= 100 + max(100, longest)
