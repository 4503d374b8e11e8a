"""Every picture of the docs is shown, can be made again, and is made by the line that stands beside it."""

import re
from dataclasses import replace
from pathlib import Path

import figures
import numpy as np
import pytest
from matplotlib.image import imread

from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
MOST_DIFFERING = 5e-4  # share of pixels; not given; assumed because the name of an axis takes several times as many
PNG_SIZE = slice(16, 24)  # width and height, big-endian (W3C, PNG, 11.2.1: IHDR)


def differing(one, other):
    """The share of pixels that look different in two pictures of one size."""
    return (np.abs(imread(one) - imread(other)).max(axis=-1) > 0.25).mean()


def test_pictures_are_those_that_can_be_made():
    assert {path.name for path in figures.IMAGES.iterdir()} == set(figures.DRAWN)


@pytest.mark.parametrize("name", figures.DRAWN)
def test_the_page_shows_every_picture_below_the_line_that_makes_it(name):
    made, shown = PAGE.index(f"{name}"), PAGE.index(f"](images/{name})")
    assert made < shown and "```" in PAGE[made:shown]


def test_pictures_of_all_pages_are_there():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"\]\((?:docs/)?images/([^)]+)\)", page.read_text("utf-8"))}
    assert named == set(figures.DRAWN)


@pytest.mark.slow
def test_pictures_can_be_made_and_are_those_that_are_kept(tmp_path, monkeypatch):
    model = PrunedModel("digits", (), ())
    mask = np.kron(np.eye(8, 36, dtype=bool), np.tile([True, False], (16, 8)))
    layer = PrunedLayer(Layer(figures.MASKED, "conv2d", 128, 64, (3, 3)), "hybrid", mask, NM(2, 4), 16)
    monkeypatch.setattr(figures.api, "load_pruned", lambda _: replace(model, layers=(layer,)))
    for file in figures.draw(list(figures.DRAWN), tmp_path):
        kept = figures.IMAGES / file.name
        assert file.read_bytes()[PNG_SIZE] == kept.read_bytes()[PNG_SIZE], file.name
        if file.name != "digits-mask.png":  # its mask is made up here, because the real one takes a training
            assert differing(file, kept) < MOST_DIFFERING, f"python tools/figures.py {file.name}"


def test_a_picture_that_there_is_not_is_refused(capsys):
    with pytest.raises(SystemExit):
        figures.main(["pie.png"])
    assert "no picture pie.png; choose of resnet50-totals.png" in capsys.readouterr().err
