"""The page of energies that follow numbers is that of today's files, and names every accelerator and number."""

from pathlib import Path

import pytest
from energy_follows import page, rows

from crisp_hw.accelerators import list_arch

PAGE = Path(__file__).parents[2] / "docs" / "energy-follows.md"


@pytest.mark.slow
def test_the_page_is_that_of_todays_files():
    assert page() == PAGE.read_text(encoding="utf-8"), "run python tools/energy_follows.py docs/energy-follows.md"


def test_every_accelerator_has_a_table():
    headings = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert sorted(name for line in headings for name in line[3:].split(", ")) == sorted(list_arch())


@pytest.mark.parametrize(
    ("number", "moved"),
    [("levels.GLB.size_kb", "GLB"), ("levels.GLB.read_bandwidth", "*none*"), ("compute.word_bits", "MAC, selection")],
)
def test_what_moves_is_what_depends_on_it(number, moved):
    assert {key: parts for key, _, parts in rows("eyeriss-v1")}[number] == moved
