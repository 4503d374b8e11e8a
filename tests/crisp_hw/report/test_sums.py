"""Levels and what stands beside them add up to the total: every backend, every output."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from timeloop_stand_in import install_computing
from typer.testing import CliRunner

from crisp_hw import api
from crisp_hw.cli import app
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.report.records import layer_records, level_names, total_records
from crisp_hw.spec.arch import Wires
from crisp_hw.spec.patterns import NM

DESIGN = ("--workload", "vgg16", "--nm", "2:4", "--block", "64", "--sparsity", "0.9", "--layers", "features.26")
ARCHS = ("dense", "stc", "dstc", "crisp-stc")
LEVELS = ("dram", "smem", "rf", "lrf", "mac")


def rows_of(text, form, heads=()):
    """Records of a printed evaluation: of its layers (csv), else of its layers and totals.

    A table has its headings on several lines, so that `heads` tell its keys, by their number.
    """
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    if form == "json":
        content = json.loads(text)
        return [*content["layers"], *content["totals"]]
    cells = (line.strip().strip("|") for line in text.splitlines())
    split = [re.split(r" *(?<!\\)\| *" if form == "md" else r" {2,}", line.strip()) for line in cells if line]
    if form == "table":
        keys = {len(head): head for head in heads}
        rows = [dict(zip(keys[len(line)], line, strict=True)) for line in split if len(line) in keys]
        return [row for row in rows if row["arch"] in ARCHS]  # neither headings nor rules
    found, head = [], []
    for line in split:
        if "energy_uj" in line:
            head = line
        elif head and len(line) == len(head) and not set("".join(line)) <= set("-─━:| "):
            found.append(dict(zip(head, line, strict=True)))
    return found


def heads_of(words):
    """Keys of which a record has a value, of the layers and of the totals of an evaluation."""
    content = json.loads(CliRunner().invoke(app, [*words, "--format", "json"], prog_name="crisp-hw").stdout)
    parts = (content["layers"], content["totals"])
    return [[key for key in part[0] if any(record[key] is not None for record in part)] for part in parts]


def number(record, key):
    """A figure of a record, 0 where there is none; a table rounds it to three digits."""
    text = str(record.get(key) or 0).replace(",", "")
    return 0.0 if text in ("–", "None", "") else float(text)


def check(record, digits):
    """Every sum that a reader would make."""
    close = {"rel": digits, "abs": digits}
    total = number(record, "energy_uj")
    assert total > 0
    levels = sum(number(record, f"{name}_uj") for name in (*LEVELS, "wires"))
    beside = number(record, "selection_uj") + number(record, "decoder_uj")
    assert levels + beside == pytest.approx(total, **close)
    assert number(record, "model_energy_uj") + number(record, "overhead_uj") == pytest.approx(total, **close)
    assert number(record, "on_chip_uj") + number(record, "dram_uj") == pytest.approx(total, **close)
    assert beside + number(record, "index_uj") == pytest.approx(number(record, "overhead_uj"), **close)
    dense = sum(number(record, f"dense_{name}_uj") for name in (*LEVELS, "wires"))
    assert dense == pytest.approx(number(record, "dense_energy_uj"), **close)
    metadata = sum(number(record, f"{name}_metadata_uj") for name in LEVELS)
    assert metadata == pytest.approx(number(record, "metadata_uj"), **close)


@pytest.fixture
def timeloop(tmp_path, monkeypatch):
    """A program that stands in for Timeloop with Accelergy built in."""
    install_computing(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.process
@pytest.mark.parametrize("form", ["table", "md", "csv", "json"])
@pytest.mark.parametrize("backend", ["embedded", "timeloop"])
def test_every_output_adds_up(backend, form, timeloop, monkeypatch):
    monkeypatch.setenv("COLUMNS", "4000")
    archs = ARCHS if backend == "embedded" else ("dense", "crisp-stc")
    chosen = [word for arch in archs for word in ("--arch", arch)]
    wide = ("--wide", "--per-layer") if form in ("table", "md") else ()
    words = ["evaluate", *DESIGN, *chosen, "--backend", backend]
    result = CliRunner().invoke(app, [*words, "--format", form, *wide], prog_name="crisp-hw", env={"COLUMNS": "4000"})
    assert result.exit_code == 0, result.output
    found = rows_of(result.stdout, form, heads_of(words) if form == "table" else ())
    count = len(archs) * (1 if form == "csv" else 2)
    assert len(found) == count
    for record in found:
        check(record, 0.02 if form in ("table", "md") else 1e-9)
    pruned = [record for record in found if number(record, "metadata_uj") > 0]
    assert len(pruned) >= len(found) // 2


@pytest.mark.process
def test_both_backends_say_the_same_of_metadata(timeloop):
    source = api.WorkloadPattern("vgg16", NM(2, 4), 64, 0.9)
    records = [
        layer_records(
            api.evaluate(source, "crisp-stc", layers="features.26", options=api.EvaluateOptions(backend=name)).network
        )[0]
        for name in ("embedded", "timeloop")
    ]
    for name in ("metadata_uj", "on_chip_metadata_uj", *(f"{level}_metadata_uj" for level in LEVELS[:-1])):
        assert records[1][name] == pytest.approx(records[0][name], rel=1e-4, abs=1e-6)


def test_networks_that_take_energy_have_a_column():
    """No packaged accelerator has any; a result of documents with wires does."""
    source = api.WorkloadPattern("vgg16", NM(2, 4), 64, 0.9)
    network = api.evaluate(source, "stc", layers="features.26").network
    (row,) = network.rows
    arch = row.point.design.architecture
    wired = tuple(replace(level, wires=Wires(wire_pj_per_bit_mm=0.05, tile_width_um=100.0)) for level in arch.levels)
    design = replace(row.point.design, architecture=replace(arch, levels=wired))
    result = evaluate(replace(row.point, design=design))
    assert result.networks
    found = replace(network, rows=(replace(row, result=result),))
    for record in (*layer_records(found), *total_records(found)):
        check(record, 1e-9)
        assert record["wires_uj"] > 0
        assert record["model_energy_uj"] == pytest.approx(result.energy_pj * 1e-6)
    assert "wires" not in level_names(found)
    assert not any("wires" in key for record in layer_records(network) for key in record)
