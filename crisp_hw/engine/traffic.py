"""Dense traffic: reads, fills and updates of every tensor in every level, before sparsity.

Here is the closed form for projections whose ranks have one term each (GEMM, grouped GEMM, any number of dimensions)
and perfect factors; docs/model.md, section 3.2. Other projections are for `sliding`, other factors for `residual`.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

import numpy as np

from crisp_hw.engine.arrays import distinct, like, on_host
from crisp_hw.engine.instances import instances
from crisp_hw.engine.residual import walk
from crisp_hw.engine.sliding import Flow, elided_fills, flow, kept_counts, sliding, walked
from crisp_hw.engine.tiling import COMPUTE, Counts, Int, Tiling, deliveries, keeper_below
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.problem import Tensor

COUNTS = ("tile", "reads", "fills", "updates", "partition", "lacking", "short")


@dataclass(frozen=True)
class Traffic:
    """Words per instance by (level, tensor index), nothing where a level does not keep a tensor.

    `instances` are int64[b] per level; `macs` and `steps` are int64[b]: MACs at work and time steps of each;
    `computes` int64[b] are the multiply-accumulates of the whole problem. `lacking` is by how much Timeloop's reads or
    fills would be negative (unsigned, they wrap around there; here they are 0), `short` by how many words fewer updates
    of an output arrive than it has, of which Timeloop makes an assertion that fails.
    """

    tile: Counts
    reads: Counts
    fills: Counts
    updates: Counts
    partition: Counts
    lacking: Counts
    short: Counts
    instances: tuple[Int, ...]
    macs: Int
    steps: Int
    computes: Int


def dense_traffic(tiling: Tiling) -> Traffic:
    """Traffic of a batch of mappings (Timeloop: nest-analysis.cpp, tiling.cpp CollapseTiles).

    The first update of an output word needs no read, so reads and fills of outputs lose the words of one partition.
    """
    found = walk(tiling) if walked(tiling) else None
    counts = {name: Counts(tiling.zeros) for name in COUNTS}
    for t, tensor in enumerate(tiling.problem.tensors):
        if found is None and closed_form(tiling):
            _count(tiling, t, counts)
            continue
        slow = kept_counts(tiling, tensor, found.flows[tensor.name] if found else flow(tiling, tensor))
        for level in levels_of(tiling.nest, tensor.name):
            for name, rows in slow.items():
                counts[name][level, t] = rows[level]
    used = tuple(instances(tiling, level) for level in range(len(tiling.architecture.levels)))
    steps = tiling.product([j for j in range(len(tiling.nest.loops)) if tiling.temporal(j)])
    macs = instances(tiling, COMPUTE)
    computes = (found.steps * macs).astype(np.int64) if found and tiling.residuals is not None else macs * steps
    return Traffic(**counts, instances=used, macs=macs, steps=steps, computes=computes)


def general_flow(tiling: Tiling, tensor: Tensor) -> Flow:
    """The traffic of a tensor below every level, walked or as a sum over kinds of steps."""
    return walk(tiling).flows[tensor.name] if walked(tiling) else flow(tiling, tensor)


def levels_of(nest: LoopNest, tensor: str) -> list[int]:
    """The levels that keep a tensor."""
    return [level for level, keeps in enumerate(nest.keeps) if tensor in keeps]


def _count(tiling: Tiling, t: int, counts: dict[str, Counts]) -> None:
    """Enter the counts of one tensor in every level that keeps it."""
    tensor = tiling.problem.tensors[t]
    kept = levels_of(tiling.nest, tensor.name)
    for level in kept:
        place, outermost = (level, t), level == kept[-1]
        tile, partition = tiling.tile(level, tensor), _partition(tiling, level, tensor)
        content = _content_accesses(tiling, level, tensor)
        counts["tile"][place], counts["partition"][place] = tile, partition
        if not outermost:
            counts["fills"][place] = tile * deliveries(tiling, level, tensor)
        counts["reads"][place] = content
        if tensor.is_output:
            counts["updates"][place], counts["reads"][place] = content, content - partition
            if not outermost:
                counts["fills"][place] = counts["fills"][place] - elided_fills(tiling, partition)


def closed_form(tiling: Tiling) -> bool:
    """Do products of loops give the traffic: one term per rank, perfect factors, and no reuse forbidden?"""
    return tiling.residuals is None and not sliding(tiling.problem) and _plain(tiling.nest)


def _plain(nest: LoopNest) -> bool:
    """Does the hardware make use of every reuse that the loops offer?"""
    return not any(chain(*nest.no_multicast, *nest.no_temporal_reuse, *nest.rmw_first_update))


def _partition(tiling: Tiling, level: int, tensor: Tensor) -> Int:
    """Distinct words that one instance sees over the whole run: the tensor split by relevant spatial loops outside."""
    outside = _spatial(tiling, range(tiling.ends[level], len(tiling.nest.loops)))
    return tiling.size_below(len(tiling.nest.loops), tensor) // tiling.product_over(outside, tensor)


def distinct_loops(tiling: Tiling, loops: range, tensor: Tensor) -> list[int]:
    """The spatial loops among some that give each lane words of its own; the others multicast, or reduce an output."""
    return [j for j in _spatial(tiling, loops) if tiling.relevant(j, tensor)]


def _spatial(tiling: Tiling, loops: range) -> list[int]:
    return [j for j in loops if tiling.active[j] and not tiling.temporal(j)]


def _content_accesses(tiling: Tiling, level: int, tensor: Tensor) -> Int:
    """Words that the level sends inwards: one copy per distinct tile, whatever the multicast."""
    child = keeper_below(tiling.nest, level, tensor.name)
    lanes = _spatial(tiling, range(tiling.start(child + 1), tiling.ends[level]))
    if child == COMPUTE:
        sent = mac_feed(tiling, tensor).sent
        return sent * tiling.product_over([j for j in lanes if tiling.nest.loops[j].level > 0], tensor)
    return tiling.tile(child, tensor) * deliveries(tiling, child, tensor) * tiling.product_over(lanes, tensor)


@dataclass(frozen=True)
class MacFeed:
    """How level 0 feeds one tensor to its MACs, int64[b] each: time steps, those that bring new words, the multicast
    groups of MACs, and the groups that need a word even while the operand stays.
    """

    steps: Int
    fresh: Int
    groups: Int
    fed: Int

    @property
    def sent(self) -> Int:
        """Words sent over all time steps."""
        return self.fresh * self.groups + (self.steps - self.fresh) * self.fed


def mac_feed(tiling: Tiling, tensor: Tensor) -> MacFeed:
    """Words that level 0 sends to its MACs over all time steps, less what mesh neighbours hand on.

    While only irrelevant loops advance, an operand stays where it was; a MAC whose neighbour already held it takes it
    from there (Timeloop: ComputeNetworkLinkTransfers, on unless `no_link_transfer`).
    """
    spatial = _spatial(tiling, tiling.loops(0))
    steps = deliveries(tiling, COMPUTE, tensor)
    groups = tiling.product_over(spatial, tensor)
    linked = tiling.nest.no_link_transfer and tensor.name in tiling.nest.no_link_transfer[0]
    if not spatial or linked:
        return MacFeed(steps, steps, groups, groups)
    moves = [j for j in range(len(tiling.nest.loops)) if tiling.temporal(j) and tiling.active[j]]
    fresh = tiling.product_from_first(moves, tensor)
    relevant, along_x = _lanes(tiling, spatial, tensor)
    rows = [tiling.bounds[j, :] for j in spatial]
    first, which = distinct(rows if tiling.orders is None else [*rows, *relevant, *along_x])
    columns = (zip(*(on_host(row[first]).tolist() for row in each), strict=True) for each in (rows, relevant, along_x))
    fanout_x = tiling.architecture.fanouts[0][0]
    fed = [_fed_groups(*lanes, fanout_x) for lanes in zip(*columns, strict=True)]
    return MacFeed(steps, fresh, groups, like(np.array(fed, dtype=np.int64), groups)[which])


def _lanes(tiling: Tiling, spatial: list[int], tensor: Tensor) -> tuple[list[Int], list[Int]]:
    """1 where spatial loops move through the tensor, and where they run along x, int64[b] of each loop."""
    if tiling.orders is not None:
        through, along_x = tiling.moving(tensor)[spatial] > 1, tiling.orders.along_x[spatial]
        return list(through.astype(np.int64)), list(along_x.astype(np.int64))
    ones, none = tiling.ones, tiling.zeros
    along = [tiling.nest.loops[j].kind == "x" for j in spatial]
    return [ones if tiling.relevant(j, tensor) else none for j in spatial], [ones if x else none for x in along]


@lru_cache(maxsize=4096)
def _fed_groups(bounds: tuple[int, ...], relevant: tuple[bool, ...], along_x: tuple[bool, ...], fanout_x: int) -> int:
    """Multicast groups of MACs with a member that no mesh neighbour can serve, for a stationary operand."""
    count = int(np.prod(bounds))
    ids, digits, rest = np.arange(count), [], np.arange(count)
    for bound in bounds:
        digits.append(rest % bound)
        rest = rest // bound
    group = np.zeros(count, dtype=np.int64)
    for digit, bound, matters in zip(digits, bounds, relevant, strict=True):
        group = group * bound + digit if matters else group
    width = max(fanout_x, int(np.prod([b for b, x in zip(bounds, along_x, strict=True) if x], dtype=np.int64)))
    height = -(-count // width)
    grid = np.full((height + 2, width + 2), -1, dtype=np.int64)
    row, column = ids // width + 1, ids % width + 1
    grid[row, column] = group
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0))
    served = np.any([grid[row + dy, column + dx] == group for dy, dx in steps], axis=0)
    return len(np.unique(group[~served]))


def passing_words(tiling: Tiling, level: int, tensor: Tensor) -> Int:
    """Words that one instance of a level would send inwards if every level kept the tensor, int64[b]."""
    if tiling.residuals is not None or sliding(tiling.problem) or not _plain(tiling.nest):
        sent: Int = general_flow(tiling, tensor).sent[level].astype(np.int64)
        return sent
    everywhere = replace(tiling.nest, keeps=(frozenset({tensor.name}),) * len(tiling.nest.keeps))
    return _content_accesses(replace(tiling, nest=everywhere), level, tensor)
