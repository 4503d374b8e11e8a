"""The least that whole mappings cost which end in some labels."""

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.labels import Labels
from crisp_hw.mapper.chains.steps import Step
from crisp_hw.mapper.exact.program import EXACT, Costs

Floats = NDArray[np.float64]


def outer_least(chain: Chain, outer: Labels, step: Step) -> Costs:
    """Of outer labels after a step: the nearest keeper, or a cheaper one inside, sends MACs what lanes share."""
    level = step.level
    lanes = chain.lanes_inside[level if step.kind == "spatial" else level + 1]
    sends, tensors = chain.prices.reads, np.arange(len(chain.tensors))
    cheapest = np.minimum.accumulate(chain.sends, axis=0)[level]
    pj = outer.pj + chain.compute_pj
    for t in tensors:
        if t not in chain.outputs:
            price = np.minimum(sends[outer.keeper[:, t]], cheapest[t])
            pj = pj + price * chain.computes / (outer.shared[:, t] * lanes)
    return _costs(chain, outer, (pj, lanes), outer.leak_pj)


def inner_least(chain: Chain, inner: Labels, step: Step) -> Costs:
    """Of inner labels after a step: the outermost level sends every word once, and outputs are read again but once."""
    level = step.level
    lanes = chain.lanes_inside[-1] // chain.lanes_inside[level + 1]
    pj = inner.pj.copy()
    for t in range(len(chain.tensors)):
        rest = chain.others[-1, t] / chain.others[inner.extent, t]
        pj += inner.standing[:, t] / rest
        if t in chain.outputs:
            pj += chain.prices.updates[chain.top] * chain.words[t]
            pj -= inner.apart[:, t] * np.minimum(rest, lanes)
        else:
            pj += chain.prices.reads[chain.top] * chain.words[t]
    return _costs(chain, inner, (np.maximum(pj, chain.compute_pj), lanes), inner.leak_pj)


def _costs(chain: Chain, labels: Labels, known: tuple[Floats, int], leak_pj: Floats) -> Costs:
    pj, lanes = known
    used = labels.lanes * float(lanes)
    cycles = np.maximum(np.ceil(chain.computes / used * (1 - EXACT)), 1.0)
    fits = used >= chain.space.parallelism * chain.lanes_inside[-1] * (1 - EXACT)
    return Costs(pj + leak_pj * cycles, cycles, fits)
