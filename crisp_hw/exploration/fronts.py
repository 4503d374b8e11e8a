"""Pareto fronts: the points that none other beats."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Costs = np.ndarray[Any, np.dtype[np.float64]]
"""A row per point, a column per objective, of which less is better."""


def front(costs: Costs) -> list[int]:
    """The places of the points that no other is at least as good as in everything and better in something, in order.

    Points that cost the same stand on the front together.

    >>> front(np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0], [2.0, 2.0]]))
    [0, 1, 3, 4]
    """
    unique, places = np.unique(costs, axis=0, return_inverse=True)
    kept, many, wanted = np.empty_like(unique), 0, set[int]()
    for place, row in enumerate(unique):  # in lexical order a later one never beats an earlier one
        if not np.any(np.all(kept[:many] <= row, axis=1)):
            kept[many], many = row, many + 1
            wanted.add(place)
    return [place for place, row in enumerate(np.ravel(places)) if int(row) in wanted]


def hypervolume(costs: Costs, reference: Sequence[float]) -> float:
    """The volume between a front and a point that is worse in everything, by sweeping over the last objective.

    >>> hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), (3.0, 3.0))
    3.0
    """
    inside = costs[np.all(costs < np.asarray(reference), axis=1)]
    if not len(inside):
        return 0.0
    if costs.shape[1] == 1:
        return float(reference[0] - inside.min())
    order = inside[np.argsort(inside[:, -1], kind="stable")]
    heights = [*order[:, -1], reference[-1]]
    slabs = zip(heights, heights[1:], range(1, len(order) + 1), strict=False)
    return sum(
        float(above - below) * hypervolume(order[:many, :-1], reference[:-1])
        for below, above, many in slabs
        if above > below
    )
