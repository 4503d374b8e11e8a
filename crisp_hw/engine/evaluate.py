"""A design and its mappings to cycles, energy and a verdict: many at once, or one with every count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, distinct, mover, on_host
from crisp_hw.engine.checks import check, check_design
from crisp_hw.engine.counted import Counted, counted_of
from crisp_hw.engine.result import report
from crisp_hw.engine.sliding import sliding
from crisp_hw.engine.structures import AmbiguousChoice, alike, side_by_side
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.validity import RuleCheck, RuleKey, broken_rules, certain
from crisp_hw.engine.wires import costs
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.result import Result, unmapped
from crisp_hw.spec.rules import Unmappable

CHUNK = {True: 8192, False: 2**20}  # mappings at a time: what stays in the caches of a CPU; what fills a GPU
SIDE_BY_SIDE = 4096  # the same where structures differ or windows slide, and more arrays are alive
MANY = 512  # mappings of one structure from which on they are better off by themselves

Part = tuple[LoopNest, Int]
"""A nest and the bounds of mappings."""


@dataclass(frozen=True)
class Batch:
    """Verdict, cycles and energy of a batch of mappings, [b] each; `failures` lists the rules that were broken."""

    valid: Bool
    cycles: Int
    energy_pj: Float
    failures: tuple[RuleCheck, ...] = ()

    def at(self, rows: slice) -> "Batch":
        """Some neighbouring mappings, with the rules that they break."""
        broken = tuple(check.at(rows) for check in self.failures if check.failed[rows].any())
        return Batch(self.valid[rows], self.cycles[rows], self.energy_pj[rows], broken)


def evaluate_batch(
    design: Design, nest: LoopNest, bounds: Int, residuals: Int | None = None, device: str = "numpy"
) -> Batch:
    """Evaluate mappings that share a nest: `bounds` is int64[b, L], the bound of each loop, innermost first.

    `residuals`, of the same shape, are for imperfect factors (see `spec.mapping.Mapping`); mappings that have any are
    walked one by one, which is slow. Every number of a batch equals that of the mapping evaluated alone, on every
    `device` (`arrays.DEVICES`). Raises InputError where the bounds do not multiply to the problem, the device is not
    there, or the design asks for something that the model does not know.
    """
    here = np.ascontiguousarray(bounds.T, dtype=np.int64)
    rest = here if residuals is None else np.ascontiguousarray(residuals.T, dtype=np.int64)
    check(design, nest, here, rest)
    return _judged(design, here.shape[1], _tilings(design, nest, (here, rest), device))


def evaluate_nests(
    design: Design, parts: Sequence[Part], device: str = "numpy", residuals: Sequence[Int] | None = None
) -> Batch:
    """`evaluate_batch` of the mappings of several nests, bounds int64[b, L] of each, as one batch in this order.

    Mappings of nests that differ in the order of their loops alone are counted side by side, so that a few mappings of
    each of a thousand nests take hardly longer than a thousand of one. With `residuals` of each, nest by nest.
    """
    if residuals is not None:
        return _nest_by_nest(design, parts, residuals, device)
    columns = [(nest, np.ascontiguousarray(bounds.T, dtype=np.int64)) for nest, bounds in parts]
    ends = np.cumsum([bounds.shape[1] for _, bounds in columns]).tolist()
    groups: dict[object, list[int]] = {}
    for place, (nest, _) in enumerate(columns):
        groups.setdefault(alike(nest) if mixes(design, device) else place, []).append(place)

    def tilings() -> Iterator[tuple[Int, Tiling]]:
        for places in groups.values():
            check_design(design, columns[places[0]][0])
            few = [place for place in places if columns[place][1].shape[1] < MANY]
            for place in places if len(few) < 2 else set(places) - set(few):
                nest, bounds = columns[place]
                check(design, nest, bounds, bounds)
                for rows, tiling in _tilings(design, nest, (bounds, bounds), device):
                    yield rows + ends[place] - bounds.shape[1], tiling
            if len(few) > 1:
                where = [np.arange(ends[place] - columns[place][1].shape[1], ends[place]) for place in few]
                yield from _mixed(design, [columns[place] for place in few], np.concatenate(where))

    return _judged(design, ends[-1] if ends else 0, tilings())


def _nest_by_nest(design: Design, parts: Sequence[Part], residuals: Sequence[Int], device: str) -> Batch:
    """The same of mappings with imperfect factors."""

    def tilings() -> Iterator[tuple[Int, Tiling]]:
        start = 0
        for (nest, bounds), rest in zip(parts, residuals, strict=True):
            here, last = (np.ascontiguousarray(each.T, dtype=np.int64) for each in (bounds, rest))
            check(design, nest, here, last)
            for rows, tiling in _tilings(design, nest, (here, last), device):
                yield rows + start, tiling
            start += len(bounds)

    return _judged(design, sum(len(bounds) for _, bounds in parts), tilings())


def mixes(design: Design, device: str = "numpy") -> bool:
    """Can mappings of different structures be counted side by side?

    Not what is walked one by one, nor networks that take energy, tensors that stream through a level, bands, whose
    tiles may lie outside, and the devices of other libraries.
    """
    plain = device == "numpy" and not design.rules.streams
    walks = not design.rules.still_keeps_stride and sliding(design.problem)
    banded = design.sparse.active and any(isinstance(tensor.density, Banded) for tensor in design.problem.tensors)
    return plain and not walks and not banded and not any(map(costs, design.architecture.levels))


def _judged(design: Design, count: int, tilings: Iterator[tuple[Int, Tiling]]) -> Batch:
    """Verdict, cycles and energy of all mappings, which come in parts with their places in the batch."""
    valid = np.zeros(count, dtype=bool)
    cycles, energy = np.zeros(count, dtype=np.int64), np.zeros(count)
    failures: dict[RuleKey, RuleCheck] = {}
    for rows, tiling in tilings:
        for part_rows, counted in _counted(design, rows, tiling):
            if isinstance(counted, Unmappable):
                _merge(failures, certain(counted.failure, len(part_rows)), part_rows, count)
                continue
            cycles[part_rows], energy[part_rows] = on_host(counted.cycles), on_host(counted.energy_pj)
            valid[part_rows] = True
            for broken in broken_rules(counted):
                valid[part_rows] &= ~broken.failed
                _merge(failures, broken, part_rows, count)
    return Batch(valid, cycles, energy, tuple(failures.values()))


def evaluate(point: DesignPoint) -> Result:
    """Evaluate one design point and report every count.

    Raises InputError as `evaluate_batch`; an invalid mapping is a Result whose `reasons` say why.
    """
    return result_of(evaluate_point(point), point.assumptions)


def result_of(counted: Counted | Unmappable, assumptions: tuple[str, ...] = ()) -> Result:
    """The Result of a design point of which everything is counted (`evaluate_point`)."""
    if isinstance(counted, Unmappable):
        return unmapped((counted.failure,), assumptions)
    return report(counted, broken_rules(counted), assumptions)


def evaluate_point(point: DesignPoint) -> Counted | Unmappable:
    """Everything that lies behind the Result of one design point, or why a format does not fit its mapping.

    Raises InputError as `evaluate_batch`.
    """
    mapping = point.mapping
    bounds = np.array(mapping.bounds, dtype=np.int64)[:, None]
    residuals = bounds if mapping.residuals is None else np.array(mapping.residuals, dtype=np.int64)[:, None]
    check(point.design, mapping.nest, bounds, residuals)
    tiling = _tiling(point.design, mapping.nest, (bounds, residuals))
    ((_, counted),) = _counted(point.design, np.array([0]), tiling)
    return counted


@dataclass(frozen=True)
class _Structures:
    """Places of the mappings of a nest: by structure, and of structures with few of them together."""

    groups: list[Int]
    few: Int


def _structures(bounds: Int, residuals: Int, least: int) -> _Structures:
    """Mappings grouped by which loops do something and whether one is ragged; groups below `least` are `few`."""
    none = np.zeros(0, dtype=np.int64)
    flags = bounds > 1
    if residuals is not bounds:
        flags = np.concatenate([flags, (residuals != bounds).any(axis=0, keepdims=True)])
    if (flags == flags[:, :1]).all():
        return _Structures([np.arange(bounds.shape[1])], none)
    _, which = distinct(list(np.packbits(flags, axis=0).astype(np.int64)))
    large = np.bincount(which) >= least
    order = np.argsort(which, kind="stable")
    many = order[large[which[order]]]
    groups = np.split(many, np.flatnonzero(np.diff(which[many])) + 1) if len(many) else []
    return _Structures(groups, np.flatnonzero(~large[which]))


def _tilings(design: Design, nest: LoopNest, factors: tuple[Int, Int], device: str) -> Iterator[tuple[Int, Tiling]]:
    """The mappings of a nest by structure, or side by side where structures have few of them; and their places."""
    bounds, residuals = factors
    mixed = residuals is bounds and mixes(design, device)
    found = _structures(bounds, residuals, MANY if mixed else 0)
    if len(found.few):
        yield from _mixed(design, [(nest, bounds[:, found.few])], found.few)
    groups = found.groups
    most = SIDE_BY_SIDE if sliding(design.problem) else CHUNK[device == "numpy"]
    for rows in (group[start : start + most] for group in groups for start in range(0, len(group), most)):
        whole = len(rows) == bounds.shape[1]
        here, rest = factors if whole else (bounds[:, rows], residuals[:, rows])
        yield rows, _tiling(design, nest, (here, here if residuals is bounds else rest), device)


def _tiling(design: Design, nest: LoopNest, factors: tuple[Int, Int], device: str | None = None) -> Tiling:
    """Mappings of one structure; of one that is looked at (no device), also the counts that cost nothing."""
    bounds, residuals = factors
    perfect = residuals is bounds or bool((bounds == residuals).all())
    here = mover(device or "numpy")(np.ascontiguousarray(bounds))
    costs_only = device is not None and _costs_only(design)
    return Tiling(
        design.problem, design.architecture, nest, here, None if perfect else residuals, design.rules, costs_only
    )


def _costs_only(design: Design) -> bool:
    """Does nothing depend on entries without bits? Options of a SAF are weighed by entries, with bits or without."""
    return not any(len(action.options) > 1 for action in design.sparse.actions)


def _mixed(design: Design, parts: Sequence[Part], places: Int) -> Iterator[tuple[Int, Tiling]]:
    """Mappings of nests that are `alike`, bounds int64[L, b] of each, side by side; with their places."""
    found = side_by_side(design.problem, parts)
    for start in range(0, len(places), SIDE_BY_SIDE):
        rows = slice(start, start + SIDE_BY_SIDE)
        bounds, orders = np.ascontiguousarray(found.bounds[:, rows]), found.orders.at(rows)
        tiling = Tiling(
            design.problem,
            design.architecture,
            found.nest,
            bounds,
            rules=design.rules,
            costs_only=_costs_only(design),
            orders=orders,
        )
        whole = np.array(design.problem.bounds, dtype=np.int64)[:, None]
        if (tiling.box(len(bounds)) != whole).any() or bounds.min(initial=1) < 1:
            for nest, factors in parts:  # which of them it is, and why
                check(design, nest, factors, factors)
        yield places[rows], tiling


def _counted(design: Design, rows: Int, tiling: Tiling) -> list[tuple[Int, Counted | Unmappable]]:
    """Everything that is computed of some mappings, whose places in the batch are `rows`."""
    try:
        return [(rows, counted_of(design, tiling))]
    except AmbiguousChoice as ambiguous:
        parts = [np.flatnonzero(ambiguous.choice == choice) for choice in np.unique(ambiguous.choice)]
        return [found for part in parts for found in _counted(design, rows[part], tiling.at(part))]
    except Unmappable as error:
        return [(rows, error)]


def _merge(found: dict[RuleKey, RuleCheck], new: RuleCheck, rows: Int, total: int) -> None:
    """Scatter a rule that some rows break into one over the whole batch."""
    into = found.get(new.key)
    if into is None:
        need, have = (None if each is None else np.zeros(total) for each in (new.need, new.have))
        into = found[new.key] = replace(new, failed=np.zeros(total, dtype=bool), need=need, have=have)
    into.failed[rows] = new.failed
    for whole, part in ((into.need, new.need), (into.have, new.have)):
        if whole is not None and part is not None:
            whole[rows] = part
