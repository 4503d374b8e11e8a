"""The generator finds every jump that its first points straddle, and writes a grid that loads."""

from itertools import pairwise

import pytest
from energy_tables import make_grid
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.characterization.grid import load_grid
from crisp_hw.characterization.sram import SramNumbers
from crisp_hw.machine.store import cache_folder


@given(st.lists(st.integers(70, 60_000), max_size=4, unique=True))
def test_both_sides_of_each_jump_are_at_most_half_a_percent_apart(jumps):
    def asked(depth):
        return SramNumbers(1, 1, 1, 1, 1, 1, str(sum(depth >= jump for jump in jumps)))

    grid = make_grid.steps(1, 64)
    points = make_grid.curve(asked, grid)
    depths = [point.depth for point in points]
    assert depths == sorted(set(depths))
    assert set(grid) <= set(depths)
    for low, high in pairwise(points):
        if low.numbers.organisation != high.numbers.organisation:
            assert high.depth - low.depth == 1 or high.depth / low.depth <= make_grid.RESOLUTION


@pytest.mark.parametrize("banks", make_grid.BANKS)
@pytest.mark.parametrize("width", make_grid.WIDTHS_BITS)
def test_steps_span_what_cacti_takes_and_hold_every_power_of_two(banks, width):
    found = make_grid.steps(banks, width)
    assert found[0] >= 64 * banks
    assert found[0] * width >= make_grid.SMALLEST_KB * 8192
    assert found[-1] * width == make_grid.LARGEST_KB * 8192
    assert {2**p for p in range(7, 31) if found[0] <= 2**p <= found[-1]} <= set(found)
    assert max(high / low for low, high in pairwise(found)) < 1.43


def test_the_file_loads_and_says_how_cacti_was_asked(make_package, tmp_path, monkeypatch, capsys):
    _, runs = make_package()
    for name, few in (("NODES_NM", (45, 65)), ("BANKS", (1,)), ("WIDTHS_BITS", (512,)), ("LARGEST_KB", 8)):
        monkeypatch.setattr(make_grid, name, few)
    make_grid.main(["--out", str(tmp_path / "grid.yaml")])
    grid = load_grid(tmp_path / "grid.yaml")
    assert set(grid.curves) == {(45, 1, 512), (65, 1, 512)}
    assert [point.depth for point in grid.curves[45, 1, 512]] == [64, 91, 128]
    assert grid.curves[65, 1, 512][0].numbers.read_pj == 1.25
    assert grid.source.startswith("hwcomponents-cacti 9.8.7, ")
    assert "2 of 2: 65 nm" in capsys.readouterr().err
    asked = runs.read_text().count("run")
    assert asked == len(list(cache_folder().rglob("*.json")))
    make_grid.main(["--out", str(tmp_path / "again.yaml")])
    assert runs.read_text().count("run") == asked  # a second run comes from the cache
    assert (tmp_path / "again.yaml").read_text() == (tmp_path / "grid.yaml").read_text()
