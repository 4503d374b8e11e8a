"""Counting equal, close and different cases, reading files of them, and the page."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from crisp_hw.errors import InputError
from crisp_hw.validation import Agreement, Difference, grade, holds, page, read_cases, validate
from crisp_hw.validation.__main__ import main

CASES = Path(__file__).parents[2] / "golden" / "cases"


def written(path, *lines):
    with gzip.open(path, "wt", encoding="utf-8") as target:
        target.writelines(f"{line}\n" for line in lines)
    return path


def cases(family, count):
    """The first valid cases of a family."""
    return [case for case in read_cases(CASES / f"{family}.jsonl.gz") if case["output"]["valid"]][:count]


@pytest.mark.parametrize(
    ("differences", "found"),
    [
        ([], "equal"),
        ([Difference("SMEM A reads", "count", 12, 14)], "close"),
        ([Difference("SMEM A reads", "count", 12, 15)], "different"),
        ([Difference("SMEM A random_format_reads", "count", [[1, 2], [3, 4]], [[1, 2], [3, 6]])], "close"),
        ([Difference("SMEM A random_format_reads", "count", [[1, 2]], [[1, 2], [3, 4]])], "different"),
        ([Difference("energy", "total energy", 10000.0, 10000.9)], "close"),
        ([Difference("energy", "total energy", 10000.0, 10002.0)], "different"),
        ([Difference("SMEM A energy", "energy", 1.0, 2.0)], "close"),  # the total holds the shares together
        ([Difference("valid", "verdict", "valid", "too small")], "different"),
        ([Difference("input", "refused", "not modelled", "figures")], "refused"),
        ([Difference("a", "count", 1, 2), Difference("energy", "total energy", 1.0, 2.0)], "different"),
    ],
)
def test_grades(differences, found):
    assert grade(differences) == found


def test_a_family_is_counted_case_by_case(tmp_path):
    equal, close, different, refused = cases("dense", 4)
    close["output"]["levels"]["MAC"]["cycles"] += 1
    different["output"]["cycles"] *= 2
    refused["input"]["problem"]["instance"]["densities"] = {"A": {"distribution": "none"}}
    path = written(tmp_path / "mixed.jsonl.gz", *map(json.dumps, (equal, close, different, refused)))
    (found,) = validate([path])
    assert (found.cases, found.equal, found.close, found.different, found.refused) == (4, 1, 1, 1, 1)
    assert found.ids == tuple(case["id"] for case in (close, different, refused))
    assert (found.worst_cycles, found.worst_energy) == (0.5, 0.0)


def test_families_are_told_apart_over_all_files(tmp_path):
    mixed = written(tmp_path / "mixed.jsonl.gz", *map(json.dumps, [*cases("dense", 2), *cases("stc", 1)]))
    more = written(tmp_path / "more.jsonl.gz", *map(json.dumps, cases("stc", 2)))
    assert [(row.family, row.cases, row.equal) for row in validate([mixed, more])] == [("dense", 2, 2), ("stc", 3, 3)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: a case needs id, family, input and output"),
        ('{"id": 1}', "line 1: a case needs"),
    ],
)
def test_files_that_hold_no_cases(tmp_path, line, sentence):
    path = written(tmp_path / "bad.jsonl.gz", line)
    with pytest.raises(InputError) as error:
        list(read_cases(path))
    assert str(error.value).startswith(f"{path}, {sentence}")


def artifact(design: str, **figures) -> Agreement:
    zero = {"equal": 0, "close": 0, "different": 8, "refused": 0, "worst_cycles": 0.0, "worst_energy": 0.0}
    return Agreement(f"micro22 {design}", 8, **{**zero, **figures})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Agreement("skip", 100, 97, 3, 0, 0, 0.0, 1e-5), True),
        (Agreement("skip", 100, 96, 4, 0, 0, 0.0, 1e-5), False),
        (Agreement("skip", 100, 99, 0, 1, 0, 0.0, 1e-5), False),
        (Agreement("skip", 100, 99, 0, 0, 1, 0.0, 0.0), False),
        (artifact("DSTC", worst_energy=1.9e-5), True),
        (artifact("DSTC", worst_energy=2.1e-5), False),
        (artifact("TC", worst_energy=0.9e-6), True),
        (artifact("TC", worst_energy=1.1e-6), False),
        (artifact("TC", worst_cycles=1e-6), False),
        (artifact("TC", refused=1, different=7), False),
    ],
)
def test_what_a_family_is_held_to(found, expected):
    assert holds(found, 0.97) is expected


def test_designs_of_the_artifact_are_families(tmp_path):
    (one,) = cases("dense", 1)
    named = [one | {"family": "micro22", "id": f"w/{design}-RF2x-24-bandwidth"} for design in ("TC", "DSTC", "TC")]
    found = validate([written(tmp_path / "m.jsonl.gz", *map(json.dumps, named))])
    assert [(row.family, row.cases) for row in found] == [("micro22 TC", 2), ("micro22 DSTC", 1)]
    assert "2 of micro22 TC" in page([replace(found[0], ids=("a", "b"))])


ROWS = [
    Agreement("dense", 3, 3, 0, 0, 0, 0.0, 0.0),
    Agreement("skip", 4, 2, 1, 1, 0, 0.25, 1e-5, ("skip-1", "skip-2")),
    Agreement("odd", 2, 0, 0, 0, 2, 0.0, 0.0, ("odd-1", "odd-2")),
]


def test_the_page_has_a_row_per_family_and_names_what_differs():
    text = page(ROWS)
    assert "| dense | 3 | 3 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "| skip | 4 | 2 | 1 | 1 | 0 | 0.25 | 1e-05 |" in text
    assert "Compared but not equal: skip-1, skip-2." in text
    assert "Compared but not equal: none." in page(ROWS[:1])


def test_the_module_writes_the_page_or_nothing(tmp_path):
    target = tmp_path / "page.md"
    assert main([str(target), str(CASES / "crisp.jsonl.gz")]) == ""
    assert "| crisp | 9 | 9 |" in target.read_text(encoding="utf-8")
    before = target.read_text(encoding="utf-8")
    bad = written(tmp_path / "bad.jsonl.gz", "{")
    assert "line 1: not JSON" in main([str(target), str(bad)])
    assert "no such file" in main([str(target), str(tmp_path / "missing.jsonl.gz")])
    assert main([str(target)]).startswith("usage: ")
    assert target.read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.glob("*.partial")] == []
