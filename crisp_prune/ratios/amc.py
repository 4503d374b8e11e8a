"""AMC (He et al., arXiv 1802.03494): an agent that walks through the layers and learns how much of each to keep."""

from collections import deque
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from crisp_hw.spec.wrapped import modules_of
from crisp_prune.ratios.problem import Problem

LOWEST = 0.2
"""The smallest share of a layer that the agent may keep: AMC's preserve ratio."""
WIDTH = 64
"""Units of the two hidden layers: 300 in AMC; assumed smaller because these networks have few layers."""
MEMORY, BATCH, TAU = 2000, 64, 0.01
"""Transitions that are kept, those of an update, and how fast the targets follow: AMC's public code."""
ACTOR_RATE, CRITIC_RATE = 1e-4, 1e-3
"""Learning rates of AMC's public code."""
NOISE, FALL = 0.5, 0.95
"""Deviation of the first actions, and its factor an episode after the warm-up: AMC's public code."""
WARM = 0.25
"""Share of the episodes without learning: 100 of 400 in AMC."""


@dataclass
class Walked:
    """The best choice that was met, and the reward of every episode."""

    best: dict[str, int]
    rewards: list[float] = field(default_factory=list)


def _network(inputs: int, last: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1), last
    )


class Agent:
    """Deep deterministic policy gradient with one action, a share from 0 to 1."""

    def __init__(self, features: int, seed: int) -> None:
        """Actor, critic and their slow copies."""
        self.random = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.actor, self.slow_actor = (_network(features, nn.Sigmoid()) for _ in range(2))
        self.critic, self.slow_critic = (_network(features + 1, nn.Identity()) for _ in range(2))
        self.slow_actor.load_state_dict(self.actor.state_dict())
        self.slow_critic.load_state_dict(self.critic.state_dict())
        self.of_actor = torch.optim.Adam(self.actor.parameters(), ACTOR_RATE)
        self.of_critic = torch.optim.Adam(self.critic.parameters(), CRITIC_RATE)
        self.memory: deque[tuple[Tensor, float, float, Tensor, bool]] = deque(maxlen=MEMORY)
        self.mean = 0.0

    def act(self, state: Tensor, deviation: float | None) -> float:
        """A share: drawn evenly (None), or the actor's with noise."""
        if deviation is None:
            return float(torch.rand(1, generator=self.random))
        with torch.no_grad():
            share = float(self.actor(state.unsqueeze(0)))
        drawn = share + deviation * float(torch.randn(1, generator=self.random))
        return min(max(drawn, 0.0), 1.0)

    def remember(self, states: list[Tensor], actions: list[float], reward: float) -> None:
        """All steps of an episode with its reward, less the mean of those before."""
        self.mean = 0.95 * self.mean + 0.05 * reward if self.memory else reward
        for place, (state, action) in enumerate(zip(states, actions, strict=True)):
            done = place == len(states) - 1
            self.memory.append((state, action, reward - self.mean, state if done else states[place + 1], done))

    def learn(self) -> None:
        """One update of critic and actor from a draw of what is remembered."""
        places = torch.randint(len(self.memory), (min(BATCH, len(self.memory)),), generator=self.random).tolist()
        drawn = [self.memory[place] for place in places]
        states, after = (torch.stack([each[at] for each in drawn]) for at in (0, 3))  # type: ignore[misc]
        actions, rewards, done = (torch.tensor([[float(each[at])] for each in drawn]) for at in (1, 2, 4))
        with torch.no_grad():
            ahead = self.slow_critic(torch.cat([after, self.slow_actor(after)], 1))
            wanted = rewards + (1 - done) * ahead
        self.of_critic.zero_grad()
        torch.autograd.backward(nn.functional.mse_loss(self.critic(torch.cat([states, actions], 1)), wanted))
        self.of_critic.step()
        self.of_actor.zero_grad()
        torch.autograd.backward(-self.critic(torch.cat([states, self.actor(states)], 1)).mean())
        self.of_actor.step()
        for slow, fast in ((self.slow_actor, self.actor), (self.slow_critic, self.critic)):
            for mine, other in zip(slow.parameters(), fast.parameters(), strict=True):
                mine.data.lerp_(other.data, TAU)


def amc(problem: Problem) -> Walked:
    """Episodes through the layers; each action is cut to what lets the rest still meet the budget.

    The reward is the accuracy. The first episode keeps the same share of every layer, so that the best is never worse.
    """
    best = problem.fit(dict.fromkeys(problem.layers, 1.0))
    walked = Walked(best, [problem.score(best)])
    highest = walked.rewards[0]
    agent, most = Agent(_FEATURES, problem.judge.seed), problem.most
    warm = max(1, int(problem.judge.evaluations * WARM))
    deviation = NOISE
    for episode in range(1, problem.judge.evaluations):
        states: list[Tensor] = []
        actions: list[float] = []
        kept: dict[str, int] = {}
        for place, name in enumerate(problem.layers):
            state = _state(problem, kept, place, actions[-1] if actions else 1.0)
            wanted = agent.act(state, None if episode < warm else deviation)
            kept[name] = _cut(problem, kept, name, wanted)
            states.append(state)
            actions.append(kept[name] / most[name])
        reward = problem.score(kept)
        walked.rewards.append(reward)
        if reward > highest:
            walked.best, highest = kept, reward
        agent.remember(states, actions, reward)
        if episode >= warm:
            deviation *= FALL
            for _ in problem.layers:
                agent.learn()
    return walked


_FEATURES = 11


def _lowest(problem: Problem, name: str) -> int:
    """The fewest blocks of a layer: AMC's share where the budget leaves room for that in all layers, else one."""
    floor = {each: max(1, round(LOWEST * most)) for each, most in problem.most.items()}
    return floor[name] if problem.allowed(floor) else 1


def _cut(problem: Problem, kept: dict[str, int], name: str, share: float) -> int:
    """The blocks of an action, fewer where the layers behind could not meet the budget any more."""
    rest = {each: _lowest(problem, each) for each in problem.layers if each not in kept and each != name}
    lowest = _lowest(problem, name)
    count = min(max(round(share * problem.most[name]), lowest), problem.most[name])
    while count > lowest and not problem.allowed({**kept, **rest, name: count}):
        count -= 1
    return count


def _state(problem: Problem, kept: dict[str, int], place: int, last: float) -> Tensor:
    """AMC's eleven numbers of a layer, each about 1: place, kind, sizes, cost, what is saved and what is left."""
    name, names = problem.layers[place], problem.layers
    weight = problem.pruner.weights[name]
    costs = {each: problem.table[each][-1] for each in names}
    total = sum(costs.values())
    module = modules_of(problem.pruner.model).get(name)
    stride = module.stride[0] if isinstance(module, nn.Conv2d) else 1
    saved = sum(costs[each] - problem.table[each][kept[each] - 1] for each in kept)
    return torch.tensor([
        place / len(names), float(weight.dim() == 4), weight.shape[0] / 512, weight.shape[1] / 512, float(stride) / 2,
        (weight.shape[2] if weight.dim() == 4 else 1) / 3, costs[name] / total, saved / total,
        sum(costs[each] for each in names[place + 1 :]) / total, last, problem.limit / problem.dense,
    ])  # fmt: skip
