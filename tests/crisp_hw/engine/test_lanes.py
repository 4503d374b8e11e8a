"""Multicast groups and neighbours against words laid out on a mesh."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.lanes import Geometry, Shares, Steps, shares, sharing

grids = st.lists(st.integers(1, 3), min_size=1, max_size=3)
steps = st.integers(-1, 2)


def on_mesh(grid, shifts, width, start):
    """{(row, column): tile} of lanes numbered row by row, the first loop fastest."""
    lanes = {}
    for i, index in enumerate(product(*(range(bound) for bound in reversed(grid)))):
        tile = start
        for at, shift in zip(reversed(index), shifts, strict=True):
            tile = tuple(t + at * s for t, s in zip(tile, shift, strict=True))
        lanes[divmod(i, width)] = tile
    return lanes


@settings(max_examples=200)
@given(grids, st.data())
def test_lanes_share_equal_tiles_and_neighbours_hand_on(grid, data):
    shifts = [data.draw(st.tuples(steps, steps)) for _ in grid]
    width, move = data.draw(st.integers(1, 6)), data.draw(st.tuples(steps, steps))
    before = on_mesh(grid, shifts, width, (0, 0))
    now = on_mesh(grid, shifts, width, move)
    apart = [
        (place, tile)
        for place, tile in now.items()
        if tile not in [before.get((place[0] + y, place[1] + x)) for y, x in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    ]
    expected = Shares(len(now), len(set(now.values())), len(apart), len({tile for _, tile in apart}))
    assert shares(tuple(grid), tuple(shifts), width, move) == expected
    assert shares(tuple(grid), tuple(shifts), width) == Shares(
        len(now), len(set(now.values())), len(now), len(set(now.values()))
    )


def test_lanes_that_were_not_there_before_hand_on_nothing():
    row = ((1,),)
    assert shares((4,), row, 4, (1,)).unserved_lanes == 1  # the last lane gets a tile that nobody held
    assert shares((4,), row, 4, (1,), (2,)).unserved_lanes == 3  # only the first lane's neighbour was at work


@settings(max_examples=100)
@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 5), st.data())
def test_a_batch_of_lanes_is_each_of_them_alone(loops, ranks, batch, data):
    """Shifts of a common factor, negative ones, moves that lead nowhere, and steps that are not wanted."""

    def drawn(low, high, *shape):
        size = int(np.prod(shape))
        return np.array(data.draw(st.lists(st.integers(low, high), min_size=size, max_size=size)), int).reshape(shape)

    grid, width, wanted = drawn(1, 3, loops, batch), drawn(1, 6, batch), drawn(0, 1, batch) > 0
    factor = drawn(1, 4, ranks, batch)
    shifts, move = (
        factor * drawn(-2, 3, loops, ranks, batch),
        factor * drawn(-2, 2, ranks, batch) + drawn(0, 1, ranks, batch),
    )
    found = sharing(Geometry(grid, shifts, width), Steps(move[None], wanted[None]))
    for b in range(batch):
        lanes = tuple(grid[:, b].tolist()), tuple(map(tuple, shifts[:, :, b].tolist())), int(width[b])
        alone = shares(*lanes, tuple(move[:, b].tolist()) if wanted[b] else None)
        left = found.unserved_lanes[0, b], found.unserved_groups[0, b]
        assert (found.groups[b], *left) == (alone.groups, alone.unserved_lanes, alone.unserved_groups)


@settings(max_examples=100)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(-6, 6), st.integers(-6, 6))
def test_groups_of_two_loops_along_one_rank_are_chains(n, m, p, q):
    lanes = Geometry(np.array([[n], [m]]), np.array([[[p]], [[q]]]), np.array([n]))
    tiles = {i * p + j * q for i in range(n) for j in range(m)}
    assert sharing(lanes).groups.tolist() == [len(tiles)]


@pytest.mark.parametrize("shifts", [[[1], [2], [3]], [[1, 1], [0, 2], [4, 0]]])
def test_groups_without_a_formula_are_counted_lane_by_lane(shifts):
    """Three loops along one rank, and one loop along two ranks."""
    grid = (3, 2, 4)
    lanes = Geometry(np.array(grid)[:, None], np.array(shifts)[:, :, None], np.array([3]))
    expected = {
        tuple(sum(at * shift[rank] for at, shift in zip(index, shifts, strict=True)) for rank in range(len(shifts[0])))
        for index in product(*map(range, grid))
    }
    assert sharing(lanes).groups.tolist() == [len(expected)]
