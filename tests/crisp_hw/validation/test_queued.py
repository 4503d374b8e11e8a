"""Recorded runs of PEs with queues: the committed ones, the whole corpus, and what is not equal."""

import json
from pathlib import Path

import pytest

from crisp_hw.accelerators.queued import read_queued_pes
from crisp_hw.errors import InputError
from crisp_hw.validation import holds, queued, read_cases, validate
from crisp_hw.validation.queued import compare_queued, machine_of

COMMITTED = Path(__file__).parents[2] / "golden" / "queued" / "eie.jsonl.gz"


@pytest.fixture(scope="module")
def small() -> list[dict]:
    """The committed cases that take no time."""
    return [case for case in read_cases(COMMITTED) if case["rows"] * case["columns"] <= 2**16]


def test_committed_cases_are_equal_in_every_figure():
    (found,) = validate([COMMITTED])
    assert found.cases == found.equal == 27 and found.ids == ()


@pytest.mark.slow
def test_the_corpus_is_equal_in_every_figure(golden_corpus):
    path = golden_corpus / "eie" / "eie.jsonl.gz"
    if not path.exists():
        pytest.skip("the corpus has no runs of PEs with queues")
    (found,) = validate([path])
    assert found.cases == found.equal == 130 and found.ids == ()


@pytest.mark.parametrize("name", ["cycles", "cycles_drained", "macs_at_stop", "broadcasts", "full_stalls"])
def test_one_more_is_different_and_not_close(small, name, tmp_path):
    wrong = small[0] | {name: small[0][name] + 1}
    (difference,) = compare_queued(wrong)
    assert difference.what == name
    path = tmp_path / "wrong.jsonl"
    path.write_text(json.dumps(wrong) + "\n")
    (found,) = validate([path])
    assert (found.different, found.ids) == (1, (wrong["id"],)) and not holds(found, 0.97)


@pytest.mark.parametrize("name", ["entries", "busy_per_pe", "macs_per_pe", "line_reads_per_pe"])
def test_every_pe_is_compared(small, name):
    last = len(small[0][name]) - 1
    theirs = [*small[0][name][:last], small[0][name][last] + 1]
    (difference,) = compare_queued(small[0] | {name: theirs})
    assert difference.what == f"{name} of PE {last}"
    assert [each.what for each in compare_queued(small[0] | {name: theirs[:-1]})] == [name]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"weight_mask": "not base64!"}, "not base64"),
        ({"weight_mask": "AAAA"}, "a mask has 3 bytes"),
        ({"weights": 1}, "not 1 weights"),
        ({"rows": 0}, "cannot be"),
        ({"fifo": 1}, "queue_slots is 1"),
    ],
)
def test_a_case_that_contradicts_itself_is_refused(small, changed, said):
    (difference,) = compare_queued(small[0] | changed)
    assert difference.figure == "refused" and said in difference.ours


def test_a_line_that_lacks_something_is_no_case(tmp_path, small):
    path = tmp_path / "short.jsonl"
    path.write_text(json.dumps({name: value for name, value in small[0].items() if name != "fifo"}))
    with pytest.raises(InputError, match="line 1: a case of PEs with queues needs fifo"):
        list(read_cases(path))


def test_the_packaged_file_is_what_the_cases_hold(small, monkeypatch, tmp_path):
    paper = next(case for case in small if case["pes"] == 64 and case["fifo"] == 8)
    assert machine_of(paper) == read_queued_pes()
    other = read_queued_pes().__class__(32, 8, 4, 8, 800.0)
    monkeypatch.setattr(queued, "_packaged", lambda: other)
    assert machine_of(paper).pes == 32 and compare_queued(paper)
