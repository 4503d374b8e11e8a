"""Networks of others against PyTorch's FLOP counter, and on every accelerator: `python benchmarks/models.py OUT.csv`.

It needs an environment with timm and transformers beside crisp-hw: `pip install timm transformers`. Nothing is
downloaded: models of timm have random weights, those of transformers come from their configurations.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TIMM = (
    *("resnet18", "resnet50", "resnext50_32x4d", "vgg16", "mobilenetv2_100", "mobilenetv3_large_100", "regnety_008"),
    *("efficientnet_b0", "efficientnet_lite0", "densenet121", "inception_v3", "convnext_tiny", "mixer_s32_224"),
    *("vit_tiny_patch16_224", "vit_base_patch16_224", "deit_small_patch16_224", "swin_tiny_patch4_window7_224"),
)
FIELDS = ("model", "layers", "macs", "counted_macs", "ratio", "attention_share", "archs", "dense_cycles")


def language_models() -> Mapping[str, Callable[[], tuple[Any, Mapping[str, Any]]]]:
    """Models of transformers from their configurations, each with its inputs: 64 tokens, or what else it takes."""
    import torch
    import transformers as hf

    with torch.device("meta"):
        tokens, image = torch.ones(1, 64, dtype=torch.long), torch.zeros(1, 3, 224, 224)
    llama = {"hidden_size": 512, "intermediate_size": 1376, "num_hidden_layers": 4, "vocab_size": 32000}
    grouped = {**llama, "num_attention_heads": 8, "num_key_value_heads": 2}
    one, both = {"input_ids": tokens}, {"input_ids": tokens, "decoder_input_ids": tokens}
    return {
        "bert-base": lambda: (hf.BertModel(hf.BertConfig()), one),
        "distilbert": lambda: (hf.DistilBertModel(hf.DistilBertConfig()), one),
        "gpt2": lambda: (hf.GPT2LMHeadModel(hf.GPT2Config()), one),
        "t5-small": lambda: (hf.T5ForConditionalGeneration(hf.T5Config()), both),
        "opt-125m": lambda: (hf.OPTForCausalLM(hf.OPTConfig(ffn_dim=3072, num_hidden_layers=12)), one),
        "llama, grouped": lambda: (hf.LlamaForCausalLM(hf.LlamaConfig(**grouped)), one),
        "qwen2, grouped": lambda: (hf.Qwen2ForCausalLM(hf.Qwen2Config(**grouped)), one),
        "vit-base of transformers": lambda: (
            hf.ViTModel(hf.ViTConfig()),
            {"pixel_values": image},
        ),
    }


def counted_macs(model: Any, example: Any) -> int:
    """Multiply-accumulates by PyTorch's counter, where no fused operation hides attention."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    given = example if isinstance(example, dict) else {}
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.eval()(**given) if given else model.eval()(example)
    return int(counter.get_total_flops() // 2)


def row_of(name: str, model: Any, example: Any, evaluated: bool) -> dict[str, Any]:
    """One model: its MACs against the counter's, and where asked for, its evaluation on all accelerators."""
    import crisp_hw

    network = crisp_hw.Workload.from_torch(model, example)
    macs, counted = sum(layer.macs for layer in network.layers), counted_macs(model, example)
    attention = sum(layer.macs for layer in network.layers if layer.kind == "matmul")
    row = {
        "model": name,
        "layers": len(network.layers),
        "macs": macs,
        "counted_macs": counted,
        "ratio": f"{macs / counted:.3f}",
        "attention_share": f"{attention / macs:.4f}",
    }
    if evaluated:
        found = crisp_hw.evaluate(network, list(crisp_hw.list_arch()), nm="2:4", cache=False)
        row["archs"] = len({each.arch for each in found.rows})
        row["dense_cycles"] = sum(each.cycles for each in found.rows if each.arch == "dense")
    return row


def main() -> int:
    """Write the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--evaluate", action="store_true", help="also evaluate at 2:4 on every accelerator (hours)")
    asked = parser.parse_args()
    import timm
    import torch

    torch.set_num_threads(1)
    meta = torch.device("meta")  # sizes alone are counted, so that no number is calculated
    with asked.out.open("w", newline="") as file:
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        for name in TIMM:
            with meta:
                model = timm.create_model(name, pretrained=False)
                example = torch.zeros(1, *model.pretrained_cfg["input_size"])
                table.writerow(row_of(name, model, example, asked.evaluate))
            file.flush()
        for name, make in language_models().items():
            with meta:
                table.writerow(row_of(name, *make(), asked.evaluate))
            file.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
