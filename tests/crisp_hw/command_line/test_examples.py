"""Every example in help parses, and runs in a folder that holds what it names."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from products import DOT
from typer.main import get_command
from typer.testing import CliRunner

from crisp_hw import cli as hw
from crisp_hw.cli.examples import EXAMPLES
from crisp_hw.command_line.program import commands_of
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM
from crisp_prune import cli as prune
from crisp_prune.cli.examples import EXAMPLES as PRUNE

PROGRAMS = {"crisp-hw": (hw.app, EXAMPLES), "crisp-prune": (prune.app, PRUNE)}
ALL = [(program, line) for program, (_, told) in PROGRAMS.items() for lines in told.values() for line in lines]
GOLDEN = Path(__file__).parents[2] / "golden" / "crisp-small.jsonl"
WIDTH = 76  # characters between the margins of help in a terminal of 80 columns
NEEDS_MORE = (
    "crisp-hw measure",
    "crisp-hw verify",
    "crisp-hw replay result.zip --backend timeloop",
)
NETWORK = """\
schema: crisp-hw/workload/1
name: net
source: made up for a test
layers:
  - {name: fc, kind: linear, in_channels: 64, out_channels: 10}
"""
SPACE = """\
schema: crisp-hw/space/1
source: net.yaml
space: {cores: [4, 8]}
"""
POINTS = """\
schema: crisp-hw/point-network/1
name: points
source: made up for a test
layers:
  - {name: stem, in_channels: 4, out_channels: 16}
"""
MODEL = """\
from torch import nn


def build():
    convolutions = nn.Conv2d(3, 64, 3), nn.Conv2d(64, 256, 3), nn.Conv2d(256, 256, 3)
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(1024, 8))
"""


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_has_two_examples_and_shows_them(program):
    app, told = PROGRAMS[program]
    names = [words for words, _ in commands_of(app)]
    assert sorted(names) == sorted(told)
    for words in names:
        assert len(set(told[words])) == 2
        shown = CliRunner().invoke(app, [*words.split(), "--help"], prog_name=program, env={"COLUMNS": "80"}).stdout
        assert all(f" {line} " in shown for line in told[words]), shown


@pytest.mark.parametrize(("program", "line"), ALL)
def test_every_example_parses_and_fits_a_line(program, line):
    assert len(line) <= WIDTH
    name, *words = shlex.split(line)
    assert name == program
    command, context = get_command(PROGRAMS[program][0]), None
    while hasattr(command, "commands"):
        word, *words = words
        command = command.commands[word]
    context = command.make_context(word, words)
    assert context.params


def _state_dict():
    made = {}
    exec(MODEL, made)
    return made["build"]().state_dict()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the examples name."""
    torch = pytest.importorskip("torch", reason="writes .pt")
    import safetensors.torch

    from crisp_hw.pruned_file import save_pruned

    made = tmp_path_factory.mktemp("examples")
    kept = np.tile([True, False, True, False], (16, 4))
    save_pruned(
        made / "run.pt", PrunedModel("net", (PrunedLayer(Layer("fc", "linear", 16, 16), "hybrid", kept, NM(2, 4), 8),))
    )
    for name, text in zip(("arch", "problem", "mapping"), re.split(r"(?m)^(?=problem|mapping)", DOT), strict=True):
        (made / f"{name}.yaml").write_text(text)
    (made / "cases.jsonl").write_text("\n".join(GOLDEN.read_text().splitlines()[:2]) + "\n")
    (made / "net.yaml").write_text(NETWORK)
    (made / "space.yaml").write_text(SPACE)
    (made / "points.yaml").write_text(POINTS)
    (made / "scan.bin").write_bytes(np.arange(32, dtype="<f4").tobytes())
    (made / "my_model.py").write_text(MODEL)
    torch.save(_state_dict(), made / "w.pth")
    safetensors.torch.save_file({"fc.weight": torch.eye(16)}, made / "weights.safetensors")
    run(made, "crisp-hw arch copy crisp-stc full.yaml")
    run(made, "crisp-hw arch new mine")
    for line in ("bundle run.pt -o result.zip", "evaluate run.pt -o before --no-plot", "evaluate run.pt -o after"):
        assert run(made, f"crisp-hw {line}").exit_code == 0
    (made / "wide.yaml").unlink(missing_ok=True)
    return made


def run(folder, line):
    name, *words = shlex.split(line)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        patch.setenv("CRISP_HW_CACHE", str(folder / "cache"))
        return CliRunner().invoke(PROGRAMS[name][0], words, prog_name=name)


TRAIN = ("crisp-prune run", "crisp-prune one-shot", "crisp-prune compare")
RUN = [line for _, line in ALL if not line.startswith((*NEEDS_MORE, *TRAIN))]


@pytest.mark.slow
@pytest.mark.parametrize("line", RUN)
def test_examples_run(folder, line):
    if " copy " in line and "--force" not in line:
        (folder / line.split()[-1]).unlink(missing_ok=True)
    done = run(folder, line)
    assert done.exit_code == 0, done.output
