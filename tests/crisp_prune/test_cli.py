"""crisp-prune from the command line: outputs, resume, one-line errors."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import crisp_prune
from crisp_hw import load_pruned
from crisp_prune import train
from crisp_prune.cli.start import run

pytestmark = [pytest.mark.train, pytest.mark.process]

torch.set_num_threads(1)

ENV = {**os.environ, "PYTHONPATH": str(Path(crisp_prune.__file__).parents[1]), "OMP_NUM_THREADS": "1"}

TOY = """
import torch
from torch import nn
from torch.utils.data import TensorDataset


def net():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(),
                         nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 5))


def data():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(150) % 5
    inputs = torch.randn(150, 1, 6, 6, generator=generator) * 0.3
    inputs[torch.arange(150), 0, labels, labels] += 3.0
    return TensorDataset(inputs, labels)


def number():
    return 3
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A folder with a module of a model and a data set, made the current one."""
    (tmp_path / "toy_for_cli.py").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("toy_for_cli", None)


def call(monkeypatch, *words):
    """Run the entry point; its exit code."""
    monkeypatch.setattr(sys, "argv", ["crisp-prune", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        run()
    return ended.value.code or 0


RUN = (
    "run", "--model", "toy_for_cli:net", "--data", "toy_for_cli:data", "--classes", "0,2,4", "--nm", "2:4",
    "--block", "8", "--sparsity", "0.7", "--epochs", "12", "--lr", "0.05", "--batch-size", "16", "--seed", "1",
)  # fmt: skip


def changed(words):
    """The words of a run with other values: an option stands once."""
    left = [
        item for name, value in zip(RUN[1::2], RUN[2::2], strict=True) for item in (name, value) if name not in words
    ]
    return ("run", *left, *words)


def test_run_writes_everything_and_learns(toy, monkeypatch, capsys):
    assert call(monkeypatch, *RUN, "--out", "run.pt") == 0
    told = capsys.readouterr()
    assert "(target 0.7)" in told.out and "top-1" in told.out and told.err == "wrote run.pt and run-run/report.md\n"
    folder = toy / "run-run"
    config = json.loads((folder / "config.json").read_text())
    assert config["config"]["sparsity"] == 0.7 and config["classes"] == "0,2,4"
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in (*range(13), 12)]
    assert float(rows[-1]["top1_classes"]) > float(rows[0]["top1_classes"])
    assert float(rows[-1]["top1_classes"]) >= 0.9
    report = (folder / "report.md").read_text()
    layers = load_pruned(folder.parent / "run.pt").layers
    macs = sum(each.layer.macs * (1 if each.mask is None else each.mask.mean()) for each in layers)
    whole = sum(each.layer.macs for each in layers)
    assert f"{macs / whole:.2%} of the multiply-accumulates ({macs:,.0f} of {whole:,})" in report
    assert "| 2 | hybrid | 16 x 72 |" in report and "first convolution" in report and "Classes: 0, 2, 4" in report
    assert all(0 <= float(row["top1_classes"]) <= 1 for row in rows) and len({row["top1_all"] for row in rows}) > 2
    assert all(
        f"({name}.png)" in report and (folder / f"{name}.png").exists() for name in ("accuracy", "sparsity", "masks")
    )
    last = [row for row in rows[1:-1] if row["iteration"] == rows[-1]["iteration"]][-1]
    assert f"| {last['epoch']} | {float(last['loss']):.4f} | {float(last['top1_all']):.4f} |" in report
    weights = torch.load(folder / "weights.pt", weights_only=True)
    saved = torch.load(toy / "run.pt", weights_only=True)
    header = json.loads(saved["header"])
    text = json.dumps(header)
    assert "top1_before" in text and "top1_after" in text
    kept = sum(int((weights[f"{name}.weight"] != 0).sum()) for name in ("2", "5", "7"))
    total = sum(weights[f"{name}.weight"].numel() for name in ("2", "5", "7"))
    assert 1 - kept / total == pytest.approx(0.7, abs=0.03)


def test_killed_and_resumed_gives_the_same_files(toy, monkeypatch, capsys):
    assert call(monkeypatch, *RUN, "--out", "whole.pt") == 0
    left, optimize = [0], train._optimize

    def interrupted(training, batch):
        left[0] += 1
        if left[0] == 9:
            raise KeyboardInterrupt
        optimize(training, batch)

    monkeypatch.setattr(train, "_optimize", interrupted)
    assert call(monkeypatch, *RUN, "--out", "part.pt") != 0
    assert not Path("part.pt").exists()
    assert call(monkeypatch, *RUN, "--out", "part.pt") == 2
    assert "add --resume" in capsys.readouterr().err
    assert call(monkeypatch, *RUN[:-1], "2", "--out", "part.pt", "--resume") == 2
    assert "holds another run: config" in capsys.readouterr().err
    assert call(monkeypatch, *RUN, "--out", "part.pt", "--resume") == 0
    whole, part = (torch.load(f"{name}-run/weights.pt", weights_only=True) for name in ("whole", "part"))
    assert all(torch.equal(whole[name], part[name]) for name in whole)
    for name in ("metrics.csv", "report.md"):
        assert Path("whole-run", name).read_text() == Path("part-run", name).read_text()


def test_images_from_a_folder_and_initial_weights(toy, monkeypatch, capsys):
    import numpy as np
    from PIL import Image

    for label in range(2):
        (toy / "images" / str(label)).mkdir(parents=True)
        for index in range(4):
            noise = np.random.default_rng(index).integers(0, 255, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(noise).save(toy / "images" / str(label) / f"{index}.png")
    source = TOY.replace("Conv2d(1,", "Conv2d(3,")
    Path("toy_for_cli.py").write_text(source)
    namespace = {}
    exec(source, namespace)
    torch.save(namespace["net"]().state_dict(), "start.pt")
    options = ("--model", "toy_for_cli:net", "--data", "images", "--image-size", "6", "--weights", "start.pt")
    limits = ("--block", "8", "--sparsity", "0.6", "--epochs", "0")
    assert call(monkeypatch, "run", *options, *limits, "--out", "run.safetensors") == 0
    assert (toy / "run.safetensors").exists()
    torch.save({"wrong": torch.zeros(1)}, "start.pt")
    assert call(monkeypatch, "run", *options, *limits, "--out", "again.pt") == 2
    assert "start.pt: does not fit toy_for_cli:net" in capsys.readouterr().err
    assert not (toy / "again-run").exists()


def test_plan_prints_roles_and_reach(toy, monkeypatch, capsys):
    options = ("plan", "--model", "toy_for_cli:net", "--block", "8", "--input", "1,1,6,6")
    assert call(monkeypatch, *options, "--sparsity", "0.65", "--role", "5=nm") == 0
    told = capsys.readouterr().out
    assert "set by the user (else hybrid: linear)" in told and "highest reachable sparsity" in told
    assert call(monkeypatch, *options, "--sparsity", "0.99") == 2
    told = capsys.readouterr()
    assert "first convolution" in told.out
    assert "out of reach: the highest is" in told.err and "7 keeps 80 of 160 (nm)" in told.err
    assert call(monkeypatch, *options, "--sparsity", "max", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["targets"][-1] == int(told["highest"] * 1e4) / 1e4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sparsity", "most"), "--sparsity: 'most' is no number; give one, or max"),
        (("--nm", "24"), "--nm '24' is no pattern"),
        (("--nm", "2:5"), "no multiple of m = 5"),
        (("--classes", "9"), "classes 9 have no sample"),
        (("--model", "toy_for_cli:number"), "gave int, not a torch module"),
        (("--data", "nowhere"), "nowhere: no such folder"),
        (("--out", "run.txt"), "must end in .pt or .safetensors"),
        (("--role", "5:nm"), "write GLOB=VALUE"),
        (("--role", "5=none"), "there are hybrid, nm, dense"),
        (("--max-sparsity", "5=much"), "is no number"),
        (("--score", "best"), "unknown criterion 'best'; there are cass"),
        (("--device", "quantum"), "no device that torch knows"),
        (("--sparsity", "0.99"), "out of reach"),
        (("--holdout", "0"), "nothing to validate on"),
        (("--weights", "none.pt"), "none.pt: no such file"),
    ],
)
def test_errors_are_one_line_and_leave_nothing_behind(toy, monkeypatch, capsys, words, message):
    assert call(monkeypatch, *changed(words if "--out" in words else ("--out", "run.pt", *words))) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and told.startswith("crisp-prune: ")
    assert not (toy / "run.pt").exists() and not (toy / "run-run").exists()


WITHOUT_TORCH = """
import sys

sys.modules["torch"] = None
import crisp_prune

try:
    crisp_prune.Crisp
except ModuleNotFoundError as error:
    print(error)
sys.argv = ["crisp-prune", "plan", "--model", "a:b"]
from crisp_prune.cli import main

main()
"""


def test_without_torch_a_name_or_the_command_says_what_to_install():
    ended = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, env=ENV, check=False)
    assert ended.stdout == 'crisp_prune needs PyTorch: pip install "crisp-hw[torch]"\n'
    assert ended.returncode == 2
    assert ended.stderr == 'crisp-prune: error: PyTorch is not installed; pip install "crisp-hw[torch]"\n'


def test_public_names_alone_are_listed():
    api = ["Crisp", "CrispConfig", "FitOptions", "Plan", "make_plan"]
    assert dir(crisp_prune) == sorted([*api, "__version__", "__doc__"])
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        crisp_prune.Nothing  # noqa: B018
