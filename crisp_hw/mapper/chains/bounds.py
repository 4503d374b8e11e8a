"""The least that whole mappings cost which end in some labels."""

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.labels import STILL, STREAMS, Labels, deciding
from crisp_hw.mapper.chains.steps import Step
from crisp_hw.mapper.chains.weights import SENT, THROUGH
from crisp_hw.mapper.exact.program import EXACT, Costs

Floats = NDArray[np.float64]


def outer_least(chain: Chain, outer: Labels, step: Step) -> Costs:
    """Of outer labels after a step: what the nearest keeper sends to MACs, or, fewer words, to a keeper inside that
    sends them on. Of outputs what comes back counts, as the first updates may read nothing.
    """
    lanes = chain.lanes_inside[step.level if step.kind == "spatial" else step.level + 1]
    pj, time = outer.pj + chain.compute_pj, outer.time
    for t in range(len(chain.tensors)):
        pj = pj + _sent_on(chain, outer, (t, SENT, chain.costs.sure[:, t]), (step.level, lanes))
        for port, sends in enumerate(chain.narrow.sends):
            more = _sent_on(chain, outer, (t, THROUGH, sends[:, t]), (step.level, lanes))
            time = time + more[:, None] * (np.arange(len(chain.narrow.sends)) == port)
    return _costs(chain, outer, (pj, time, lanes), outer.leak_pj)


def _sent_on(chain: Chain, outer: Labels, of: tuple[int, int, Floats], inside: tuple[int, int]) -> Floats:
    """What words of a tensor cost from the nearest keeper of outer labels on, with so many levels and lanes inside."""
    (t, place, price), (level, lanes), extent = of, inside, outer.extent
    keeper, shared, others = outer.keeper[:, t], outer.shared[:, t], chain.others[extent, t]
    within = np.minimum(others, lanes)
    most = others * outer.free[:, t] * shared
    fewest = price[keeper] * chain.computes / most
    on = fewest * chain.share_of(place, outer, t, most)
    if t in chain.passed:  # what MACs hand on to each other comes once at least, as if they kept it
        to_macs, sent, tile = fewest, float(chain.words[t]), np.ones(len(outer))
        to_macs = to_macs * chain.share_of(place, outer, t, shared)
    else:
        to_macs = price[keeper] * chain.computes / (shared * within)
        to_macs, tile = to_macs * chain.share_of(place, outer, t, shared * within), within
        sent = chain.computes / within
    found = np.asarray(to_macs)
    for each in range(level):
        if chain.may_keep(each, t):
            found = np.minimum(found, on + price[each] * sent * chain.share(place, each, t, (tile, 0)))
    return found


def inner_least(chain: Chain, inner: Labels, step: Step) -> Costs:
    """Of inner labels after a step: the next keeper sends what is asked, and the outermost level every word once;
    outputs are read again but once.
    """
    lanes, first = chain.mesh.outside(step.level), step.level + (step.kind == "keep")
    pj, time = inner.pj - chain.costs.spare_pj, inner.time - chain.narrow.spare
    for t in range(len(chain.tensors)):
        rest = chain.others[-1, t] / chain.others[inner.extent, t]
        most = np.where(inner.keeper[:, t] & STILL, rest, np.minimum(rest, lanes))
        pj += inner.standing[:, t] / rest + _asked(chain, inner, t, (first, most))
        time += inner.waiting[:, :, t] / rest[:, None]
        time += chain.narrow.sends[:, chain.top, t] * chain.words[t] * _least_of_all(chain, inner, t, THROUGH)[:, None]
        if t in chain.outputs:
            pj -= inner.apart[:, t] * np.minimum(rest, lanes)
    return _costs(chain, inner, (np.maximum(pj, chain.compute_pj), time, lanes), inner.leak_pj)


def _least_of_all(chain: Chain, inner: Labels, t: int, place: int) -> Floats:
    """What is left of a tensor's words where the outermost level sends each of them once."""
    n = np.full(len(inner), chain.others[-1, t], dtype=np.float64)
    lanes_alone = inner.keeper[:, t] & STREAMS
    n = np.where(lanes_alone, deciding(inner)[:, t], n)
    return np.broadcast_to(chain.share(place, chain.top, t, (n, inner.extent)), len(inner))


def _asked(chain: Chain, inner: Labels, t: int, outside: tuple[int, Floats]) -> Floats:
    """What a tensor's words cost that inner labels ask for, divided by no more than `most`, from some level on."""
    (first, most), price, words = outside, chain.costs.sure[:, t], chain.words[t]
    factor = np.minimum(inner.free[:, t] * inner.shared[:, t] * most, chain.others[-1, t])
    n = np.where(inner.keeper[:, t] & STREAMS, deciding(inner)[:, t], factor)

    def sent(level: int) -> Floats:
        found: Floats = price[level] * chain.computes / factor * chain.share(SENT, level, t, (n, inner.extent))
        return found

    once = price[chain.top] * words * _least_of_all(chain, inner, t, SENT)
    least = sent(chain.top) - once
    for level in range(first, chain.top):
        if chain.may_keep(level, t):
            least = np.minimum(least, sent(level))
    found: Floats = once + least
    return found


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
