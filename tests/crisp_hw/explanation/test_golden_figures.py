"""Every figure of the Result is explained, equals it, and follows from its printed equation: on all committed cases."""

import gzip
import json
from math import isclose
from pathlib import Path

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.explanation.arithmetic import UNEXPLAINED, Unverifiable, evaluated, number
from crisp_hw.explanation.subject import explain_scene, scene_of, subjects
from crisp_hw.explanation.text import plain_text
from crisp_hw.timeloop.read.point import read_point

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[2] / "golden"
FILES = [*sorted((GOLDEN / "cases").glob("*.jsonl.gz")), GOLDEN / "crisp-small.jsonl"]
PLAIN = (
    *("reads", "fills", "updates", "utilized_capacity", "utilized_instances", "partition_size", "temporal_reductions"),
    *("read_bandwidth", "write_bandwidth", "energy_pj", "metadata_capacity_bits", "density"),
    *("compressions", "decompressions"),
)
IDLE = {"utilized_instances": None, "density": None}  # of a tensor that a level does not keep


def points(path):
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    for line in text.splitlines():
        point = read_point(json.loads(line)["input"])
        if evaluate(point).levels:
            yield point


def tensor_figures(counts):
    """Every number of TensorCounts that is not 0, by the name that an explanation gives it."""
    found = {name: getattr(counts, name) for name in PLAIN}
    found |= {f"accesses.{name}": count for name, count in counts.accesses.items()}
    found |= {f"action_energy_pj.{name}": pj for name, pj in counts.action_energy_pj.items()}
    for name, ranks in counts.format_accesses.items():
        for r, pair in enumerate(ranks):
            found |= {f"format_accesses.{name}.{r}.{sort}": count for sort, count in enumerate(pair)}
    return found


def check_steps(explanation):
    for step in explanation.steps():
        assert UNEXPLAINED not in step.text, step
        if step.values:
            assert same(step), step


def same(step):
    try:
        ours = evaluated(step.values)
    except Unverifiable:
        return True
    return ours == step.result if isinstance(step.result, int) else isclose(ours, step.result, rel_tol=1e-6)


def check_tensor(scene, level, name):
    counts = scene.result.levels[level].tensors[name]
    explanation = explain_scene(scene, f"{scene.result.levels[level].name}.{name}")
    check_steps(explanation)
    expected, kept = tensor_figures(counts), name in scene.tiling.nest.keeps[level]
    for figure, value in explanation.figures.items():
        assert expected[figure] == value, (explanation.subject, figure)
    missing = [f for f, value in expected.items() if value and f not in explanation.figures and (kept or f not in IDLE)]
    assert missing == [], explanation.subject


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_every_figure_of_the_result_is_explained(path):
    for point in points(path):
        scene = scene_of(point)
        result = scene.result
        for level, found in enumerate(result.levels):
            for name in found.tensors:
                check_tensor(scene, level, name)
            expected = {"cycles": found.cycles, "slowdown": found.slowdown, "energy_pj": found.energy_pj}
            check_totals(scene, found.name, expected | ({"leakage_pj": found.leakage_pj} if found.leakage_pj else {}))
        names = ("algorithmic", "random", "gated", "skipped", "cycles", "utilized_instances", "energy_pj")
        check_totals(scene, result.compute.name, {name: getattr(result.compute, name) for name in names})
        check_totals(scene, "cycles", {"cycles": result.cycles, "utilization": result.utilization})
        check_totals(scene, "energy", {"energy_pj": result.energy_pj})


def check_totals(scene, what, expected):
    explanation = explain_scene(scene, what)
    check_steps(explanation)
    assert explanation.figures == expected, what


def test_every_text_ends_its_equations_in_the_figure():
    point = next(points(GOLDEN / "crisp-small.jsonl"))
    scene = scene_of(point)
    for what in subjects(point.design):
        explanation = explain_scene(scene, what)
        text = plain_text(explanation)
        assert max(map(len, text.splitlines())) <= 120
        for step in explanation.steps():
            if step.figure:
                assert number(step.result) in text
