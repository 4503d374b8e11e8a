"""Transformers by their configuration: what a pass computes, and what of it comes from the outermost level."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.cli import app
from crisp_hw.sources.networks import Asked, resolve
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.transformers import Attention, Demand, Step, transformer
from crisp_hw.workloads import load_workload


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="crisp-hw")


def macs(workload, kind=None):
    return sum(layer.macs for layer in workload.layers if kind in (None, layer.kind))


# MACs of one pass by torch.utils.flop_counter (torch 2.14.1) on models of transformers 5.24.0 of these configurations,
# with attn_implementation="eager", because it does not count PyTorch's fused attention on a CPU
COUNTED = {
    ("bert-base", 128): 11174215680,
    ("bert-base", 512): 48318971904,
    ("gpt2", 64): 7981547520,
    ("t5-small", 16): 972554240,
    ("vit-base", None): 17563828224,
}


@pytest.mark.parametrize(("name", "tokens"), COUNTED)
def test_macs_are_those_that_pytorch_counts(name, tokens):
    assert macs(load_workload(name, Demand(tokens=tokens))) == COUNTED[name, tokens]


def test_attention_is_a_product_per_head_that_has_keys():
    layers = {layer.name: layer for layer in load_workload("gpt2", Demand(tokens=64)).layers}
    scores, values = layers["h.0.attn.scores"], layers["h.0.attn.values"]
    assert (scores.groups, scores.rows, scores.columns, scores.positions) == (12, 12 * 64, 64, 64)
    assert scores.macs == values.macs == 64 * 64 * 768
    grouped = tuple(Attention("a", heads=8, kv_heads=2, size=16).products(queries=3, keys=10))
    assert [layer.macs for layer in grouped] == [8 * 16 * 3 * 10] * 2
    assert sum(layer.weights for layer in grouped) == 2 * 10 * 2 * 16  # keys and values are kept once per group


def test_decoding_reads_the_whole_cache_and_all_weights_for_one_token():
    step = load_workload("llama-7b", Demand("decode", context=1000))
    assert {layer.positions for layer in step.layers} == {1}
    cache = sum(layer.weights for layer in step.layers if layer.kind == "matmul")
    assert cache == 2 * 32 * 4096 * 1001
    alone = load_workload("llama-7b", Demand("decode", context=0))
    weights = sum(layer.weights for layer in alone.layers if layer.kind != "matmul")
    assert weights == 6738415616 - 32000 * 4096 - 65 * 4096  # all parameters without embeddings and norms
    assert any("1.95%" in each.reason for each in alone.skipped)


def test_a_decoder_looks_at_its_source_and_keeps_its_keys():
    whole = {layer.name for layer in load_workload("t5-small", Demand(tokens=16)).layers}
    step = load_workload("t5-small", Demand("decode", context=5))
    names = {layer.name: layer for layer in step.layers}
    cross = "decoder.block.0.layer.1.EncDecAttention"
    assert f"{cross}.k" in whole and f"{cross}.k" not in names and not any("encoder." in each for each in names)
    assert names[f"{cross}.scores"].rows == 8 * 512
    assert names["decoder.block.0.layer.0.SelfAttention.scores"].rows == 8 * 6


def test_samples_at_once_share_weights_and_not_keys():
    one, four = (resolve(Asked("gpt2", Demand("decode", context=9, batch=batch))) for batch in (1, 4))
    for a, b in zip(one.descriptors, four.descriptors, strict=True):
        assert b.layer.macs == 4 * a.layer.macs
        assert b.layer.weights == a.layer.weights * (4 if a.layer.kind == "matmul" else 1)
    result = crisp_hw.evaluate("resnet50", "dense", layers="layer1.0.conv1", batch=4, cache=False)
    alone = crisp_hw.evaluate("resnet50", "dense", layers="layer1.0.conv1", cache=False)
    assert result.rows[0].real_macs == 4 * alone.rows[0].real_macs
    assert alone.rows[0].cycles < result.rows[0].cycles <= 4 * alone.rows[0].cycles
    assert any("4 samples at once" in each for each in result.network.assumptions)


@pytest.mark.slow
def test_products_of_activations_run_dense_on_every_accelerator():
    archs = [name for name in crisp_hw.list_arch() if not crisp_hw.load_arch(name).runs.skips]
    found = crisp_hw.evaluate("gpt2", archs, nm="2:4", layers="h.0.attn.*", tokens=16, phase="prefill", cache=False)
    products = [row for row in found.rows if row.descriptor.layer.kind == "matmul"]
    assert len(products) == 2 * len(archs)
    assert all(row.cycles == row.dense_cycles and row.descriptor.density == 1 for row in products)


def test_the_time_of_decoding_is_what_the_outermost_level_reads_over_its_bandwidth():
    """With a memory so slow that nothing else matters: no layer waits for anything but DRAM, to the cycle."""
    words = (
        "evaluate llama-7b --phase decode --context 0 --layers model.layers.0.* --set dram_read_bandwidth=4 -a dense"
    )
    found = json.loads(run(*words.split(), "--no-cache", "-f", "json").stdout)
    for row in found["layers"]:
        assert row["binds"] == "DRAM read" and row["cycles"] == -(-row["dram_read_words"] // 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resnet50", "--tokens", "3"], "tokens: resnet50 is no transformer"),
        (["bert-base", "--phase", "decode"], "bert is an encoder, which has no cache"),
        (["vit-base", "--tokens", "3"], "the tokens of a vit are those of its image, 197"),
        (["gpt2", "--batch", "0"], "batch"),
    ],
)
def test_what_has_no_effect_is_refused(words, said):
    refused = run("evaluate", *words)
    assert refused.exit_code == 2 and said in refused.stderr


def test_a_configuration_of_ones_own(tmp_path):
    text = "schema: crisp-hw/workload/1\nname: tiny\nsource: mine\nconfig: {model_type: llama, hidden_size: 8, "
    (tmp_path / "a.yaml").write_text(
        text + "intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 4, "
        "num_key_value_heads: 2, vocab_size: 9}\n"
    )
    tiny = load_workload(tmp_path / "a.yaml", Demand(tokens=2))
    assert next(layer for layer in tiny.layers if layer.kind == "matmul").groups == 2
    (tmp_path / "b.yaml").write_text(text + "}\n".replace("}", "vocab_size: 9}"))
    assert "the configuration has no intermediate_size" in run("workload", "show", tmp_path / "b.yaml").stderr
    (tmp_path / "c.yaml").write_text("schema: crisp-hw/workload/1\nname: none\nsource: mine\n")
    assert "needs either layers or a config" in run("workload", "show", tmp_path / "c.yaml").stderr
    with pytest.raises(crisp_hw.InputError, match="model_type 'x' are not known"):
        transformer({"model_type": "x"}, Step("prefill", 1, 0, 1))


def test_a_product_in_a_layer_table_and_in_a_file_of_ours(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "schema: crisp-hw/workload/1\nname: own\nsource: mine\nlayers:\n"
        "  - {name: qk, kind: matmul, in_channels: 32, out_channels: 64, groups: 2, tokens: 5}\n"
    )
    (layer,) = load_workload(tmp_path / "a.yaml").layers
    assert layer == Layer("qk", "matmul", 64, 32, groups=2, tokens=5) and layer.macs == 64 * 16 * 5
    model = PrunedModel("own", (PrunedLayer(layer, "dense"),))
    crisp_hw.save_pruned(tmp_path / "run.safetensors", model)
    assert crisp_hw.load_pruned(tmp_path / "run.safetensors") == model
    wrong = replace(layer, kernel=(3, 3), input_size=(8, 8))
    crisp_hw.save_pruned(tmp_path / "bad.safetensors", replace(model, layers=(PrunedLayer(wrong, "dense"),)))
    with pytest.raises(crisp_hw.InputError, match="has no kernel"):
        crisp_hw.load_pruned(tmp_path / "bad.safetensors")


def test_a_folder_of_hugging_face_is_its_configuration_and_its_zeros(tmp_path):
    torch = pytest.importorskip("torch", reason="writes weights")
    config = {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 9, "n_positions": 16}
    (tmp_path / "config.json").write_text(json.dumps(config))
    sizes = {"attn.c_attn": (8, 24), "attn.c_proj": (8, 8), "mlp.c_fc": (8, 32), "mlp.c_proj": (32, 8)}
    weights = {f"transformer.h.0.{name}.weight": torch.ones(size) for name, size in sizes.items()}
    weights["transformer.h.0.mlp.c_fc.weight"][:, 3] = 0  # an output, which stands last there
    torch.save(weights, tmp_path / "pytorch_model.bin")
    found = resolve(Asked(f"hf:{tmp_path}", Demand("decode", context=5)))
    layers = {each.layer.name: each for each in found.descriptors}
    assert list(layers)[-1] == "lm_head" and layers["h.0.attn.scores"].layer.rows == 2 * 6
    assert (layers["h.0.mlp.c_fc"].nnz, layers["h.0.mlp.c_fc"].layer.rows) == (31 * 8, 32)
    assert any("that of the embeddings" in each.reason for each in found.skipped)
    weights["transformer.h.0.mlp.c_fc.weight"] = torch.ones(8, 31)
    torch.save(weights, tmp_path / "pytorch_model.bin")
    assert "the configuration makes layer 'h.0.mlp.c_fc' [32, 8]" in run("evaluate", tmp_path).stderr


def test_the_causal_half_of_attention_is_told_apart(tmp_path):
    """Of T queries, the one at place t sees C + t keys: T(T - 1)/2 scores per head are for nothing."""
    for name, demand, dropped in (
        ("gpt2", Demand(tokens=64), 2 * 12 * 768 * (64 * 63 // 2)),
        ("gpt2", Demand("decode", tokens=5, context=7), 2 * 12 * 768 * (5 * 4 // 2)),
        ("llama-7b", Demand("decode", context=9), 0),
        ("t5-small", Demand(tokens=16), 2 * 6 * 512 * (16 * 15 // 2)),  # of its decoder over itself alone
        ("bert-base", Demand(tokens=64), 0),
        ("vit-base", Demand(), 0),
    ):
        layers = load_workload(name, demand).layers
        assert sum(layer.masked_macs for layer in layers) == dropped, name
    found = json.loads(run("evaluate", "gpt2", "--tokens", 64, "--layers", "h.0.*", "-a", "dense", "-f", "json").stdout)
    (said,) = found["outermost"]
    whole, layer = 12 * 768**2 * 64 + 2 * 768 * 64**2, 2 * 768 * 64**2
    assert said["attention_share"] == layer / whole and said["masked_share"] == 768 * 64 * 63 / whole
    shown = run("evaluate", "gpt2", "--tokens", 64, "--layers", "h.0.*", "-a", "dense").stdout
    assert "evaluated in full; the causal part alone would be" in " ".join(shown.split())
    assert "a causal mask drops the results of" in run("workload", "show", "gpt2").stdout


def test_what_a_mask_drops_is_kept_in_a_file_of_ours(tmp_path):
    scores, _ = Attention("a", 4, 2, 8, causal=True).products(queries=3, keys=3)
    model = PrunedModel("own", (PrunedLayer(scores, "dense"),))
    crisp_hw.save_pruned(tmp_path / "run.safetensors", model)
    assert crisp_hw.load_pruned(tmp_path / "run.safetensors").layers[0].layer.masked_macs == 4 * 8 * 3
    assert resolve(Asked(model, Demand(batch=5))).descriptors[0].layer.masked_macs == 5 * 4 * 8 * 3
    many = replace(scores, masked_macs=scores.macs + 1)
    crisp_hw.save_pruned(tmp_path / "bad.safetensors", replace(model, layers=(PrunedLayer(many, "dense"),)))
    with pytest.raises(crisp_hw.InputError, match="a mask drops 289 of its 288 MACs"):
        crisp_hw.load_pruned(tmp_path / "bad.safetensors")


def test_activations_of_decoding_are_read_again_where_weights_leave_them_no_room():
    """A tile of 64 rows and 4,096 columns fills the SMEM to the byte: K is halved, and the vector read per 64 rows."""
    words = "evaluate llama-7b --phase decode --context 0 -a dense --layers model.layers.0.self_attn.q_proj -f json"
    (layer,) = json.loads(run(*words.split()).stdout)["layers"]
    assert layer["dram_read_words"] == 4096 * 4096 + 64 * 4096 and layer["mapping"].startswith("DRAM G64 K2")
    whole = ("evaluate", "llama-7b", "--phase", "decode", "--context", 0, "--layers", "model.layers.0.*", "-f", "json")
    (fabric,) = json.loads(run(*whole, "-a", "dense").stdout)["outermost"]
    (larger,) = json.loads(run(*whole, "-a", "dense:smem_kb=512").stdout)["outermost"]
    assert fabric["weights_share"] < 0.99 < larger["weights_share"]
    assert larger["activation_reads"] < fabric["activation_reads"] and fabric["activation_reads"] > 50


ABOVE = {"eyeriss-v1": 99.98, "systolic": 99.95, "vegeta": 99.91, "s2ta": 99.03}
BELOW = {"crisp-stc": 98.45, "dense": 98.45, "dstc": 98.49, "stc": 98.45, "eyeriss-v2-pe": 98.16}
BELOW |= {"highlight": 98.43, "stc-flexible": 98.43}


@pytest.mark.slow
def test_without_context_weights_are_nearly_all_that_decoding_reads():
    """Above 99 % where each activation is read once or little more; the page says where, and why not elsewhere."""
    assert {*ABOVE, *BELOW, "eie"} == set(crisp_hw.list_arch())  # eie has no mapping of the widest layer
    archs = [word for name in (*ABOVE, *BELOW) for word in ("-a", name)]
    words = ("evaluate", "llama-7b", "--phase", "decode", "--context", 0, "--layers", "model.layers.0.*", *archs)
    found = {each["arch"]: each for each in json.loads(run(*words, "-f", "json").stdout)["outermost"]}
    assert {arch: round(100 * each["weights_share"], 2) for arch, each in found.items()} == ABOVE | BELOW
    assert all((found[arch]["activation_reads"] < 50) is (arch in ABOVE) for arch in found)
    page = (Path(__file__).parents[2] / "docs" / "transformers.md").read_text()
    assert all(f"{arch} ({share:.2f} %)" in page for arch, share in ABOVE.items())


def test_macs_by_hand():
    """Every product of a network written out: image patches, cross-attention with lengths of its own, grouped heads."""
    vit = 12 * (197 * (4 * 768**2 + 2 * 768 * 3072) + 2 * 197**2 * 768) + 196 * 768 * (3 * 16 * 16) + 1000 * 768
    assert macs(load_workload("vit-base")) == vit
    inside, mlp = 4 * 512**2 * 16 + 2 * 16 * 16 * 512, 2 * 512 * 2048 * 16
    t5 = 6 * (inside + mlp) + 6 * (2 * inside + mlp) + 32128 * 512 * 16
    assert macs(load_workload("t5-small", Demand(tokens=16))) == t5
    # one new token behind 5, which looks at 512 of the source: their keys and values are kept, not computed again
    own, cross = 4 * 512**2 + 2 * 6 * 512, 2 * 512**2 + 2 * 512 * 512
    assert macs(load_workload("t5-small", Demand("decode", context=5))) == 6 * (own + cross + mlp // 16) + 32128 * 512


@pytest.mark.parametrize("batch", [1, 3])
def test_grouped_heads_and_samples_by_hand(batch, tmp_path):
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 50}
    config = {"model_type": "llama", **sizes, "num_attention_heads": 8, "num_key_value_heads": 2}
    start = "schema: crisp-hw/workload/1\nname: g\nsource: mine\nconfig: "
    (tmp_path / "g.yaml").write_text(start + json.dumps(config))
    found = resolve(Asked(str(tmp_path / "g.yaml"), Demand("decode", tokens=4, context=6, batch=batch))).descriptors
    linear = 4 * (2 * 64**2 + 2 * 16 * 64 + 3 * 64 * 96)  # q and o, k and v of two heads of 8, the three of the MLP
    assert sum(each.layer.macs for each in found) == batch * (2 * (linear + 2 * 8 * 8 * 4 * 10) + 50 * 64 * 4)
    cache = [each.layer.weights for each in found if each.layer.kind == "matmul"]
    assert cache == [batch * 2 * 8 * 10] * 4  # keys, or values, of two heads for ten tokens of every sample
    weights = sum(each.layer.weights for each in found if each.layer.kind != "matmul")
    assert weights == 2 * (linear // 4) + 50 * 64  # shared by all samples


def test_a_batch_of_images_by_hand():
    """MobileNetV2's stem, a depthwise layer and the classifier: positions of all images, weights once."""
    found = {each.layer.name: each.layer for each in resolve(Asked("mobilenetv2", Demand(batch=5))).descriptors}
    stem, deep, last = found["features.0.0"], found["features.1.conv.0.0"], found["classifier.1"]
    assert (stem.macs, stem.weights) == (5 * 32 * 27 * 112**2, 32 * 27)
    assert (deep.macs, deep.groups, deep.weights) == (5 * 32 * 9 * 112**2, 32, 32 * 9)
    assert (last.macs, last.positions) == (5 * 1280 * 1000, 5)
