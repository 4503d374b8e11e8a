"""Folders as transformers saves them: which layers there are follows from the configuration and from the weights."""

import json

import pytest
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.cli import app
from crisp_hw.sources import Asked, resolve
from crisp_hw.spec.transformers import Demand, Step, transformer

torch = pytest.importorskip("torch", reason="writes weights")

LLAMA = {"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "vocab_size": 9}
LLAMA |= {"num_attention_heads": 2, "tie_word_embeddings": False}
GPT2 = {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 9, "n_positions": 16}
T5 = {"model_type": "t5", "d_model": 8, "d_ff": 16, "d_kv": 4, "num_heads": 2, "num_layers": 1, "vocab_size": 9}
VIT = {"model_type": "vit", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "image_size": 8}
VIT |= {"patch_size": 4, "num_channels": 3, "num_attention_heads": 2}


def folder(path, config, drop=(), **more):
    """All weights that a configuration tells of, but for those of some names, and others beside them."""
    (path / "config.json").write_text(json.dumps(config))
    made = transformer({"num_labels": 2, **config}, Step("prefill", 4, 0, 4))
    weights = {name: torch.ones(shape) for name, shape in more.items()}
    for layer in made.layers:
        if layer.kind != "matmul" and not any(word in layer.name for word in drop):
            taps = layer.kernel if layer.kind == "conv2d" else ()
            shape = (layer.out_channels, layer.in_channels, *taps)
            turned = layer.name.rpartition(".")[2].startswith("c_")
            weights[f"{layer.name}.weight"] = torch.ones(shape[::-1] if turned else shape)
    torch.save(weights, path / "pytorch_model.bin")
    found = resolve(Asked(path, Demand()))
    return [each.layer for each in found.descriptors], {each.name: each.reason for each in found.skipped}


HEADS = {
    "no head": (GPT2 | {"architectures": ["GPT2Model"]}, False),
    "shared with the embeddings": (GPT2 | {"architectures": ["GPT2LMHeadModel"]}, True),
    "said to be shared": (LLAMA | {"tie_word_embeddings": True}, True),
    "for classes": (LLAMA | {"architectures": ["LlamaForSequenceClassification"]}, False),
    "not shared, and not there": (LLAMA | {"architectures": ["LlamaForCausalLM"]}, False),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_for_words_is_there_where_the_folder_says_so(kind, tmp_path):
    config, there = HEADS[kind]
    layers, skipped = folder(tmp_path, config, ["lm_head"], **{"score.weight": (2, 8)})
    assert ("lm_head" in {layer.name for layer in layers}) is there
    assert skipped["lm_head"].startswith("its weight is that of" if there else "not among the weights")
    assert skipped["score"] == "a weight of [2, 8] that the configuration does not tell the use of, left out"
    tables = 16 * 8 * (config["model_type"] == "gpt2") + 9 * 8 * (
        kind not in ("shared with the embeddings", "said to be shared")
    )
    assert skipped["embeddings"].startswith(f"table look-up of {tables} weights")


def test_products_of_attention_are_there_with_their_projections(tmp_path):
    layers, skipped = folder(tmp_path, T5 | {"architectures": ["T5EncoderModel"]}, ["decoder", "lm_head"])
    assert [layer.name for layer in layers if layer.kind == "matmul"] == [
        "encoder.block.0.layer.0.SelfAttention.scores",
        "encoder.block.0.layer.0.SelfAttention.values",
    ]
    assert "decoder.block.0.layer.1.EncDecAttention.scores" in skipped


@pytest.mark.parametrize(
    ("labels", "classes"), [({}, 2), ({"id2label": {"0": "a", "1": "b", "2": "c"}}, 3), ({"num_labels": 7}, 7)]
)
def test_the_classes_of_a_vit_are_its_labels(labels, classes, tmp_path):
    layers, _ = folder(tmp_path, VIT | labels, ["classifier"], **{"classifier.weight": (classes, 8)})
    assert (layers[-1].name, layers[-1].rows) == ("classifier", classes)
    assert layers[0].name == "embeddings.patch_embeddings.projection"
    _, skipped = folder(tmp_path, VIT | labels, ["classifier"])
    assert skipped["classifier"] == "not among the weights of the folder, left out"


WRONG = {
    "5 heads": ({"num_attention_heads": 5}, "a width of 8 is no multiple of the 5 heads"),
    "3 of 4 keys": ({"num_attention_heads": 4, "num_key_value_heads": 3}, "4 heads of attention cannot share 3 keys"),
    "text": ({"hidden_size": "8"}, "the configuration has hidden_size '8'"),
    "none": ({"num_hidden_layers": None}, "the configuration has num_hidden_layers None"),
    "zero": ({"num_key_value_heads": 0}, "the configuration has num_key_value_heads 0"),
    "without end": ({"num_hidden_layers": 10**12}, "it must be a whole number from 1 to 4,096"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_numbers_of_a_configuration_that_make_no_network(kind):
    change, said = WRONG[kind]
    with pytest.raises(crisp_hw.InputError, match=said):
        transformer(LLAMA | change, Step("prefill", 4, 0, 4))


def test_heads_of_a_size_of_their_own():
    made = transformer(LLAMA | {"num_attention_heads": 3, "head_dim": 4}, Step("prefill", 4, 0, 4))
    assert made.layers[0].rows == 12 and made.layers[3].columns == 4


# of models of transformers 5.24.0 with two layers of width 64: MACs of 8 tokens by torch.utils.flop_counter (torch
# 2.14.1), and the weights of embeddings and norms of their checkpoints
TWO = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100}
COUNTED = {
    "roberta": ({"max_position_embeddings": 512, "type_vocab_size": 2}, 544768, 39296, 640),
    "qwen3": ({"num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": False}, 657408, 6400, 384),
    "gemma": ({"num_key_value_heads": 1, "head_dim": 16}, 624640, 0, 320),
    "qwen2": ({"num_key_value_heads": 2, "tie_word_embeddings": True}, 657408, 0, 320),
}


@pytest.mark.parametrize("family", COUNTED)
def test_other_families_have_the_layers_that_transformers_gives_them(family):
    more, macs, embeddings, norms = COUNTED[family]
    made = transformer({"model_type": family, **TWO, **more}, Step("prefill", 8, 0, 8))
    assert sum(layer.macs for layer in made.layers) == macs
    assert (made.tables.embeddings, made.tables.norms) == (embeddings, norms)


def test_a_folder_becomes_a_file_of_ours_with_its_tokens(tmp_path):
    folder(tmp_path, GPT2)
    words = ("import", tmp_path, "-o", tmp_path / "run.safetensors", "--phase", "decode", "--tokens", 2, "--context", 5)
    written = CliRunner().invoke(app, [str(word) for word in words], prog_name="crisp-hw")
    assert written.exit_code == 0 and "2 tokens behind 5" in written.stderr
    layers = {each.layer.name: each.layer for each in crisp_hw.load_pruned(tmp_path / "run.safetensors").layers}
    assert (layers["h.0.mlp.c_fc"].tokens, layers["h.0.attn.scores"].rows) == (2, 2 * 7)
    assert list(layers.values()) == [
        each.layer for each in crisp_hw.import_model(tmp_path, phase="decode", tokens=2, context=5).layers
    ]


def test_a_folder_of_folders_names_those_that_may_be_meant(tmp_path):
    for name in ("unet", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "unet" / "config.json").write_text("{}")
    with pytest.raises(crisp_hw.InputError, match=r"or one of its folders: .*unet$"):
        crisp_hw.describe(str(tmp_path))


def test_a_vit_has_the_tokens_of_its_image(tmp_path):
    folder(tmp_path, VIT)
    assert resolve(Asked(tmp_path, Demand())).read_as[0] == "5 tokens of its image"


def test_tokens_of_a_family_that_is_not_known(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "phi3"}')
    with pytest.raises(
        crisp_hw.InputError, match=r"layers follow from the configuration of bert.*, and this one is phi3"
    ):
        resolve(Asked(tmp_path, Demand(tokens=3)))
