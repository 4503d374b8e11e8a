"""The best mapping as a document and as files: how it was found, what it costs, its front, and the statistics."""

import json
from collections.abc import Mapping
from typing import Any

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.documents.tables import csv_text
from crisp_hw.dropin.map_files import Mapped
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.mapper.found import Found
from crisp_hw.mapper.tally import FrontPoint
from crisp_hw.report.model import model_document
from crisp_hw.report.records import Record
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.documents.mappings import DROPPED, FRONT, HISTORY, LEFT_OUT, SEARCH
from crisp_hw.timeloop.render.documents import render_design, render_mapping
from crisp_hw.timeloop.stats.json_text import stats_json
from crisp_hw.timeloop.stats.map_text import map_line, map_text
from crisp_hw.timeloop.stats.text import stats_text

SCHEMA = "crisp-hw/map/1"


def map_document(mapped: Mapped, points: int = 1) -> Document:
    """How the mapping was found, what was dropped and why, at most `points` mappings of the front, and its levels."""
    found, name = mapped.found, mapped.evaluated.point.design.problem.name
    model, front = model_document(mapped.evaluated), front_records(mapped, points)
    left: list[Record] = [{"rule": why, "count": count} for why, count in mapped.left_out.items()]
    dropped: list[Record] = [{"rule": rule, "count": count} for rule, count in found.pruned.items()]
    chosen = zip(front, _chosen(found, points), strict=True)
    shown: list[Record] = [{**record, "energy_uj": each.energy_pj / 1e6} for record, each in chosen]
    best = [table(f"{name}: the best mapping", SEARCH.columns, [_search_record(mapped)])]
    tables = [table(f"{name}: factorizations dropped", DROPPED.columns, dropped)] if dropped else []
    tables += [table(f"{name}: choices of keep and bypass left out", LEFT_OUT.columns, left)] if left else []
    unbeaten = f"{name}: mappings that none beats in both cycles and energy"
    best += [table(unbeaten, FRONT.columns, shown)] if len(front) > 1 else []
    return Document(
        name,
        (*model.tables, *tables),
        model.remarks,
        front,
        content(mapped),
        answer=tuple(best),
        summary={"search": (found.certificate,)},
    )


def texts_of(mapped: Mapped, points: int = 1) -> dict[str, str]:
    """File name -> content of everything that a run writes; pareto.csv has at most `points` mappings.

    Where levels were put between the axes of a mesh, the documents of that design are among them.
    """
    design = mapped.evaluated.point.design
    return {
        **(render_design(design) if mapped.added else {}),
        "map.yaml": render_mapping(mapped.evaluated.point),
        "map.txt": map_text(mapped.evaluated),
        "stats.txt": stats_text(mapped.evaluated),
        "stats.json": json.dumps(content(mapped), indent=1, allow_nan=False) + "\n",
        "pareto.csv": csv_text(front_records(mapped, points)),
    }


def history_text(found: Found) -> str:
    """What was best when, as CSV."""
    names = [each.key for each in HISTORY.columns]
    return csv_text([{name: getattr(each, name) for name in names} for each in found.history])


def content(mapped: Mapped) -> Mapping[str, Any]:
    """The statistics of `crisp-hw model`, and under "search" how the mapping was found.

    `pruned` counts factorizations by rule, `tried` and `valid` evaluated mappings.
    """
    found = mapped.found
    search = {
        "objective": found.objective,
        "factorizations": found.candidates,
        "keep_bypass_choices": mapped.choices,
        "keep_bypass_left_out": dict(mapped.left_out),
        "pruned": dict(found.pruned),
        "tried": found.tried,
        "valid": found.valid,
        "proven": found.proven,
        "gap": found.gap,
        "interrupted": found.interrupted,
        "certificate": found.certificate,
        "mapping": map_line(mapped.evaluated.point),
    }
    return {"schema": SCHEMA, "search": search, **_without_schema(json.loads(stats_json(mapped.evaluated)))}


def _without_schema(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if key != "schema"}


def front_records(mapped: Mapped, points: int) -> list[Record]:
    """At most `points` mappings that none beats in both cycles and energy, fewest cycles first, the best among them.

    `utilization` is the share of MACs at work.
    """
    records: list[Record] = []
    for each in _chosen(mapped.found, points):
        point = DesignPoint(mapped.evaluated.point.design, each.mapping)
        figures: Record = {"cycles": each.cycles, "energy_pj": each.energy_pj}
        records.append({**figures, "utilization": evaluate(point).utilization, "mapping": map_line(point)})
    return records


def _search_record(mapped: Mapped) -> Record:
    found, result = mapped.found, mapped.evaluated.result
    return {
        "objective": found.objective,
        "factorizations": found.candidates,
        "choices": mapped.choices,
        "tried": found.tried,
        "valid": found.valid,
        "cycles": result.cycles,
        "energy_uj": result.energy_pj / 1e6,
        "utilization": result.utilization,
    }


def _chosen(found: Found, points: int) -> list[FrontPoint]:
    """The best mapping, and others spread evenly over the front."""
    best = FrontPoint(found.cycles, found.energy_pj, found.mapping)
    others = [each for each in found.front if (each.cycles, each.energy_pj) != (best.cycles, best.energy_pj)]
    others.sort(key=lambda each: (each.cycles, each.energy_pj))
    many = min(points - 1, len(others))
    spread = [others[round(i * (len(others) - 1) / max(1, many - 1))] for i in range(many)]
    return sorted([best, *spread], key=lambda each: (each.cycles, each.energy_pj))
