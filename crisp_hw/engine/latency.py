"""Cycles: the compute array, every level's bandwidth, and which of them is the bound (docs/model.md, section 7).

Timeloop: model/arithmetic.cpp, model/buffer.cpp ComputePerformance. There is no latency hiding and no network limit.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crisp_hw.engine.arrays import Float, Int, ceil, constant, floats, namespace, ratio, sum_in_order, to_int
from crisp_hw.engine.safs import Sparse, metadata_bits
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.dialect import HEAD, Rules

READS, WRITES = ("reads",), ("fills", "updates")
MOST_CYCLES = 2**62  # so many, or more, are no result (`verdict`)


@dataclass(frozen=True)
class LevelLatency:
    """What one level adds to the time: its demand is worked out where a bandwidth limits it, or someone asks."""

    sparse: Sparse
    index: int
    level: StorageLevel
    compute: Int

    @cached_property
    def read_demand(self) -> list[Float]:
        """Words per cycle and instance at full speed, float64[b] by tensor."""
        return self._demand(READS)

    @cached_property
    def write_demand(self) -> list[Float]:
        """The same of fills and updates."""
        return self._demand(WRITES)

    def _demand(self, ops: tuple[str, ...]) -> list[Float]:
        words = port_words(self.sparse, self.index, self.level, ops)
        xp = namespace(self.compute)
        return [
            constant(self.compute, 0.0)
            if count is None
            else _per_cycle(
                floats(count)
                if self.sparse.all_work((self.index, t))
                else xp.ceil(floats(count) / idle_factor(self.sparse, (self.index, t))),
                self.compute,
            )
            for t, count in enumerate(words)
        ]

    @property
    def limited(self) -> bool:
        """Does the level have any bandwidth limit?"""
        limits = (self.level.read_bandwidth, self.level.write_bandwidth, self.level.shared_bandwidth)
        return any(limit is not None for limit in limits)

    @cached_property
    def slowdown(self) -> Float:
        """By how much the level slows the whole down, <= 1."""
        slowdown = constant(self.compute, 1.0)
        if not self.limited:
            return slowdown
        level, xp = self.level, namespace(self.compute)
        limits = (level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth)
        for limit, ports in zip(limits, ("r", "w", "rw"), strict=True):
            if limit is not None:
                demand = sum_in_order(
                    [sum_in_order(self.read_demand if port == "r" else self.write_demand) for port in ports]
                )
                over = (demand > limit) & (self.compute > 0)
                share = limit / xp.where(over, demand, xp.ones_like(demand))
                slowdown = xp.minimum(slowdown, xp.where(over, share, xp.ones_like(demand)))
        return slowdown

    @cached_property
    def cycles(self) -> Int:
        """Cycles of the whole as far as this level is concerned."""
        if not self.limited:
            return self.compute
        with np.errstate(over="ignore", divide="ignore"):
            slow = floats(self.compute) / self.slowdown
        return ceil(namespace(slow).minimum(slow, float(MOST_CYCLES)))


def compute_cycles(sparse: Sparse, rules: Rules = HEAD) -> Int:
    """ceil(MACs that take a cycle / average MACs at work); skipped MACs take none (arithmetic.cpp: Evaluate).

    Timeloop HEAD (D4) truncates the average to a whole number first: with less than one MAC at work it reports 0
    cycles, and so does this (a Result then says so, and the mapper passes such mappings over).
    """
    busy = sparse.tally.random_computes + sparse.tally.gated_computes
    if not rules.whole_macs:
        return ceil(ratio(busy, sparse.used_macs, 0.0))
    macs, xp = to_int(sparse.used_macs), namespace(busy)
    cycles: Int = xp.where(macs > 0, -(-busy // xp.maximum(macs, 1)), xp.zeros_like(busy))
    return cycles


def _per_cycle(words: Float, cycles: Int) -> Float:
    """Words per cycle; endless where something moves in 0 cycles."""
    xp = namespace(words)
    there, many = cycles > 0, floats(cycles)
    if xp is np and there.all():
        plain: Float = words / many
        return plain
    rate: Float = words / xp.where(there, many, xp.ones_like(many))
    rate = xp.where(there | (words <= 0), rate, xp.full_like(rate, xp.inf))
    return rate


def idle_factor(sparse: Sparse, place: tuple[int, int]) -> Float:
    """Instances of a level that the mapping provides over those at work on average, float64[b]; endless if none work.

    A divisor, as in Timeloop: the product with its inverse would round differently.
    """
    provided, xp = floats(sparse.provided(place)), namespace(sparse.used[place])
    spread = ratio(provided, sparse.used[place], xp.inf)
    if xp is np and (provided > 0).all():
        return spread
    factor: Float = xp.where(provided > 0, spread, xp.full_like(spread, xp.inf))
    return factor


def port_words(sparse: Sparse, index: int, level: StorageLevel, ops: tuple[str, ...]) -> list[Int | None]:
    """Words per instance that occupy the port, int64[b] by tensor: random and gated data, and metadata bits as whole
    words; None where nothing ever moves.
    """
    found: list[Int | None] = []
    data, keys = sparse.tally.data, [(kind, op) for kind in ("random", "gated") for op in ops]
    for t in range(len(sparse.mesh)):
        place, moved = (index, t), []
        for op in ops:
            moved += [counts[place] for kind in ("random", "gated") if place in (counts := data[kind][op])]
        if (ranks := sparse.ranks.get(place)) is not None and ranks.form is not None:
            bits = [metadata_bits(sparse.tally, level, place, ranks, key) for key in keys]
            if there := [each for each in bits if each is not None]:
                moved.append(sum_in_order(there) // level.word_bits)
        found.append(sum_in_order(moved) if moved else None)
    return found
