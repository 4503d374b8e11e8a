"""Words and hops of networks against words that walk a mesh link by link."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.lanes import Mesh
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.traffic import dense_traffic
from crisp_hw.engine.wire_traffic import collapsed, raw_streams, signature

BESIDE = ((0, 1), (0, -1), (1, 0), (-1, 0))


def hops(places, height):
    """Links that the way of one word to some (row, column) takes, each once; in halves, as it enters between rows."""
    middle = height - 1  # in half rows
    used = set()
    for row, column in places:
        used |= {("across", half) for half in range(2 * column)}
        low, high = sorted((middle, 2 * row))
        used |= {("along", column, half) for half in range(low, high)}
    return len(used) / 2


def lanes_of(grid):
    """Index vectors of the lanes, the first loop fastest."""
    return [tuple(reversed(index)) for index in product(*(range(bound) for bound in reversed(grid)))]


def delivery(tiles, width, height, before=None):
    """Counter of (receivers, hops of one word) of the lanes' tiles, without those that a neighbour held before."""
    found = {}
    for lane, tile in enumerate(tiles):
        row, column = divmod(lane, width)
        near = [before.get((row + y, column + x)) for y, x in BESIDE] if before else []
        if tile not in near:
            found.setdefault(tile, []).append((row, column))
    return Counter((len(places), hops(places, height)) for places in found.values())


@settings(max_examples=150)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 6), st.integers(1, 5), st.data())
def test_a_word_runs_along_the_middle_and_up_and_down_its_columns(grid, width, height, data):
    steps = st.tuples(st.integers(-1, 2), st.integers(-1, 2))
    shifts = tuple(data.draw(steps) for _ in grid)
    move = data.draw(st.none() | steps)
    old = [tuple(np.sum([np.multiply(i, s) for i, s in zip(at, shifts, strict=True)], axis=0)) for at in lanes_of(grid)]
    tiles = old if move is None else [tuple(np.add(tile, move)) for tile in old]
    before = None if move is None else {divmod(lane, width): tile for lane, tile in enumerate(old)}
    expected = delivery(tiles, width, height, before)
    found = signature(Mesh(tuple(grid), shifts, width, height), move)
    assert {receivers: count for receivers, count, _ in found} == totals(expected, lambda hops: 1)
    assert {receivers: way for receivers, _, way in found} == totals(expected, lambda hops: hops)


def totals(counter, weight):
    """Sum of a weight over the words with the same number of receivers."""
    found = Counter()
    for (receivers, way), count in counter.items():
        found[receivers] += count * weight(way)
    return dict(found)


def test_copies_of_their_own_go_to_every_lane():
    assert signature(Mesh((2, 2), ((0,), (0,)), 2, 2)) == ((4, 1, 3.0),)
    assert signature(Mesh((2, 2), ((0,), (0,)), 2, 2, apart=True)) == ((1, 4, 0.5 + 1.5 + 0.5 + 1.5),)


def stepped_through(point, tensor, level):
    """{(receivers, words per step): (words, hops)} and linked words below one instance of a level, step by step."""
    loops = list(zip(point.mapping.nest.loops, point.mapping.bounds, strict=True))
    steps = [j for j, (loop, _) in enumerate(loops) if loop.level >= level and loop.kind == "temporal"]
    spatial = [j for j, (loop, bound) in enumerate(loops) if loop.level == level and loop.kind != "temporal"]
    grid = [loops[j][1] for j in spatial]
    widths = point.design.architecture.fanouts[level]
    size = 1
    for loop, bound in loops:
        inside = loop.level < level
        size *= bound if inside and loop.dim in tensor.dims else 1
    words, way, linked, before = Counter(), Counter(), 0, None
    for at in product(*(range(loops[j][1]) for j in reversed(steps))):
        time = dict(zip(reversed(steps), at, strict=True))
        tiles = []
        for lane in lanes_of(grid):
            index = {**time, **dict(zip(spatial, lane, strict=True))}
            tiles.append(tuple(i for j, i in sorted(index.items()) if loops[j][0].dim in tensor.dims))
        stays = before is not None and tiles == list(before.values())
        places = {divmod(lane, widths[0]): tile for lane, tile in enumerate(tiles)}
        if level == 0 or not stays:
            plain = delivery(tiles, *widths)
            rest = delivery(tiles, *widths, before) if before else plain
            helped = sum(rest.values()) < sum(plain.values())
            chosen = rest if helped else plain
            for receivers, count in totals(chosen, lambda way: 1).items():
                words[receivers, count] += count * size
                way[receivers, count] += totals(chosen, lambda way: way)[receivers] * size
            linked += (len(tiles) - sum(totals_of_receivers(chosen))) * size
        before = places
    return {key: (words[key], way[key]) for key in words}, linked


def totals_of_receivers(counter):
    return [receivers * count for (receivers, _), count in counter.items()]


@settings(max_examples=60)
@given(st.data())
def test_streams_are_those_of_a_walk_through_all_steps(build, data):
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    wider = [(x * data.draw(st.integers(1, 2)), y * data.draw(st.integers(1, 2))) for x, y in fanouts]
    point = build.point(plan, [w if f != (1, 1) else f for w, f in zip(wider, fanouts, strict=True)], keeps)
    for tensor, streams in zip(point.design.problem.tensors, raw_streams(build.tiling(point)), strict=True):
        for level, stream in enumerate(streams):
            records = {key: (record.words[0], record.hops[0]) for key, record in stream.records.items()}
            assert (records, stream.linked[0]) == stepped_through(point, tensor, level)


def with_residuals(tiling):
    """The same mapping, walked."""
    return Tiling(tiling.problem, tiling.architecture, tiling.nest, tiling.bounds, tiling.bounds.copy())


@settings(max_examples=60)
@given(st.data())
def test_the_walk_of_residuals_gives_the_same_streams(build, data):
    tiling = build.tiling(build.point(*data.draw(build.plans())))
    if data.draw(st.booleans()):
        flag = (frozenset("AZ"),) * 3
        tiling = replace(tiling, nest=replace(tiling.nest, no_multicast=flag, no_link_transfer=flag))
    for found, walked in zip(raw_streams(tiling), raw_streams(with_residuals(tiling)), strict=True):
        for ours, theirs in zip(found, walked, strict=True):
            assert {k: (r.words[0], r.hops[0]) for k, r in ours.records.items() if r.words[0]} == {
                k: (r.words[0], r.hops[0]) for k, r in theirs.records.items() if r.words[0]
            }
            assert ours.linked[0] == theirs.linked[0]


@settings(max_examples=100)
@given(st.data())
def test_a_keeping_level_sends_into_its_network_what_it_is_asked_for(build, data):
    plan, fanouts, keeps = data.draw(build.plans())
    tiling = build.tiling(build.point(plan, fanouts, keeps))
    counts = dense_traffic(tiling)
    for t, (tensor, raw) in enumerate(zip(tiling.problem.tensors, raw_streams(tiling), strict=True)):
        for level, stream in enumerate(collapsed(tiling, tensor, raw)):
            if tensor.name in keeps[level]:
                sent = counts.updates if tensor.is_output else counts.reads
                assert stream.words_sent()[0] == pytest.approx(sent[level, t][0])


def test_beyond_the_outermost_keeper_nothing_flows_and_hops_stay_as_if_all_levels_kept(build):
    plan = [[("x", "K", 2), ("t", "M", 2)], [("t", "N", 3)], [("t", "K", 2)]]
    tiling = build.tiling(build.point(plan, [(2, 1), (1, 1), (1, 1)]))
    tensor = tiling.problem.tensor("A")
    keeps = (frozenset(), frozenset("A"), frozenset())
    free = collapsed(replace(tiling, nest=replace(tiling.nest, keeps=keeps)), tensor, raw_streams(tiling)[0])
    raw = raw_streams(tiling)[0]
    assert free[2].records == {}
    assert free[1].records[1, 1].words[0] == raw[0].words_sent()[0] * 1 == 24.0
    assert raw[1].records[1, 1].words[0] == 8.0
    assert free[0].records.keys() == raw[0].records.keys()


@pytest.mark.slow
@settings(max_examples=40)
@given(st.data())
def test_a_batch_gives_what_its_mappings_give_alone(build, data):
    plan, fanouts, keeps = data.draw(build.plans())
    one = build.tiling(build.point(plan, [(4, 4) if f != (1, 1) else f for f in fanouts], keeps))
    factors = np.array(data.draw(st.lists(st.integers(1, 2), min_size=3, max_size=3)))
    bounds = np.where(one.bounds > 1, one.bounds * factors, one.bounds)
    batch = Tiling(one.problem, one.architecture, one.nest, bounds)
    for t, tensor in enumerate(one.problem.tensors):
        streams = collapsed(batch, tensor, raw_streams(batch)[t])
        for b in range(3):
            alone = replace(batch, bounds=bounds[:, b : b + 1])
            for ours, theirs in zip(streams, collapsed(alone, tensor, raw_streams(alone)[t]), strict=True):
                for key, record in theirs.records.items():
                    assert ours.records[key].words[b] == record.words[0]
                    assert ours.records[key].hops[b] == record.hops[0]
                assert ours.linked[b] == theirs.linked[0]
                assert ours.words_sent()[b] == pytest.approx(theirs.words_sent()[0])
