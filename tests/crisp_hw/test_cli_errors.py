"""Bad input ends in one clear sentence on stderr and its exit code; nothing is printed or written."""

import hashlib
import json
import os
import pickle

import numpy as np
import pytest
import safetensors.numpy
from typer.testing import CliRunner

from crisp_hw import api
from crisp_hw.cli import app
from crisp_hw.errors import MappingError

LAYER = {"name": "fc", "kind": "linear", "out_channels": 16, "in_channels": 16, "kernel": [1, 1], "stride": [1, 1]}
LAYER |= {"padding": [0, 0], "dilation": [1, 1], "groups": 1, "input_size": [1, 1], "tokens": 1}
PATTERN = {"nm": [2, 4], "block": 8, "axis": "S x (kh,kw,C)"}
ARCH = b"""\
schema: crisp-hw/arch/2
name: cut
levels:
  DRAM: &level
    word_bits: {value: 8, source: made up}
    vector_words: {value: 8, source: made up}
    metadata_width_bits: {value: 8, source: made up}
    metadata_depth: {value: 8, source: made up}
  RF: *level
  LRF: *level
compute: {name: MAC, word_bits: {value: 8, source: made up}}
runs: [{name: dense}]
energy: fabric-45nm
constraints: {DRAM: {keep: [A], temporal: [N]}, SMEM: {keep: [A], temporal: [N]}}
"""
RESNET = ("--workload", "resnet50", "--nm", "2:4", "--block", "64")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def pruned_file(mask, name="fc"):
    """A file that is right in everything but what the caller's mask or name makes wrong."""
    layer = {"geometry": LAYER | {"name": name}, "role": "hybrid", "pattern": PATTERN, "masked": True}
    header = json.dumps({"name": "n", "layers": [layer], "classes": [], "skipped": [], "provenance": {}})
    bits = np.packbits(mask)
    texts = {"schema": "crisp-hw/pruned-model", "version": "1", "header": header}
    texts["checksum"] = hashlib.sha256(header.encode() + bits.tobytes()).hexdigest()
    return safetensors.numpy.save({f"{name}.mask": bits}, {"crisp-hw": json.dumps(texts)})


CASES = {
    "text": (["--masks", "run.pt"], {"run.pt": b"hello\n"}, "run.pt: is not an intact pruned-model file"),
    "code": (["--masks", "run.pt"], {"run.pt": pickle.dumps(Bomb())}, "run.pt: cannot be read as plain weights"),
    "absent": (["--masks", "run.pt"], {}, "run.pt: cannot be read (no such file"),
    "shape": (
        ["--masks", "run.safetensors"],
        {"run.safetensors": pruned_file(np.ones((16, 24), bool))},
        "layer 'fc' is 16 x 16 = 256 weights but its mask holds 48 bytes instead of 32",
    ),
    "no weights": (
        ["--masks", "run.safetensors"],
        {"run.safetensors": pruned_file(np.zeros((16, 16), bool))},
        "fc: has no nonzero weight",
    ),
    "sparsity": ([*RESNET, "--sparsity", "1.3"], {}, "sparsity 1.3 must be a fraction below 1"),
    "density": (
        [*RESNET, "--sparsity", "0.9", "--activation-density", "1.3", "--arch", "dstc", "--layers", "fc"],
        {},
        "activation density must lie in (0, 1], not 1.3",
    ),
    "reach": ([*RESNET, "--sparsity", "0.999"], {}, "sparsity 0.999 is out of reach: the highest is 0.92"),
    "unknown arch": (
        [*RESNET, "--sparsity", "0.9", "-a", "tpu"],
        {},
        "valid names: crisp-stc, dense, dstc, eie, eyeriss-v1",
    ),
    "arch twice": ([*RESNET, "--sparsity", "0.9", "-a", "stc", "-a", "stc"], {}, "accelerator stc is given twice"),
    "missing level": (
        ["--workload", "resnet50", "-a", "cut.yaml"],
        {"cut.yaml": ARCH},
        "cut.yaml:14: arch.constraints.SMEM: there is no such level",
    ),
    "unknown layer": (["--workload", "resnet50", "--layers", "nope*"], {}, "no layer matches 'nope*'"),
    "unknown workload": (["--workload", "alexnet"], {}, "no workload named 'alexnet'"),
    "unknown energy": (["--workload", "resnet50", "--energy", "none"], {}, "no energy table none; valid names: table"),
    "unknown backend": (["--workload", "resnet50", "--backend", "x"], {}, "unknown backend 'x'; there are embedded"),
    "setting": (["--workload", "resnet50", "--set", "speed=3"], {}, "unknown parameter speed; valid: cores, "),
    "setting without value": (["--workload", "resnet50", "--set", "cores"], {}, "--set cores: lacks a value"),
    "setting of text": (["--workload", "resnet50", "--set", "cores=x"], {}, "--set cores=x: 'x' is no number"),
    "setting of nan": (["--workload", "resnet50", "--set", "rf_kb=nan"], {}, "rf_kb=nan: 'nan' is no number"),
    "pattern": (["--workload", "resnet50", "--nm", "2/4"], {}, "--nm 2/4: is no N:M pattern; write 2:4"),
    "impossible pattern": (["--workload", "resnet50", "--nm", "5:4"], {}, "5:4 is no N:M pattern"),
    "neither source": ([], {}, "give exactly one network; SOURCE, --masks FILE or --workload NAME"),
    "both sources": (
        ["--masks", "run.pt", "--workload", "vgg16"],
        {},
        "give exactly one network; SOURCE, --masks FILE or",
    ),
    "pattern for masks": (["--masks", "run.pt", "--nm", "2:4"], {}, "--nm: only for a layer table"),
    "plot to nowhere": (["--workload", "resnet50", "--plot"], {}, "--plot writes pictures into a folder"),
}


def run(folder, arguments, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    result = CliRunner().invoke(app, arguments, prog_name="crisp-hw")
    assert sorted(folder.rglob("*")) == before
    return result


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_sentence(name, tmp_path, monkeypatch):
    arguments, files, sentence = CASES[name]
    if "run.pt" in files:
        pytest.importorskip("torch", reason="reads .pt")
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    out = [] if "--plot" in arguments else ["--out", "out"]
    result = run(tmp_path, ["evaluate", *arguments, *out], monkeypatch)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("crisp-hw: error: ") and result.stderr.count("\n") == 1
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["describe", "gone.pt"], "gone.pt: cannot be read (no such file"),
        (["describe", "gone.pt", "--layer", "fc"], "--layer chooses what --picture FILE shows"),
        (["arch", "show", "tpu"], "valid names: crisp-stc"),
        (["arch", "show", "gone.yaml"], "gone.yaml: cannot be read"),
        (["workload", "show", "alexnet"], "no workload named 'alexnet'; the packaged ones are bert-base"),
        (["render", "--workload", "resnet50", "--layers", "x", "--out", "out"], "no layer matches 'x'"),
    ],
)
def test_other_commands(arguments, sentence, tmp_path, monkeypatch):
    result = run(tmp_path, arguments, monkeypatch)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert sentence in result.stderr


def test_pictures_of_nothing(tmp_path, monkeypatch):
    (tmp_path / "run.safetensors").write_bytes(pruned_file(np.ones((16, 16), bool)))
    command = ["describe", "run.safetensors", "--picture"]
    assert (
        "no layer stem with a mask in n; there are fc"
        in run(tmp_path, [*command, "x.png", "--layer", "stem"], monkeypatch).stderr
    )
    assert "x.jpg: is no figure" in run(tmp_path, [*command, "x.jpg"], monkeypatch).stderr


def test_a_file_in_place_of_out(tmp_path, monkeypatch):
    (tmp_path / "out").write_text("mine")
    result = run(tmp_path, ["evaluate", "--workload", "resnet50", "--out", "out"], monkeypatch)
    assert result.exit_code == 2 and "out: is a file; give a folder to --out" in result.stderr


def test_layer_names_cannot_leave_the_folder(tmp_path, monkeypatch):
    mask = np.tile([True, False, True, False], (16, 4))
    (tmp_path / "run.safetensors").write_bytes(pruned_file(mask, "../../escaped"))
    result = run(tmp_path, ["render", "--masks", "run.safetensors", "--out", "out"], monkeypatch)
    assert result.exit_code == 2 and "outside of the folder" in result.stderr


def test_no_valid_mapping_is_exit_code_3(tmp_path, monkeypatch):
    arguments = ["evaluate", "--workload", "resnet50", "--layers", "fc", "--set", "smem_size_words=32", "--out", "out"]
    result = run(tmp_path, arguments, monkeypatch)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1)
    assert "crisp-hw: error: layer fc on crisp-stc: " in result.stderr


def test_debug_adds_the_traceback(tmp_path, monkeypatch):
    result = run(tmp_path, ["--debug", "arch", "show", "simba"], monkeypatch)
    assert result.exit_code == 2
    assert "Traceback" in result.stderr and result.stderr.endswith("on the levels of this project\n")


def test_control_characters_do_not_reach_the_terminal(tmp_path, monkeypatch):
    result = run(tmp_path, ["arch", "show", "x\x1b[2J\nfake: ok"], monkeypatch)
    assert result.exit_code == 2 and "x?[2J fake: ok" in result.stderr and "\x1b" not in result.stderr


def test_an_interrupt_is_130(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "evaluate", interrupted)
    result = run(tmp_path, ["evaluate", "--workload", "resnet50", "--out", "out"], monkeypatch)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "crisp-hw: interrupted\n")


def test_a_mapping_error_of_any_command_is_3(tmp_path, monkeypatch):
    def failing(*_, **__):
        raise MappingError("nothing fits")

    monkeypatch.setattr(api, "load_arch", failing)
    result = run(tmp_path, ["arch", "list"], monkeypatch)
    assert (result.exit_code, result.stderr) == (3, "crisp-hw: error: nothing fits\n")


@pytest.mark.parametrize(
    "arguments",
    [["evaluate", "--objective", "speed"], ["evaluate", "--block", "x"], ["fly"], ["evaluate", "-f", "xml"]],
)
def test_usage_errors_are_2(arguments, tmp_path, monkeypatch):
    result = run(tmp_path, arguments, monkeypatch)
    assert (result.exit_code, result.stdout) == (2, "") and result.stderr.startswith("crisp-hw: error: ")
    assert result.stderr.count("\n") == 1 and "--help` says what there is" in result.stderr
