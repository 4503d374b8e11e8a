"""The search is never worse than recorded runs of timeloop-mapper."""

import gzip
import json

import pytest

from crisp_hw.errors import MappingError
from crisp_hw.mapper.search import search
from crisp_hw.timeloop.read.constraints import read_constraints
from crisp_hw.timeloop.read.point import read_design

LONG = ("-2of4-loose", "-dense-free")


BUDGETED = "layer1.1.conv1-2of4-loose"  # the one long case that takes seconds, not half a minute


@pytest.mark.parametrize(
    "minutes", [pytest.param(False, marks=pytest.mark.slow), pytest.param(True, marks=pytest.mark.long)]
)
def test_never_worse_than_the_reference_mapper(golden_corpus, minutes):
    """Every space that takes seconds; in `make long` those of half a minute, too."""
    corpus = golden_corpus / "mapper.jsonl.gz"
    if not corpus.exists():
        pytest.skip(f"{corpus.name} is not in the corpus: no recorded runs of the reference mapper")
    with gzip.open(corpus, "rt") as lines:
        cases = [json.loads(line) for line in lines]
    if not minutes:
        cases = [case for case in cases if not case["id"].endswith(LONG) or case["id"] == BUDGETED]
    assert len(cases) >= 13
    for case in cases:
        subject, best = read_design(case["input"]), case["output"]
        constraints = read_constraints(case["input"], subject)
        if best["valid"]:
            found = search(subject, constraints)
            assert found.cycles <= best["cycles"], case["id"]
            if found.cycles == best["cycles"]:
                assert found.energy_pj <= best["energy_pJ"] * (1 + 1e-9), case["id"]
            if best["finished"]:
                assert (found.cycles, found.energy_pj) == (best["cycles"], pytest.approx(best["energy_pJ"])), case["id"]
        elif best["finished"]:
            with pytest.raises(MappingError, match="level SMEM needs 299520 words of capacity and has 262144"):
                search(subject, constraints)
