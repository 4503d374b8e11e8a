"""The least that whole mappings cost which end in some labels."""

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.labels import Labels
from crisp_hw.mapper.chains.steps import Step
from crisp_hw.mapper.exact.program import EXACT, Costs

Floats = NDArray[np.float64]


def outer_least(chain: Chain, outer: Labels, step: Step) -> Costs:
    """Of outer labels after a step: what the nearest keeper sends to MACs, or, fewer words, to a keeper inside that
    sends them on. Of outputs what comes back counts, as the first updates may read nothing.
    """
    level, sends = step.level, chain.narrow.sends
    lanes = chain.lanes_inside[level if step.kind == "spatial" else level + 1]
    pj, time = outer.pj + chain.compute_pj, outer.time
    for t in range(len(chain.tensors)):
        others, keeper, shared = chain.others[outer.extent, t], outer.keeper[:, t], outer.shared[:, t]
        fewest = chain.computes / (others * outer.free[:, t] * shared)
        # what MACs hand on to each other comes once at least, as if they kept it
        to_macs = fewest if t in chain.passed else chain.computes / (shared * np.minimum(others, lanes))
        inside = chain.words[t] if t in chain.passed else chain.computes / np.minimum(others, lanes)
        price = chain.costs.sure[:, t]
        pj = pj + np.minimum(price[keeper] * to_macs, price[keeper] * fewest + chain.inside(price, level, t) * inside)
        for port in range(len(sends)):
            price = sends[port, :, t]
            on = chain.inside(price, level, t) * inside
            more = np.minimum(price[keeper] * to_macs, price[keeper] * fewest + on)
            time = time + more[:, None] * (np.arange(len(sends)) == port)
    return _costs(chain, outer, (pj, time, lanes), outer.leak_pj)


def inner_least(chain: Chain, inner: Labels, step: Step) -> Costs:
    """Of inner labels after a step: the next keeper sends what is asked, and the outermost level every word once;
    outputs are read again but once.
    """
    level, top, sends = step.level, chain.top, chain.narrow.sends
    lanes, first = chain.mesh.outside(level), level + (step.kind == "keep")
    pj, time = inner.pj - chain.costs.spare_pj, inner.time - chain.narrow.spare
    for t in range(len(chain.tensors)):
        rest, words, price = chain.others[-1, t] / chain.others[inner.extent, t], chain.words[t], chain.costs.sure[:, t]
        pj += inner.standing[:, t] / rest
        time += inner.waiting[:, :, t] / rest[:, None] + sends[:, top, t] * words
        still = np.where(inner.keeper[:, t] == 1, rest, np.minimum(rest, lanes))
        asked = np.maximum(chain.computes / (inner.free[:, t] * inner.shared[:, t] * still), words)
        pj += price[top] * words + np.minimum(chain.outside(price, first, t) * asked, price[top] * (asked - words))
        if t in chain.outputs:
            pj -= inner.apart[:, t] * np.minimum(rest, lanes)
    return _costs(chain, inner, (np.maximum(pj, chain.compute_pj), time, lanes), inner.leak_pj)


def _costs(chain: Chain, labels: Labels, known: tuple[Floats, Floats, int], leak_pj: Floats) -> Costs:
    pj, time, lanes = known
    used = np.minimum(np.minimum(labels.lanes * float(lanes), chain.lanes_inside[-1]), labels.most)
    cycles = cycles_of(chain, used[:, None], np.moveaxis(time, 1, 0)[:, :, None])[:, 0]
    fits = used >= np.maximum(labels.lanes, chain.space.parallelism * chain.mesh.there * (1 - EXACT))
    return Costs(pj + leak_pj * cycles, cycles, fits)


def cycles_of(chain: Chain, lanes: Floats | int, time: Floats) -> Floats:
    """Cycles at least of mappings with some lanes whose ports take these times, float64[ports, n, m]."""
    least = np.maximum(chain.busy / np.minimum(lanes, chain.mesh.together.working), np.max(time, axis=0, initial=0.0))
    found: Floats = np.maximum(np.ceil(least * (1 - EXACT)), 1.0)
    return found
