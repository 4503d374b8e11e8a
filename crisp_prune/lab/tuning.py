"""Fine-tuning as OCAP's public code does it: which images, and how."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div
from torch.utils.data import DataLoader, TensorDataset

from crisp_prune.geometry import evaluation
from crisp_prune.head import classifier_of

IMAGES = 128
"""Images of each class to fine-tune on: OCAP's public code."""
DRAWS = 100
"""Random sets of which one is chosen: OCAP's public code ("redundancy_num")."""
EPOCHS, STEPS, LR, MOMENTUM, DECAY = 50, [20, 40], 1e-3, 0.9, 5e-4
"""Epochs, those after which the rate falls to a tenth, its start, momentum and weight decay: OCAP's public code."""


def chosen(network: nn.Module, images: Tensor, seed: int) -> Tensor:
    """Places of the images of one class to fine-tune on: the draw whose features differ most from those of all.

    Features are what the classifier reads; the divergence is Kullback and Leibler's, of their softmax averaged.
    That the largest is taken is the setting of OCAP's public code ("use_max").

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> len(chosen(network, torch.rand(200, 1, 2, 2), seed=0))
    128
    """
    read: list[Tensor] = []
    head = dict(network.named_modules())[classifier_of(network)]
    handle = head.register_forward_pre_hook(lambda module, given: read.append(given[0].softmax(1)))
    with evaluation(network), torch.no_grad():
        network(images)
    handle.remove()
    features = read[0]
    generator = torch.Generator().manual_seed(seed)
    draws = [torch.randperm(len(images), generator=generator)[:IMAGES] for _ in range(DRAWS)]
    of_all = features.mean(0)
    return max(draws, key=lambda draw: float(kl_div(features[draw].mean(0).log(), of_all, reduction="sum")))


def tune(network: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> None:
    """SGD with steps, in the global random generator's order."""
    batches = DataLoader(TensorDataset(images, labels), batch_size, shuffle=True, drop_last=len(images) > batch_size)
    optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, STEPS)
    network.train()
    for _ in range(EPOCHS):
        for batch, targets in batches:
            optimizer.zero_grad()
            torch.autograd.backward(cross_entropy(network(batch), targets))
            optimizer.step()
        schedule.step()
