"""The examples in docs/explain.md are what the command prints (energies may be characterized anew)."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

PAGE = (Path(__file__).parents[3] / "docs" / "explain.md").read_text()
LAYER = [*("--workload", "resnet50", "--nm", "2:4", "--block", "64", "--sparsity", "0.9"), "--layers", "layer4.2.conv3"]


def without_energies(text):
    """The lines up to the section on energy or the remarks, and none with pJ."""
    counted = text.split("\nEnergy\n")[0].split("\nRemember\n")[0]
    return [line for line in counted.splitlines() if "pJ" not in line]


@pytest.mark.parametrize("what", ["LRF.A", "cycles"])
def test_the_example_is_what_the_command_prints(what):
    shown = re.search(rf"```text\n({re.escape(what)}: .*?)```", PAGE, re.DOTALL)
    printed = CliRunner().invoke(app, ["evaluate", *LAYER, "--explain", what]).stdout
    assert without_energies(shown[1]) == without_energies(printed)
    assert len(without_energies(printed)) > 20
