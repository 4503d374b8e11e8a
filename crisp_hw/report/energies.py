"""Where the energy of layers goes, in uJ: levels, their metadata, and what stands beside the model."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.result import LevelResult, Result

UJ = 1e-6  # uJ per pJ
WIRES = "wires"  # beside the levels: the networks between them, where they take energy


@dataclass(frozen=True)
class Energies:
    """uJ by level in lower case: this run, the dense run, and parts of this run.

    `this` is the model's energy with the block index, its networks as `WIRES`; `metadata` is the part of it that
    metadata accesses take, block index included (None: the backend does not tell it apart), `index` the block index
    alone; `beside` holds "selection" and "decoder", which are in no level.
    """

    this: dict[str, float] = field(default_factory=dict)
    dense: dict[str, float] = field(default_factory=dict)
    metadata: dict[str, float] | None = field(default_factory=dict)
    index: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)


def energies_of(row: LayerEvaluation) -> Energies:
    """The energies of one layer on one accelerator."""
    index = {name.lower(): pj * UJ for name, pj in (row.index.energy_pj if row.index else {}).items()}
    selection = sum(line.energy_pj for line in row.overheads if line.name == "selection")
    others = sum(line.energy_pj for line in row.overheads if line.name != "selection")
    metadata = _metadata(row.result)
    return Energies(
        this=_added([_by_level(row.result), index]),
        dense=_by_level(row.dense),
        metadata=None if metadata is None else _added([metadata, index]),
        index=index,
        beside={"selection": selection * UJ, "decoder": others * UJ},
    )


def summed(parts: Iterable[Energies]) -> Energies:
    """The sums over layers; metadata are unknown where those of one layer are.

    >>> summed([Energies({"rf": 1.0}), Energies({"rf": 2.0}, metadata=None)])
    Energies(this={'rf': 3.0}, dense={}, metadata=None, index={}, beside={})
    """
    every = list(parts)
    known = [each.metadata for each in every if each.metadata is not None]
    return Energies(
        this=_added(each.this for each in every),
        dense=_added(each.dense for each in every),
        metadata=_added(known) if len(known) == len(every) else None,
        index=_added(each.index for each in every),
        beside=_added(each.beside for each in every),
    )


def _by_level(result: Result) -> dict[str, float]:
    found = {level.name.lower(): level.energy_pj * UJ for level in result.levels}
    between = {WIRES: sum(network.energy_pj for network in result.networks) * UJ} if result.networks else {}
    arithmetic = {result.compute.name.lower(): result.compute.energy_pj * UJ} if result.compute else {}
    return _added([found, arithmetic, between])


def _metadata(result: Result) -> dict[str, float] | None:
    """None where a level has energies that are not told apart by action."""
    if any(c.energy_pj > 0 and not c.action_energy_pj for level in result.levels for c in level.tensors.values()):
        return None
    return {level.name.lower(): _metadata_pj(level) * UJ for level in result.levels}


def _metadata_pj(level: LevelResult) -> float:
    """Of all instances."""
    return sum(
        pj * counts.utilized_instances
        for counts in level.tensors.values()
        for action, pj in counts.action_energy_pj.items()
        if "_metadata_" in action
    )


def _added(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for name, uj in part.items():
            total[name] = total.get(name, 0.0) + uj
    return total
