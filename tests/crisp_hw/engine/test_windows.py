"""Kinds of steps of a window: how often they happen, how far they move it, and what is new."""

import numpy as np

from crisp_hw.engine.windows import arrivals, linkable
from crisp_hw.spec.problem import Problem, Tensor, Term


def row_of_windows(build, *loops):
    """I[M + K], windows of three words in L0 (K inside), and time loops outside."""
    point = build.point([[("t", "K", 3)], list(loops)])
    tiling = build.tiling(point)
    image = Tensor("A", ((Term("M"), Term("K")),))
    problem = Problem("row", tiling.problem.dims, tiling.problem.bounds, (image, *tiling.problem.tensors[1:]))
    return build.tiling_of(problem, tiling), image


def test_a_window_brings_one_word_while_it_slides_and_all_of_them_when_it_jumps(build):
    tiling, image = row_of_windows(build, ("t", "M", 5), ("t", "N", 2))
    steps = arrivals(tiling, image, 1)
    assert steps.times[:, 0].tolist() == [1, 8, 1]  # the first delivery, M in both rounds of N, N once
    assert steps.move[:, 0, 0].tolist() == [0, 1, -1]  # of M, Timeloop walks iterations 0 and 1 only
    assert steps.words[:, 0].tolist() == [3, 1, 3]
    assert steps.whole[:, 0].tolist() == [True, False, True]
    assert steps.total.tolist() == [3 + 8 + 3]


def test_a_window_that_nothing_moves_brings_nothing_new(build):
    tiling, image = row_of_windows(build, ("t", "N", 4))
    steps = arrivals(tiling, image, 1)
    assert steps.words[:, 0].tolist() == [3, 0]
    passed = linkable(steps)
    assert passed is not None
    assert (passed.times * passed.words).tolist() == [[0]]


def test_a_tensor_of_one_word_moves_in_whole_numbers(build):
    """A tensor without ranks has no extents and no strides, whose type must still be an integer's."""
    point = build.point([[("x", "N", 2), ("t", "K", 3)], [("t", "M", 4)]], [(2, 1), (1, 1)])
    tiling, scalar = build.tiling(point), Tensor("B", ())
    steps = arrivals(tiling, scalar, 0)
    assert steps.move.dtype == np.dtype(np.int64)
    assert steps.times.sum() == 12
