"""From the inside out: what inner levels keep and loop over, for every extent that the outer ones may leave them."""

from dataclasses import replace

import numpy as np

from crisp_hw.mapper.chains.chain import Chain, fitting, handed_on, ranks
from crisp_hw.mapper.chains.labels import STILL, STREAMS, Labels, deciding, first_label, joined, undominated
from crisp_hw.mapper.chains.steps import Cut, Step, loops_of, placed
from crisp_hw.mapper.chains.weights import FILLED, SENT, THROUGH


def innermost(chain: Chain) -> Labels:
    """The MACs alone, which take a word at every step, or whenever it is another one."""
    found = first_label(0, 0, len(chain.tensors), len(chain.narrow.spare))
    keeper = found.keeper.copy()
    keeper[:, list(chain.passed)] = STILL
    keeper[:, list(chain.streams)] = STILL | STREAMS
    return replace(found, keeper=keeper, apart=np.zeros_like(found.apart), pj=found.pj + chain.compute_pj)


def outwards(chain: Chain, labels: Labels, step: Step, cut: Cut) -> Labels:
    """One step further out; `cut` leaves out what cannot be better."""
    match step.kind:
        case "keep":
            return pruned(chain, cut(_kept(chain, labels, step.level)))
        case "spatial":
            return pruned(chain, cut(_over_lanes(chain, labels, step.level)))
        case "temporal":
            return pruned(chain, _looped(chain, labels, step.level, cut))


def pruned(chain: Chain, labels: Labels) -> Labels:
    """What no other beats: takes as few words from outside, stands still as long, reads as little."""
    asked = labels.free * labels.shared
    longer = np.where(labels.keeper & STILL, labels.free, 0.0)
    wider = np.where(labels.keeper & STREAMS, -labels.shared, 0.0)[:, list(chain.streams)]
    more = [asked, longer, wider, -labels.standing, labels.apart[:, list(chain.outputs)], -labels.leak_pj[:, None]]
    more += [labels.most[:, None], -labels.time, *np.moveaxis(-labels.waiting, 1, 0)]
    return undominated(labels, np.concatenate(more, axis=1), len(chain.extents))


def _kept(chain: Chain, labels: Labels, level: int) -> Labels:
    """Every set of tensors that a level may keep: it sends to the next inner keeper, and is filled."""
    room, found = chain.rooms[level], []
    for number, kept in enumerate(chain.keeps[level]):
        fits = fitting(chain, room, level, kept)[labels.extent]
        here = labels.at(fits).then(number)
        keeper, free, shared = here.keeper.copy(), here.free.copy(), here.shared.copy()
        apart, standing, pj = here.apart.copy(), here.standing.copy(), here.pj.copy()
        time, waiting = here.time.copy(), here.waiting.copy()
        for t in kept:
            whole = float(chain.words[t] * chain.others[-1, t])
            words, where = whole / (free[:, t] * shared[:, t]), (deciding(here)[:, t], here.extent)
            left, timely, come = (chain.share(place, level, t, where) for place in (SENT, THROUGH, FILLED))
            sent = chain.costs.sends[level, t] * words * left
            port = chain.narrow.sends[:, level, t] * (words * timely)[:, None]
            still = keeper[:, t] & STILL == STILL
            pj += np.where(still, 0.0, sent)
            time += np.where(still[:, None], 0.0, port)
            free[:, t], shared[:, t], keeper[:, t] = chain.others[here.extent, t], 1.0, STILL
            words = whole / free[:, t] * come
            standing[:, t] += np.where(still, sent, 0.0) + chain.prices.fills[level, t] * words
            waiting[:, :, t] += np.where(still[:, None], port, 0.0) + chain.narrow.fills[:, level, t] * words[:, None]
            if t in chain.outputs:
                unread = chain.prices.reads[level, t] * left
                unread += chain.prices.fills[level, t] * chain.space.design.rules.first_fill_elided * come
                apart[:, t] += unread * chain.words[t]
        leak = here.leak_pj + chain.prices.leaks[level]
        tensors = replace(here, keeper=keeper, free=free, shared=shared, apart=apart, standing=standing)
        found.append(replace(tensors, pj=pj, leak_pj=leak, time=time, waiting=waiting))
    return joined(found)


def _over_lanes(chain: Chain, labels: Labels, level: int) -> Labels:
    """Every way to use the lanes below a level."""
    found = []
    for number, factors in enumerate(chain.lanes(level)):
        extent, there = placed(chain, labels.extent, factors, outward=True)
        here, many = labels.at(there).then(number), int(np.prod(factors))
        share = np.where(chain.own, 1, np.array(factors)).prod(axis=1)
        one = replace(
            here,
            keeper=np.where(handed_on(chain, level, share), here.keeper, here.keeper & STREAMS),
            extent=extent[there],
            lanes=here.lanes * many,
            shared=here.shared * share,
            apart=here.apart * share,
            leak_pj=here.leak_pj * many,
            most=chain.allowed[here.extent] if level == chain.mesh.together.inner else here.most,
        )
        found.append(one.at(one.lanes <= one.most))
    return joined(found)


def _looped(chain: Chain, labels: Labels, level: int, cut: Cut) -> Labels:
    """Every order and bound of the loops of a level, one loop further out at a time."""
    block = chain.block(level, "temporal")
    assert block is not None  # every level has one
    rank = ranks(chain.space.blocks[block], chain.dims)
    allowed = chain.factors(level, "temporal")

    def follows(mask: int, dim: int) -> bool:
        return all(rank[dim] >= rank[other] for other in range(len(rank)) if mask >> other & 1)

    rounds = [replace(labels, mask=np.zeros_like(labels.mask)).then(0)]
    for _ in chain.dims:
        found = []
        for here, dim, factor, move in loops_of(chain, rounds[-1], allowed, follows, outward=True):
            moves = chain.own[:, dim]
            still = np.where(moves, here.keeper & STREAMS, here.keeper)
            path = here.path.copy()
            path[:, -1] = path[:, -1] * (len(chain.dims) + 1) + dim + 1
            found.append(
                replace(
                    here,
                    extent=here.extent + move,
                    mask=here.mask | 1 << dim,
                    keeper=still,
                    free=np.where(still & STILL, here.free * factor, here.free),
                    standing=np.where(moves, 0.0, here.standing / factor),
                    pj=here.pj + (here.standing * moves).sum(axis=1),
                    waiting=np.where(moves, 0.0, here.waiting / factor),
                    time=here.time + (here.waiting * moves).sum(axis=2),
                    path=path,
                )
            )
        if not found:
            break
        rounds.append(pruned(chain, cut(joined(found))))
    whole = joined(rounds)
    must = sum(1 << d for d, factors in enumerate(allowed) if 1 not in factors)
    whole = whole.at(whole.mask & must == must)
    return replace(whole, mask=np.zeros_like(whole.mask)).then(whole.extent)
