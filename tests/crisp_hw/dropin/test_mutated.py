"""Recorded cases with something changed at random: texts against timeloop-model's, and what it refuses is refused.

mutated.json.gz holds {"id", "input", "stats", "map"}, as timeloop-model (public HEAD 4cf6d4c) printed them, or
{"id", "input", "refused"} where it stops. The id names the case that was changed and the sorts of changes; "once wrong"
are cases that an earlier engine or reader got wrong.
"""

import gzip
import json
import re
from itertools import zip_longest
from math import isclose
from pathlib import Path

import pytest
import yaml

from crisp_hw.documents.document import json_text
from crisp_hw.dropin.model import evaluate_files, texts_of
from crisp_hw.errors import CrispError
from crisp_hw.report.model import model_document

CASES = json.loads(gzip.decompress(Path(__file__).with_name("mutated.json.gz").read_bytes()))
NUMBER = re.compile(r"-?\d+\.\d\d\b")
LAST_DIGITS = 3  # figures of one file whose last printed digit may differ: sums in another order, cut at two decimals


def path_of(case, folder):
    path = folder / "all.yaml"
    path.write_text(yaml.safe_dump(case["input"], sort_keys=False))
    return path


def nearly(ours, theirs):
    """The same words and whole numbers, and decimals that differ by rounding."""
    pairs = zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=False)
    close = (isclose(float(a), float(b), rel_tol=1e-9, abs_tol=0.0101) for a, b in pairs)
    return NUMBER.sub("#", ours) == NUMBER.sub("#", theirs) and all(close)


@pytest.mark.parametrize("case", [case for case in CASES if "stats" in case], ids=lambda case: case["id"])
def test_texts_are_those_of_timeloop(case, tmp_path):
    texts = texts_of(evaluate_files([path_of(case, tmp_path)]))
    lines = zip_longest(
        texts["timeloop-model.stats.txt"].splitlines(), case["stats"].splitlines(), fillvalue="(the end)"
    )
    other = [pair for pair in lines if pair[0] != pair[1]]
    assert [pair for pair in other if not nearly(*pair)] == []
    assert len(other) <= LAST_DIGITS
    assert texts["timeloop-model.map.txt"] == case["map"]


@pytest.mark.parametrize("case", [case for case in CASES if "refused" in case], ids=lambda case: case["id"])
def test_what_timeloop_refuses_is_refused(case, tmp_path):
    with pytest.raises(CrispError, match=re.escape(case["refused"])):
        evaluate_files([path_of(case, tmp_path)])


def test_a_figure_without_a_value_is_null(tmp_path):
    """Words that move in 0 cycles have no bandwidth; the document for programs says so in JSON's own way."""
    timeless = [case for case in CASES if "stats" in case and "\nCycles: 0\n" in case["stats"]]
    for case in timeless:
        document = model_document(evaluate_files([path_of(case, tmp_path)]))
        assert "null" in json_text(document)
    assert timeless
