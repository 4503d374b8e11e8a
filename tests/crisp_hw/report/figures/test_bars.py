"""Bars are the numbers of the records: speedups, their geometric means, energies by component, totals."""

import itertools
from dataclasses import replace
from statistics import geometric_mean

import pytest

from crisp_hw.report.plots import Request, figure
from crisp_hw.report.records import layer_records, total_records
from crisp_hw.report.stages import stages
from crisp_hw.spec.encoded import OverheadLine
from crisp_hw.spec.evaluation import NetworkEvaluation

pytestmark = pytest.mark.slow


def heights(axes):
    return {group.get_label(): [bar.get_height() for bar in group] for group in axes.containers}


def labels(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


def legend(drawn):
    return [text.get_text() for text in drawn.legends[0].get_texts()]


def test_speedup_bars_are_the_speedups_and_their_geometric_mean(row):
    rows = [row("a", "c1"), row("a", "c2", cycles=200), row("b", "c1", cycles=50), row("b", "c2", cycles=400)]
    drawn = figure(NetworkEvaluation("net", tuple(rows)), "speedup")
    (axes,) = drawn.axes
    means = [pytest.approx(8**0.5), pytest.approx(8**0.5)]
    assert heights(axes) == {"a": [4.0, 2.0, means[0]], "b": [8.0, 1.0, means[1]]}
    assert labels(axes) == ["c1", "c2", "geomean\nof all"]
    assert legend(drawn) == ["a", "b", "dense"]
    assert axes.get_ylabel() == "speedup over dense (x)"
    bars = [bar for group in axes.containers for bar in group]
    spans = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(spans))


def test_many_layers_are_drawn_by_stage_with_every_layer_marked(real):
    drawn = figure(real, "speedup", Request(width="column"))
    (axes,) = drawn.axes
    speedups = {(r["arch"], r["layer"]): r["speedup"] for r in layer_records(real)}
    names = list(dict.fromkeys(row.layer for row in real.rows))
    found = stages(names)
    for arch in ("stc", "dstc", "crisp-stc"):
        by_stage = [geometric_mean(speedups[arch, layer] for layer in stage.layers) for stage in found]
        assert heights(axes)[arch][:-1] == pytest.approx(by_stage)
        assert heights(axes)[arch][-1] == pytest.approx(geometric_mean(speedups[arch, name] for name in names))
    assert labels(axes)[:-1] == ["conv1", "layer1", "layer2", "layer3", "layer4", "fc"]
    marked = [float(y) for dots in axes.collections if len(dots.get_offsets()) for _, y in dots.get_offsets()]
    expected = [
        speedups[a, n] for a in ("stc", "dstc", "crisp-stc") for s in found if len(s.layers) > 1 for n in s.layers
    ]
    assert sorted(marked) == pytest.approx(sorted(expected))


def test_dense_is_a_line_at_1_and_has_bars_only_alone(real):
    (axes,) = figure(real, "speedup").axes
    assert "dense" not in heights(axes)
    assert [line.get_ydata()[0] for line in axes.lines if line.get_label() == "dense"] == [1]
    (alone,) = figure(real, "speedup", Request(arch="dense")).axes
    assert heights(alone)["dense"] == pytest.approx([1.0] * len(labels(alone)))


def test_what_is_called_dense_and_is_faster_has_bars(row):
    rows = (row("dense", "c1"), row("stc", "c1"))
    (axes,) = figure(NetworkEvaluation("net", rows), "speedup").axes
    assert set(heights(axes)) == {"dense", "stc"}


def test_energy_stacks_to_shares_of_the_dense_run(row):
    rows = [row("a", "c1", index_pj={"RF": 2.0, "DRAM": 10.0}), row("b", "c1", pj=(80, 16, 8))]
    lines = (OverheadLine("selection", 1, 0.5, 0.5), OverheadLine("offset_decoder", 1, 0.25, 0.25))
    rows[0] = replace(rows[0], overheads=lines)
    drawn = figure(NetworkEvaluation("net", tuple(rows)), "energy")
    (axes,) = drawn.axes
    # of a dense run of 64 pJ: MAC, RF, metadata with the block index, circuits beside the model, DRAM; then the strip
    stack = [2 / 64, 4 / 64, 2 / 64, 0.75 / 64, 20 / 64]
    groups = [group for group in axes.containers if group.get_label() not in ("a", "b")]
    first, second = groups[:5], groups[5:]
    assert [group[0].get_height() for group in first] == pytest.approx(stack)
    assert [group[0].get_y() for group in first] == pytest.approx([sum(stack[:i]) for i in range(5)])
    assert [group[0].get_hatch() for group in first] == [None, None, "//////", "xxxxxx", None]
    order = ["MAC", "RF", "on-chip metadata", "selection, decoders", "DRAM"]
    assert [group.get_label() for group in first] == order
    assert sum(group[0].get_height() for group in second) == pytest.approx(104 / 64)
    assert legend(drawn) == ["a", "b", "dense", *order]
    assert [text.get_text() for text in axes.texts] == [f"{28.75 / 64:.2f}", f"{104 / 64:.2f}"]


@pytest.mark.parametrize("width", ["column", "page"])
def test_stacked_energies_are_those_of_the_records(width, real):
    (axes,) = figure(real, "energy", Request(width=width)).axes
    records = {(r["arch"], r["layer"]): r for r in layer_records(real)}
    names = list(dict.fromkeys(row.layer for row in real.rows))
    places = [stage.layers for stage in stages(names)]
    if len(labels(axes)) > len(places) + 1:
        places = [part for layers in places for part in (*((n,) for n in layers), layers) if part]
        places = [p for i, p in enumerate(places) if len(p) > 1 or p not in places[:i]]
    groups = [group for group in axes.containers if group.get_label() not in ("stc", "dstc", "crisp-stc")]
    tops = {}
    for group in groups:
        for bar in group:
            middle = round(bar.get_x() + bar.get_width() / 2, 6)
            tops[middle] = max(tops.get(middle, 0), bar.get_y() + bar.get_height())
    found = [tops[middle] for middle in sorted(tops)]
    expected = [
        sum(records[arch, n]["energy_uj"] for n in layers) / sum(records[arch, n]["dense_energy_uj"] for n in layers)
        for layers in (*places, tuple(names))
        for arch in ("stc", "dstc", "crisp-stc")
    ]
    assert found == pytest.approx(expected)


def test_totals_are_those_of_the_network(real):
    speed, energy = figure(real, "totals").axes
    totals = [record for record in total_records(real) if record["arch"] != "dense"]
    assert [bar.get_width() for group in speed.containers for bar in group] == [r["speedup"] for r in totals]
    assert [label.get_text() for label in speed.get_yticklabels()] == [r["arch"] for r in totals]
    assert [text.get_text() for text in speed.texts] == [f"{r['speedup']:.2f}x" for r in totals]
    ends = [max(g[i].get_x() + g[i].get_width() for g in energy.containers) for i in range(len(totals))]
    assert ends == pytest.approx([r["energy_uj"] / r["dense_energy_uj"] for r in totals])
    shares = [f"{r['energy_uj'] / r['dense_energy_uj']:.2f} (gain {r['energy_gain']:.2f}x)" for r in totals]
    assert [text.get_text() for text in energy.texts] == shares


@pytest.mark.parametrize("kind", ["speedup", "totals"])
def test_colours_are_those_of_the_accelerators(kind, real):
    from matplotlib.colors import to_hex

    from crisp_hw.report.figures.colours import SHIPPED

    axes = figure(real, kind).axes[0]
    shown = [to_hex(group[0].get_facecolor()).upper() for group in axes.containers]
    assert shown == [SHIPPED[arch] for arch in ("stc", "dstc", "crisp-stc")]


def test_a_layer_filter_keeps_colours_and_only_those_layers(real):
    (axes,) = figure(real, "speedup", Request(layer="layer2.0.*", arch="dstc")).axes
    assert labels(axes) == ["0.conv1", "0.conv2", "0.conv3", "0.downsample.0", "geomean\nof all"]
    assert list(heights(axes)) == ["dstc"]
