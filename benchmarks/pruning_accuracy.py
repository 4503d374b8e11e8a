"""Accuracy of pruned networks on Fashion-MNIST, by method and sparsity: what a pruning schedule costs or saves.

A small CNN is trained on 256 images, 14 x 14, of each of the ten classes; then it is pruned and fine-tuned in 24
epochs for the four classes that are hardest to tell apart, on the same 256 images of each. "dense" is the same
fine-tuning without pruning. Printed is the top-1 on the 4,000 test images of the four classes, over all ten outputs,
in per cent: the mean over the seeds and each seed's own. The images are Debian's package dataset-fashion-mnist.
"""

import argparse
import gzip
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from crisp_prune import Crisp, CrispConfig
from crisp_prune.evaluate import accuracy

DATA = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (0, 2, 4, 6)  # T-shirt, pullover, coat, shirt
PER_CLASS = 256
BLOCK = 16
PRETRAIN_EPOCHS = 24


@dataclass(frozen=True)
class Method:
    """A way to prune: its pattern, its sparsity, and the share of the steps in which all pruning is done."""

    name: str
    n: int
    m: int
    sparsity: float
    prune_until: float = 0.5
    lr: float = 0.01

    def config(self, seed: int, epochs: int) -> CrispConfig:
        """The run's configuration; everything not named here is the default of `CrispConfig`."""
        return CrispConfig(
            sparsity=self.sparsity,
            n=self.n,
            m=self.m,
            block=BLOCK,
            classes=CLASSES,
            epochs=epochs,
            seed=seed,
            lr=self.lr,
            prune_until=self.prune_until,
        )


def methods(sparsities: Sequence[float]) -> list[Method]:
    """All that are compared; 4:4 keeps every weight of a group, so that only blocks are pruned, or nothing at all."""
    found = [Method("dense", 4, 4, 0.0)]
    for sparsity in sparsities:
        found.append(Method("CRISP 2:4", 2, 4, sparsity))
        found.append(Method("CRISP 2:4, prune_until=1", 2, 4, sparsity, 1.0))
        found.append(Method("block only", 4, 4, sparsity))
    return found


def small_cnn() -> nn.Module:
    """Three convolutions and a classifier: 94 thousand weights."""

    def stage(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    return nn.Sequential(
        *stage(1, 32),
        nn.MaxPool2d(2),
        *stage(32, 64),
        *stage(64, 128),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def images(part: str) -> tuple[Tensor, Tensor]:
    """The images of "train" or "t10k", halved to 14 x 14 pixels in [0, 1], and their labels."""

    def bytes_of(kind: str, header: int) -> np.ndarray:
        with gzip.open(DATA / f"{part}-{kind}-ubyte.gz") as file:
            return np.frombuffer(file.read(), dtype=np.uint8)[header:]

    pixels = torch.from_numpy(bytes_of("images-idx3", 16).copy()).reshape(-1, 1, 28, 28)
    return avg_pool2d(pixels.float() / 255, 2), torch.from_numpy(bytes_of("labels-idx1", 8).astype(np.int64))


def first_of_each(labels: Tensor, classes: Sequence[int], count: int) -> Tensor:
    """Indices of the first `count` images of each class."""
    return torch.cat([torch.nonzero(labels == label).flatten()[:count] for label in classes])


def pretrained(inputs: Tensor, labels: Tensor, seed: int) -> nn.Module:
    """The dense network that every method starts from, trained on all ten classes."""
    torch.manual_seed(seed)
    network, chosen = small_cnn(), first_of_each(labels, range(10), PER_CLASS)
    batches = DataLoader(TensorDataset(inputs[chosen], labels[chosen]), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=PRETRAIN_EPOCHS * len(batches))
    network.train()
    for _ in range(PRETRAIN_EPOCHS):
        for batch, targets in batches:
            optimizer.zero_grad()
            cross_entropy(network(batch), targets).backward()
            optimizer.step()
            schedule.step()
    return network


def measure(
    method: Method, network: nn.Module, data: Callable[[str], DataLoader[tuple[Tensor, ...]]], seed: int, epochs: int
) -> float:
    """Top-1 over all outputs after pruning and fine-tuning, in per cent."""
    pruner = Crisp(network, method.config(seed, epochs))
    pruner.fit(data("train"))
    return 100 * accuracy(pruner.finalize(), data("test"), CLASSES).top1_all


def main() -> None:
    """Every method on every seed, one line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=24, help="of pruning and fine-tuning together")
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.8, 0.9, 0.94])
    args = parser.parse_args()
    torch.set_num_threads(1)
    inputs, labels = images("train")
    tests, truths = images("t10k")
    chosen, asked = first_of_each(labels, CLASSES, PER_CLASS), torch.isin(truths, torch.tensor(CLASSES))

    def data(part: str) -> DataLoader[tuple[Tensor, ...]]:
        if part == "train":
            return DataLoader(TensorDataset(inputs[chosen], labels[chosen]), batch_size=32, shuffle=True)
        return DataLoader(TensorDataset(tests[asked], truths[asked]), batch_size=500)

    starts = [pretrained(inputs, labels, seed).state_dict() for seed in range(args.seeds)]
    for method in methods(args.sparsity):
        begun, scores = time.perf_counter(), []
        for seed, start in enumerate(starts):
            network = small_cnn()
            network.load_state_dict(start)
            scores.append(measure(method, network, data, seed, args.epochs))
        each = " ".join(f"{score:.1f}" for score in scores)
        seconds = time.perf_counter() - begun
        print(f"{method.name:26} {method.sparsity:.2f}  {mean(scores):.1f}  ({each})  {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
