"""The table of other people's models: as measured, and as its page shows it."""

import csv
from pathlib import Path

import models
import pytest

ROOT = Path(__file__).parents[2]
ROWS = list(csv.DictReader((ROOT / "benchmarks" / "results" / "models.csv").open()))


def test_the_page_shows_the_table_that_was_measured():
    assert "\n".join(models.page_rows(ROWS)) in (ROOT / "docs" / "transformers.md").read_text()


def test_macs_are_those_of_the_counter_and_the_causal_part_is_what_a_mask_leaves():
    assert len(ROWS) == 27 and {row["ratio"] for row in ROWS} == {"1.000"}
    for row in ROWS:
        macs, counted, left = (int(row[name]) for name in ("macs", "counted_macs", "causal_macs"))
        attention = macs * float(row["attention_share"])
        assert macs == counted and left <= macs and macs - left <= 0.51 * attention + 1e-4 * macs
    assert {row["model"] for row in ROWS if row["causal_macs"] != row["macs"]} == {
        "gpt2", "t5-small", "opt-125m", "llama, grouped", "qwen2, grouped",
    }  # fmt: skip


def small():
    from torch import nn, zeros

    return nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64)), zeros(1, 64)


def test_a_run_that_was_stopped_keeps_its_cells_and_goes_on_at_the_next(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    out, asked = tmp_path / "models.csv", []

    def stopped_at_stc(network, arch):
        asked.append(arch)
        if arch == "stc" and asked.count("stc") == 1:
            raise KeyboardInterrupt
        return 7 if arch == "dense" else "no mapping"

    monkeypatch.setattr(models, "cycles_of", stopped_at_stc)
    with pytest.raises(KeyboardInterrupt):
        models.measure(out, {"small": small}, ("dense", "stc", "eie"))
    (row,) = csv.DictReader(out.open())
    assert (row["macs"], row["ratio"], row["dense"], row["stc"]) == ("8192", "1.000", "7", "")
    models.measure(out, {"small": small}, ("dense", "stc", "eie"))
    (row,) = csv.DictReader(out.open())
    assert (row["dense"], row["stc"], row["eie"]) == ("7", "no mapping", "no mapping")
    assert asked == ["dense", "stc", "stc", "eie"] and [each.name for each in tmp_path.iterdir()] == ["models.csv"]
    monkeypatch.setattr(models, "counted_macs", None)  # nothing is measured again where every cell is there
    models.measure(out, {"small": small}, ("dense", "stc", "eie"))


def test_a_file_of_another_table_is_left_alone(tmp_path):
    out = tmp_path / "other.csv"
    out.write_text("city\nBern\n")
    with pytest.raises(SystemExit, match="columns of another table, city"):
        models.measure(out, {"small": small}, ())
    assert out.read_text() == "city\nBern\n"
