"""A network stands where the command names it: a pruned-model file, a packaged name or a layer table."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.cli.verify import _is_network
from crisp_hw.data_files import data_folder
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM

DOCUMENTS = Path(__file__).parent / "dropin" / "documents"
RESNET = data_folder("workloads") / "resnet50.yaml"
FC = ("--layers", "fc", "--arch", "stc", "--format", "json")


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="crisp-hw")


@pytest.fixture
def masks(tmp_path):
    pytest.importorskip("torch", reason="writes .pt")
    from crisp_hw.pruned_file import save_pruned

    kept = np.tile([True, False, True, False], (16, 4))
    layer = PrunedLayer(Layer("fc", "linear", 16, 16), "hybrid", kept, NM(2, 4), 8)
    save_pruned(tmp_path / "run.pt", PrunedModel("net", (layer,)))
    return tmp_path / "run.pt"


@pytest.mark.parametrize("network", ["resnet50", RESNET], ids=["name", "file"])
def test_a_layer_table_is_the_same_with_and_without_its_option(network):
    assert run("evaluate", network, *FC).stdout == run("evaluate", "--workload", network, *FC).stdout != ""


def test_masks_are_the_same_with_and_without_their_option(masks, tmp_path):
    assert run("evaluate", masks, *FC).stdout == run("evaluate", "--masks", masks, *FC).stdout != ""
    for command in ("describe", "render", "bundle"):
        out = {"render": ("-o", tmp_path / "out"), "bundle": ("-o", tmp_path / "a.zip"), "describe": ()}[command]
        assert run(command, masks, *out).exit_code == 0


def test_describe_takes_a_layer_table_and_its_pattern():
    found = json.loads(run("describe", "resnet50", "--nm", "2:4", "--layers", "fc", "-f", "json").stdout)
    assert [(each["layer"], each["density"]) for each in found["layers"]] == [("fc", 0.5)]
    refused = run("describe", "resnet50", "--picture", "a.png")
    assert refused.exit_code == 2 and "has no masks to draw" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resnet50", "--workload", "vgg16"], "SOURCE resnet50 and --workload are given together"),
        (["run.pt", "--masks", "run.pt"], "SOURCE run.pt and --masks are given together"),
        (["run.pt", "--nm", "2:4"], "--nm: only for a layer table"),
        (
            ["net.tar"],
            "net.tar: is no network that is read: weights are .pt, .pth, .bin, .ckpt, .safetensors, .onnx, .pt2 ",
        ),
        (["net.onnx"], "net.onnx: cannot be read (no such file or directory); give the ONNX file of a network"),
        (["result.json"], "a saved result is printed by `crisp-hw report`"),
        (["model.h5"], "files of TensorFlow and Keras are not read"),
        (["model.jit"], "--model package.module:factory --input 1,3,224,224"),
        (["model.xyz"], "or a name that `crisp-hw workload list` lists"),
        (["bert"], "the packaged transformers are bert-base"),
        (["resnet18"], "the packaged ResNet is resnet50"),
        ([], "give exactly one network; SOURCE, --masks FILE or --workload NAME"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "describe"])
def test_what_is_no_network_gets_a_sentence_with_the_next_step(command, words, said):
    refused = run(command, *words)
    assert (refused.exit_code, refused.stdout) == (2, "") and said in refused.stderr


def test_a_folder_is_told_with_the_files_that_may_be_meant(tmp_path):
    assert f"{tmp_path}: is a folder; give a file in it\n" in run("evaluate", tmp_path).stderr
    for name in ("run.pt", "totals.csv", "a.yaml"):
        (tmp_path / name).touch()
    refused = run("evaluate", tmp_path)
    assert refused.exit_code == 2
    assert f"is a folder; give a file in it: {tmp_path}/a.yaml and {tmp_path}/run.pt\n" in refused.stderr


def test_one_layer_is_no_plural():
    assert "resnet50: totals of 1 layer\n" in run("evaluate", "resnet50", "--layers", "fc").stdout


def test_verify_tells_a_network_from_documents():
    networks = [Path("resnet50"), RESNET, Path("run.pt"), Path("run.safetensors")]
    others = [Path("bert"), DOCUMENTS, DOCUMENTS / "dense-flat.yaml", Path("gone.yaml")]
    assert [_is_network(path) for path in (*networks, *others)] == [True] * 4 + [False] * 4


def test_explaining_writes_nothing_unless_told_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    documents = DOCUMENTS / "dense-flat.yaml"
    assert run("model", documents, "--explain", "cycles").exit_code == 0
    assert list(tmp_path.iterdir()) == []
    assert "wrote" in run("model", documents, "--explain", "cycles", "-o", "out").stderr
    assert (tmp_path / "out" / "timeloop-model.stats.txt").is_file()
