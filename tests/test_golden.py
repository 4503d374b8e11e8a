"""The embedded engine gives what timeloop-model gave: on the committed cases, and on the corpus if there is one."""

from pathlib import Path

import pytest

from crisp_hw.validation import Agreement, validate

pytestmark = pytest.mark.slow

COMMITTED = Path(__file__).parent / "golden" / "cases"
MODELLED = [
    *("banded", "bandwidth", "conv", "crisp", "dense", "formats", "gate", "imperfect", "leak", "network", "shared"),
    *("skip", "stc"),
]
GOLDEN = "golden agreement"  # read by conftest.py


def agreement_of(path: Path, record_property, source: str) -> Agreement:
    (found,) = validate([path])
    record_property(GOLDEN, (source, found.family, found.cases, found.equal))
    return found


def test_every_modelled_family_has_committed_cases():
    assert sorted(path.name.removesuffix(".jsonl.gz") for path in COMMITTED.glob("*.gz")) == MODELLED


@pytest.mark.parametrize("family", MODELLED)
def test_committed_cases_agree_in_every_figure(family, record_property):
    found = agreement_of(COMMITTED / f"{family}.jsonl.gz", record_property, "committed")
    assert found.cases >= 4
    assert found.ids == ()
    assert found.equal == found.cases


@pytest.mark.parametrize("family", MODELLED)
def test_corpus_agrees_in_every_figure(family, golden_corpus, record_property):
    path = golden_corpus / f"{family}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"the corpus has no family {family}")
    found = agreement_of(path, record_property, "corpus")
    assert found.ids == ()
    assert found.equal == found.cases
