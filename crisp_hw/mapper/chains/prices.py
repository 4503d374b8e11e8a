"""What words of a chain cost, and how long they take at least."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.energy import action_energy, resolved
from crisp_hw.mapper.chains.weights import Weights
from crisp_hw.spec.design import Design

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prices:
    """pJ per word of every level, innermost first, and tensor (an access moves a block, a cluster shares one at best),
    float64[levels, tensors], and pJ per cycle of an instance of every level at work.
    """

    reads: Floats
    fills: Floats
    updates: Floats
    leaks: Floats


@dataclass(frozen=True)
class Narrow:
    """Cycles per word of every port of limited bandwidth, float64[ports, levels, tensors], where all instances share
    the words: of those that a level sends inwards and of those that it is filled with; `spare` are cycles that rounding
    takes off at most, float64[ports].
    """

    sends: Floats
    fills: Floats
    spare: Floats


@dataclass(frozen=True)
class Costing:
    """The costs of a design of which as much is left as the weights say, with the most instances of every level that
    may work. Ports count where they are said to (`timed`).
    """

    design: Design
    weights: Weights
    instances: Ints
    timed: bool

    @cached_property
    def _word_pj(self) -> Prices:
        """What whole words cost."""
        design = self.design
        table, levels = resolved(design.energy, design.rules), design.architecture.levels
        reads, fills, updates = (
            np.array([action_energy(table, lv, "random", op) / (lv.block_size * lv.cluster_size) for lv in levels])
            for op in ("reads", "fills", "updates")
        )
        leaks = np.array([design.energy.actions.get(level.name, {}).get("leak", 0.0) for level in levels])
        if self.weights.idle:  # one instance of each leaks, which the outermost level stands for
            leaks = np.where(np.arange(len(leaks)) == len(leaks) - 1, leaks.sum(), 0.0)
        return Prices(reads, fills, updates, leaks)

    @cached_property
    def prices(self) -> Prices:
        """What words cost of which as much is left as the weights say."""
        whole, left = self._word_pj, self.weights
        reads, updates = whole.reads[:, None] * left.sent, whole.updates[:, None] * left.sent
        return Prices(reads, whole.fills[:, None] * left.filled, updates, whole.leaks)

    @cached_property
    def spare_pj(self) -> float:
        """What rounding takes off at most: a word of every instance."""
        words = self.weights.rounded.sum(axis=1) * self.instances
        return float((words * (self._word_pj.reads + self._word_pj.fills)).sum())

    @cached_property
    def sends(self) -> Floats:
        """pJ of a word that a level sends inwards, float64[levels, tensors]; an output's comes back as well."""
        written = np.array([tensor.is_output for tensor in self.design.problem.tensors])
        found: Floats = self.prices.reads + self.prices.updates * written
        return found

    @cached_property
    def narrow(self) -> Narrow:
        """The ports that count. Of outputs only what certainly passes: neither reads nor what the first fill may be."""
        written = np.array([tensor.is_output for tensor in self.design.problem.tensors])
        sends, fills, spare, left = list[Floats](), list[Floats](), list[float](), self.weights
        elided = written & self.design.rules.first_fill_elided
        for index, level in enumerate(self.design.architecture.levels if self.timed else ()):
            here = np.arange(len(self.instances))[:, None] == index
            reads, writes = here * left.through * ~written, here * left.through * written
            filled = here * left.filled * ~elided
            limits = (level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth)
            for limit, out, back in zip(
                limits, (reads, 0.0 * reads, reads), (0.0 * writes, writes, writes), strict=True
            ):
                if limit is not None:
                    each = 1.0 / (limit * self.instances[index])
                    sends.append((out + back) * each)
                    fills.append(filled * each * (back is writes))
                    spare.append(float(left.rounded[index].sum()) / limit)
        shape = (len(spare), *left.sent.shape)
        return Narrow(np.array(sends).reshape(shape), np.array(fills).reshape(shape), np.array(spare))

    @cached_property
    def sure(self) -> Floats:
        """What a word that a level sends inwards costs whatever is read, float64[levels, tensors]."""
        written = np.array([tensor.is_output for tensor in self.design.problem.tensors])
        found: Floats = np.where(written, self.prices.updates, self.prices.reads)
        return found
