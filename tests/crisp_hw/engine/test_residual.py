"""Imperfect factors: the walk that looks at few iterations against one that runs through all of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.boxes import Held, arrive, words
from crisp_hw.engine.evaluate import evaluate, evaluate_batch
from crisp_hw.engine.residual import walk
from crisp_hw.engine.tiling import Tiling
from crisp_hw.errors import InputError
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.sparse import Rank, SparseSpec, TensorFormat


@st.composite
def ragged(draw, build):
    """Three levels of loops in time, those over K of at most two rounds, of which the last may be smaller."""
    plan = [
        [("t", dim, draw(st.integers(1, 2 if dim == "K" else 3))) for dim in draw(st.permutations("MNK"))]
        for _ in range(3)
    ]
    point = build.point(plan)
    nest, bounds = point.mapping.nest, point.mapping.bounds
    residuals, size = list(bounds), 0
    for j, loop in reversed(list(enumerate(nest.loops))):
        if loop.dim == "K":
            residuals[j] = draw(st.integers(1, bounds[j]))
            size = size * bounds[j] + residuals[j] - 1
    m, n, _ = build.bounds_of(plan)
    problem = build.gemm(m, n, size + 1)
    mapping = LoopMapping(nest, bounds, tuple(residuals))
    return replace(point, design=replace(point.design, problem=problem), mapping=mapping)


def tiling(point):
    bounds, residuals = (np.array([row]).T for row in (point.mapping.bounds, point.mapping.residuals))
    return Tiling(point.design.problem, point.design.architecture, point.mapping.nest, bounds, residuals=residuals)


def iterations(point):
    """Every time step, as indices of all loops, outermost slowest; loops end early in the last iterations outside."""

    def go(j, chosen):
        if j < 0:
            yield chosen
            return
        loop, bound = point.mapping.nest.loops[j], point.mapping.bounds[j]
        outside = [k for k in chosen if point.mapping.nest.loops[k].dim == loop.dim]
        last = all(chosen[k] + 1 >= point.mapping.residuals[k] for k in outside)
        for i in range(point.mapping.residuals[j] if last else bound):
            yield from go(j - 1, {**chosen, j: i})

    yield from go(len(point.mapping.bounds) - 1, {})


def words_by_step(point, tensor, level):
    """Per time step, the words of the tile that a level holds: those of all steps with the same indices outside it."""
    loops, inside = point.mapping.nest.loops, 3 * (level + 1)
    strides, below = [], dict.fromkeys("MNK", 1)
    for loop, bound in zip(loops, point.mapping.bounds, strict=True):
        strides.append(below[loop.dim])
        below[loop.dim] *= bound
    tiles, order = {}, []
    for chosen in iterations(point):
        index = dict.fromkeys("MNK", 0)
        for j, i in chosen.items():
            index[loops[j].dim] += strides[j] * i
        outside = tuple(chosen[j] for j in range(inside, len(loops)))
        tiles.setdefault(outside, set()).add(tuple(index[rank[0].dim] for rank in tensor.ranks))
        if not order or order[-1] != outside:
            order.append(outside)
    return [tiles[outside] for outside in order]


@settings(max_examples=80)
@given(data=st.data())
def test_deliveries_are_those_of_every_iteration(build, data):
    """Exact for two rounds; of three and more Timeloop takes the last tile to bring as much as the one before."""
    point = data.draw(ragged(build))
    found = walk(tiling(point))
    steps = sum(1 for _ in iterations(point))
    m, n, k = point.design.problem.bounds
    assert found.steps.tolist() == [m * n * k] == [steps]
    for tensor in point.design.problem.tensors:
        for level in range(2):
            held, received = Held(), 0  # what it may reuse is `arrive`, which has tests of its own
            for tile in words_by_step(point, tensor, level):
                box = tuple((min(axis), max(axis) + 1) for axis in zip(*tile, strict=True))
                received += words(arrive(held, box))
            assert found.flows[tensor.name].sent[level + 1, 0] == received, (tensor.name, level)


@settings(max_examples=40)
@given(data=st.data())
def test_tiles_are_the_largest_and_lanes_average(build, data):
    point = data.draw(ragged(build))
    flows = walk(tiling(point)).flows
    for tensor in point.design.problem.tensors:
        for level in range(3):
            largest = max(len(tile) for tile in words_by_step(point, tensor, level))
            assert flows[tensor.name].tile[level, 0] == largest


def test_fills_are_never_negative(build):
    """Two lanes and three rounds over K = 1: a lane is filled half a time on average, less than its first update."""
    point = build.point([[], [("x", "K", 2), ("t", "K", 3)]], [(1, 1), (2, 1)])
    single = LoopMapping(point.mapping.nest, point.mapping.bounds, (1,) * len(point.mapping.bounds))
    result = evaluate(replace(point, design=replace(point.design, problem=build.gemm(1, 1, 1)), mapping=single))
    z = result.levels[0].tensors["Z"]
    assert (z.reads, z.fills, z.updates) == (0, 0, 1)  # Timeloop's unsigned count would wrap around to 2^64 - 1


def test_the_last_of_three_rounds_counts_as_a_full_one(build):
    """K = 5 in L1 as 2, 2 and 1: Timeloop reports 6 words, the engine as well."""
    point = build.point([[], [("t", "K", 2)], [("t", "K", 3)]])
    short = LoopMapping(
        point.mapping.nest, point.mapping.bounds, tuple(1 if b == 2 else b for b in point.mapping.bounds)
    )
    result = evaluate(replace(point, design=replace(point.design, problem=build.gemm(1, 1, 5)), mapping=short))
    assert [level.tensors["A"].fills for level in result.levels] == [5, 6, 0]
    assert [level.tensors["A"].reads for level in result.levels] == [5, 5, 6]
    assert (result.cycles, result.compute.algorithmic) == (6, 5)


def test_five_and_a_rest_of_three(build):
    """K = 8 as 5 and 3: two rounds, the second short, and the level inside holds five words."""
    point = build.point([[("t", "K", 5)], [("t", "K", 2)]])
    short = LoopMapping(
        point.mapping.nest, point.mapping.bounds, tuple(3 if b == 5 else b for b in point.mapping.bounds)
    )
    result = evaluate(replace(point, design=replace(point.design, problem=build.gemm(1, 1, 8)), mapping=short))
    assert result.cycles == 10  # Timeloop counts every round at its full length
    assert result.compute.random == 8
    a = result.levels[0].tensors["A"]
    assert (a.fills, a.utilized_capacity) == (8, 5)
    assert result.levels[1].tensors["A"].reads == 8


def test_lanes_that_are_idle_in_the_last_round_count_in_the_average(build):
    """N = 7 over 4 lanes: a full round and one of three lanes; the work is 7, the cycles 2 rounds."""
    point = build.point([[("x", "N", 4)], [("t", "N", 2)]], [(4, 1), (1, 1)])
    short = LoopMapping(
        point.mapping.nest, point.mapping.bounds, tuple(3 if b == 4 else b for b in point.mapping.bounds)
    )
    result = evaluate(replace(point, design=replace(point.design, problem=build.gemm(1, 7, 1)), mapping=short))
    assert result.compute.algorithmic == 7
    assert result.cycles == 2
    assert result.levels[1].tensors["B"].reads == 7


def test_what_would_wrap_around_is_zero_and_said(build):
    """Two lanes over K of which one is left in the only round: L0 of the average lane gets less than it sees of Z."""
    plan = [[("t", "M", 3)], [("x", "N", 2), ("x", "K", 2), ("t", "M", 2), ("t", "N", 3)], []]
    point = build.point(plan, [(1, 1), (4, 1), (1, 1)])
    loops, bounds = point.mapping.nest.loops, point.mapping.bounds
    lanes = [loop.kind == "x" and loop.dim == "K" for loop in loops]
    rests = tuple(1 if lane else bound for lane, bound in zip(lanes, bounds, strict=True))
    problem = build.gemm(6, 6, 1)
    short = replace(
        point, design=replace(point.design, problem=problem), mapping=LoopMapping(point.mapping.nest, bounds, rests)
    )
    result = evaluate(short)
    assert result.valid
    z = result.levels[0].tensors["Z"]
    assert (z.fills, z.updates) == (0, 18)
    assert "be -9 and wraps around to 1.8e19, here it is 0" in result.assumptions[0]


def test_a_residual_may_not_cut_a_formatted_tile(build):
    """A in L1 holds 8 of the 10 words that its loops span; a bitmap of it would have a density above 1 in Timeloop."""
    point = build.point([[("t", "K", 5)], [("t", "K", 2)]])
    short = LoopMapping(
        point.mapping.nest, point.mapping.bounds, tuple(3 if b == 5 else b for b in point.mapping.bounds)
    )
    ranks = (Rank("B", 1, 0), Rank("UOP", 0, 4))
    sparse = SparseSpec((TensorFormat("L0", "A", ranks[:1]), TensorFormat("L1", "A", ranks)))
    design = replace(point.design, problem=build.gemm(1, 1, 8), sparse=sparse)
    with pytest.raises(InputError, match="mapping of L1: residuals leave 8 of the 10 words of A that the loops span"):
        evaluate(replace(point, design=design, mapping=short))
    dense = replace(point, design=replace(design, sparse=SparseSpec(compute=("gating",))), mapping=short)
    assert evaluate(dense).levels[1].tensors["A"].reads == 8


@pytest.mark.parametrize(
    ("rests", "sentence"),
    [
        ((0, 2), "a residual of K is not between 1 and the factor"),
        ((5, 2), "the factors of K multiply to 10, but the problem has K = 8; change a factor, or give one a residual"),
    ],
)
def test_residuals_must_count_to_the_problem(build, rests, sentence):
    point = build.point([[("t", "K", 5)], [("t", "K", 2)]])
    chosen = dict(zip((5, 2), rests, strict=True))
    short = LoopMapping(point.mapping.nest, point.mapping.bounds, tuple(chosen.get(b, b) for b in point.mapping.bounds))
    with pytest.raises(InputError, match=sentence):
        evaluate(replace(point, design=replace(point.design, problem=build.gemm(1, 1, 8)), mapping=short))


def test_a_spatial_residual_needs_a_loop_outside_it(build):
    point = build.point([[("x", "N", 4)], [("t", "M", 2), ("t", "K", 2)]], [(4, 1), (1, 1)])
    rests = tuple(3 if bound == 4 else bound for bound in point.mapping.bounds)
    short = replace(point, mapping=LoopMapping(point.mapping.nest, point.mapping.bounds, rests))
    with pytest.raises(
        InputError, match=r"mapping of \w+.factors.N: .* spatial loop over N needs a loop over N outside it"
    ):
        evaluate(replace(short, design=replace(point.design, problem=build.gemm(2, 3, 2))))


def test_a_batch_may_mix_perfect_and_imperfect_mappings(build):
    """K = 8 as 4 x 2 and as 5, 3: each row is what the mapping gives alone."""
    point = build.point([[("t", "K", 4)], [("t", "K", 2)]])
    nest, perfect = point.mapping.nest, point.mapping.bounds
    imperfect = tuple(5 if bound == 4 else bound for bound in perfect)
    rests = tuple(3 if bound == 4 else bound for bound in perfect)
    design = replace(point.design, problem=build.gemm(1, 1, 8))
    batch = evaluate_batch(design, nest, np.array([perfect, imperfect]), np.array([perfect, rests]))
    alone = [
        evaluate(replace(point, design=design, mapping=m))
        for m in (LoopMapping(nest, perfect), LoopMapping(nest, imperfect, rests))
    ]
    assert batch.cycles.tolist() == [one.cycles for one in alone] == [8, 10]
    assert batch.energy_pj.tolist() == [one.energy_pj for one in alone]
    assert batch.valid.all()
