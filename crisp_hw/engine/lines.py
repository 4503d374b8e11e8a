"""Tiles of a tensor whose lines each obey N:M, or N:M of N:M: closed forms over all its masks (docs/model.md).

A tile covers some lines and, of each, some words of some groups. Lines are independent and those of one pattern alike;
along a line, so are stretches of outer.m groups, in which the groups that hold something are a draw without
replacement. The occupancy is a sum, as in `hybrid`, and P the mean over the few ways in which tiles of the aligned
grid are cut.
"""

from collections import Counter
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.lattice import Distribution, Group, drawn, group_of, mixture, power, times
from crisp_hw.spec.patterns import PatternedLines, TwoRank

Int = NDArray[np.int64]
Extents = tuple[int, ...]
"""Size of a tile along each rank, in words."""

Stretch = tuple[int, tuple[tuple[Group, int], ...]]
"""Of outer.m groups (fewer at the end of a line): their number, and those that a tile cuts with how many alike."""
Line = tuple[tuple[Stretch, int], ...]
"""The stretches of a line that a tile cuts, with how many are cut alike."""
Cuts = tuple[Line, ...]
"""The same for the lines of every pattern."""
Lines = tuple[tuple[int, int], ...]
"""(lines in the tile, lines in the hole) of every pattern."""
Span = tuple[int, int]


@lru_cache(maxsize=4096)
def joint(density: PatternedLines, inner: Extents, outer: Extents, hole: bool) -> Distribution:
    """P(occupancy of the outer tile [and an empty inner one]), summed over pairs of an outer tile and one inside it."""
    lines = _line_classes(density, inner, outer, hole)
    cuts = _cut_classes(density, inner[density.axis], outer[density.axis], hole)
    return mixture(
        [
            (float(times_lines * times_cuts), _tile(density.patterns, line, cut))
            for (line, times_lines), (cut, times_cuts) in product(lines.items(), cuts.items())
        ]
    )


@lru_cache(maxsize=65536)
def _tile(patterns: tuple[TwoRank, ...], lines: Lines, cuts: Cuts) -> Distribution:
    """Distribution of one tile, its mass P(the hole is empty)."""
    found = Distribution(0)
    for pattern, (inside, holed), line in zip(patterns, lines, cuts, strict=True):
        found = times(found, power(_line(pattern, _unholed(line)), inside - holed))
        found = times(found, power(_line(pattern, line), holed))
    return found


@lru_cache(maxsize=65536)
def _line(pattern: TwoRank, line: Line) -> Distribution:
    """Distribution of what the tile cuts of one line."""
    found = Distribution(0)
    for (total, groups), alike in line:
        held = [(group_of(pattern.inner.n, group), count) for group, count in groups]
        found = times(found, power(drawn(held, min(pattern.outer.n, total), total), alike))
    return found


def _unholed(line: Line) -> Line:
    plain: Counter[Stretch] = Counter()
    for (total, groups), alike in line:
        counts: Counter[Group] = Counter()
        for (width, taken, _), count in groups:
            counts[width, taken, 0] += count
        plain[total, tuple(sorted(counts.items()))] += alike
    return tuple(sorted(plain.items()))


@lru_cache(maxsize=4096)
def _line_classes(density: PatternedLines, inner: Extents, outer: Extents, hole: bool) -> Counter[Lines]:
    """How many pairs of an outer tile and one inside it hold as many lines of every pattern."""
    ranks = [rank for rank in range(len(density.shape)) if rank != density.axis]
    labels = np.array(density.lines).reshape([density.shape[rank] for rank in ranks])
    cut = [_starts(density.shape[rank], outer[rank], inner[rank]) for rank in ranks]
    counts: list[Int] = []
    for pattern in range(len(density.patterns)):
        of_it = (labels == pattern).astype(np.int64)
        inside = _sums(of_it, [wide for wide, _, _ in cut])[np.ix_(*(which for _, _, which in cut))]
        holed = _sums(of_it, [narrow for _, narrow, _ in cut]) if hole else np.zeros_like(inside)
        counts += [inside.ravel(), holed.ravel()]
    found, number = np.unique(np.stack(counts), axis=1, return_counts=True)
    pairs = [tuple(zip(each[::2], each[1::2], strict=True)) for each in found.T.tolist()]
    return Counter(dict(zip(pairs, number.tolist(), strict=True)))


def _starts(length: int, outer: int, inner: int) -> tuple[Int, Int, Int]:
    """Where outer tiles of a rank begin, where inner ones do, and in which outer one each inner one lies."""
    wide = np.arange(0, length, outer)
    narrow = [np.arange(start, min(start + outer, length), inner) for start in wide.tolist()]
    return wide, np.concatenate(narrow), np.repeat(np.arange(len(wide)), [len(each) for each in narrow])


def _sums(values: Int, starts: list[Int]) -> Int:
    """Sums of the boxes that begin there."""
    for rank, places in enumerate(starts):
        values = np.add.reduceat(values, places, axis=rank)
    return values


@lru_cache(maxsize=4096)
def _cut_classes(density: PatternedLines, inner: int, outer: int, hole: bool) -> Counter[Cuts]:
    """The same for the words of a line: how many pairs cut the lines of every pattern alike."""
    found: Counter[Cuts] = Counter()
    length = density.shape[density.axis]
    for start in range(0, length, outer):
        outside = (start, min(start + outer, length))
        plain = [_stretches(each, density.columns, outside, (0, 0), outside) for each in density.patterns]
        for first in range(start, outside[1], inner):
            inside = (first, min(first + inner, outside[1])) if hole else (0, 0)
            cuts = []
            for pattern, whole in zip(density.patterns, plain, strict=True):
                changed = Counter(whole)
                if hole:  # what the hole touches is cut otherwise
                    changed -= _stretches(pattern, density.columns, outside, (0, 0), inside)
                    changed += _stretches(pattern, density.columns, outside, inside, inside)
                cuts.append(tuple(sorted(changed.items())))
            found[tuple(cuts)] += 1
    return found


def _stretches(pattern: TwoRank, columns: int, outside: Span, hole: Span, where: Span) -> Counter[Stretch]:
    """The stretches that some words touch, as the tile and its hole cut them."""
    m, side = pattern.inner.m, pattern.outer.m * pattern.inner.m
    found: Counter[Stretch] = Counter()
    for begin in range(where[0] // side * side, min(where[1], columns), side):
        end = min(begin + side, columns)
        groups: Counter[Group] = Counter()
        for start in range(max(begin, outside[0] // m * m), min(end, outside[1]), m):
            stop = min(start + m, end)
            taken, zero = (max(0, min(stop, span[1]) - max(start, span[0])) for span in (outside, hole))
            groups[stop - start, taken, zero] += 1
        found[-(-(end - begin) // m), tuple(sorted(groups.items()))] += 1
    return found
