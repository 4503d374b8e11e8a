"""Dense traffic against a walk through the loops that holds real sets of words."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.traffic import dense_traffic

COMPUTE = -1


class Walk:
    """A mapping stepped through: which words of a tensor each instance of a level works on at each time step."""

    def __init__(self, point, tensor):
        self.loops = list(zip(point.mapping.nest.loops, point.mapping.bounds, strict=True))
        self.keeps, self.problem = point.mapping.nest.keeps, point.design.problem
        self.tensor, self.levels = self.problem.tensor(tensor), len(self.keeps)
        self.dims = [rank[0].dim for rank in self.tensor.ranks]
        self.fan_x = point.design.architecture.fanouts[0][0]
        linked = point.mapping.nest.no_link_transfer
        self.links = not linked or tensor not in linked[0]

    def choices(self, kinds, first, last=99):
        """All index vectors {loop: index} of the loops of these kinds in levels first..last, outermost slowest."""
        chosen = [j for j, (loop, _) in enumerate(self.loops) if loop.kind in kinds and first <= loop.level <= last]
        for values in product(*(range(self.loops[j][1]) for j in reversed(chosen))):
            yield dict(zip(reversed(chosen), values, strict=True))

    def words(self, level, at):
        """The words of the tile of a level at given loop indices, all loops of its own and inner levels run through."""
        spans = []
        for dim in self.dims:
            stride, fixed, free = 1, 0, [0]
            for j, (loop, bound) in enumerate(self.loops):
                if loop.dim == dim:
                    if loop.level <= level:
                        free = [f + stride * i for i in range(bound) for f in free]
                    fixed += stride * at.get(j, 0) if loop.level > level else 0
                    stride *= bound
            spans.append([fixed + f for f in free])
        return frozenset(product(*spans))

    def tiles(self, parent, child):
        """Per time step, the tile of every instance of the child below one (the first) instance of the parent."""
        for time in self.choices(("temporal",), child + 1):
            yield [self.words(child, {**time, **where}) for where in self.choices(("x", "y"), child + 1, parent)]

    def child(self, level):
        return next((inner for inner in range(level - 1, -1, -1) if self.tensor.name in self.keeps[inner]), COMPUTE)

    def sent(self, level):
        """Words that the first instance of a level sends inwards, each distinct tile once per step (multicast)."""
        child, before, count = self.child(level), None, 0
        first = set()  # words that were seen before: the first update of the others needs no read
        elided = 0
        if child == COMPUTE:
            return self.sent_to_macs(level)
        for now in self.tiles(level, child):
            if now != before:
                fresh = frozenset().union(*now)
                assert len(fresh) == sum(map(len, set(now)))  # tiles of one step are equal or disjoint
                count += len(fresh)
                elided += len(fresh - first)
                first |= fresh
            before = now
        return count, elided

    def sent_to_macs(self, level):
        """The same towards MACs: an operand per step and MAC, multicast once, unless a mesh neighbour hands it on."""
        before, count, seen, elided = {}, 0, set(), 0
        for time in self.choices(("temporal",), 0):
            now = {}
            for outer in self.choices(("x", "y"), 1, level):
                for index, inner in enumerate(self.choices(("x", "y"), 0, 0)):
                    (word,) = self.words(COMPUTE, {**time, **outer, **inner})
                    now[tuple(outer.values()), index] = word
            fed = {word for place, word in now.items() if not self.served(before, place, word)}
            count += len(fed)
            elided += len(set(now.values()) - seen)
            seen |= set(now.values())
            before = now
        return count, elided

    def served(self, before, place, word):
        """Did a neighbour on the mesh below the same innermost instance hold the word one step ago?"""
        if not self.links:
            return False
        where, index = place
        across = int(np.prod([b for loop, b in self.loops if loop.level == 0 and loop.kind == "x"], dtype=int))
        width = max(self.fan_x, across)
        x, y = index % width, index // width
        beside = [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        return any(before.get((where, j * width + i)) == word for i, j in beside if 0 <= i < width and j >= 0)

    def filled(self, level):
        """Words that the first instance of a level receives, and how many of them it sees for the first time."""
        before, count, seen, elided = None, 0, set(), 0
        for (now,) in self.tiles(level, level):
            if now != before:
                count += len(now)
                elided += len(now - seen)
                seen |= now
            before = now
        return count, elided


def check(point, build):
    traffic = dense_traffic(build.tiling(point))
    for t, tensor in enumerate(point.design.problem.tensors):
        walk = Walk(point, tensor.name)
        keepers = [level for level in range(walk.levels) if tensor.name in walk.keeps[level]]
        for level in range(walk.levels):
            counts = [int(getattr(traffic, op)[level, t][0]) for op in ("reads", "fills", "updates")]
            if level not in keepers:
                assert counts == [0, 0, 0]
                continue
            sent, first_sent = walk.sent(level)
            filled, first_filled = (0, 0) if level == keepers[-1] else walk.filled(level)
            expected = [sent - first_sent, filled - first_filled, sent] if tensor.is_output else [sent, filled, 0]
            assert counts == expected, (tensor.name, level)


@settings(max_examples=40)
@given(data=st.data())
def test_counts_are_those_of_a_walk_in_time(build, data):
    plan, fanouts, keeps = data.draw(build.plans(levels=3, spatial=False))
    check(build.point(plan, fanouts, keeps), build)


@settings(max_examples=60)
@given(data=st.data())
def test_counts_are_those_of_a_walk_in_time_and_space(build, data):
    plan, fanouts, keeps = data.draw(build.plans(levels=2, most=2))
    check(build.point(plan, fanouts, keeps), build)


@pytest.mark.parametrize(
    "macs",
    [[("x", "N", 4)], [("y", "N", 3)], [("x", "N", 2), ("y", "N", 2)], [("x", "N", 2), ("y", "M", 2)], [("x", "K", 4)]],
)
def test_neighbours_hand_on_a_stationary_operand(build, macs):
    """Operand A stays while N advances in time: after the first step its MACs need no level-0 read where N is a row."""
    plan = [[*macs, ("t", "N", 5), ("t", "M", 2)], [("t", "K", 2)]]
    width = {axis: int(np.prod([b for kind, _, b in macs if kind == axis], dtype=int)) for axis in "xy"}
    check(build.point(plan, [(width["x"], width["y"]), (1, 1)]), build)


def test_without_link_transfers_every_step_is_read(build):
    plan = [[("x", "N", 4), ("t", "N", 5)], [("t", "M", 3)]]
    fanouts = [(4, 1), (1, 1)]
    linked = build.point(plan, fanouts)
    reads = dense_traffic(build.tiling(linked)).reads[0, 0]
    assert reads.tolist() == [3]  # one per M; the four MACs are each other's neighbours for the other 4 steps
    nest = linked.mapping.nest
    alone = type(nest)(nest.loops, nest.keeps, (frozenset("A"), frozenset()))
    apart = type(linked)(linked.design, type(linked.mapping)(alone, linked.mapping.bounds))
    assert dense_traffic(build.tiling(apart)).reads[0, 0].tolist() == [15]
    check(apart, build)


@settings(max_examples=30)
@given(data=st.data())
def test_totals_are_consistent(build, data):
    plan, fanouts, keeps = data.draw(build.plans(levels=3))
    point = build.point(plan, fanouts, keeps)
    traffic = dense_traffic(build.tiling(point))
    m, n, k = point.design.problem.bounds
    assert traffic.computes.tolist() == [m * n * k]
    for counts in (traffic.reads, traffic.fills, traffic.updates, traffic.partition, traffic.tile):
        assert all((counts[place] >= 0).all() for place in product(range(len(plan)), range(3)))
    outermost = {
        tensor.name: int(traffic.tile[len(plan) - 1, t][0]) for t, tensor in enumerate(point.design.problem.tensors)
    }
    assert outermost == {"A": m * k, "B": n * k, "Z": m * n}
