"""Padding against a count of what the array has to do anyway."""

from itertools import count
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.accelerators import load_arch
from crisp_hw.encode.shape import Fabric, Gemm, Steps, chunked, fabric_of, padded, padded_positions, tiled_rows

EDGE = Fabric(lanes=4, rows=16, cores=4, positions=64, latches=64)
small = st.integers(1, 300)


def test_the_packaged_fabrics_are_one():
    assert {fabric_of(load_arch(name)) for name in ("dense", "stc", "dstc", "crisp-stc")} == {EDGE}


def test_a_fabric_follows_its_accelerator():
    assert fabric_of(load_arch("dense").replace(cores=2, rf_kb=2)) == Fabric(4, 16, 2, 128, 64)


@given(small, st.integers(1, 70))
def test_chunks_are_few_and_equal(total, limit):
    chunks, size = chunked(total, limit)
    fewest = next(c for c in count(1) if c * limit >= total)
    assert (chunks, size) == (fewest, next(s for s in count(1) if s * fewest >= total))


@given(st.integers(1, 4000), st.integers(1, 80))
def test_positions_get_a_full_tile_at_the_least_cost(positions, limit):
    got = padded_positions(positions, limit)
    tiles = [tile for tile in range(1, limit + 1) if got % tile == 0]
    assert got >= positions
    assert max(tiles) * 2 >= limit or got == positions <= limit
    assert ceil(got / max(tiles)) >= ceil(positions / limit)
    if got > positions:  # only when nothing divided it, and by less than one position per tile
        assert all(positions % tile for tile in range(ceil(limit / 2), limit + 1))
        assert got - positions < ceil(positions / limit)


shared = st.builds(Gemm, st.just(1), small, st.just(1), st.just(1))
owned = st.builds(Gemm, st.integers(1, 40), small, st.just(1), st.just(1), st.just(True))


@given(shared | owned)
def test_rows_take_no_more_rounds_than_they_must(gemm):
    """Oracle: hand strips of 16 rows to 4 cores, groups that own their activations in rounds of whole groups."""
    tiled = tiled_rows(gemm, EDGE)
    strips = ceil(gemm.rows / EDGE.rows)
    per_round = EDGE.cores // strips if gemm.own_b and strips <= EDGE.cores else 1
    rounds = ceil(gemm.groups / per_round) * ceil(strips / EDGE.cores)
    height = min(gemm.rows, EDGE.rows)
    assert tiled.rows % height == 0 and tiled.groups * tiled.rows >= gemm.groups * gemm.rows
    at_once = _strips_at_once(tiled, height)
    assert tiled.groups * tiled.rows // height <= rounds * at_once
    assert at_once <= EDGE.cores


def _strips_at_once(tiled, height):
    """The most strips that divide evenly among the cores: groups x strips of one group."""
    strips = tiled.rows // height
    return max(
        g * s
        for s in range(1, EDGE.cores + 1)
        for g in range(1, EDGE.cores // s + 1)
        if strips % s == 0 and tiled.groups % g == 0
    )


def test_the_sizes_of_the_documents():
    assert tiled_rows(Gemm(1, 2048, 49, 512), EDGE) == Gemm(32, 64, 49, 512)
    assert tiled_rows(Gemm(128, 16, 49, 144, True), EDGE) == Gemm(128, 16, 49, 144, True)
    assert tiled_rows(Gemm(1, 96, 49, 8), EDGE) == Gemm(2, 48, 49, 8)
    assert tiled_rows(Gemm(1, 10, 49, 8), EDGE) == Gemm(1, 10, 49, 8)
    assert tiled_rows(Gemm(5, 128, 49, 8, True), EDGE) == Gemm(5, 128, 49, 8, True)


@given(
    st.builds(Gemm, st.integers(1, 9), small, small, small, st.booleans()),
    st.sampled_from([Steps(columns=4), Steps(columns=16), Steps(positions=4)]),
)
def test_padding_only_grows_and_says_each_number(gemm, steps):
    whole, notes = padded(gemm, EDGE, steps)
    assert whole.macs >= gemm.macs
    assert whole.columns % steps.columns == 0 and whole.columns - gemm.columns < steps.columns
    assert whole.positions % steps.positions == 0
    text = " ".join(notes)
    assert ("K is padded" in text) == (whole.columns > gemm.columns)
    assert ("N is padded" in text) == (whole.positions > gemm.positions)
    assert ("M is padded" in text) == (whole.groups * whole.rows > gemm.groups * gemm.rows)
    if whole.macs == gemm.macs:
        assert "padded" not in text
