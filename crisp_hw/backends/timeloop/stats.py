"""Timeloop's stats.txt as figures: what it prints of every level and tensor, under the names of its source."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crisp_hw.backends.timeloop.failure import ToolError

Number = int | float
Ranks = tuple[tuple[int, int], ...]

_KINDS = {"Algorithmic": "", "Actual": "random_", "Gated": "gated_", "Skipped": "skipped_"}
_NAMES = {
    "Instances": "instances",
    "Partition size": "partition_size",
    "Max utilized data storage capacity": "utilized_capacity",
    "Utilized capacity": "utilized_capacity",
    "Utilized instances": "largest_instances",
    "Utilized instances (max)": "largest_instances",
    "Utilized instances (average)": "utilized_instances",
    "Utilized clusters (max)": "utilized_clusters",
    **{f"Scalar {op} (per-instance)": op for op in ("reads", "fills", "updates")},
    **{
        f"{kind} scalar {what}{op} (per-instance)": f"{prefix}{'format_' if what else ''}{op}"
        for kind, prefix in _KINDS.items()
        for what in ("", "format ")
        for op in ("reads", "fills", "updates")
    },
    "Max utilized Repr format storage capacity": "format_capacity",
    "Temporal reductions (per-instance)": "temporal_reductions",
    "Address generations (per-cluster)": "address_generations",
    "Energy (per-instance)": "energy",
    "Energy (total)": "total_energy",
    "Temporal Reduction Energy (per-instance)": "temporal_reduction_energy",
    "Address Generation Energy (per-cluster)": "addr_gen_energy",
    "Average Read Bandwidth (per-instance)": "read_bandwidth",
    "Read Bandwidth (per-instance)": "read_bandwidth",
    "Average Write Bandwidth (per-instance)": "write_bandwidth",
    "Write Bandwidth (per-instance)": "write_bandwidth",
    "Cycles": "cycles",
    "Bandwidth throttling": "slowdown",
    "Leakage energy (total)": "leakage_energy",
    "Algorithmic Computes (total)": "algorithmic_computes",
    "Computes (total)": "algorithmic_computes",
    "Actual Computes (total)": "random_computes",
    "Gated Computes (total)": "gated_computes",
    "Skipped Computes (total)": "skipped_computes",
}
"""The words of stats.txt (model/buffer.cpp, model/arithmetic.cpp: Print) and the fields of its archive."""

_FIGURE = re.compile(r"\s*(\S[^:]*?)\s*:\s*(.*)")
_TENSOR = re.compile(r" {4}(\S+):")
_RANK = re.compile(r"\s*Rank \d+ \(metadata, payload\): \((\d+), +(\d+)\)")
_LIST = re.compile(r"\s+(\S.*\S)\s*")
_NUMBER = re.compile(r"-?(?:nan|inf|\d+(\.\d+)?(e[+-]?\d+)?)")
_SUMMARY = re.compile(r"(Cycles|Energy|Utilization): (\S+)")


@dataclass
class Figures:
    """Numbers by name, and (metadata, payload) per rank, innermost first, by name."""

    numbers: dict[str, Number] = field(default_factory=dict)
    ranks: dict[str, Ranks] = field(default_factory=dict)


@dataclass
class LevelFigures:
    """One level of stats.txt; `tensors` are those that it keeps."""

    name: str
    own: Figures = field(default_factory=Figures)
    tensors: dict[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class Stats:
    """Levels as printed: the MAC array first, then storage from the inside; `summary` has the totals.

    `summary`: "Cycles", "Energy" in uJ with two decimals, "Utilization" in percent. Energies of `levels` are pJ.
    """

    levels: tuple[LevelFigures, ...]
    summary: Mapping[str, float]


def read_stats(text: str) -> Stats:
    """The figures of one stats.txt; ToolError when it is not one, or is cut off.

    >>> read_stats("Segmentation fault")
    Traceback (most recent call last):
    ...
    crisp_hw.backends.timeloop.failure.ToolError: stats.txt holds no level; Timeloop did not finish it
    """
    body, _, rest = text.partition("\nSummary Stats\n")
    levels = tuple(_levels(body.split("\nNetworks\n")[0].split("\nOperational Intensity Stats\n")[0]))
    if not levels:
        raise ToolError("stats.txt holds no level", hint="Timeloop did not finish it")
    summary = {name: _summed(value) for name, value in _SUMMARY.findall(rest)}
    if not {"Cycles", "Energy", "Utilization"} <= summary.keys() or not re.search(r"^ +Total +=", rest, re.MULTILINE):
        raise ToolError("stats.txt ends before its summary", hint="Timeloop did not finish it")
    return Stats(levels, summary)


def _summed(text: str) -> float:
    try:
        return float(text.rstrip("%"))
    except ValueError as error:
        raise ToolError(f"stats.txt has {text!r} in its summary where a number must stand") from error


def _levels(body: str) -> Iterator[LevelFigures]:
    parts = re.split(r"^=== (.+) ===$", body, flags=re.MULTILINE)
    for name, lines in zip(parts[1::2], parts[2::2], strict=True):
        level = LevelFigures(name)
        figures, key = level.own, ""
        for line in lines.splitlines():
            if tensor := _TENSOR.fullmatch(line):
                figures = level.tensors.setdefault(tensor[1], Figures())
            elif rank := _RANK.fullmatch(line):
                figures.ranks[key] = ((int(rank[1]), int(rank[2])), *figures.ranks.get(key, ()))
            elif found := _FIGURE.fullmatch(line):
                key = _NAMES.get(found[1], "")
                _put(figures, key, found[2])
            elif heading := _LIST.fullmatch(line):  # its ranks follow
                key = _NAMES.get(heading[1], "")
        yield level


def _put(figures: Figures, name: str, text: str) -> None:
    """Store a figure that has a name here and starts with a number."""
    number = _NUMBER.match(text)
    if name and number:
        figures.numbers[name] = float(number[0]) if number[1] or not number[0].isdecimal() else int(number[0])
