"""The page that a Timeloop user searches: made anew, it is the one that is committed, and it has what users got."""

import ast
from pathlib import Path

import known_differences
import pytest

from crisp_hw.spec.dialect import RULES
from crisp_hw.spec.rules import Rule
from crisp_hw.timeloop.read import accept_attributes

PAGE = Path(__file__).parents[2] / "docs" / "known-differences.md"


@pytest.fixture(scope="module")
def page():
    """Made anew, once."""
    return known_differences.page()


def test_the_page_is_current(page):
    assert PAGE.read_text(encoding="utf-8") == page, (
        "make it again: python tools/known_differences.py docs/known-differences.md"
    )


@pytest.mark.slow
def test_the_command_writes_it(tmp_path, page):
    assert known_differences.main([str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_is_there(rule, page):
    assert f"| `{rule.value}` | " in page


def test_every_table_is_there_whole(page):
    assert f"| decision | {' | '.join(RULES)} |" in page
    assert all(f"| D{number}: " in page for number in range(1, 15))
    for name in (*accept_attributes.NEUTRAL, *accept_attributes.COMPUTE_NEUTRAL, *accept_attributes.ONLY_READ):
        assert f"| `{name}`" in page


@pytest.mark.parametrize(
    "said",
    [
        "the document {key} is there already",
        "power gating at {value} is not modelled",
        "no public Timeloop knows {what}",
        "the installed Timeloop cannot speak the dialect {dialect}",
        "Timeloop counts lanes of all parents together",
    ],
)
def test_sentences_of_every_room_are_there(said, page):
    assert said in page


def sentences(text):
    return [(said.text, said.advice) for said in known_differences.refusals(ast.parse(text))]


def test_both_sides_of_a_choice_and_what_a_name_holds():
    found = sentences(
        "def f(n):\n"
        "    what = f'{n} of {n.shape} is wrong'\n"
        "    raise InputError(what, Where('a'), 'use less' if n else 'use more')\n"
    )
    assert found == [("{n} of {shape} is wrong", "use less; use more")]


def test_a_hint_by_name_and_errors_of_others():
    assert sentences("def f():\n    raise InputError('no', hint='yes')\n") == [("no", "yes")]
    assert sentences("def f():\n    raise ValueError('no')\n") == []
    assert sentences("def f():\n    raise error from other\n") == []
