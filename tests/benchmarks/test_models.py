"""The table of other people's models: as measured, and as its page shows it."""

import csv
from pathlib import Path

import models

ROOT = Path(__file__).parents[2]
ROWS = list(csv.DictReader((ROOT / "benchmarks" / "results" / "models.csv").open()))


def test_the_page_shows_the_table_that_was_measured():
    assert "\n".join(models.page_rows(ROWS)) in (ROOT / "docs" / "transformers.md").read_text()


def test_macs_are_those_of_the_counter_and_the_causal_part_is_what_a_mask_leaves():
    assert len(ROWS) == 25 and {row["ratio"] for row in ROWS} == {"1.000"}
    for row in ROWS:
        macs, counted, left = (int(row[name]) for name in ("macs", "counted_macs", "causal_macs"))
        attention = macs * float(row["attention_share"])
        assert macs == counted and left <= macs and macs - left <= 0.51 * attention + 1e-4 * macs
    assert {row["model"] for row in ROWS if row["causal_macs"] != row["macs"]} == {
        "gpt2", "t5-small", "opt-125m", "llama, grouped", "qwen2, grouped",
    }  # fmt: skip
