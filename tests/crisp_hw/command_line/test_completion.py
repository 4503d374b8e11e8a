"""What a shell offers: names that are there, found quickly, and nothing at all where something is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from crisp_hw import list_arch, list_workloads
from crisp_hw.cli import app
from crisp_hw.command_line.completion import completing
from crisp_hw.io.names import layer_names
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_prune.cli import app as prune

FLAT = Path(__file__).parents[1] / "dropin" / "documents" / "dense-flat.yaml"
STC = ("DRAM", "SMEM", "RF", "LRF")
LEVELS = (*STC, *(f"{level}.{tensor}" for level in STC for tensor in "ABZ"))


def offered(line, program="crisp-hw", of=app):
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    asked[f"_{program.replace('-', '_').upper()}_COMPLETE"] = "complete_bash"
    done = CliRunner().invoke(of, [], prog_name=program, env=asked)
    assert done.exit_code == 0 and done.stderr == "", done.output
    return done.stdout.split()


@pytest.fixture(params=[".pt", ".safetensors"])
def masks(request, tmp_path):
    pytest.importorskip("torch", reason="writes .pt")
    from crisp_hw.pruned_file import save_pruned

    layers = tuple(PrunedLayer(Layer(name, "linear", 16, 16), "nm", np.ones((16, 16), bool)) for name in ("stem", "fc"))
    save_pruned(tmp_path / f"run{request.param}", PrunedModel("net", layers))
    return tmp_path / f"run{request.param}"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("crisp-hw eva", ["evaluate"]),
        ("crisp-hw arch c", ["copy", "check"]),
        ("crisp-hw evaluate --obj", ["--objective"]),
        ("crisp-hw evaluate --objective e", ["energy", "edp"]),
        ("crisp-hw evaluate resnet50 --arch ", list(list_arch())),
        ("crisp-hw evaluate resnet50 -a c", ["crisp-stc"]),
        ("crisp-hw evaluate ", list(list_workloads())),
        ("crisp-hw describe --workload vg", ["vgg16"]),
        ("crisp-hw arch show d", ["dense", "dstc"]),
        ("crisp-hw workload copy vg", ["vgg16"]),
        ("crisp-hw evaluate resnet50 --layers fc", ["fc"]),
        ("crisp-hw evaluate --workload vgg16 --layers classifier.6", ["classifier.6"]),
        ("crisp-hw evaluate --energy f", ["fabric-45nm"]),
        ("crisp-hw evaluate --energy t", ["table"]),
        ("crisp-hw evaluate --backend t", ["timeloop"]),
        ("crisp-hw evaluate --set smem_k", ["smem_kb="]),
        ("crisp-hw arch show stc --set cor", ["cores="]),
        ("crisp-hw evaluate resnet50 --arch crisp-stc:smem_k", ["crisp-stc:smem_kb="]),
        ("crisp-hw evaluate resnet50 -a stc:cores=8,rf_k", ["stc:cores=8,rf_kb="]),
        ("crisp-hw evaluate resnet50 -a nothing:c", []),
        ("crisp-hw evaluate resnet50 -a stc --explain ", ["cycles", "energy", "MAC", *LEVELS]),
        ("crisp-hw evaluate resnet50 --explain SMEM.", ["SMEM.A", "SMEM.B", "SMEM.Z"]),
        (f"crisp-hw model {FLAT} --explain RF", ["RF", "RF.A", "RF.B", "RF.Z"]),
        (f"crisp-hw model {FLAT.parent}/none.yaml --explain ", []),
    ],
)
def test_names_are_offered(line, names):
    assert offered(line) == names


def test_the_layers_of_a_pruned_model_are_offered(masks):
    assert offered(f"crisp-hw evaluate {masks} --layers ") == ["stem", "fc"]
    assert offered(f"crisp-hw evaluate --masks {masks} --layers f") == ["fc"]
    assert layer_names(masks) == ("stem", "fc")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\xff" * 99, None])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".yaml"])
def test_a_damaged_network_offers_nothing(tmp_path, content, suffix):
    if content is not None:
        (tmp_path / f"run{suffix}").write_bytes(content)
    assert offered(f"crisp-hw evaluate {tmp_path / 'run'}{suffix} --layers ") == []


@pytest.mark.parametrize(
    "line",
    [
        "crisp-hw evaluate bert --layers ",
        "crisp-hw evaluate --layers ",
        "crisp-hw evaluate -a nothing --set ",
        "crisp-hw evaluate --jobs 1 --jobs 2 --nothing x",
        "crisp-hw nothing x",
        "crisp-hw evaluate -q -v x",
    ],
)
def test_a_line_with_something_wrong_offers_nothing_and_says_nothing(line):
    assert offered(line) == []


def test_crisp_prune_offers_its_commands_and_options():
    assert offered("crisp-prune r", "crisp-prune", prune) == ["run"]
    assert offered("crisp-prune run --epo", "crisp-prune", prune) == ["--epochs"]


def test_whatever_a_callback_raises_is_no_error():
    @completing
    def names(ctx: typer.Context, incomplete: str) -> list[str]:
        raise RuntimeError("no")

    assert names(None, "x") == []


@pytest.mark.process
def test_what_is_offered_most_loads_nothing_that_takes_a_while():
    line = "crisp-hw evaluate resnet50 --layers layer4.2"
    asked = {"COMP_WORDS": line, "COMP_CWORD": "4", "_CRISP_HW_COMPLETE": "complete_bash"}
    code = """
import sys
from crisp_hw.cli.start import run
try:
    run()
finally:
    print([name for name in ("torch", "pandas", "matplotlib", "crisp_hw.sources") if name in sys.modules])
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **asked})
    assert done.stdout.splitlines() == ["layer4.2.conv1", "layer4.2.conv2", "layer4.2.conv3", "[]"]


@pytest.mark.process
@pytest.mark.parametrize("package", ["crisp_hw", "crisp_prune"])
def test_the_script_for_a_shell_is_shown(package):
    asked = {**os.environ, f"_{package.upper()}_COMPLETE": "source_zsh"}
    done = subprocess.run([sys.executable, "-m", package], capture_output=True, text=True, check=True, env=asked)
    assert f"_{package}_completion" in done.stdout
