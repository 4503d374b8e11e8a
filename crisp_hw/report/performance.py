"""What an architect reads: time, throughput, position under the roofs, power, and area, of one layer or of many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crisp_hw.report.roofline import Position, position
from crisp_hw.spec.columns import Record
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.silicon import Silicon

OPERATIONS = 2  # of a multiply-accumulate: a multiplication and an addition
TERA, MILLI, MICRO = 1e12, 1e-3, 1e-6
DECODERS = ("offset_decoder", "index_decoder")  # one column, as their energies
SELECTION = "selection"


@dataclass(frozen=True)
class _Speed:
    """Seconds of some layers; None where the result has no clock (it is older than clocks)."""

    seconds: float | None

    def tops(self, macs: float) -> float | None:
        return OPERATIONS * macs / self.seconds / TERA if self.seconds else None


def speed_record(rows: Sequence[LayerEvaluation]) -> Record:
    """Time and throughput of the layers of one accelerator together, and where they stand under its roofs."""
    run, dense = _speed(rows, [row.result.cycles for row in rows]), _speed(rows, [row.dense.cycles for row in rows])
    macs, found = sum(row.real_macs for row in rows), [position(row) for row in rows]
    places = [each for each in found if each is not None]
    known = places if len(places) == len(rows) else []
    work = [each.attained * row.result.cycles for each, row in zip(known, rows, strict=bool(known))]
    least = _speed(rows, [macs / each.attainable for each, macs in zip(known, work, strict=True)])
    return {
        "ms": None if run.seconds is None else run.seconds / MILLI,
        "dense_tops": dense.tops(macs),
        "effective_tops": run.tops(macs),
        "attained_tops": run.tops(sum(work)) if known else None,
        "attainable_tops": least.tops(sum(work)) if known else None,
        "roof_share": _roof_share(rows, known, work),
        **_binds(rows, known),
    }


def power_record(rows: Sequence[LayerEvaluation], energies: Record) -> Record:
    """Mean power and efficiency: energies in uJ ("on_chip_uj", "energy_uj") over the time of the layers."""
    run = _speed(rows, [row.result.cycles for row in rows])
    found: Record = {}
    tops = run.tops(sum(row.real_macs for row in rows))
    for place, key in (("on_chip", "on_chip_uj"), ("total", "energy_uj")):
        uj = energies[key]
        assert isinstance(uj, float)  # both are sums
        watts = uj * MICRO / run.seconds if run.seconds else None
        found |= {f"{place}_w": watts, f"{place}_tops_per_w": tops / watts if tops is not None and watts else None}
    total = energies["energy_uj"]
    assert isinstance(total, float)
    return found | {"edp_uj_ms": None if run.seconds is None else total * run.seconds / MILLI}


def area_record(rows: Sequence[LayerEvaluation], places: Iterable[str]) -> Record:
    """mm2 of every place that has an energy, as far as there is a number, their sum, and throughput over it."""
    silicon = rows[0].silicon or Silicon()
    areas = {each.name.lower(): each.mm2 for each in silicon.on_chip}
    run = _speed(rows, [row.result.cycles for row in rows])
    tops, mm2 = run.tops(sum(row.real_macs for row in rows)), silicon.mm2
    return {
        **{f"{name}_mm2": areas.get(name) for name in places},
        "selection_mm2": _sum(rows[0].silicon, (SELECTION,)),
        "decoder_mm2": _sum(rows[0].silicon, DECODERS),
        "on_chip_mm2": mm2,
        "effective_tops_per_mm2": tops / mm2 if tops is not None and mm2 else None,
    }


def _speed(rows: Sequence[LayerEvaluation], cycles: Sequence[float]) -> _Speed:
    clocked = [row.silicon.technology for row in rows if row.silicon is not None]
    if len(clocked) < len(rows) or not rows:
        return _Speed(None)
    return _Speed(sum(each.ms(count) for each, count in zip(clocked, cycles, strict=True)) * MILLI)


def _roof_share(rows: Sequence[LayerEvaluation], known: Sequence[Position], work: Sequence[float]) -> float | None:
    """Cycles that the roofs allow over those that are taken."""
    if not known or not sum(work):
        return None
    least = sum(macs / each.attainable for each, macs in zip(known, work, strict=True))
    return least / sum(row.result.cycles for row in rows)


def _binds(rows: Sequence[LayerEvaluation], known: Sequence[Position]) -> Record:
    """What binds most of the cycles."""
    cycles: dict[str, int] = {}
    for each, row in zip(known, rows, strict=bool(known)):
        cycles[each.binds] = cycles.get(each.binds, 0) + row.result.cycles
    if not cycles:
        return {"binds": None, "binds_share": None}
    most = max(cycles, key=lambda name: cycles[name])
    return {"binds": most, "binds_share": cycles[most] / sum(cycles.values())}


def _sum(silicon: Silicon | None, names: Iterable[str]) -> float | None:
    """Area of circuits: 0 where there are none, None where one of them has no number."""
    if silicon is None:
        return None
    found = [each.mm2 for each in silicon.on_chip if each.name in names]
    known = [mm2 for mm2 in found if mm2 is not None]
    return sum(known, 0.0) if len(known) == len(found) else None
