"""One evaluated mapping as a document: the totals, every level, and what to know about them."""

from collections.abc import Iterator

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.report.records import Record
from crisp_hw.spec.documents.mappings import MAPPING, MAPPING_LEVELS
from crisp_hw.timeloop.stats.detail import Evaluated
from crisp_hw.timeloop.stats.json_text import finite, stats_data


def model_document(evaluated: Evaluated) -> Document:
    """Totals, and actual words moved per instance of every level, outermost first; energies are of all instances."""
    result, name = evaluated.result, evaluated.point.design.problem.name
    levels = model_records(evaluated)
    totals = table(f"{name}: one mapping", MAPPING.columns, [model_totals(evaluated)])
    moved = table(f"{name}: levels, words moved per instance", MAPPING_LEVELS.columns, levels)
    remarks = {"assumptions": result.assumptions, "without effect": result.skipped}
    return Document(name, (moved,), remarks, levels, finite(stats_data(evaluated)), answer=(totals,))


def model_records(evaluated: Evaluated) -> list[Record]:
    """One record per level and tensor, outermost level first, all with the same keys."""
    blank: Record = dict.fromkeys(column.key for column in MAPPING_LEVELS.columns)
    return [blank | record for record in _level_records(evaluated)]


def model_totals(evaluated: Evaluated) -> Record:
    """What the mapping costs as a whole."""
    result, compute = evaluated.result, evaluated.result.compute
    computes = compute.random if compute else 0
    return {
        "cycles": result.cycles,
        "bound_by": result.bound_by,
        "utilization": result.utilization,
        "energy_uj": result.energy_pj / 1e6,
        "pj_per_compute": result.energy_pj / computes if computes else None,
        "computes": computes,
        "skipped": compute.skipped if compute and compute.skipped else None,
        "gated": compute.gated if compute and compute.gated else None,
    }


def _level_records(evaluated: Evaluated) -> Iterator[Record]:
    keeps = evaluated.point.mapping.nest.keeps
    for level, kept in reversed(list(zip(evaluated.result.levels, keeps, strict=True))):
        for name, counts in level.tensors.items():
            if name in kept:
                moved: Record = {op: counts.accesses[f"random_{op}"] for op in ("reads", "fills", "updates")}
                shares: Record = {"instances": counts.utilized_instances, "words": counts.utilized_capacity}
                energy = counts.energy_pj * counts.utilized_instances
                yield {"level": level.name, "tensor": name, **shares, **moved, "energy_pj": energy}
        if level.leakage_pj:
            yield {"level": level.name, "tensor": "leakage", "energy_pj": level.leakage_pj}
        if kept:
            yield {"level": level.name, "tensor": "all", "cycles": level.cycles, "energy_pj": level.energy_pj}
    for network in evaluated.result.networks:
        yield {"level": network.name, "tensor": "all", "energy_pj": network.energy_pj}
    if evaluated.result.compute is not None:
        compute = evaluated.result.compute
        instances = compute.utilized_instances
        yield {"level": compute.name, "instances": instances, "cycles": compute.cycles, "energy_pj": compute.energy_pj}
