"""The designs of the mapper's table: which documents, what is asked of each, and by what it is held."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from problems import CONV3X3, LAYERS, Convolution, resnet50

DESIGNS = Path(__file__).with_name("designs")
LIMIT_S, NETWORK_S = 60.0, 600.0  # processor seconds that a search may take; those of a network: ten minutes in all
DATAFLOWS = ("weight-stationary", "output-stationary", "row-stationary")


@dataclass(frozen=True)
class Asked:
    """What a row must show; None where nothing is asked.

    EDP at most `edp`; proven, or with `gap` at least that near to the bound; in at most `cpu_s` processor seconds;
    after `soon_s` seconds within 1 % of the result.
    """

    edp: float | None = None
    gap: float = 0.0
    cpu_s: float | None = None
    soon_s: float | None = None


@dataclass(frozen=True)
class Row:
    """One design: its file, the convolution that takes the place of a problem, and options of the search by name."""

    name: str
    group: str
    design: str
    asked: Asked
    layer: Convolution | None = None
    options: tuple[str, ...] = ()

    @property
    def limit_s(self) -> float:
        """Processor seconds after which its search is ended; a network is judged as a whole (`table.whole_network`)."""
        return NETWORK_S if self.group == "resnet50" else LIMIT_S

    @property
    def hand(self) -> Path | None:
        """The mapping that was written by hand, where there is one."""
        path = DESIGNS / "hand" / f"{self.name}.yaml"
        return path if path.exists() else None

    def documents(self) -> dict[str, Any]:
        """Timeloop's documents; the objective is cycles x pJ."""
        read: dict[str, Any] = yaml.safe_load((DESIGNS / f"{self.design}.yaml").read_text(encoding="utf-8"))
        problem = {} if self.layer is None else {"problem": self.layer.document}
        return {**read, **problem, "mapper": {"optimization_metrics": ["edp"]}}


def _rows() -> dict[str, Row]:
    free = "conv3x3-free"
    found = [
        Row("g512", "g512", "g512", Asked(3.157e15, cpu_s=10)),
        Row("g512-both-axes", "g512", "g512", Asked(2.297e15, cpu_s=10), options=("both_axes",)),
        Row("g512s", "g512s", "g512s", Asked(2.892e15, gap=0.1, cpu_s=60)),
        Row(free, free, free, Asked(8.870e14, cpu_s=60, soon_s=5), CONV3X3),
        Row("six-levels", "six-levels", "six-levels", Asked(gap=0.05, cpu_s=60)),
    ]
    found += [
        Row(f"{flow}-{name}", "dataflows", flow, Asked(gap=float("inf")), layer)
        for flow in DATAFLOWS
        for name, layer in LAYERS.items()
    ]
    found += [Row(f"resnet50-{layer.name}", "resnet50", free, Asked(), layer) for layer in resnet50()]
    return {row.name: row for row in found}


ROWS = _rows()


def chosen(words: list[str]) -> list[Row]:
    """The rows that are named, or whose group is; KeyError names a word that is neither.

    >>> [row.name for row in chosen(["g512"])]
    ['g512', 'g512-both-axes']
    """
    for word in words:
        if not any(word in (row.name, row.group) for row in ROWS.values()):
            raise KeyError(word)
    return [row for row in ROWS.values() if {row.name, row.group} & set(words)]
