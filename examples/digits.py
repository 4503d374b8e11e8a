"""A small CNN trained on real handwritten digits, then pruned for three of its ten classes: writes run.pt.

`make demo` runs it and evaluates the file on four accelerators. The images ship with scikit-learn.
"""

import argparse
from collections import OrderedDict
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from crisp_prune import Crisp, CrispConfig
from crisp_prune.evaluate import accuracy

CLASSES = (3, 5, 8)  # the three digits that are hardest to tell apart
SPARSITY = 0.85
BLOCK = 16  # the layers are small: 64 would leave one block column in most of them
HOLDOUT = 0.25


def model() -> nn.Module:
    """Four convolutions and a classifier: 110 thousand weights."""

    def stage(inputs: int, outputs: int, kernel: int = 3) -> nn.Module:
        conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs), act=nn.ReLU()))

    return nn.Sequential(
        OrderedDict(
            stem=stage(1, 32),
            stage1=stage(32, 64),
            pool=nn.MaxPool2d(2),
            stage2=stage(64, 128),
            stage3=stage(128, 128, kernel=1),
            mean=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            classifier=nn.Linear(128, 10),
        )
    )


def digits() -> tuple[TensorDataset, TensorDataset]:
    """Training and test images, 8 x 8 pixels, split at random with a fixed seed."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(data.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    cut = int(len(labels) * HOLDOUT)
    test, train = order[:cut], order[cut:]
    return TensorDataset(images[train], labels[train]), TensorDataset(images[test], labels[test])


def train_dense(network: nn.Module, batches: DataLoader[tuple[Tensor, ...]], epochs: int) -> None:
    """Plain training on all ten digits: the network that the user starts from."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(batches))
    network.train()
    for _ in range(epochs):
        for images, labels in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    """Train, prune, write run.pt, report accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out"))
    parser.add_argument("--epochs", type=int, default=8, help="of dense training")
    parser.add_argument("--prune-epochs", type=int, default=24, help="of pruning and fine-tuning together")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # as fast for so small a network, and the same result whatever the number of cores
    torch.manual_seed(0)
    train, test = digits()
    batches, held_out = DataLoader(train, batch_size=64, shuffle=True), DataLoader(test, batch_size=256)

    print(f"1. training on {len(train)} digits")
    network = model()
    train_dense(network, batches, args.epochs)
    before = accuracy(network, held_out, CLASSES)

    print(f"2. pruning to 2:4 + blocks of {BLOCK}, {SPARSITY:.0%} sparse, for the digits {CLASSES}")
    config = CrispConfig(sparsity=SPARSITY, n=2, m=4, block=BLOCK, classes=CLASSES, epochs=args.prune_epochs, lr=0.02)
    pruner = Crisp(network, config, sample=train[0][0].unsqueeze(0))
    pruner.fit(batches)
    after = accuracy(pruner.finalize(), held_out, CLASSES)
    scores = {"top1_before": vars(before), "top1_after": vars(after), "sparsity": pruner.sparsity}
    pruner.save(args.out / "run.pt", "digits-cnn", scores)
    print(f"   sparsity {pruner.sparsity:.1%} of the prunable weights, written to {args.out / 'run.pt'}")
    print(f"   top-1 among {CLASSES}: {before.top1_classes:.1%} before, {after.top1_classes:.1%} after pruning")
    print(f"   top-1 over all ten outputs: {before.top1_all:.1%} before, {after.top1_all:.1%} after pruning")


if __name__ == "__main__":
    main()
