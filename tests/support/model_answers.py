"""What `crisp-hw model` makes of documents that were rendered, and how it compares with an evaluation."""

import json

import pytest
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.cli import app

COUNTS = ("reads", "fills", "updates")


def answered(found, folder):
    """The answer of `crisp-hw model` for one layer of an evaluation, its documents written into a folder."""
    files = crisp_hw.render(found, folder)
    said = CliRunner().invoke(app, ["model", *map(str, files), "-f", "json"], prog_name="crisp-hw")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def same_counts(result, answer):
    """Are cycles, energy and all counts of all levels and tensors those of the answer?"""
    assert answer["cycles"] == result.cycles
    assert answer["total_energy_pJ"] == pytest.approx(result.energy_pj, rel=1e-9)
    compared = 0
    for level in result.levels:
        told = answer["levels"][level.name]
        for tensor, counts in level.tensors.items():
            for count in COUNTS:
                assert told[count][tensor] == getattr(counts, count), (level.name, tensor, count)
                compared += 1
            for name, value in counts.accesses.items():
                if name in told:
                    assert told[name][tensor] == pytest.approx(value), (level.name, tensor, name)
    return compared
