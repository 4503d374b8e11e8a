"""The way to figures: kinds, widths, axes of the caller, files that are the same in every run, and no other state."""

import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure

from crisp_hw.errors import InputError
from crisp_hw.report.plots import KINDS, WHOLE, Request, figure, picture, saved
from crisp_hw.returned import Evaluation
from crisp_hw.spec.evaluation import NetworkEvaluation

pytestmark = pytest.mark.slow


@pytest.fixture
def one(row):
    return NetworkEvaluation("net", (row("stc", "c1"), row("crisp-stc", "c1", cycles=50)))


def test_refuses_an_unknown_kind_and_an_empty_network(network):
    with pytest.raises(InputError, match="no figure pie; choose one of totals, speedup, energy, roofline, mapping"):
        figure(network, "pie")
    with pytest.raises(InputError, match="no evaluated layer"):
        figure(NetworkEvaluation("empty", ()))
    with pytest.raises(InputError, match="unknown width 'poster'; there are column, page"):
        figure(network, "totals", Request(width="poster"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": 3}, "kind is 3, an int; give text"),
        ({"kind": ["totals"]}, "kind is a list; give text"),
        ({"width": 3.5}, "width is 3.5, a float; give 'column' or 'page'"),
        ({"layer": ["c1"]}, "layer is a list; give text or None"),
        ({"arch": ("stc",)}, "arch is a tuple; give text or None"),
        ({"title": False}, "title is False, a bool; give text or None"),
        ({"ax": 3}, "ax is 3, an int; give axes of matplotlib, or a list of them"),
        ({"ax": [None]}, "ax is None; give axes of matplotlib, or a list of them"),
        ({"save": 3}, "save is 3, an int; give a path, as text or as pathlib.Path"),
    ],
)
def test_wrong_kinds_of_values_end_in_one_sentence(asked, said, one):
    with pytest.raises(InputError) as caught:
        Evaluation(one).plot(**asked)
    assert str(caught.value) == said


def test_axes_without_a_figure_are_refused(one):
    mine = Figure().subplots()
    mine.remove()
    with pytest.raises(InputError, match="ax was taken off its figure; give axes that are on one"):
        Evaluation(one).plot("speedup", ax=mine)


def test_accelerators_on_different_layers_are_refused(row):
    uneven = NetworkEvaluation("net", (row("stc", "c1"), row("dstc", "c2")))
    with pytest.raises(InputError, match="stc and dstc were evaluated on different layers"):
        figure(uneven, "speedup")
    assert figure(uneven, "speedup", Request(arch="dstc"))


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
@pytest.mark.parametrize("kind", WHOLE)
def test_files_are_the_same_bytes_in_every_run(kind, form, one):
    first, second = (picture(figure(one, kind), form) for _ in range(2))
    assert first == second
    text = first.decode("latin-1")
    assert not re.search(r"CreationDate|<dc:date>|Matplotlib v|20\d\d-\d\d-\d\d", text)


def test_another_process_writes_the_same_bytes(one, tmp_path):
    import pickle

    (tmp_path / "one.pickle").write_bytes(pickle.dumps(one))
    code = (
        "import pickle, sys; from pathlib import Path; from crisp_hw.report.plots import figure, picture;"
        "one = pickle.loads(Path(sys.argv[1]).read_bytes());"
        "sys.stdout.buffer.write(picture(figure(one, 'totals'), 'svg'))"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "one.pickle"], check=True, capture_output=True)
    assert ran.stdout == picture(figure(one, "totals"), "svg")


def test_text_stays_text(one):
    svg = picture(figure(one, "totals"), "svg").decode()
    assert ">crisp-stc</text>" in svg and ">speedup over dense (x)</text>" in svg
    pdf = picture(figure(one, "totals"), "pdf")
    assert b"/Type0" in pdf and b"/Type3" not in pdf


def test_files_take_their_form_from_their_name(one, tmp_path):
    result = Evaluation(one)
    starts = {"a.png": b"\x89PNG", "b.svg": b"<?xml", "c.pdf": b"%PDF", "d.PNG": b"\x89PNG"}
    for name, start in starts.items():
        drawn = result.plot("speedup", save=tmp_path / name)
        assert isinstance(drawn, Figure) and (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(InputError, match=r"e.gif: is no figure; let the name end in one of .png, .svg, .pdf"):
        saved(figure(one), Path("e.gif"))


def test_axes_of_the_caller_keep_their_figure_and_style(one):
    mine = Figure(figsize=(9, 3))
    left, right, third = mine.subplots(1, 3)
    size = left.xaxis.get_label().get_fontsize()
    assert Evaluation(one).plot("speedup", ax=left) is mine
    assert Evaluation(one).plot("totals", ax=[right, third], title="mine") is mine
    assert [bar.get_height() for group in left.containers for bar in group] == [4.0, 8.0]
    assert left.yaxis.get_label().get_fontsize() == size and tuple(mine.get_size_inches()) == (9, 3)
    assert (left.get_title(), right.get_title()) == ("", "mine")
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["stc", "crisp-stc", "dense"]


def test_as_many_axes_as_panels_are_needed(one):
    mine = Figure().subplots(1, 2)
    Evaluation(one).plot("totals", ax=mine)  # an array, as subplots returns it
    with pytest.raises(InputError, match="this figure has 2 panels and was given 1 axes; give ax=a list of 2 axes"):
        Evaluation(one).plot("totals", ax=mine[0])
    with pytest.raises(InputError, match="this figure has 1 panels and was given 2 axes; give ax=one axes, or none"):
        Evaluation(one).plot("energy", ax=mine)


@pytest.mark.parametrize("kind", KINDS)
def test_titles_are_told_given_or_left_out(kind, row):
    alone = NetworkEvaluation("net", (row("stc", "c1"),))
    heights = {}
    for title in (None, "", "as I say"):
        drawn = figure(alone, kind, Request(title=title))
        shown = [each.get_title().get_text() for each in drawn.legends]
        heights[title] = drawn.get_figheight()
        assert ("net" in "".join(shown)) == (title is None)
        assert ("as I say" in shown) == (title == "as I say")
    assert heights[""] < heights[None]


@pytest.mark.parametrize("kind", KINDS)
def test_state_of_matplotlib_is_left_alone(kind, row):
    before = dict(matplotlib.rcParams)
    picture(figure(NetworkEvaluation("net", (row("stc", "c1"),)), kind), "svg")
    assert dict(matplotlib.rcParams) == before


def test_a_missing_matplotlib_is_one_sentence(one, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "matplotlib" else found(name, *a))
    with pytest.raises(InputError, match=r'^the figure totals needs matplotlib; pip install "crisp-hw\[plot\]"'):
        Evaluation(one).plot("totals")


def test_pyplot_is_not_loaded():
    code = (
        "import sys, numpy as np; from crisp_hw.report.mask_picture import mask_figure;"
        "from crisp_hw.report.plots import picture; from crisp_hw.spec.descriptors import PrunedLayer;"
        "from crisp_hw.spec.layer import Layer;"
        "picture(mask_figure(PrunedLayer(Layer('fc', 'linear', 4, 8), 'nm', np.ones((4, 8), bool))));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
