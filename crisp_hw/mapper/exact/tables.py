"""The rows of each group that a template needs: those that no other row beats in everything that counts."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.columns import Table, Values
from crisp_hw.mapper.exact.program import Program

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_BLOCK = 256  # rows compared at once: (256 x front x columns) bools stay in the caches


@dataclass
class Tables:
    """Tables by what they hold; templates that ask for the same share them."""

    values: Values
    _known: dict[object, Ints] = field(default_factory=dict)

    def of(self, program: Program, group: int) -> Table:
        """The rows of a group that may be in the best mapping of a template.

        A row is left out when another has no more of any column of which less is better and no less of any of which
        more is. All costs of all completions are sums of products of these with numbers that the other groups decide
        and that are not negative, so that none is better with it; of equal rows the first stays.
        """
        low, high = program.senses
        values, parts = self.values, [self.values.within(group, column) for column in program.columns]
        less = dict.fromkeys(part for part, on in zip(parts, low, strict=True) if on)
        more = dict.fromkeys(part for part, on in zip(parts, high, strict=True) if on)
        open_rows = values.open(group, program.template.open)
        key = group, program.template.exact, open_rows.tobytes(), frozenset(less), frozenset(more)
        if key not in self._known:
            places = np.flatnonzero(open_rows)
            vector = [values.of(group, each)[places] for each in less]
            vector += [-values.of(group, each)[places] for each in more]
            if len(places) and program.template.exact:
                places = places[undominated(np.stack(vector, axis=1))]
            self._known[key] = places
        places = self._known[key]
        columns = np.stack([self.values.of(group, column)[places] for column in program.columns], axis=1)
        return Table(places, columns)


def undominated(vectors: Floats) -> Bools:
    """The rows that no other row equals or beats (is below) in every column; of equal rows the first.

    >>> undominated(np.array([[1.0, 4.0], [2.0, 2.0], [2.0, 3.0], [1.0, 4.0]])).tolist()
    [True, True, False, False]
    """
    # what beats a row stands before it in lexicographic order
    order = np.lexsort((np.arange(len(vectors)), *vectors.T[::-1]))
    kept = np.zeros(len(vectors), dtype=np.bool_)
    front = np.empty((0, vectors.shape[1]))
    for start in range(0, len(order), _BLOCK):
        part = order[start : start + _BLOCK]
        here = vectors[part]
        ahead_of_none = ~_beaten(here, front)
        part, here = part[ahead_of_none], here[ahead_of_none]
        stays = np.ones(len(part), dtype=np.bool_)
        for place in range(1, len(part)):
            ahead = here[:place][stays[:place]]
            stays[place] = not (ahead <= here[place]).all(axis=1).any()
        kept[part[stays]] = True
        front = np.concatenate([front, here[stays]])
    return kept


def _beaten(rows: Floats, front: Floats) -> Bools:
    beats: Bools = np.all(front[None] <= rows[:, None], axis=2)
    found: Bools = np.any(beats, axis=1)
    return found
