"""The page of the command line is made of the commands."""

import re
from pathlib import Path

import command_line
import pytest
from typer.main import get_command

from crisp_hw.cli import app
from crisp_hw.command_line.program import EXIT_CODES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "command-line.md"


def test_the_page_is_current():
    said = "make it again: python tools/command_line.py docs/command-line.md"
    assert PAGE.read_text(encoding="utf-8") == command_line.page(), said


@pytest.mark.slow
def test_the_command_writes_it(tmp_path):
    assert command_line.main([str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == command_line.page()


def test_every_variable_that_is_read_is_named():
    sources = [*(ROOT / "crisp_hw").rglob("*.py"), *(ROOT / "crisp_prune").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    read = set(re.findall(r"""environ(?:\.get\(|\[)"([A-Z_]+)""", text)) | set(re.findall(r'VARIABLE = "(\w+)"', text))
    assert read and read <= set(command_line.ENVIRONMENT)


@pytest.mark.slow
def test_reasons_are_given_for_what_is_absent_alone():
    commands = get_command(app).commands
    for name, key in command_line.ABSENT:
        assert key not in command_line._entries(app, name) and name in commands
        assert any(key in command_line._entries(app, other) for other in ("evaluate", "model", "map")), key


def test_exit_codes_are_those_of_the_page_of_errors():
    errors = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", errors, re.MULTILINE)} == set(EXIT_CODES)
