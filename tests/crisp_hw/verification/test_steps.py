"""Fabrics step by step: the product of the masked matrices, and the model's counts with `--density actual`."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from crisp_hw.accelerators import load_arch
from crisp_hw.accelerators.queued import read_queued_pes
from crisp_hw.cli import app
from crisp_hw.descriptors import describe
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.verification import steps
from crisp_hw.walk import pruned as walk


def layer(nm, block=None, kept=3, rows=32, columns=128):
    """Blocks in places of their own in every block row, and in every group n weights in places of their own."""
    drawn = np.random.default_rng(nm.n)
    inside = np.concatenate(
        [np.argsort(drawn.random((rows, nm.m)), axis=1) < nm.n for _ in range(columns // nm.m)], axis=1
    )
    if block is None:
        return PrunedLayer(Layer("fc", "linear", rows, columns), "nm", inside, nm)
    blocks = np.argsort(drawn.random((rows // block, columns // block)), axis=1) < kept
    mask = inside & np.kron(blocks, np.ones((block, block), bool))
    return PrunedLayer(Layer("fc", "linear", rows, columns), "hybrid", mask, nm, block)


@pytest.mark.parametrize("nm", [NM(1, 4), NM(2, 4), NM(3, 4)], ids=lambda nm: f"{nm.n}of{nm.m}")
@pytest.mark.parametrize("block", [None, 16, 32])
@pytest.mark.parametrize("arch", ["crisp-stc", "stc", "dense"])
def test_products_are_exact_and_counts_are_the_models(arch, block, nm):
    checked = steps.check_layer(steps.operands(layer(nm, block), 4, None, 1), load_arch(arch), cache=False)
    assert checked.exact and checked.agrees
    compared = {each.name: each.model for each in checked.counts}
    assert {"products", "weights", "activations", "results"} <= compared.keys() and None not in compared.values()
    assert ("block indices" in compared) == (arch == "crisp-stc" and block is not None)


@pytest.mark.slow
def test_bitmaps_meet_and_queues_drain_with_exact_products():
    given = steps.operands(layer(NM(2, 4), 16), 16, None, 1)
    assert steps.check_layer(given, load_arch("dstc"), cache=False).exact
    queues = steps.check_queues(given, read_queued_pes())
    assert queues.agrees and {each.name for each in queues.counts} == {*steps.QUEUED, *steps.OF_PES}


def test_a_wrong_count_or_product_is_not_agreed_with():
    given = steps.operands(layer(NM(2, 4), 16), 4, None, 1)
    right = steps.check_queues(given, read_queued_pes())
    assert not replace(right, exact=False).agrees
    assert not replace(right, counts=(steps.Count("busy", 1, 2),)).agrees
    assert replace(right, counts=(steps.Count("busy", 1, None, "not the same"),)).agrees


@pytest.mark.parametrize("arch", ["crisp-stc", "stc"])
def test_a_walk_that_loses_a_weight_is_found(arch, monkeypatch):
    given = steps.operands(layer(NM(2, 4), 16), 4, None, 1)
    whole = walk.stored

    def lossy(values, kept, nm):
        groups = whole(values, kept, nm)
        return [group[1:] for group in groups]

    monkeypatch.setattr(walk, "stored", lossy)
    checked = steps.check_layer(given, load_arch(arch), cache=False)
    assert not checked.exact and not checked.agrees


@pytest.mark.long
@pytest.mark.parametrize("packing", ["skipping", "position-skipping"])
def test_expected_products_are_the_mean_of_100_masks(packing):
    """Weights and activations scattered anywhere, 100 times: the model's expectation is within 3 standard errors."""
    rows, columns, positions, kept = 32, 64, 16, 500
    drawn, found = np.random.default_rng(7), []
    for _ in range(100):
        mask = np.zeros(rows * columns, bool)
        mask[drawn.permutation(mask.size)[:kept]] = True
        active = np.ones(columns * positions, np.int64)
        active[drawn.permutation(active.size)[: round(0.4 * active.size)]] = 0
        weights = np.ones((rows, columns), np.int64)
        walked = walk.outer_products(weights, mask.reshape(rows, columns), active.reshape(columns, positions))
        found.append(walked.steps.products)
    matrix = PrunedLayer(Layer("fc", "linear", rows, columns, tokens=positions), "nm", mask.reshape(rows, columns))
    options = EvaluateOptions(packing=packing, activation_density=0.6, cache=False)
    (row,) = evaluate_layers([describe(matrix)], [load_arch("dstc")], options)
    error = np.std(found, ddof=1) / 10
    assert error > 0 and abs(row.result.compute.random - np.mean(found)) <= 3 * error


def run(*words, code=0):
    found = CliRunner().invoke(app, ["check", *map(str, words)], catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found


@pytest.fixture
def masks(tmp_path):
    save_pruned(tmp_path / "run.safetensors", PrunedModel("run", (layer(NM(2, 4), 16, rows=16, columns=64),)))
    return tmp_path / "run.safetensors"


def test_the_command_walks_every_fabric_on_the_weights_that_are_given(masks):
    torch = pytest.importorskip("torch", reason="weights of a checkpoint are tensors of torch")
    from safetensors.torch import save_file

    weights = masks.with_name("weights.safetensors")
    save_file({"fc.weight": torch.linspace(-1, 1, 16 * 64).reshape(16, 64)}, weights)
    words = (masks, "--weights", weights, "-a", "crisp-stc", "-a", "dstc", "--positions", "4", "-f", "json")
    content = json.loads(run(*words).stdout)
    assert [each["product"] for each in content["layers"]] == ["equal"] * 3
    assert content["layers"][0]["steps"] == "kept blocks are gathered by index, weights of 2:4 select by offset"
    save_file({"fc.weight": torch.ones(3, 3)}, weights)
    with pytest.raises(Exception, match=r"'fc.weight' is \[3, 3\] and the layer is a matrix of 16 x 64"):
        run(*words)


def test_a_difference_is_the_exit_code(masks, monkeypatch):
    monkeypatch.setattr(walk, "stored", lambda values, kept, nm: [])
    assert "different" in run(masks, "--positions", "4", code=1).stdout


def test_tables_without_masks_and_layers_that_are_too_large_are_refused(masks):
    with pytest.raises(Exception, match="has no masks"):
        run("resnet50", "--nm", "2:4", "--layers", "fc")
    with pytest.raises(Exception, match="too large for single steps"):
        run(masks, "--positions", "100000")
