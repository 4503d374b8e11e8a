"""The committed grid: its anchors, its errors, and that nothing is said outside of it."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.characterization.grid import Grid, Point, between, interpolate, leave_one_out, load_grid, row_text
from crisp_hw.characterization.sram import NODES_NM, SramArray, SramNumbers
from crisp_hw.characterization.table import load_energy
from crisp_hw.errors import InputError

GRID = load_grid()


def numbers(pj, cut="one"):
    return SramNumbers(pj, 2 * pj, 3 * pj, 4 * pj, 5 * pj, 6 * pj, cut)


def test_every_node_bank_and_width_is_there_and_in_order():
    nodes, banks, widths = (sorted({key[i] for key in GRID.curves}) for i in range(3))
    assert tuple(nodes) == NODES_NM
    assert len(GRID.curves) == len(nodes) * len(banks) * len(widths)
    for points in GRID.curves.values():
        assert [p.depth for p in points] == sorted({p.depth for p in points})


@pytest.mark.parametrize("key", [key for key in load_energy() if key.startswith("sram_")])
def test_the_grid_has_the_arrays_of_the_parts(key):
    part = load_energy()[key]
    bits = int(key.split("_")[1].removesuffix("kb")) * 8192
    found = interpolate(GRID, SramArray(part.access_bits, bits // part.access_bits))
    assert (found.read_pj, found.write_pj) == (part.actions["read"].pj, part.actions["write"].pj)
    assert found.area_um2 == part.area_um2


@pytest.mark.parametrize("amount", ["read_pj", "write_pj", "leakage_uw", "area_um2"])
def test_left_out_points_inside_of_a_piece_come_back(amount):
    inside, _ = leave_one_out(GRID, amount)
    assert inside.count > 500
    assert inside.median < 0.03
    assert inside.worst < 0.10


def test_every_jump_is_narrow():
    for points in GRID.curves.values():
        for low, high in pairwise(points):
            if low.numbers.organisation != high.numbers.organisation:
                assert high.depth - low.depth == 1 or high.depth / low.depth <= 1.0051  # docs/energy.md


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (SramArray(64, 2**20), r"8192 KB as .*: outside of the grid \(0.5 to 2048 KB, widths of 32, .*it spans .* KB"),
        (SramArray(64, 2), r"outside of the grid"),
        (SramArray(72, 1024), r"outside of the grid .*widths of 32, 64"),
        (SramArray(64, 1024, banks=16), r"outside of the grid .*bank\(s\)"),
        (SramArray(64, 1024, node_nm=28), r"no technology file for 28 nm"),
        (SramArray(64, 1024, node_nm=7), r"no technology file for 7 nm, and numbers beyond"),
    ],
)
def test_outside_of_the_hull_nothing_is_said(array, message):
    with pytest.raises(InputError, match=message):
        interpolate(GRID, array)


@given(st.integers(64, 4000), st.floats(0.1, 100), st.floats(0.2, 2))
def test_a_power_law_is_interpolated_exactly(depth, factor, power):
    def law(d):
        return numbers(factor * d**power)

    grid = Grid({(45, 1, 32): [Point(d, law(d)) for d in (64, 300, 4000)]}, "a law")
    found, want = interpolate(grid, SramArray(32, depth)), law(depth)
    assert (found.read_pj, found.cycle_ns) == pytest.approx((want.read_pj, want.cycle_ns))


def test_inside_of_a_jump_the_nearer_side_stands():
    ends = [Point(100, numbers(1.0, "one")), Point(104, numbers(2.0, "two"))]
    assert [between(ends, depth).read_pj for depth in (101, 103)] == [1.0, 2.0]


def test_leave_one_out_by_hand():
    points = [
        Point(64, numbers(1.0)),
        Point(128, numbers(2.5)),
        Point(256, numbers(4.0)),
        Point(512, numbers(9.0, "b")),
    ]
    inside, ends = leave_one_out(Grid({(45, 1, 32): points}, "by hand"))
    assert inside.count == ends.count == 1
    assert inside.worst == pytest.approx(1 - 2.0 / 2.5)
    assert ends.worst == pytest.approx(9.0 / 4.0 - 1)  # 128 to 512 across the jump: the nearer, here the far side


def test_a_row_comes_back(tmp_path):
    text = (
        'schema: crisp-hw/sram-grid/1\nprovenance: {tool: t, version: "1", configuration: c, query: q, date: "d"}\n'
        f"columns: [a]\nrows: |\n  {row_text((45, 1, 32), Point(128, numbers(math.pi)))}\n"
    )
    (tmp_path / "grid.yaml").write_text(text)
    grid = load_grid(tmp_path / "grid.yaml")
    assert grid.curves[45, 1, 32][0].numbers.read_pj == 3.14159
    assert grid.source == "t 1, q, c, d"


@pytest.mark.parametrize(
    "text", ["schema: crisp-hw/sram-grid/2", "[]", "rows: 1", "schema: crisp-hw/sram-grid/1\nrows: x"]
)
def test_a_file_that_is_no_grid_is_told(tmp_path, text):
    (tmp_path / "grid.yaml").write_text(text)
    with pytest.raises(InputError, match=r"grid.yaml: is no grid of SRAM arrays .*make characterize"):
        load_grid(tmp_path / "grid.yaml")
