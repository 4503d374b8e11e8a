"""Banded matrices against the mask itself, where Timeloop counts right, and its own way where it does not."""

from collections import Counter
from dataclasses import replace
from math import isqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crisp_hw.engine import banded, content
from crisp_hw.engine.evaluate import evaluate, evaluate_batch
from crisp_hw.engine.tiling import Tile
from crisp_hw.errors import InputError
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import Banded, FixedStructured
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat


def band(width, side):
    row, column = np.indices((side, side))
    return abs(row - column) <= width


def tiles(mask, tile):
    """All aligned tiles of a mask, row by row."""
    rows, columns = (side // part for side, part in zip(mask.shape, tile, strict=True))
    return [
        mask[i * tile[0] : (i + 1) * tile[0], j * tile[1] : (j + 1) * tile[1]]
        for i in range(rows)
        for j in range(columns)
    ]


@st.composite
def matrices(draw):
    """(width, side, tile): tiles that divide the matrix, and a band that leaves a middle."""
    tile = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    side = np.lcm(*tile) * draw(st.integers(1, 5))
    width = draw(st.integers(0, side - 1))
    assume(2 * -(-width // tile[0]) < side // tile[0])
    return width, int(side), tile


@given(st.integers(0, 12), st.integers(1, 12))
def test_nonzeros_of_the_matrix(width, side):
    assume(width < side)
    assert banded.nonzeros(width, side) == band(width, side).sum()


@given(matrices())
def test_shares_are_those_of_the_mask(case):
    """Exact for square tiles; of others Timeloop looks at the first rows and turns them around."""
    width, side, tile = case
    held = [int(part.sum()) for part in tiles(band(width, side), tile)]
    occupancy, share = banded.histogram(width, side, tile)
    found = {int(k): float(p) for k, p in zip(occupancy, share, strict=True) if p}
    assert sum(found.values()) == pytest.approx(1.0)
    if tile[0] == tile[1]:
        assert found == pytest.approx({k: count / len(held) for k, count in Counter(held).items()})
        assert occupancy[-1] >= max(held)


@given(matrices(), st.integers(1, 3), st.integers(1, 3))
def test_the_corner_tile_knows_its_parts(case, rows, columns):
    width, _, inner = case
    outer = (inner[0] * rows, inner[1] * columns)
    corner = band(width, max(outer))[: outer[0], : outer[1]]
    empty = np.mean([not part.any() for part in tiles(corner, inner)])
    held = int(corner.sum())
    assert banded.empty_given(width, inner, outer, np.array([held, held + 1])).tolist() == [empty, 1.0]


def test_a_band_beyond_half_the_matrix_is_counted_twice():
    """One row of tiles, and a band of more than one tile: Timeloop's shares add up to two."""
    assert banded.histogram(3, 4, (2, 2))[1].sum() == 1.0
    assert banded.histogram(5, 4, (2, 2))[1].sum() == 2.0


def test_content_sees_the_side_through_the_size():
    tile = Tile(np.array([4, 1]), np.array([[2, 1], [2, 1]]))
    model, size = Banded(1), 64
    assert content.expected_occupancy(model, size, tile).tolist() == [4 * 22 / 64, 22 / 64]
    assert content.prob_empty(model, size, tile).tolist() == [6 / 16, 42 / 64]
    assert content.largest_occupancy(model, size, tile).tolist() == [4, 1]
    assert content.smallest_occupancy(model, size, tile).tolist() == [0, 0]
    occupancy, probability = content.support(model, size, tile)
    assert occupancy[:, 0].tolist() == [0, 1, 4] and probability[:, 0].tolist() == [6 / 16, 6 / 16, 4 / 16]
    assert content.shape_of(model) is None and isqrt(size) == 8


def diagonal(build, width, sparse):
    """Z[M, N] += A[M, K] B[N, K] with A 8 x 8 and banded, four words of K in L0, everything kept in both levels."""
    plan = [[("t", "K", 4)], [("t", "N", 3), ("t", "K", 2), ("t", "M", 8)]]
    return build.point(plan, densities={"A": Banded(width)}, sparse=sparse)


def test_a_stored_band_moves_its_nonzeros_only(build):
    """L1 keeps A as coordinates; 22 of 64 words are nonzero, and every word is read once (N is inside K and M)."""
    ranks = (Rank("CP", 4, 0), Rank("CP", 4, 0, (frozenset("MK"),)))
    result = evaluate(diagonal(build, 1, SparseSpec((TensorFormat("L1", "A", ranks),))))
    outer = result.levels[1].tensors["A"]
    assert (outer.reads, outer.accesses["random_reads"]) == (64, 22)
    assert outer.utilized_capacity == 22
    assert any("a band of 1 twice" in remark for remark in result.assumptions)


def test_skipping_a_diagonal_keeps_one_in_eight(build):
    inner, outer = Rank("CP", 4, 0), Rank("UOP", 0, 4, (frozenset("MK"),))
    formats = (TensorFormat("L0", "A", (inner,)), TensorFormat("L1", "A", (inner, outer)))
    action = ActionOptimization("L0", "skipping", (Condition("B", ("A",)),))
    result = evaluate(diagonal(build, 0, SparseSpec(formats, (action,))))
    assert result.compute.random == 8 * 8 * 3 // 8


@pytest.mark.parametrize("width", range(14))
def test_the_sum_of_timeloops_diagonals(width):
    """It adds 2 x (side - away) for every diagonal, those beyond the matrix included, in unsigned 64-bit numbers."""
    total = 4
    for away in range(1, width + 1):
        total = (total + 2 * (4 - away)) % 2**64
    assert banded.nonzeros(width, 4) == total


def test_a_band_too_wide_is_counted_as_timeloop_does_and_said(build):
    """Without formats and SAFs nothing depends on the band; the Result warns all the same."""
    result = evaluate(diagonal(build, 20, SparseSpec()))
    assert result.valid and result.compute.random == 8 * 8 * 3
    (said,) = result.assumptions
    assert "a band of 20 is wider than the 8 x 8 matrix" in said and f"{2**64 - 92} nonzeros (its sum" in said
    (mild,) = evaluate(diagonal(build, 9, SparseSpec())).assumptions
    assert "62 nonzeros where" in mild


def test_a_negative_number_of_instances_is_no_result(build):
    """Timeloop's shares of a band beyond half the matrix add up to 2, and 1 - P(empty tile) is below 0."""
    form = TensorFormat("L1", "A", (Rank("B", 1, 0, (frozenset("MK"),)),) * 3)
    plan = [[("t", "M", 2)], [("t", "M", 3), ("t", "N", 2), ("t", "K", 6)]]

    def of(width):
        point = build.point(plan, densities={"A": Banded(width)}, sparse=SparseSpec((form,)))
        levels = tuple(replace(level, decompression_supported=True) for level in point.design.architecture.levels)
        fabric = replace(point.design.architecture, levels=levels)
        return evaluate(replace(point, design=replace(point.design, architecture=fabric)))

    assert of(1).valid
    assert [reason[:60] for reason in of(7).reasons] == ["level L0: Timeloop's probabilities of tiles of the band add "]


def test_a_batch_tells_tiles_of_equal_size_and_other_shape_apart(build):
    """2 x 8 and 4 x 4 words of a band are not the same tile."""
    form = TensorFormat("L1", "A", (Rank("B", 1, 0, (frozenset("MK"),)),) * 3)
    plans = [[[("t", "M", m), ("t", "K", 16 // m)], [("t", "M", 16 // m), ("t", "K", m)]] for m in (2, 4)]
    cost = EnergyTable({"L0": {"random_read": 1.0}})
    points = [build.point(plan, None, None, {"A": Banded(1)}, SparseSpec((form,)), cost) for plan in plans]
    bounds = np.array([point.mapping.bounds for point in points])
    batch = evaluate_batch(points[0].design, points[0].mapping.nest, bounds)
    alone = [evaluate(point).energy_pj for point in points]
    assert alone[0] != alone[1] and batch.energy_pj.tolist() == alone


@pytest.mark.parametrize(("k", "width"), [(4, 1), (8, 2**31)])
def test_a_banded_tensor_is_square_and_its_band_within(build, k, width):
    point = build.point([[("t", "K", k)], [("t", "M", 8)]])
    problem = build.gemm(8, 1, k, A=Banded(width), B=FixedStructured(0.5))
    dense = replace(point.design, problem=problem)
    assert evaluate(replace(point, design=dense)).cycles == 8 * k  # no format and no SAF asks for the band
    gated = SparseSpec(compute=("gating",))
    with pytest.raises(
        InputError, match=f"problem tensor A: it is 8 x {k} words in .* with a band of {width} beside the diagonal"
    ):
        evaluate(replace(point, design=replace(dense, sparse=gated)))
