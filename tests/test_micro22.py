"""The published inputs and outputs of the Sparseloop MICRO 2022 artifact, where a corpus holds them."""

from pathlib import Path

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.timeloop.read.point import read_point
from crisp_hw.validation import holds, validate
from crisp_hw.validation.agreement import read_cases
from crisp_hw.validation.compare import Case

pytestmark = pytest.mark.slow

GOLDEN = "golden agreement"  # read by conftest.py
# DSTC packs nonzeros by a formula that was inferred; single counts are whole expectations that round either way
ENERGY = {"DSTC": 2e-5, "others": 1e-6}


@pytest.fixture(scope="module")
def published(golden_corpus: Path) -> list[Case]:
    path = golden_corpus / "micro22-fig15.jsonl.gz"
    if not path.exists():
        pytest.skip("the corpus has no family micro22-fig15")
    return list(read_cases(path))


def design_of(case: Case) -> str:
    return "DSTC" if "/DSTC" in case["id"] else "others"


def test_every_published_case_runs_unchanged(published):
    for case in published:
        result, output = evaluate(read_point(case["input"], "micro22")), case["output"]
        assert result.valid == output["valid"], case["id"]
        assert result.cycles == output["cycles"], case["id"]
        assert result.energy_pj == pytest.approx(output["energy_pJ"], rel=ENERGY[design_of(case)]), case["id"]
    assert {design_of(case) for case in published} == set(ENERGY)


def test_most_agree_in_every_figure(published, golden_corpus, record_property):
    found = validate([golden_corpus / "micro22-fig15.jsonl.gz"])
    for each in found:
        record_property(GOLDEN, ("corpus", each.family, each.cases, each.equal))
        assert each.worst_cycles == 0
        assert holds(each, 1.0)
    assert sum(each.cases for each in found) == len(published)
    apart = [name for each in found for name in each.ids if "/DSTC" not in name]
    assert len(apart) <= 2  # bitmaps of scattered activations, off by one entry


def test_public_timeloop_has_no_position_skipping(published):
    for case in published:
        if design_of(case) == "DSTC":
            with pytest.raises(InputError, match="dialect"):
                read_point(case["input"])
