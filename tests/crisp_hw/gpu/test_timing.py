"""Which layers are timed, what stands beside the times, and what is said where there is no GPU."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import crisp_hw.gpu
from crisp_hw.cli import app
from crisp_hw.descriptors import describe_model
from crisp_hw.errors import InputError
from crisp_hw.gpu import timed
from crisp_hw.schemas import SCHEMAS
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.gpu import KernelTimes, TimedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM


def masked(name, n, m, kind="linear", columns=64):
    mask = np.broadcast_to(np.arange(columns) % m < n, (32, columns)).copy()
    layer = Layer(name, kind, 32, columns, tokens=7) if kind == "linear" else Layer(name, kind, 32, columns)
    return PrunedLayer(layer, "nm", mask, NM(n, m))


def found(*layers, time):
    model = PrunedModel("net", layers)
    seen = []
    rows = timed(
        describe_model(model),
        {each.layer.name: each for each in layers},
        time,
        lambda which: seen.extend(which) or {each.layer.name: 1.5 for each in which},
    )
    return rows, [each.layer.name for each in seen]


def test_layers_of_2_4_weights_are_timed_with_their_own_masks():
    asked = []

    def time(mask, tokens):
        asked.append((mask.sum(), mask.shape, tokens))
        return KernelTimes(3.0, 2.0)

    rows, predicted = found(
        *(masked("fine", 2, 4), masked("finer", 1, 4), masked("pairs", 1, 2), masked("coarse", 3, 4)),
        *(masked("octets", 4, 8), masked("conv", 2, 4, "conv2d")),
        time=time,
    )
    assert [each.layer for each in rows.layers] == predicted == ["fine", "finer", "pairs"]
    assert asked == [(1024, (32, 64), 7), (512, (32, 64), 7), (1024, (32, 64), 7)]
    assert {each.name for each in rows.skipped} == {"coarse", "octets", "conv"}
    assert all(each.measured == 1.5 and each.agrees for each in rows.layers)


def test_a_shape_without_a_kernel_is_named():
    def time(mask, tokens):
        raise InputError("PyTorch has no 2:4 kernel for it")

    rows, predicted = found(masked("fine", 2, 4), time=time)
    assert (rows.layers, predicted) == ((), []) and rows.skipped[0].reason == "PyTorch has no 2:4 kernel for it"


def test_whether_both_agree():
    slower = TimedLayer("fc", 1, 1, 1, KernelTimes(0.11, 1.0), 2.0)
    assert slower.measured == 0.11 and not slower.agrees


def without_gpu():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")


def test_where_there_is_no_gpu_the_reason_is_said():
    without_gpu()
    result = CliRunner().invoke(app, ["measure", "resnet50", "--nm", "2:4", "--layers", "fc"], prog_name="crisp-hw")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "sees no GPU on this machine, so nothing is timed" in result.stderr


def test_the_command_with_the_times_of_a_stand_in(monkeypatch):
    monkeypatch.setattr(crisp_hw.gpu, "gpu_timer", lambda precision: lambda mask, tokens: KernelTimes(2.0, 1.0))
    words = ["measure", "resnet50", "--nm", "2:4", "--layers", "fc", "--vectors", "96", "-a", "stc", "-f", "json"]
    result = CliRunner().invoke(app, words, prog_name="crisp-hw")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    SCHEMAS["crisp-hw/measurement/1"].model_validate(content)
    (layer,) = content["layers"]
    assert (layer["tokens"], layer["rows"], layer["measured"]) == (96, 1000, 2.0)
    evaluated = CliRunner().invoke(
        app, ["evaluate", "resnet50", "--nm", "2:4", "--layers", "fc", "-a", "stc", "-f", "json"]
    )
    assert layer["predicted"] >= 1 and evaluated.exit_code == 0
    alone = CliRunner().invoke(app, [word for word in words if word not in ("--vectors", "96")], prog_name="crisp-hw")
    (layer,), (row,) = json.loads(alone.stdout)["layers"], json.loads(evaluated.stdout)["layers"]
    assert layer["tokens"] == 1 and layer["predicted"] == row["speedup"]


def test_on_a_real_gpu():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("needs an NVIDIA GPU of compute capability 8.0 or more")
    times = crisp_hw.gpu.gpu_timer("float16")(masked("fine", 2, 4, columns=256).mask.repeat(8, axis=0), 512)
    assert times.dense_ms > 0 and times.sparse_ms > 0
