"""What a space asks of mappings beside the counts of a template: lanes that there are, and how many must be at work."""

from dataclasses import dataclass
from math import prod

import numpy as np

from crisp_hw.mapper.bounds import computes_left
from crisp_hw.mapper.exact.columns import Column, Values
from crisp_hw.mapper.exact.shrunk import most_together, stay
from crisp_hw.mapper.space import Space

EXACT = 1e-12  # what a quotient of floats may lose against the whole number that it is


@dataclass(frozen=True)
class Demands:
    """What the space asks beside a template: lanes per slot, the least lanes at work, cycles that are always there."""

    lanes: tuple[tuple[Column, int], ...]
    share: tuple[Column, float] | None
    least_cycles: float
    transit: float


def demands_of(space: Space, values: Values, forced: int = 0) -> Demands:
    """The demands of a space in which the factors of the pairs `forced` are 1."""
    layout, architecture = values.layout, space.design.architecture
    lanes = []
    spatial = [(s, limit) for s, limit in enumerate(layout.limits) if layout.slots[s].kind != "temporal"]
    for slot, limit in spatial:
        if limit is not None:
            mask = sum(layout.bit(dim, slot) for dim in layout.every)
            lanes.append((Column(mask), limit))
        level, kind = layout.slots[slot].level, layout.slots[slot].kind
        for dims, there in stay(space, level, architecture.fanouts[level]["xy".index(kind)]):
            lanes.append((Column(sum(layout.bit(layout.dims.index(dim), slot) for dim in dims)), there))
    there = prod(prod(fanout) for fanout in architecture.fanouts)
    most = prod(np.inf if limit is None else _most_at_work(values, slot, limit, forced) for slot, limit in spatial)
    every = Column(layout.bits(layout.every, "spatial", 0, len(architecture.levels) - 1))
    together = most_together(space)
    most = min(most, together.working)
    if np.isfinite(together.lanes):
        lanes.append((every, int(together.lanes * (1 + EXACT))))
    share = (every, space.parallelism * there * (1 - EXACT)) if space.parallelism > 0 else None
    wires = [level.wires.fill_cycles + level.wires.drain_cycles for level in architecture.levels]
    transit = sum(wires) if space.design.rules.network_latency else 0
    return Demands(tuple(lanes), share, np.ceil(computes_left(space.design) / most * (1 - EXACT)), transit)


def _most_at_work(values: Values, slot: int, limit: int, forced: int) -> int:
    """The largest product of factors that dimensions can have in a slot, up to its limit."""
    products = {1}
    for group in values.groups:
        for place, dim in enumerate(group.dims):
            if not forced & values.layout.bit(dim, slot):
                factors = np.unique(group.factors[:, place, slot]).tolist()
                products = {one * factor for one in products for factor in factors if one * factor <= limit}
    return max(products)
