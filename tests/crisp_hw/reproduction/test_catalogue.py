"""Reproductions by name: what is unknown, what has no effect, and what a command writes and says."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.errors import InputError
from crisp_hw.report.figures.panels import panels
from crisp_hw.reproduction import REPRODUCTIONS, Request, catalogue, reproduce
from crisp_hw.reproduction.catalogue import Entry
from crisp_hw.spec.reproduction import Bound, Claim, Panel, Reproduction, Series

FOUND = Reproduction(
    "toy",
    "A toy",
    "nowhere",
    (Claim("speed", "x", 2.0, 2.1, "why not", 0.1), Claim("shown", "x", 1.0, 5.0)),
    (Bound("mean", 0.05, 0.1),),
    (Panel("speeds", "x", ("a", "b"), (Series("paper", (1.0, None)), Series("ours", (1.5, 2.0)))),),
    ("a note",),
)


@pytest.fixture
def toy(monkeypatch):
    """A publication that takes no time, beside the real ones."""

    def put(found):
        monkeypatch.setattr(catalogue, "REPRODUCTIONS", {**REPRODUCTIONS, "toy": Entry(lambda asked: found)})

    put(FOUND)
    return put


def run(*words: object):
    return CliRunner().invoke(app, ["reproduce", *map(str, words)])


def test_unknown_names_and_what_has_no_effect_are_refused(toy):
    with pytest.raises(InputError, match=r"no reproduction nothing; there are .*eie"):
        reproduce("nothing")
    with pytest.raises(InputError, match="masks has no effect on the reproduction toy"):
        reproduce("toy", Request(masks=Path("run.pt")))
    with pytest.raises(InputError, match="results has no effect on the reproduction toy"):
        reproduce("toy", Request(results=Path()))


def test_claims_are_judged_by_their_deviation():
    near, shown = FOUND.claims
    assert near.deviation == pytest.approx(0.05) and near.within is True
    assert replace(near, allowed=0.04).within is False and shown.within is None
    assert replace(near, published=0.0).within is False
    assert FOUND.holds and not replace(FOUND, bounds=(Bound("mean", 0.2, 0.1),)).holds


def test_the_command_writes_and_says_everything(toy, tmp_path):
    done = run("toy", "-o", tmp_path / "out", "-f", "json")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["holds"] is True and content["claims"][0]["deviation"] == pytest.approx(0.05)
    rows = list(csv.DictReader((tmp_path / "out" / "toy.csv").open()))
    assert [row["within"] for row in rows] == ["yes", ""] and rows[0]["why"] == "why not"
    assert "![toy](toy.png)" in (tmp_path / "out" / "toy.md").read_text()
    assert (tmp_path / "out" / "toy.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_ends_with_1_where_something_is_not_within(toy, tmp_path):
    toy(replace(FOUND, bounds=(Bound("mean", 0.2, 0.1),), claims=(replace(FOUND.claims[0], allowed=0.01),)))
    done = run("toy", "-o", tmp_path / "out", "--no-plot")
    assert done.exit_code == 1 and "not within what is allowed: speed, mean" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["toy.csv", "toy.md"]


def test_a_figure_has_a_panel_for_each_and_needs_one():
    drawn = panels(replace(FOUND, panels=FOUND.panels * 2))
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["speeds"] * 2
    assert len(drawn.axes[0].patches) == 3  # None has no bar
    with pytest.raises(InputError, match="nothing to draw"):
        panels(replace(FOUND, panels=()))
