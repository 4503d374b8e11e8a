"""An ML researcher with an accelerator: a network that torch pruned, on a chip described in a file."""

from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import prune

import crisp_hw

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(16, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 64, 32))
for layer in (model[0], model[3]):
    prune.l1_unstructured(layer, "weight", amount=0.8)
torch.save(model.state_dict(), "checkpoint.pt")

network = crisp_hw.describe_checkpoint(torch.load("checkpoint.pt"), model, torch.zeros(1, 16, 8, 8))
for layer in crisp_hw.describe(network):
    print(layer)

Path("mychip.yaml").write_text("""
extends: dstc
name: mychip
""")
result = crisp_hw.evaluate(network, arch=["dense", "dstc", "mychip.yaml"])
print(result)
print(result.to_frame()[["layer", "arch", "cycles", "speedup"]])
for row in result["mychip"]:
    print(row.layer, row.cycles, row.speedup)
print(result.explain(layer="0", arch="mychip"))
result.save("results")
again = crisp_hw.Evaluation.load("results")
assert again == result
