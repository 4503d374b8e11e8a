"""Real evaluations to draw, and a look at where the text of a figure lies."""

import itertools
from dataclasses import replace

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from crisp_hw import NM, WorkloadPattern, evaluate
from crisp_hw.spec.evaluation import NetworkEvaluation

ARCHS = ("dense", "stc", "dstc", "crisp-stc")
SLACK = 1.0  # pixels of 1/100 inch: what two boxes of text may share


@pytest.fixture(scope="session")
def real():
    """The first block of every stage of ResNet-50, conv1 and fc, on every shipped accelerator."""
    source = WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    parts = [evaluate(source, ARCHS, layers=glob).network for glob in ("conv1", "layer?.0.*", "fc")]
    rows = [row for arch in ARCHS for part in parts for row in part.rows if row.arch == arch]
    return replace(parts[0], rows=tuple(rows))


LONG = ("crisp-stc[smem_bandwidth=64,smem_size_kb=512]", "their_accelerator_with_a_long_name")


@pytest.fixture(scope="session")
def drawable(row):
    """Networks by what is hard about them, with rows whose numbers are chosen."""

    def network(archs, layers):
        rows = [
            row(arch, layer, cycles=20 + 7 * (i % 5) + 11 * n, dense_pj=(40, 16, 8), pj=(4 + i % 3, 3, 1 + n % 2))
            for n, arch in enumerate(archs)
            for i, layer in enumerate(layers)
        ]
        return NetworkEvaluation("net", tuple(rows))

    resnet = ["conv1", *(f"layer{s}.{b}.conv{c}" for s in "1234" for b in range(4) for c in "123"), "fc"]
    four = ("dense", "stc", "dstc", "crisp-stc")
    return {
        "many layers": network(four, resnet),
        "three layers": network(four, ["stem.conv", "stage1.conv", "classifier"]),
        "one layer": network(four, ["layer4.2.conv3"]),
        "no stages": network(four, [f"conv{i}" for i in range(70)]),
        "many stages": network(four, [f"features.{i}.conv.{j}" for i in range(19) for j in range(3)]),
        "twelve": network([*(f"mine{i}" for i in range(7)), "dense", "stc", "crisp-stc", *LONG], resnet),
        "one accelerator": network(("crisp-stc",), resnet[:12]),
        "dense alone": network(("dense",), resnet[:5]),
        "odd names": network(("a$b", "c^_"), ["x$_{1", "y%\\z"]),
    }


def boxes(drawn):
    """Every text of a figure that is seen, with its box; ticks beyond the ends of an axis are not drawn."""
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    renderer = canvas.get_renderer()
    unseen = {id(text) for axes in drawn.axes for text in unseen_ticks(axes)}
    found = [each for each in drawn.findobj(Text) if each.get_visible() and each.get_text().strip()]
    return [(each, each.get_window_extent(renderer)) for each in found if id(each) not in unseen]


def unseen_ticks(axes):
    """Labels of ticks that are hidden, or lie outside of the view."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            outside = not low <= tick.get_loc() <= high
            yield from (tick.label1, tick.label2) if outside or not axes.axison else ()


def shared(one, other):
    """Pixels that two boxes share along both axes, the smaller."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return min(wide, high)


@pytest.fixture(scope="session")
def faults():
    """What is wrong with the text of a figure: beyond its edge, on other text, or too small."""

    def look(drawn):
        found, whole = boxes(drawn), drawn.bbox
        told = [f"{t.get_text()!r} is small" for t, _ in found if t.get_fontsize() < 7]
        for text, box in found:
            if min(box.x0, box.y0, whole.x1 - box.x1, whole.y1 - box.y1) < -SLACK:
                told.append(f"{text.get_text()!r} leaves the figure")
        told += [
            f"{a.get_text()!r} lies on {b.get_text()!r}"
            for (a, one), (b, other) in itertools.combinations(found, 2)
            if shared(one, other) > SLACK
        ]
        return told

    return look
