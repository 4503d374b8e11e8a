"""Outer and inner labels put together: the least that a whole mapping costs, and the mappings that cost it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.bounds import cycles_of
from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.labels import Labels
from crisp_hw.mapper.exact.program import EXACT
from crisp_hw.mapper.tally import OBJECTIVES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_AT_ONCE = 1 << 22  # pairs looked at together: 32 MiB a matrix


@dataclass(frozen=True)
class Pairs:
    """Rows of outer and inner labels that make whole mappings, with the least that they cost."""

    outer: Ints
    inner: Ints
    cycles: Floats
    energy_pj: Floats


def pairs(chain: Chain, outer: Labels, inner: Labels) -> Iterator[Pairs]:
    """All pairs of labels that meet at an extent, those with the same lanes together, matrix by matrix."""
    least = chain.space.parallelism * chain.mesh.there * (1 - EXACT)
    left, right = outer_terms(chain, outer), inner_terms(chain, inner)
    of_inner = _groups(chain, inner)
    for (extent, lanes), rows in _groups(chain, outer).items():
        for (other, more), columns in of_inner.items():
            if other != extent or not least <= lanes * more <= chain.lanes_inside[-1]:
                continue
            for start in range(0, len(rows), max(1, _AT_ONCE // len(columns))):
                part = rows[start : start + max(1, _AT_ONCE // len(columns))]
                energy = left[part] @ right[columns].T
                energy += outer.pj[part][:, None] + inner.pj[columns]
                time = _times(chain, outer.at(part), inner.at(columns))
                cycles = np.broadcast_to(cycles_of(chain, lanes * more, time), energy.shape)
                energy[:, inner.most[columns] < lanes * more] = np.inf
                energy += cycles * (outer.leak_pj[part][:, None] + lanes * inner.leak_pj[columns])
                yield Pairs(part, columns, cycles, energy)


def _times(chain: Chain, outer: Labels, inner: Labels) -> Floats:
    """Cycles of every port, float64[ports, outer, inner]."""
    tensors, found = np.arange(len(chain.tensors)), np.empty((len(chain.narrow.spare), len(outer), len(inner)))
    asked, still = 1.0 / (inner.free * inner.shared), inner.keeper == 1
    whole = (chain.words * chain.others[-1]).astype(np.float64)
    for port, sends in enumerate(chain.narrow.sends):
        sent = sends[outer.keeper, tensors] * whole / outer.shared
        left = np.concatenate([sent / outer.free, sent, 1.0 / outer.free], axis=1)
        right = [np.where(still, asked, 0.0), np.where(still, 0.0, asked), inner.waiting[:, port]]
        found[port] = left @ np.concatenate(right, axis=1).T
        found[port] += outer.time[:, [port]] + inner.time[:, port]
    return found


def outer_terms(chain: Chain, outer: Labels) -> Floats:
    """What the words of every tensor cost that inner levels ask for, by what these ask."""
    tensors = np.arange(len(chain.tensors))
    whole = (chain.words * chain.others[-1]).astype(np.float64)
    sent = chain.costs.sends[outer.keeper, tensors] * whole / outer.shared
    terms = [sent / outer.free, sent, 1.0 / outer.free]
    written = list(chain.outputs)
    if written:
        terms.append(-(outer.apart * outer.shared)[:, written])
        unread = (chain.prices.reads[outer.keeper, tensors] * chain.words * outer.apart)[:, written].sum(axis=1)
        terms.append(-unread[:, None])
    return np.concatenate(terms, axis=1)


def inner_terms(chain: Chain, inner: Labels) -> Floats:
    """What inner levels ask for of every tensor, in the order of `outer_terms`."""
    asked, still = 1.0 / (inner.free * inner.shared), inner.keeper == 1
    terms = [np.where(still, asked, 0.0), np.where(still, 0.0, asked), inner.standing]
    written = list(chain.outputs)
    if written:
        terms += [inner.apart[:, written], np.ones((len(inner), 1))]
    return np.concatenate(terms, axis=1)


def _groups(chain: Chain, labels: Labels) -> dict[tuple[int, int], Ints]:
    """Rows by extent and lanes."""
    if not len(labels):
        return {}
    lanes = chain.lanes_inside[-1] + 1
    key = labels.extent * lanes + labels.lanes
    order = np.argsort(key, kind="stable")
    names, starts = np.unique(key[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {(int(name) // lanes, int(name) % lanes): part for name, part in zip(names, parts, strict=True)}


def best_pairs(found: Iterator[Pairs], objective: str, many: int) -> Pairs:
    """So many pairs that cost least by the scores of an objective, the least first."""
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    kept = Pairs(none, none, nothing, nothing)
    for each in found:
        first, second = OBJECTIVES[objective](each.cycles, each.energy_pj)
        if len(kept.outer) == many:
            worst, other = (score[-1] for score in OBJECTIVES[objective](kept.cycles, kept.energy_pj))
            row, column = np.nonzero((first < worst) | ((first == worst) & (second < other)))
        else:
            row, column = np.nonzero(np.isfinite(first))
        if not len(row):
            continue
        both = Pairs(
            np.concatenate([kept.outer, each.outer[row]]),
            np.concatenate([kept.inner, each.inner[column]]),
            np.concatenate([kept.cycles, each.cycles[row, column]]),
            np.concatenate([kept.energy_pj, each.energy_pj[row, column]]),
        )
        scores = OBJECTIVES[objective](both.cycles, both.energy_pj)
        order = np.lexsort((scores[1], scores[0]))[:many]
        kept = Pairs(both.outer[order], both.inner[order], both.cycles[order], both.energy_pj[order])
    return kept
