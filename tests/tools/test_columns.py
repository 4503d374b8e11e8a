"""The page of columns is the vocabulary's."""

from pathlib import Path

import columns

from crisp_hw.spec.vocabulary import SECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "columns.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == columns.page(), "make it again: python tools/columns.py docs/columns.md"


def test_the_command_writes_it(tmp_path):
    assert columns.main([str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == columns.page()


def test_every_column_has_a_line():
    lines = columns.page().splitlines()
    for section in SECTIONS.values():
        for column in section.columns:
            assert any(line.startswith(f"| `{column.key}` | ") and column.meaning in line for line in lines)
