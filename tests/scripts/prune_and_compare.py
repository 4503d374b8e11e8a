"""An ML researcher: prune one network to several sparsities, and put accuracy beside speedup and energy."""

import copy

import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import crisp_hw
from crisp_prune import Crisp, CrispConfig

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
train = TensorDataset(images[:1400], labels[:1400])
test_images, test_labels = images[1400:], labels[1400:]
loader = DataLoader(train, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.AdaptiveAvgPool2d(4), nn.Flatten(),
    nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for _ in range(4):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def accuracy(network):
    with torch.no_grad():
        return (network.eval()(test_images).argmax(1) == test_labels).float().mean().item()


rows = [{"sparsity": 0.0, "accuracy": accuracy(model)}]
for sparsity in (0.5, 0.7, 0.9):
    pruner = Crisp(copy.deepcopy(model), CrispConfig(sparsity=sparsity, n=2, m=4, block=16, epochs=4))
    pruner.fit(loader)
    pruned = pruner.finalize()
    result = crisp_hw.evaluate(pruner.export("digits"), arch=["stc", "crisp-stc"])
    (totals,) = result["crisp-stc"].to_frame("totals").to_dict("records")
    rows.append({
        "sparsity": pruner.sparsity,
        "accuracy": accuracy(pruned),
        "speedup": totals["speedup"],
        "energy_gain": totals["energy_gain"],
    })  # fmt: skip

print(pd.DataFrame(rows).round(3))
result.plot("speedup", save="speedup.pdf")
result.to_csv("layers.csv")
