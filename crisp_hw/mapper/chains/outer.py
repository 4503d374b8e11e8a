"""From the outside in: what outer levels keep and loop over, at every extent that may be left for the inner ones."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import Chain, fitting, handed_on, ranks
from crisp_hw.mapper.chains.labels import Labels, first_label, joined, undominated
from crisp_hw.mapper.chains.steps import Cut, Step, loops_of, placed
from crisp_hw.mapper.chains.weights import FILLED, SENT, THROUGH

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def outermost(chain: Chain) -> Labels:
    """Nothing but the outermost level, which keeps all."""
    found = first_label(len(chain.extents) - 1, chain.top, len(chain.tensors), len(chain.narrow.spare))
    spare = found.pj - chain.costs.spare_pj, found.time - chain.narrow.spare
    return replace(found, pj=spare[0], time=spare[1], leak_pj=found.leak_pj + chain.prices.leaks[chain.top])


def inwards(chain: Chain, labels: Labels, step: Step, cut: Cut) -> Labels:
    """One step further in; `cut` leaves out what cannot be better."""
    match step.kind:
        case "keep":
            return pruned(chain, cut(_kept(chain, labels, step.level)))
        case "spatial":
            return pruned(chain, cut(_over_lanes(chain, labels, step.level)))
        case "temporal":
            return pruned(chain, _looped(chain, labels, step.level, cut))


def pruned(chain: Chain, labels: Labels) -> Labels:
    """What no other beats: stands still as long, shares as much, has as many words that need no read."""
    more = [labels.free, labels.shared, labels.apart[:, list(chain.outputs)], -labels.leak_pj[:, None], -labels.time]
    more.append(-labels.held[:, list(chain.held)])
    return undominated(labels, np.concatenate(more, axis=1), len(chain.extents))


def _kept(chain: Chain, labels: Labels, level: int) -> Labels:
    """Every set of tensors that a level may keep; it is filled, and the next outer keeper sends."""
    room, found = chain.rooms[level], []
    for number, kept in enumerate(chain.keeps[level]):
        fits = fitting(chain, room, level, kept)[labels.extent]
        here = labels.at(fits).then(number)
        pj, time, keeper = here.pj.copy(), here.time.copy(), here.keeper.copy()
        shared, apart, held = here.shared.copy(), here.apart.copy(), here.held.copy()
        for t in kept:
            outside, lanes = here.apart[:, t], here.shared[:, t]
            inside = chain.others[here.extent, t] * here.free[:, t] * lanes
            sent = chain.words[t] * chain.others[-1, t] / inside
            now = replace(here, keeper=keeper, held=held)
            left, timely = (chain.share_of(place, now, t, inside) for place in (SENT, THROUGH))
            come = chain.share(FILLED, level, t, (inside, here.extent))
            pj += chain.costs.sends[keeper[:, t], t] * sent * left + chain.prices.fills[level, t] * sent * lanes * come
            time += chain.narrow.sends[:, keeper[:, t], t].T * (sent * timely)[:, None]
            time += chain.narrow.fills[:, level, t] * (sent * lanes * come)[:, None]
            if t in chain.outputs:
                pj -= chain.prices.reads[keeper[:, t], t] * chain.words[t] * outside * left
                if chain.space.design.rules.first_fill_elided:
                    pj -= chain.prices.fills[level, t] * chain.words[t] * outside * lanes * come
            keeper[:, t], shared[:, t], apart[:, t] = level, 1.0, outside * lanes
            if t in chain.held:
                held[:, t] = chain.filled(t)[here.extent]
        leak = here.leak_pj + chain.prices.leaks[level] * here.lanes
        tensors = replace(here, keeper=keeper, shared=shared, apart=apart, held=held)
        found.append(replace(tensors, pj=pj, time=time, leak_pj=leak))
    return joined(found)


def _over_lanes(chain: Chain, labels: Labels, level: int) -> Labels:
    """Every way to use the lanes below a level."""
    found = []
    for number, factors in enumerate(chain.lanes(level)):
        extent, there = placed(chain, labels.extent, factors, outward=False)
        here = labels.at(there).then(number)
        share = np.where(chain.own, 1, np.array(factors)).prod(axis=1)
        lanes = here.lanes * int(np.prod(factors))
        free = np.where(handed_on(chain, level, share), here.free, 1.0)
        one = replace(here, extent=extent[there], lanes=lanes, free=free, shared=here.shared * share)
        found.append(one.at(lanes <= chain.allowed[one.extent]) if level == chain.mesh.together.inner else one)
    return joined(found)


def _looped(chain: Chain, labels: Labels, level: int, cut: Cut) -> Labels:
    """Every order and bound of the loops of a level, one loop further in at a time."""
    block = chain.block(level, "temporal")
    assert block is not None  # every level has one
    rank = ranks(chain.space.blocks[block], chain.dims)
    allowed = chain.factors(level, "temporal")

    def follows(mask: int, dim: int) -> bool:
        return all(rank[dim] <= rank[other] for other in range(len(rank)) if mask >> other & 1)

    rounds = [replace(labels, mask=np.zeros_like(labels.mask)).then(0)]
    for _ in chain.dims:
        found = []
        for here, dim, factor, move in loops_of(chain, rounds[-1], allowed, follows, outward=False):
            free = np.where(chain.own[:, dim], 1.0, here.free * factor)
            path = here.path.copy()
            path[:, -1] = path[:, -1] * (len(chain.dims) + 1) + dim + 1
            extent, mask = here.extent + move, here.mask | 1 << dim
            found.append(replace(here, extent=extent, mask=mask, free=free, path=path))
        if not found:
            break
        rounds.append(pruned(chain, cut(joined(found))))
    whole = joined(rounds)
    must = sum(1 << d for d, factors in enumerate(allowed) if 1 not in factors)
    whole = whole.at(whole.mask & must == must)
    return replace(whole, mask=np.zeros_like(whole.mask)).then(whole.extent)
