"""Sliding windows: against the closed form, against the walk with two iterations per loop, and against every step."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.residual import walk
from crisp_hw.engine.sliding import flow, kept_counts, sliding, walked
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.traffic import dense_traffic
from crisp_hw.spec.dialect import HEAD, HEAD_2024, MICRO22
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.problem import Problem, Tensor, Term

FIELDS = ("tile", "reads", "fills", "updates", "partition")


def windowed(point, stride, dilation):
    """The same mapping of Z[M] = sum over K of I[stride M + dilation K] W[K] per N: A is the image, B the weights."""
    image = Tensor("A", ((Term("M", stride), Term("K", dilation)), (Term("N"),)))
    others = [Tensor("B", ((Term("N"),), (Term("K"),))), Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True)]
    old = point.design.problem
    return replace(point, design=replace(point.design, problem=Problem("conv", old.dims, old.bounds, (image, *others))))


@settings(max_examples=60)
@given(data=st.data())
def test_without_windows_it_is_the_closed_form(build, data):
    plan, fanouts, keeps = data.draw(build.plans(levels=3))
    tiling = build.tiling(build.point(plan, fanouts, keeps))
    closed = dense_traffic(tiling)
    assert not sliding(tiling.problem)
    for t, tensor in enumerate(tiling.problem.tensors):
        general = kept_counts(tiling, tensor, flow(tiling, tensor))
        for name in FIELDS:
            places = [(level, t) for level in range(len(tiling.architecture.levels))]
            assert general[name].tolist() == [getattr(closed, name)[place].tolist() for place in places], name


@settings(max_examples=60)
@given(data=st.data())
def test_the_sum_over_kinds_of_steps_is_the_walk(build, data):
    """Two ways to the same counts: loops as a binary counter in closed form, and a recursion that holds tiles."""
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    point = windowed(build.point(plan, fanouts, keeps), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2)))
    flags = {
        name: tuple(frozenset(data.draw(st.sets(st.sampled_from("ABZ"), max_size=1))) for _ in plan)
        for name in ("no_link_transfer", "no_multicast", "no_temporal_reuse")
    }
    nest = replace(point.mapping.nest, **flags)
    tiling = build.tiling(replace(point, mapping=LoopMapping(nest, point.mapping.bounds)))
    walked = walk(tiling)
    for tensor in tiling.problem.tensors:
        ours, theirs = flow(tiling, tensor), walked.flows[tensor.name]
        for name in ("sent", "delivered", "linked", "fanout", "tile", "spread"):
            assert getattr(ours, name).tolist() == getattr(theirs, name).tolist(), (tensor.name, name)


@settings(max_examples=60)
@given(data=st.data())
def test_sums_of_any_terms_are_the_walk(build, data):
    """Ranks of up to three terms, backwards too, and dimensions in two ranks."""
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    point = build.point(plan, fanouts, keeps)
    steps = st.sampled_from([-2, -1, 1, 2, 3])
    rank = st.dictionaries(st.sampled_from("MNK"), steps, min_size=1, max_size=3)
    drawn = data.draw(st.lists(rank, min_size=1, max_size=2))
    image = Tensor("A", tuple(tuple(Term(dim, step) for dim, step in one.items()) for one in drawn))
    old = point.design.problem
    problem = Problem("sums", old.dims, old.bounds, (image, *old.tensors[1:]))
    tiling = Tiling(problem, point.design.architecture, point.mapping.nest, build.tiling(point).bounds)
    ours, theirs = flow(tiling, image), walk(tiling).flows["A"]
    for name in ("sent", "delivered", "linked", "fanout", "tile", "spread"):
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist(), name


def test_only_residuals_and_older_dialects_are_walked(build):
    plain = build.point([[("t", "K", 3)], [("t", "M", 4)]])
    window = windowed(plain, 2, 1)
    for rules, walks in ((HEAD, False), (HEAD_2024, True), (MICRO22, True)):
        assert not walked(replace(build.tiling(plain), rules=rules))
        assert walked(replace(build.tiling(window), rules=rules)) is walks
    assert walked(replace(build.tiling(plain), residuals=build.tiling(plain).bounds))


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2))
def test_a_row_of_windows_fetches_each_pixel_once(build, outputs, kernel, steps, stride, dilation):
    """M outside K: the buffer holds one window and slides; what it fetches are the pixels of every new window."""
    plan = [[("t", "K", kernel), ("t", "M", outputs)], [("t", "M", steps)]]
    point = windowed(build.point(plan), stride, dilation)
    fetched, held = 0, set()
    for window in range(steps):
        reach = range(window * outputs, (window + 1) * outputs)
        spots = [stride * m + dilation * k for m, k in product(reach, range(kernel))]
        box = set(range(min(spots), max(spots) + 1))  # gaps inside of a window are fetched, too
        fetched, held = fetched + len(box - held), box
    assert dense_traffic(build.tiling(point)).fills[0, 0].tolist() == [fetched]


def test_neighbouring_lanes_pass_the_image_along(build):
    """Four lanes hold pixels m + k: when k advances each takes its neighbour's; when M jumps by 4, nobody has it."""
    for loop, linked in ((("t", "K", 5), 3 * 4), (("t", "M", 5), 0)):
        point = windowed(build.point([[], [("x", "M", 4), loop]], [(1, 1), (4, 1)]), 1, 1)
        passed = flow(build.tiling(point), point.design.problem.tensors[0])
        assert passed.linked[1, 0] == linked
        assert passed.delivered[1, 0] + linked == 4 * 5


def test_a_batch_is_each_mapping_alone(build):
    point = windowed(build.point([[("t", "M", 2), ("t", "N", 1), ("t", "K", 3)], [("t", "M", 6), ("t", "K", 2)]]), 2, 1)
    design, nest = point.design, point.mapping.nest
    order = [(loop.level, loop.dim) for loop in nest.loops]
    rows = [{"M": (2, 6), "K": (3, 2)}, {"M": (6, 2), "K": (2, 3)}, {"M": (3, 4), "K": (3, 2)}]
    bounds = np.array([[row.get(dim, (1, 1))[level] for level, dim in order] for row in rows]).T
    together = dense_traffic(Tiling(design.problem, design.architecture, nest, bounds))
    for column in range(len(rows)):
        alone = dense_traffic(Tiling(design.problem, design.architecture, nest, bounds[:, column : column + 1]))
        for name in FIELDS:
            for place in product(range(2), range(3)):
                assert getattr(together, name)[place][column] == getattr(alone, name)[place][0], (name, place)


@pytest.mark.parametrize(
    ("terms", "slides"), [(((Term("M"),),), False), (((Term("M", 2),),), True), (((Term("M"), Term("K")),), True)]
)
def test_strides_and_sums_slide(terms, slides):
    assert sliding(Problem("p", ("M", "K"), (2, 2), (Tensor("A", terms),))) is slides


def test_a_diagonal_spans_the_square_around_it(build):
    """A[K, K] is read along its diagonal; Timeloop counts the box around the points: 4 x 4 words for K = 4."""
    point = build.point([[("t", "K", 2)], [("t", "K", 2)]])
    *_, z = point.design.problem.tensors
    diagonal = Tensor("A", ((Term("K"),), (Term("K"),)))
    problem = Problem("p", point.design.problem.dims, point.design.problem.bounds, (diagonal, z))
    assert sliding(problem)
    tiling = Tiling(problem, point.design.architecture, point.mapping.nest, build.tiling(point).bounds)
    found = kept_counts(tiling, diagonal, flow(tiling, diagonal))
    assert [found[name][:, 0].tolist() for name in ("tile", "partition")] == [[4, 16], [16, 16]]
