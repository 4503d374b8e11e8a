"""The printed errors are those of the committed grid, and docs/energy.md prints them."""

from pathlib import Path

import pytest
from energy_tables import check_grid

from crisp_hw.characterization import cacti
from crisp_hw.characterization.grid import interpolate, load_grid

GRID = load_grid()


def test_the_documentation_prints_the_errors_of_the_committed_grid():
    page = (Path(__file__).parents[3] / "docs" / "energy.md").read_text()
    assert check_grid.left_out_table(GRID) in page


def test_arrays_off_the_grid_are_inside_of_its_hull_and_not_in_it():
    arrays = list(check_grid.off_grid(GRID, 40))
    assert len(arrays) == 40
    assert not any(GRID.holds(array) for array in arrays)
    assert all(interpolate(GRID, array).read_pj > 0 for array in arrays)
    assert arrays == list(check_grid.off_grid(GRID, 40))
    assert {array.node_nm for array in arrays} == {key[0] for key in GRID.curves}


def test_the_command_prints_both_tables(make_package, capsys):
    make_package()
    check_grid.main(["--asked", "3"])
    printed = capsys.readouterr().out
    assert printed.startswith(check_grid.left_out_table(GRID))
    assert "| anywhere in the grid | 3 |" in printed


def test_without_cacti_it_prints_what_needs_none(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(cacti.ELSEWHERE, str(tmp_path))
    check_grid.main([])
    with pytest.raises(SystemExit) as stop:
        check_grid.main(["--asked", "3"])
    assert stop.value.code == 2
    assert "CACTI was not built there" in capsys.readouterr().err
