"""Every figure of a recorded case counts: change any of them, and the comparison says which."""

import copy
import gzip
import json
from math import inf
from pathlib import Path

import pytest

from crisp_hw.validation import Difference, compare

pytestmark = pytest.mark.slow

CASES = Path(__file__).parents[2] / "golden" / "cases"


def recorded(family, valid=True, with_formats=False):
    """A committed case of a family."""
    with gzip.open(CASES / f"{family}.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return next(
        case
        for case in found
        if case["output"]["valid"] is valid
        and (not with_formats or any("random_format_reads" in level for level in case["output"]["levels"].values()))
    )


def figures(output):
    """Paths of all numbers of an output that a comparison must look at."""
    ignored = {"area", "utilized_instances"}  # of the MACs: the area is not modelled, the average is compared instead
    for name, level in output["levels"].items():
        for figure, value in level.items():
            if name == "MAC" and figure in ignored:
                continue
            if isinstance(value, dict):
                yield from (("levels", name, figure, tensor) for tensor in value)
            else:
                yield "levels", name, figure
    yield from (("cycles",), ("energy_pJ",), ("energy_uJ_printed",))


def said(path):
    """How a comparison calls the figure at a path."""
    named = {
        "energy_pJ": "energy",
        "energy_uJ_printed": "energy with leakage in uJ",
        "avg_utilized_instances": "instances",
    }
    *_, figure = path[:3]
    words = [path[1], *path[3:]] if len(path) > 1 else []  # level and tensor
    return " ".join([*words, named.get(figure, figure)])


@pytest.mark.parametrize("family", ["skip", "formats", "leak"])
def test_every_figure_is_looked_at(family):
    case = recorded(family, with_formats=family == "formats")
    assert compare(case) == []
    for path in figures(case["output"]):
        changed = copy.deepcopy(case)
        node = changed["output"]
        for key in path[:-1]:
            node = node[key]
        old = node[path[-1]]
        node[path[-1]] = [[meta + 1, payload] for meta, payload in old] if isinstance(old, list) else old + 1
        (found,) = compare(changed)
        assert found.what == said(path)
        assert found.reference != found.ours


def test_energies_agree_to_nine_digits():
    case = recorded("dense")
    case["output"]["energy_pJ"] *= 1 + 1e-10
    assert compare(case) == []
    case["output"]["energy_pJ"] *= 1 + 1e-8
    (found,) = compare(case)
    assert (found.what, found.figure) == ("energy", "total energy")
    assert found.relative == pytest.approx(1e-8, rel=0.1)


def test_a_verdict_is_compared_with_its_numbers():
    case = recorded("dense", valid=False)
    assert compare(case) == []
    case["output"]["reason"] = case["output"]["reason"].replace("mapped tile size ", "mapped tile size 1")
    (found,) = compare(case)
    assert (found.what, found.figure) == ("reason", "verdict")
    case["output"] = {"valid": True}
    (found,) = compare(case)
    assert (found.what, found.reference) == ("valid", "valid")
    assert found.relative == inf


def test_a_mapping_that_should_not_fit_is_a_difference():
    case = recorded("dense")
    case["output"] = {"valid": False, "reason": "couldn't map level RF"}
    (found,) = compare(case)
    assert (found.ours, found.reference) == ("valid", "couldn't map level RF")


def test_what_is_not_modelled_is_refused_with_its_reason():
    case = recorded("dense")
    case["input"]["problem"]["instance"]["densities"] = {"A": {"distribution": "unheard_of", "density": 0.5}}
    (found,) = compare(case)
    assert found.figure == "refused"
    assert "unheard_of" in found.ours


@pytest.mark.parametrize(
    ("ours", "reference", "relative"), [(11, 10, 0.1), (0, 10, 1.0), (3, 0, inf), ([1], [2], inf), ("a", "b", inf)]
)
def test_relative_difference(ours, reference, relative):
    assert Difference("x", "count", ours, reference).relative == pytest.approx(relative)
