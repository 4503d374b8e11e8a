"""A network, what each layer costs at each number of kept blocks, and how good a choice of them is."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_prune.batches import device_of, only_classes, to_device
from crisp_prune.blocks import RankColumns, block_scores, live_blocks, rank_columns
from crisp_prune.calling import call
from crisp_prune.choices import BALANCED
from crisp_prune.config import CrispConfig
from crisp_prune.evaluate import accuracy
from crisp_prune.handover import pruned_model
from crisp_prune.hardware import Budget, Target
from crisp_prune.iterate import MatrixMasks, nm_masks
from crisp_prune.losses import classification_loss
from crisp_prune.plan import budget_of
from crisp_prune.prune import Crisp
from crisp_prune.rng import preserved

Kept = Mapping[str, int]
"""Kept blocks of a block row, by layer."""
RENORMED = 4
"""Batches for the statistics of batch norms before a choice is judged: not given; assumed because without them all
choices are at chance, and more change nothing."""
SLACK = 1e-9
"""Relative slack of comparisons of costs: far below one block, far above rounding."""


@dataclass(frozen=True)
class Judge:
    """How choices are compared: batches to train on for some steps, those to test on, and how many may be judged."""

    batches: Sequence[Any]
    validation: Sequence[Any]
    steps: int = 8
    evaluations: int = 200
    seed: int = 0


class Problem:
    """What the drivers search: layers with blocks, the costs of their choices, a limit, and a judge.

    `pruner` has seen its gradients (`Crisp.measure`) and is left as it is; every choice is made on a copy. `trail`
    holds what was asked of the judge, in order.
    """

    def __init__(self, pruner: Crisp, judge: Judge, budget: Budget, target: Target) -> None:
        """Rank the blocks of every layer and ask for the cost of every number of them."""
        if pruner.config.pattern not in BALANCED:
            named = " and ".join(sorted(BALANCED))
            raise InputError(f"the pattern {pruner.config.pattern} has no budget", hint=f"{named} have")
        self.pruner, self.judge, self.config = pruner, judge, pruner.config
        scores = pruner.gradients.scores(pruner.weights, self.config.criterion, self.config.classes, pruner.layouts)
        self.dense_masks = nm_masks(scores, pruner.masks, self.config.n, self.config.m)
        self.ranks = {name: self._ranked(name, scores[name]) for name in budget_of(pruner.plan(), self.config).hybrid}
        self.table, self.fixed, self.dense = _costs(self, budget)
        self.limit = target.amount(self.dense)
        self.judged: dict[tuple[int, ...], float] = {}
        self.trail: list[float] = []
        if self.cost(self.least) > self.limit * (1 + SLACK):
            raise _out_of_reach(target.metric, self)

    def _ranked(self, name: str, score: torch.Tensor) -> RankColumns:
        masks = self.dense_masks[name]
        scores = block_scores(score.cpu(), masks.nm, masks.blocks, masks.grid)
        return rank_columns(scores, masks.grid, (self.config.n, self.config.m))

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that have blocks to choose."""
        return tuple(self.ranks)

    @property
    def most(self) -> dict[str, int]:
        """All blocks of every layer."""
        return {name: len(ranks.weights) for name, ranks in self.ranks.items()}

    @property
    def least(self) -> dict[str, int]:
        """One block a row of every layer."""
        return dict.fromkeys(self.ranks, 1)

    def cost(self, kept: Kept) -> float:
        """What the network costs."""
        return self.fixed + sum(self.table[name][count - 1] for name, count in kept.items())

    def allowed(self, kept: Kept) -> bool:
        """Whether it costs no more than it may."""
        return self.cost(kept) <= self.limit * (1 + SLACK)

    def masks(self, kept: Kept) -> dict[str, MatrixMasks]:
        """The masks in which each layer keeps its best blocks."""
        found = dict(self.dense_masks)
        for name, count in kept.items():
            ranks = self.ranks[name]
            found[name] = replace(found[name], blocks=live_blocks(ranks, len(ranks.weights) - count))
        return found

    def fit(self, shares: Mapping[str, float]) -> dict[str, int]:
        """The blocks nearest to shares of all blocks, scaled together to what is allowed, and that used up.

        What a common factor leaves goes block by block to the layer that lies furthest below its share.
        """
        low, high = 0.0, 1 / max(min(shares.values()), 1e-6)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.allowed(self._scaled(shares, middle)) else (low, middle)
        kept = self._scaled(shares, low)
        most = self.most
        while more := [n for n in kept if kept[n] < most[n] and self.allowed({**kept, n: kept[n] + 1})]:
            neediest = max(more, key=lambda name: shares[name] * low * most[name] - kept[name])
            kept[neediest] += 1
        return kept

    def _scaled(self, shares: Mapping[str, float], factor: float) -> dict[str, int]:
        return {name: min(max(round(shares[name] * factor * most), 1), most) for name, most in self.most.items()}

    def score(self, kept: Kept) -> float:
        """Top-1 among all outputs on the validation batches after a few steps with these blocks; kept once judged."""
        key = tuple(kept[name] for name in self.layers)
        if key not in self.judged:
            self.judged[key] = self._judge(kept)
        self.trail.append(self.judged[key])
        return self.judged[key]

    def _judge(self, kept: Kept) -> float:
        twin = copy.deepcopy(self.pruner)
        twin.masking.set(self.masks(kept))
        optimizer = torch.optim.SGD(twin.model.parameters(), lr=self.config.lr, momentum=self.config.momentum)
        with preserved(), torch.enable_grad():
            torch.manual_seed(self.judge.seed)
            twin.model.train()
            for step in range(self.judge.steps):
                batch = to_device(self.judge.batches[step % len(self.judge.batches)], twin.device)
                mine = only_classes(batch, self.config.classes)
                if mine is not None:
                    optimizer.zero_grad()
                    torch.autograd.backward(classification_loss(twin.model, mine))
                    optimizer.step()
            if not all(bool(weight.isfinite().all()) for weight in twin.model.parameters()):
                return 0.0  # a network that these steps blow up is worth nothing
            _renormed(twin.model, [self.judge.batches[step % len(self.judge.batches)][0] for step in range(RENORMED)])
        return accuracy(twin.model, self.judge.validation, self.config.classes).top1_all

    def settled(self, kept: Kept) -> CrispConfig:
        """The config that ends with these blocks: a ceiling for each layer, and their sum as the target."""
        masks = self.masks(kept)
        zeros = {name: 1 - int(masks[name].keep.sum()) / masks[name].nm.numel() for name in self.layers}
        total = sum(each.nm.numel() for each in masks.values())
        sparsity = 1 - sum(int(each.keep.sum()) for each in masks.values()) / total
        return replace(self.config, max_sparsity=zeros, sparsity=sparsity)


def _out_of_reach(metric: str, problem: Problem) -> InputError:
    """What to say of a budget that the network with its fewest blocks exceeds."""
    least = problem.cost(problem.least)
    lowest = f"with one block a row in every layer it is {least:.6g}, of {problem.dense:.6g} dense"
    hint = "raise the budget, or choose smaller blocks or a sparser N:M"
    if least >= problem.dense:
        hint = "this accelerator gains nothing from these masks: choose another one, or another metric"
    return InputError(f"a cost of {problem.limit:.6g} {metric} is out of reach: {lowest}", hint=hint)


def _renormed(model: torch.nn.Module, inputs: Sequence[Any]) -> None:
    """Statistics of batch norms anew, as means over some batches: those of before the pruning fit nothing any more."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch then takes the mean over all batches
        norm.train()
    with torch.no_grad():
        for batch in inputs if norms else ():
            call(model, to_device(batch, device_of(model)))


def _costs(problem: Problem, budget: Budget) -> tuple[dict[str, list[float]], float, float]:
    """Costs by layer and number of blocks, those of all other layers together, and those of the dense network."""
    asked: list[PrunedLayer] = []
    places: list[tuple[str, int]] = []
    rest: list[PrunedLayer] = []
    for count in range(1, max(problem.most.values(), default=0) + 1):
        kept = {name: min(count, most) for name, most in problem.most.items()}
        for layer in _exported(problem, problem.masks(kept)):
            owner = _owner(layer.layer.name, problem)
            if owner is None and count == 1:
                rest.append(layer)
            elif owner is not None and count <= problem.most[owner]:
                asked.append(layer)
                places.append((owner, count))
    every = _exported(problem, problem.dense_masks)
    dense = [PrunedLayer(layer.layer, "dense") for layer in every]
    found = budget.costs([*asked, *rest, *dense])
    table = {name: [0.0] * most for name, most in problem.most.items()}
    for (owner, count), cost in zip(places, found, strict=False):
        table[owner][count - 1] += cost
    return table, sum(found[len(asked) : len(asked) + len(rest)]), sum(found[len(asked) + len(rest) :])


def _exported(problem: Problem, masks: Mapping[str, MatrixMasks]) -> tuple[PrunedLayer, ...]:
    state = replace(problem.pruner.state, masks=dict(masks))
    return pruned_model(problem.pruner.model, state, "", {}).layers


def _owner(name: str, problem: Problem) -> str | None:
    """The layer with blocks whose call an exported entry is."""
    base = name.partition("@")[0]
    owners = [each for each in problem.layers if base == each or base.startswith(f"{each}.")]
    uses = {use.name: site.name for site in problem.pruner.masking.sites.values() for use in site.uses}
    return uses.get(base) if uses.get(base) in problem.ranks else max(owners, key=len, default=None)
