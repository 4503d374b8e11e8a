"""What the figures of a study show, read from their axes."""

import json
from dataclasses import replace

import pytest

from crisp_prune.lab import figures
from crisp_prune.lab.cell import Measured, measured_from
from crisp_prune.lab.documents import write_results
from crisp_prune.lab.running import Reached
from crisp_prune.lab.study import Study

plt = pytest.importorskip("matplotlib.pyplot", reason="figures need matplotlib")

DENSE = Measured("dense", None, (0, 1), 0, "digits", 0.0, 0.5, 0.9, 1.0, 1.0, {"fc": 0.0})
CELLS = [
    replace(one, classes=tuple(range(count)))
    for count in (2, 4)
    for one in (DENSE, replace(DENSE, method="cut", target=0.9, top1_all=0.8, top1_classes=0.8, macs=0.25))
]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """A function that draws cells; the label and the lines of every figure by its name."""
    seen = {}

    def note(path):
        top = plt.gcf().axes[0]
        seen[path.name] = top.get_ylabel(), [[float(y) for y in line.get_ydata()] for line in top.get_lines()]
        plt.close()
        return path

    monkeypatch.setattr(figures, "_saved", note)
    return lambda cells: (figures.draw(cells, tmp_path), seen)[1]


def test_against_classes_it_is_the_accuracy_among_them(drawn):
    label, points = drawn(CELLS)["accuracy-against-classes-0.9.png"]
    assert label == "top-1 among the classes (%)"
    assert [90.0, 90.0] in points and [80.0, 80.0] in points and [50.0, 50.0] not in points


def test_against_cost_there_is_a_point_for_each_budget_also_of_equal_cost(drawn):
    cells = [DENSE] + [
        replace(DENSE, method="uniform", target=target, cost=0.2, top1_all=top1, trail=(0.1, 0.2))
        for target, top1 in ((0.2, 0.6), (0.21, 0.7))
    ]
    label, points = drawn(cells)["accuracy-against-cost-2.png"]
    assert label == "top-1 over all outputs (%)" and [60.0, 70.0] in points and [50.0, 50.0] in points


def test_layers_stand_as_they_ran_and_of_methods_that_prune(drawn, monkeypatch, tmp_path):
    study = Study(schema="crisp-hw/study/1", methods=[], sparsities=[], classes=[])
    layers = {"0.0": 0.0, "2.0": 0.5, "10.0": 0.9}
    cells = [DENSE, replace(DENSE, method="cut", sparsity=0.5, by_layer=layers)]
    kept = json.loads(write_results(study, Reached(tuple(cells), 2), tmp_path).read_text())["cells"][1]
    again = measured_from(kept | {"seconds": 1.0})
    names = []
    monkeypatch.setattr(figures, "_saved", lambda path: names.append(plt.gca()) or path)
    figures.draw([DENSE, again], tmp_path)
    assert [tick.get_text() for tick in names[-1].get_xticklabels()] == list(layers)
    assert [text.get_text() for text in names[-1].get_legend().get_texts()] == ["cut"]
    plt.close("all")
    assert figures.draw([DENSE], tmp_path) == []
