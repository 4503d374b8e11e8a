"""Cycles: the compute array, every level's bandwidth, and which of them is the bound (docs/model.md, section 7).

Timeloop: model/arithmetic.cpp, model/buffer.cpp ComputePerformance. There is no latency hiding and no network limit.
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.safs import Sparse, metadata_bits
from crisp_hw.engine.tiling import Float, Int
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.dialect import HEAD, Rules


@dataclass(frozen=True)
class LevelLatency:
    """Demand of one level in words per cycle and instance, float64[T, b], its slowdown (<= 1) and cycles, [b]."""

    read_demand: Float
    write_demand: Float
    slowdown: Float
    cycles: Int


def compute_cycles(sparse: Sparse, rules: Rules = HEAD) -> Int:
    """ceil(MACs that take a cycle / average MACs at work); skipped MACs take none (arithmetic.cpp: Evaluate).

    Timeloop HEAD (D4) truncates the average to a whole number first: with less than one MAC at work it reports 0
    cycles, and so does this (a Result then says so, and the mapper passes such mappings over).
    """
    busy = sparse.tally.random_computes + sparse.tally.gated_computes
    if not rules.whole_macs:
        share = np.divide(busy, sparse.used_macs, out=np.zeros(len(busy)), where=sparse.used_macs > 0)
        cycles: Int = np.ceil(share).astype(np.int64)
        return cycles
    macs = np.floor(sparse.used_macs).astype(np.int64)
    return np.where(macs > 0, -(-busy // np.maximum(macs, 1)), 0)


def level_latency(sparse: Sparse, index: int, level: StorageLevel, cycles: Int) -> LevelLatency:
    """Bandwidth demand of a level at `cycles`, and how much it slows the whole down.

    Accesses are averaged over the instances that the mapping provides physically, of which only some are at work.
    """
    reads, writes = (port_words(sparse, index, level, ops) for ops in (("reads",), ("fills", "updates")))
    spread = idle_factor(sparse, index)
    read_demand, write_demand = (_per_cycle(np.ceil(words / spread), cycles) for words in (reads, writes))
    slowdown = np.ones(len(cycles))
    totals = (read_demand.sum(axis=0), write_demand.sum(axis=0))
    limits = (level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth)
    for limit, demand in zip(limits, (*totals, totals[0] + totals[1]), strict=True):
        if limit is not None:
            over = (demand > limit) & (cycles > 0)
            slowdown = np.minimum(slowdown, np.divide(limit, demand, out=np.ones_like(demand), where=over))
    return LevelLatency(read_demand, write_demand, slowdown, np.ceil(cycles / slowdown).astype(np.int64))


def _per_cycle(words: Float, cycles: Int) -> Float:
    """Words per cycle; endless where something moves in 0 cycles."""
    endless = np.where(words > 0, np.inf, 0.0)
    return np.divide(words, cycles, out=endless, where=cycles > 0)


def idle_factor(sparse: Sparse, index: int) -> Float:
    """Instances of a level that the mapping provides over those at work on average, float64[T, b]."""
    provided = sparse.mesh[:, index + 1].prod(axis=1)
    working = (sparse.used[index] > 0) & (provided > 0)
    # a divisor, as in Timeloop: the product with its inverse would round differently
    spread: Float = np.divide(provided, sparse.used[index], out=np.full(provided.shape, np.inf), where=working)
    return spread


def port_words(sparse: Sparse, index: int, level: StorageLevel, ops: tuple[str, ...]) -> Int:
    """Words per instance that occupy the port, int64[T, b]: random and gated data, metadata bits as whole words."""
    data = sparse.tally.data
    words: Int = data["random"][ops[0]][index] + data["gated"][ops[0]][index]
    for op in ops[1:]:
        words = words + data["random"][op][index] + data["gated"][op][index]
    for t in range(len(words)):
        ranks = sparse.ranks.get((index, t))
        if ranks is not None and ranks.form is not None and level.metadata_width_bits:
            keys = [(kind, op) for kind in ("random", "gated") for op in ops]
            bits = sum(metadata_bits(sparse.tally, level, (index, t), ranks, key) for key in keys)
            words[t] += bits // level.word_bits
    return words
