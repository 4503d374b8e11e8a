"""Networks of others against PyTorch's FLOP counter, planned, and evaluated: `python benchmarks/models.py OUT.csv`.

It needs an environment with timm and transformers beside crisp-hw: `pip install timm transformers`. Nothing is
downloaded: models of timm have random weights, those of transformers come from their configurations. OUT.csv is
written anew after every cell, and cells that it holds are kept: the same command goes on where it was stopped. Remove
the file to measure everything again.
"""

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TIMM = (
    *("resnet18", "resnet50", "resnext50_32x4d", "vgg16", "mobilenetv2_100", "mobilenetv3_large_100", "regnety_008"),
    *("efficientnet_b0", "efficientnet_lite0", "densenet121", "inception_v3", "convnext_tiny", "mixer_s32_224"),
    *("mobilenetv1_100", "wide_resnet50_2"),
    *("vit_tiny_patch16_224", "vit_base_patch16_224", "deit_small_patch16_224", "swin_tiny_patch4_window7_224"),
)
COUNTS = ("model", "layers", "macs", "counted_macs", "ratio", "attention_share", "causal_macs", "causal_share")
PLANS = ("plan_layers", "plan_sparsity", "plan_block", "plan_highest")
BLOCKS, SPARSITIES = (64, 32, 16, 8, 4), (0.9, 0.8, 0.7, 0.6, 0.5)
Maker = Callable[[], tuple[Any, Any]]


def image_models() -> Iterator[tuple[str, Maker]]:
    """Models of timm, each with an image of its own size; sizes alone are counted, so that no number is calculated."""
    import timm
    import torch

    def make(name: str) -> tuple[Any, Any]:
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False)
            return model, torch.zeros(1, *model.pretrained_cfg["input_size"])

    for name in TIMM:
        yield name, lambda name=name: make(name)


def language_models() -> Mapping[str, Maker]:
    """Models of transformers from their configurations, each with its inputs: 64 tokens, or what else it takes."""
    import torch
    import transformers as hf

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
        "vit-base of transformers": lambda: (hf.ViTModel(hf.ViTConfig()), {"pixel_values": image}),
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


def counts_of(name: str, network: Any, counted: int) -> dict[str, Any]:
    """The MACs of a network in full, as PyTorch counts them, and what is left where a causal mask is made use of."""
    macs = sum(layer.macs for layer in network.layers)
    attention = sum(layer.macs for layer in network.layers if layer.kind == "matmul")
    left = macs - sum(layer.masked_macs for layer in network.layers)
    found = {
        "model": name,
        "layers": len(network.layers),
        "macs": macs,
        "counted_macs": counted,
        "ratio": f"{macs / counted:.3f}",
        "attention_share": f"{attention / macs:.4f}",
    }
    return {**found, "causal_macs": left, "causal_share": f"{(left - macs + attention) / left:.4f}"}


def plan_of(model: Any) -> dict[str, Any]:
    """What CRISP can do with it at 2:4: the highest share of zeros in reach, and the largest blocks for it."""
    from crisp_prune import CrispConfig
    from crisp_prune.plan import make_plan

    plans = {block: make_plan(model, CrispConfig(sparsity=0.5, n=2, m=4, block=block)) for block in BLOCKS}
    pruned = [layer.role != "dense" for layer in plans[BLOCKS[0]].layers]
    found = {"plan_layers": f"{sum(pruned)} of {len(pruned)}"}
    for sparsity in SPARSITIES:
        for block, plan in plans.items():
            if plan.highest >= sparsity:
                return {**found, "plan_sparsity": sparsity, "plan_block": block, "plan_highest": f"{plan.highest:.4f}"}
    return found


def cycles_of(network: Any, arch: str) -> int | str:
    """Its cycles at 2:4; in words where the accelerator runs but some layers, or has no mapping of one."""
    import crisp_hw
    from crisp_hw.errors import MappingError
    from crisp_hw.spec.shown import counted

    try:
        rows = crisp_hw.evaluate(network, arch, nm="2:4").rows
    except MappingError as error:
        print(f"{network.name}: {error}", file=sys.stderr)
        return "no mapping"
    whole = len(rows) == len(network.layers)
    return sum(row.cycles for row in rows) if whole else counted(len(rows), "layer")


def kept_rows(out: Path, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What a run before this one has measured, by model; nothing where there is no file."""
    if not out.exists():
        return {}
    with out.open(newline="") as file:
        table = csv.DictReader(file)
        rows = list(table)
    if unknown := set(table.fieldnames or ("",)) - set(columns):
        sys.exit(f"{out} has columns of another table, {', '.join(sorted(unknown))}; remove it or name another file")
    return {row["model"]: row for row in rows}


def write_rows(out: Path, columns: Sequence[str], rows: Mapping[str, Mapping[str, Any]]) -> None:
    """The whole table in one step, so that a run that is killed leaves the table before or the one after."""
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows.values())
    beside = out.with_suffix(".part")
    beside.write_text(text.getvalue(), newline="")
    beside.replace(out)


def measure(out: Path, makers: Mapping[str, Maker], archs: Sequence[str]) -> None:
    """Fill every cell that the table does not hold yet; those of other accelerators stay."""
    import crisp_hw

    columns = (*COUNTS, *PLANS, *crisp_hw.list_arch())
    before = kept_rows(out, columns)
    rows = {name: before.get(name, {"model": name}) for name in makers}
    for name, make in makers.items():
        row = rows[name]
        missing = [arch for arch in archs if not row.get(arch)]
        if row.get("ratio") and row.get("plan_layers") and not missing:
            continue
        model, example = make()
        network = crisp_hw.Workload.from_torch(model, example)
        if not (row.get("ratio") and row.get("plan_layers")):
            row.update(counts_of(name, network, counted_macs(model, example)), **plan_of(model))
            write_rows(out, columns, rows)
        for arch in missing:
            row[arch] = cycles_of(network, arch)
            write_rows(out, columns, rows)


def page_rows(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The table of docs/transformers.md, from that of `main`."""
    yield "| model | layers | MACs | to PyTorch's counter | MACs, causal part alone | plan at 2:4 | accelerators |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        archs = {name: row[name] for name in row if name not in (*COUNTS, *PLANS)}
        plan = f"{float(row['plan_sparsity']):.0%} in blocks of {row['plan_block']}".replace("%", " %")
        ran = f"{sum(each.isdigit() for each in archs.values())} of {len(archs)}"
        ran += "".join(f"; {name}: {each or 'not searched'}" for name, each in archs.items() if not each.isdigit())
        causal = f"{int(row['causal_macs']):,}" if row["causal_macs"] != row["macs"] else "the same"
        cells = (row["model"], row["layers"], f"{int(row['macs']):,}", row["ratio"], causal, plan, ran)
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the table, a cell as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--evaluate", action="store_true", help="also evaluate at 2:4 on every accelerator (300 s of CPU time)"
    )
    parser.add_argument("--page", action="store_true", help="print the table of the page from OUT as it is")
    asked = parser.parse_args()
    if asked.page:
        print("\n".join(page_rows(list(csv.DictReader(asked.out.open())))))
        return 0
    import torch

    import crisp_hw

    torch.set_num_threads(1)
    measure(asked.out, {**dict(image_models()), **language_models()}, crisp_hw.list_arch() if asked.evaluate else ())
    return 0


if __name__ == "__main__":
    sys.exit(main())
