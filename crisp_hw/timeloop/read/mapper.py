"""The `mapper` document of timeloop-mapper: what to minimise, and settings that have no meaning here."""

from dataclasses import dataclass, replace
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import mark_of
from crisp_hw.timeloop.yaml.fields import (
    Node,
    inside,
    items,
    key_at,
    mapping,
    number,
    similar,
    text,
    value_at,
)

MAPPER = Where("mapper")
METRICS = {"delay": "cycles", "energy": "energy", "edp": "edp"}
NOT_COUNTED = ("last_level_accesses", "ordered_accesses", "accesses-")  # Timeloop's other metrics
DEFAULT = "edp"  # what Timeloop minimises when no metric is named
ALGORITHMS = ("random", "exhaustive", "linear_pruned", "hybrid", "random_pruned")
WALK = (
    *("algorithm", "search_size", "timeout", "heartbeat", "victory_condition", "num_threads", "sync_interval"),
    *("max_permutations_per_if_visit", "filter_revisits", "penalize_consecutive_bypass_fails"),
)
PRINTING = (
    *("live_status", "diagnostics", "log_interval", "log_stats", "log_suboptimal", "log_all", "log_all_mappings"),
    *("log_oaves", "log_oaves_mappings", "log_orojenesis_mappings", "log_mappings_yaml", "log_mappings_verbose"),
    *("emit_whoop_nest", "out_prefix"),
)
LIMIT = "max_temporal_loops_in_a_mapping"
OWN = ("optimization_metric", "optimization_metrics", LIMIT, "version")


@dataclass(frozen=True)
class MapperSettings:
    """The objective ("cycles", "energy" or "edp"), and one note per thing that has no effect."""

    objective: str
    notes: tuple[str, ...] = ()


def read_mapper(document: Any) -> MapperSettings:
    """What a `mapper` document asks for; without one, or without metrics in it, the energy-delay product.

    Metrics are compared in their order, as Timeloop does (src/applications/mapper/mapper-thread.cpp); the first
    decides, and of two mappings that are equal in it the search takes the one with less energy, or with fewer cycles
    where it is the energy or the product that is equal. Raises InputError, with file and line, for metrics that are not
    counted, for limits that are not searched under, and for keys that nothing knows.

    >>> read_mapper({"optimization_metrics": ["delay", "energy"], "num_threads": 8}).objective
    'cycles'
    """
    if document is None:
        return MapperSettings(DEFAULT, ("no metric to optimize is named: the energy-delay product, as in Timeloop",))
    node = mapping(document, MAPPER)
    _check_keys(node)
    notes: list[str] = []
    metrics = _metrics(node, notes)
    if not metrics:
        notes.append(f"{_at(node)}mapper: no metric to optimize is named: the energy-delay product, as in Timeloop")
    if metrics[:1] == ["edp"] and metrics[1:2] == ["energy"]:
        notes.append(
            f"{_at(node)}mapper: of mappings with equal energy-delay product the one with fewer cycles is taken, not "
            "the one with less energy"
        )
    if unused := [key for key in node if key in (*WALK, *PRINTING) and node[key] is not None]:
        notes.append(f"{_at(node)}mapper: {', '.join(unused)}: how timeloop-mapper walks and prints, not used here")
    return MapperSettings(METRICS[metrics[0]] if metrics else DEFAULT, tuple(notes))


def _check_keys(node: Node) -> None:
    known = (*OWN, *WALK, *PRINTING)
    for key in node:
        if key not in known and "ignore" not in key:
            meant = similar(key, known)
            advice = f"did you mean {meant!r}?" if meant else "leave it out"
            raise InputError(f"unknown key {key!r}", key_at(MAPPER, node, key), advice)
    algorithm = node.get("algorithm")
    # Timeloop turns the hyphens of old files into underscores (compound-config/hyphens-to-underscores.hpp)
    if algorithm is not None and str(algorithm).replace("-", "_") not in ALGORITHMS:
        said = f"the algorithm {str(node['algorithm'])[:40]!r} is not one of {', '.join(ALGORITHMS)}"
        raise InputError(said, value_at(MAPPER, node, "algorithm"), "leave it out")
    limit = node.get(LIMIT)
    if limit not in (None, -1) and number(limit, inside(MAPPER, node, LIMIT)) > 0:
        raise InputError(f"{LIMIT} is not searched under", value_at(MAPPER, node, LIMIT), "leave it out")


def _metrics(node: Node, notes: list[str]) -> list[str]:
    """The metrics by name, most important first; Timeloop passes over a list under the singular."""
    one, many = "optimization_metric", "optimization_metrics"
    if isinstance(node.get(one), str):
        return [_metric(node[one], value_at(MAPPER, node, one))]
    if passed_over := [name for name, _ in items(node.get(one) or [], inside(MAPPER, node, one))]:
        said = f"the list {one}: [{', '.join(map(str, passed_over))}] is passed over, as by Timeloop"
        notes.append(f"{mark_of(node, one) or 'mapper'}: {said}; write {many}")
    named = items(node.get(many) or [], inside(MAPPER, node, many))
    return [_metric(text(name, at), replace(at, key="")) for name, at in named]


def _metric(name: str, at: Where) -> str:
    if name in METRICS:
        return name
    if name.startswith(NOT_COUNTED):
        raise InputError(f"the metric {name} is not searched for", at, f"use {', '.join(METRICS)}")
    raise InputError(f"there is no metric {name[:40]!r}", at, f"there are {', '.join(METRICS)}")


def _at(node: Node) -> str:
    mark = mark_of(node)
    return f"{mark}: " if mark else ""
