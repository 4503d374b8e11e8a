"""P(an access is ineffectual) against every mask of the leader and a walk of the loops."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crisp_hw.engine.density import nonzeros
from crisp_hw.engine.safs.probability import saf_impact
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.sparse import Condition


def walk(point):
    """Every iteration in order, as {dim: index}; all loops are loops in time."""
    loops = list(zip(point.mapping.nest.loops, point.mapping.bounds, strict=True))
    for values in product(*(range(bound) for _, bound in reversed(loops))):
        index, stride = dict.fromkeys("MNK", 0), dict.fromkeys("MNK", 1)
        for (loop, bound), i in zip(loops, reversed(values), strict=True):
            index[loop.dim] += stride[loop.dim] * i
            stride[loop.dim] *= bound
        yield index


def stays(point, target, leader, level):
    """While one tile of the target stays in the level below, the words of the leader that are used: a list of sets."""
    inside = point.mapping.bounds[: 3 * level]  # three loops in time per level
    tile = dict.fromkeys("MNK", 1)
    for loop, bound in zip(point.mapping.nest.loops, inside, strict=False):
        tile[loop.dim] *= bound
    runs, before = [], None
    for index in walk(point):
        here = tuple(index[dim] // tile[dim] for dim in target)
        if here != before:
            runs.append(set())
        runs[-1].add(tuple(index[dim] for dim in leader))
        before = here
    return runs


@settings(max_examples=60)
@given(data=st.data())
def test_a_delivery_is_avoided_when_its_leader_words_are_all_zero(build, data):
    """Target A, leader B[N, K]: exact for loops in time, averaged over every mask and every delivery."""
    plan, _, _ = data.draw(build.plans(levels=2, most=3, spatial=False))
    _, n, k = build.bounds_of(plan)
    assume(n * k <= 9)
    density = Hypergeometric(data.draw(st.integers(0, n * k)) / (n * k))
    point = build.point(plan, keeps=[{"A"}, set("ABZ")], densities={"B": density})
    runs = stays(point, "MK", "NK", level=1)
    words = list(product(range(n), range(k)))
    masks = [set(mask) for mask in combinations(words, nonzeros(density, n * k))]
    avoided = np.mean([not run & mask for run in runs for mask in masks])
    impact = saf_impact(build.tiling(point), 1, Condition("A", ("B",)))
    assert (impact.level, impact.target) == (1, "A")
    assert impact.probability == pytest.approx([avoided])


@settings(max_examples=40)
@given(data=st.data())
def test_at_the_macs_single_words_of_the_leaders_decide(build, data):
    """Level 0 without lanes: an operand read is avoided with 1 - density, an output with 1 - product of densities."""
    plan, _, _ = data.draw(build.plans(levels=2, spatial=False))
    assume(any(bound > 1 for _, _, bound in plan[0]))
    shares = {name: data.draw(st.sampled_from([0.25, 0.5, 1.0])) for name in "AB"}
    point = build.point(plan, densities={name: FixedStructured(share) for name, share in shares.items()})
    tiling = build.tiling(point)
    for target, leaders in (("A", "B"), ("B", "A"), ("Z", "AB")):
        left = np.prod([shares[name] for name in leaders])
        assert saf_impact(tiling, 0, Condition(target, tuple(leaders))).probability == pytest.approx([1 - left])


def test_the_level_outside_acts_for_one_that_does_not_keep_the_target(build):
    plan = [[("t", "N", 2)], [("t", "K", 4)], [("t", "M", 2)]]
    point = build.point(plan, keeps=[{"A"}, {"B"}, set("ABZ")], densities={"B": FixedStructured(0.25)})
    impact = saf_impact(build.tiling(point), 1, Condition("A", ("B",)))
    assert impact.level == 2
    # each word of A stays for two words of B, which are empty with 1 - 2 / 4
    assert impact.probability == pytest.approx([0.5])


def test_lanes_share_the_fate_of_a_multicast_word(build):
    """One word of A feeds four lanes over N: it is idle only when all four words of B are zero (1 - 4 x 0.125)."""
    plan = [[("t", "N", 1)], [("x", "N", 4), ("t", "K", 4)]]
    point = build.point(plan, [(1, 1), (4, 1)], densities={"B": FixedStructured(0.125)})
    assert saf_impact(build.tiling(point), 1, Condition("A", ("B",))).probability == pytest.approx([0.5])


def test_an_access_of_a_whole_block_needs_all_its_leader_words_empty(build):
    """Blocks of 4 words along K: a read of A is idle only if 4 words of B are (P = 1 - 4 x 0.2), not one (0.8)."""
    plan = [[("t", "K", 8), ("t", "M", 2)], [("t", "N", 2)]]
    densities = {"B": FixedStructured(0.2)}
    wide = build.point(plan, densities=densities, block_size=4)
    assert saf_impact(build.tiling(wide), 0, Condition("A", ("B",))).probability == pytest.approx([0.2])
    narrow = build.point(plan, densities=densities)
    assert saf_impact(build.tiling(narrow), 0, Condition("A", ("B",))).probability == pytest.approx([0.8])
