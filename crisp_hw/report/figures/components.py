"""Where energy goes, as parts that stand on each other in the same order in every figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisp_hw.documents.columns import plain
from crisp_hw.report.energies import WIRES, energies_of, summed
from crisp_hw.report.figures.style import INK
from crisp_hw.report.records import dram_names
from crisp_hw.spec.columns import heading
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation

METADATA, BESIDE, BETWEEN = heading("on_chip_metadata_uj").removesuffix(" uJ"), "selection, decoders", "wires"
OVER_DENSE = f"{heading('energy_uj')} / {heading('dense_energy_uj')}".replace(" uJ", "")  # a ratio has no unit
# Cividis (Nunez, Anderton, Renslow, PLoS ONE 2018), dark to light: levels have an order, from the MACs outwards.
LEVEL_COLOURS = ("#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FDE737")
DRAM_COLOURS = ("#D9D9D9", "#F2F2F2")  # grey: beside the order of the levels on chip
ADDED = {METADATA: "//////", BESIDE: "xxxxxx", BETWEEN: "......"}  # what no level takes for data is hatched


@dataclass(frozen=True)
class Component:
    """A part of the energy: its name in legends, how it is filled, and whether it lies on the chip."""

    name: str
    fill: Mapping[str, Any]
    on_chip: bool = True


def components(network: NetworkEvaluation) -> tuple[Component, ...]:
    """From the bottom: MACs and levels from the inside outwards, wires, metadata, what stands beside the model, DRAM.

    >>> [each.name for each in components(NetworkEvaluation("nothing", ()))]
    ['on-chip metadata', 'selection, decoders']
    """
    chip, far = _names(network)
    step = (len(LEVEL_COLOURS) - 1) / max(1, len(chip) - 1)
    levels = [Component(plain(name), _plain(LEVEL_COLOURS[round(i * step)])) for i, name in enumerate(chip)]
    wired = any(result.networks for row in network.rows for result in (row.result, row.dense))
    added = [Component(name, _hatched(ADDED[name])) for name in (BETWEEN, METADATA, BESIDE) if name != BETWEEN or wired]
    outside = [Component(plain(n), _plain(DRAM_COLOURS[i % 2]), on_chip=False) for i, n in enumerate(far)]
    return (*levels, *added, *outside)


@dataclass(frozen=True)
class Stack:
    """Energy in uJ by component, and of the dense run altogether."""

    parts: Mapping[str, float]
    dense: float

    @property
    def shares(self) -> Mapping[str, float]:
        """Parts over the dense run; 0 where the energy table holds only zeros."""
        return {name: uj / self.dense if self.dense else 0.0 for name, uj in self.parts.items()}


def stack(network: NetworkEvaluation, rows: Sequence[LayerEvaluation]) -> Stack:
    """The energy of some rows of a network, by the names of its components."""
    sums, dram = summed(energies_of(row) for row in rows), dram_names(network)
    metadata = sums.metadata or {}
    chip, far = _names(network)
    parts = {plain(name): sums.this.get(name.lower(), 0.0) for name in (*chip, *far)}
    for name in chip:
        parts[plain(name)] -= metadata.get(name.lower(), 0.0)
    parts[METADATA] = sum((uj for name, uj in metadata.items() if name not in dram), 0.0)
    parts[BETWEEN] = sums.this.get(WIRES, 0.0)
    parts[BESIDE] = sum(sums.beside.values(), 0.0)
    return Stack(parts, sum(sums.dense.values(), 0.0))


def _names(network: NetworkEvaluation) -> tuple[list[str], list[str]]:
    """MACs and levels on the chip, and levels beyond it, each from the inside outwards, spelt as they are."""
    chains = {row.arch: row.point.design.architecture for row in network.rows}.values()
    spelt = [name for arch in chains for name in (arch.compute.name, *(level.name for level in arch.levels))]
    by_key = {name.lower(): name for name in reversed(spelt)}
    longest = max(chains, key=lambda arch: len(arch.levels), default=None)
    first = [] if longest is None else [longest.compute.name, *(level.name for level in longest.levels)]
    ordered = dict.fromkeys(name.lower() for name in (*first, *spelt))
    dram = dram_names(network)
    return [by_key[k] for k in ordered if k not in dram], [by_key[k] for k in ordered if k in dram]


def _plain(colour: str) -> dict[str, Any]:
    return {"facecolor": colour, "edgecolor": colour}


def _hatched(hatch: str) -> dict[str, Any]:
    return {"facecolor": "white", "edgecolor": INK, "hatch": hatch}
