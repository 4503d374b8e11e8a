"""Figures of a study: they say what they show, in numbers that stand for themselves."""

import pytest

from crisp_hw.exploration.study import Study
from crisp_hw.spec.study import Axis, Judged, Objective, Space, Trial

SPACE = Space((Axis("smem_kb", (64, 128)), Axis("nm", ("2:4", None))))
NAMES = ("cycles", "energy_uj", "area_mm2", "edp_uj_ms")


def study(many=3, name="net $x$"):
    points = [{"smem_kb": kb, "nm": nm} for kb in (64, 128) for nm in ("2:4", None)]
    trials = [
        Trial(place, point, Judged({each: 1e8 * (1 + 1e-3 * place + at) for at, each in enumerate(NAMES)}))
        for place, point in enumerate(points)
    ]
    objectives = tuple(Objective(each) for each in NAMES[:many])
    return Study(name, SPACE, objectives, (*trials, Trial(4, points[0], Judged({}, "does not fit"))))


def words(figure):
    """Everything that is written on a figure once it is drawn."""
    from matplotlib.text import Text

    figure.canvas.draw()
    return [each.get_text() for each in figure.findobj(Text) if each.get_visible() and each.get_text()]


@pytest.mark.parametrize("width", ["page", "column"])
@pytest.mark.parametrize("kind", ["pareto", "sensitivity", "parallel"])
def test_a_figure_says_whose_points_it_shows(kind, width):
    found = words(study().plot(kind, width=width))
    assert "net $x$: 4 feasible points of 5, 1 on the front" in found
    assert kind == "sensitivity" or {"on the front", "beaten by another"} <= set(found)


def test_no_number_hangs_at_the_end_of_an_axis():
    figure = study().plot("pareto")
    figure.canvas.draw()
    axes = [axis for each in figure.axes for axis in (each.xaxis, each.yaxis)]
    assert all(not axis.get_offset_text().get_text() for axis in axes)
    told = [each.get_text() for axis in axes for each in axis.get_ticklabels()]
    assert {"100M", "100.1M"} <= set(told) and all(each[-1] == "M" and len(each) < 9 for each in told)


@pytest.mark.parametrize(("many", "panels"), [(1, 1), (2, 1), (3, 3), (4, 6)])
def test_every_pair_of_objectives_has_a_panel_three_of_them_beside_each_other(many, panels):
    figure = study(many).plot("pareto")
    assert len(figure.axes) == panels
    assert {axes.get_subplotspec().colspan.start for axes in figure.axes} == set(range(min(panels, 3)))


def test_lines_end_in_the_least_and_the_most():
    assert {"64", "128", "2:4", "none", "100M"} <= set(words(study(1).plot("parallel")))
