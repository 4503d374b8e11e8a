"""What pairs of outer and inner labels cost, as sums of products of what the one and the other say."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.labels import STILL, Labels, deciding
from crisp_hw.mapper.chains.weights import SENT, THROUGH

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LANES = np.array([1, 4, 16, 64, 256])  # of outer labels that share words: each number is a column of a product


@dataclass(frozen=True)
class Sender:
    """A tensor, and of outer labels those that count: with this level as its nearest keeper (None: all of them), and
    at least so many lanes that share its words. With `held` they say how often that keeper's tiles are empty.
    """

    tensor: int
    level: int | None = None
    lanes: int = 1
    held: bool = False


@dataclass(frozen=True)
class Sums:
    """Of every pair the products of `left` and `right`, float64[n, terms] each, with what the two `add`."""

    left: Floats
    right: Floats
    add: tuple[Floats, Floats]

    def of(self, rows: Ints, columns: Ints) -> Floats:
        """Of some pairs, float64[rows, columns]."""
        found: Floats = self.left[rows] @ self.right[columns].T
        found += self.add[0][rows][:, None] + self.add[1][columns]
        return found

    def least_of_rows(self, rows: Ints, columns: Ints) -> Floats:
        """No more than the least of each row, float64[rows]."""
        left, right = self.left[rows], self.right[columns]
        found: Floats = np.maximum(left, 0.0) @ right.min(axis=0) + np.minimum(left, 0.0) @ right.max(axis=0)
        found += self.add[0][rows] + self.add[1][columns].min()
        return found

    @cached_property
    def turned(self) -> "Sums":
        """The same with rows and columns changed."""
        return Sums(self.right, self.left, (self.add[1], self.add[0]))


def energy_of(chain: Chain, outer: Labels, inner: Labels) -> Sums:
    """pJ of every pair, but for what leaks."""
    senders = _senders_of(chain, outer, SENT)
    terms = _outer_terms(chain, outer, senders), _inner_terms(chain, inner, senders)
    return Sums(*terms, (outer.pj, inner.pj))


def times_of(chain: Chain, outer: Labels, inner: Labels) -> list[Sums]:
    """Cycles of every port."""
    asked, still = 1.0 / (inner.free * inner.shared), inner.keeper & STILL == STILL
    whole, found = (chain.words * chain.others[-1]).astype(np.float64), []
    senders = _senders_of(chain, outer, THROUGH) if len(chain.narrow.spare) else []
    timely = _shares(chain, inner, senders, THROUGH)
    for port, sends in enumerate(chain.narrow.sends):
        left, right = [1.0 / outer.free], [inner.waiting[:, port]]
        for one, share in zip(senders, timely, strict=True):
            t, sent = one.tensor, _sent_by(outer, one, sends[:, one.tensor] * whole[one.tensor])
            left += [(sent / outer.free[:, t])[:, None], sent[:, None]]
            right += [(asked[:, t] * here * share)[:, None] for here in (still[:, t], ~still[:, t])]
        terms = np.concatenate(left, axis=1), np.concatenate(right, axis=1)
        found.append(Sums(*terms, (outer.time[:, port], inner.time[:, port])))
    return found


def _senders_of(chain: Chain, outer: Labels, place: int) -> list[Sender]:
    """The senders of words to inner labels: where SAFs leave all of a tensor's words, one for any level and lanes."""
    found: list[Sender] = []
    for t in range(len(chain.tensors)):
        if all(level[t].whole for level in chain.left[place]):
            found.append(Sender(t))
        else:
            pairs_there = np.unique(np.stack([outer.keeper[:, t], _rounded(outer.shared[:, t])], axis=1), axis=0)
            always = [level[t].always_held for level in chain.left[place]]
            found += [Sender(t, level, lanes, always[level]) for level, lanes in pairs_there.tolist()]
    return found


def _rounded(lanes: Floats) -> Ints:
    """Lanes rounded down, so that there are few numbers of them."""
    found: Ints = LANES[np.searchsorted(LANES, lanes, side="right") - 1]
    return found


def _sent_by(outer: Labels, sender: Sender, price: Floats) -> Floats:
    """What words of a tensor cost by the level that sends them, before what inner labels ask for divides it."""
    keeper, lanes = outer.keeper[:, sender.tensor], outer.shared[:, sender.tensor]
    here = price[keeper] / lanes * (outer.held[:, sender.tensor] if sender.held else 1.0)
    if sender.level is None:
        return here
    return np.where((keeper == sender.level) & (_rounded(lanes) == sender.lanes), here, 0.0)


def _shares(chain: Chain, inner: Labels, senders: list[Sender], place: int) -> list[Floats | float]:
    """What is left of the words that inner labels ask of each sender."""
    words, found = deciding(inner), list[Floats | float]()
    for one in senders:
        held = np.ones(len(inner)) if one.held else None
        where = (words[:, one.tensor] * one.lanes, inner.extent, held)
        found.append(1.0 if one.level is None else chain.left[place][one.level][one.tensor].share(*where))
    return found


def _outer_terms(chain: Chain, outer: Labels, senders: list[Sender]) -> Floats:
    """What the words of every tensor cost that inner levels ask for, by what these ask."""
    whole, terms = (chain.words * chain.others[-1]).astype(np.float64), [1.0 / outer.free]
    written = list(chain.outputs)
    for one in senders:
        t, sent = one.tensor, _sent_by(outer, one, chain.costs.sends[:, one.tensor] * whole[one.tensor])
        terms += [(sent / outer.free[:, t])[:, None], sent[:, None]]
        if t in written:
            read = _sent_by(outer, one, chain.prices.reads[:, t] * float(chain.words[t]))
            terms.append(-(read * outer.shared[:, t] * outer.apart[:, t])[:, None])
    terms.append(-(outer.apart * outer.shared)[:, written])
    return np.concatenate(terms, axis=1)


def _inner_terms(chain: Chain, inner: Labels, senders: list[Sender]) -> Floats:
    """What inner levels ask for of every tensor, in the order of `_outer_terms`."""
    asked, still = 1.0 / (inner.free * inner.shared), inner.keeper & STILL == STILL
    terms, written = [inner.standing], list(chain.outputs)
    for one, share in zip(senders, _shares(chain, inner, senders, SENT), strict=True):
        t = one.tensor
        terms += [(asked[:, t] * here * share)[:, None] for here in (still[:, t], ~still[:, t])]
        if t in written:
            terms.append(np.broadcast_to(share, len(inner))[:, None])
    terms.append(inner.apart[:, written])
    return np.concatenate(terms, axis=1)
