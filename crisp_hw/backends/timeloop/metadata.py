"""What Timeloop's metadata accesses cost: it prints their number, and one energy for data and metadata together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crisp_hw.engine.counted import Counted
from crisp_hw.engine.energy import Charge, charges
from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.errors import MappingError
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.result import FormatCounts, LevelResult, Result, TensorCounts

DATA = "data"
"""The part of a tensor's energy that is not of its metadata: words, compression and decompression."""

Widths = Sequence[tuple[int, int]]
"""Bits of one metadata word and of one payload word of each rank, innermost first."""


def with_metadata(found: Result, point: DesignPoint, made: EnergyTable | None = None) -> Result:
    """The result with the energy of every tensor in two parts, that of metadata by action and the rest as `DATA`.

    Timeloop's own counts of metadata and payload words, times the bits of one word as the format and the mapping have
    it, fill vectors of the level's metadata width, each at the price of the energy table: the point's own, or the one
    that was `made` for the run. A mapping that only Timeloop finds valid stays as it is.
    """
    if made is not None:
        point = replace(point, design=replace(point.design, energy=made))
    counted = evaluate_point(point)
    if isinstance(counted, MappingError):
        return found
    return replace(
        found, levels=tuple(_level(counted, point, number, each) for number, each in enumerate(found.levels))
    )


def _level(counted: Counted, point: DesignPoint, number: int, level: LevelResult) -> LevelResult:
    places = {tensor.name: (number, t) for t, tensor in enumerate(point.design.problem.tensors)}
    tensors = {
        name: replace(counts, action_energy_pj=_parts(counted, point, places[name], counts))
        for name, counts in level.tensors.items()
    }
    return replace(level, tensors=tensors)


def _parts(counted: Counted, point: DesignPoint, place: tuple[int, int], counts: TensorCounts) -> dict[str, float]:
    stored = counted.sparse.ranks.get(place)
    widths = stored.widths if stored is not None and stored.form is not None else ()
    prices = charges(counted.tiling, counted.sparse, point.design.energy, place)
    paid = {name: _paid(charge, counts.format_accesses, widths, name) for name, charge in prices.items()}
    metadata = {name: pj for name, pj in paid.items() if pj}
    return {DATA: counts.energy_pj - sum(metadata.values()), **metadata}


def _paid(charge: Charge, accesses: Mapping[str, FormatCounts], widths: Widths, name: str) -> float:
    """pJ per instance of one action; 0 for those that are not of metadata."""
    kind, _, op = name.partition("_metadata_")
    if not op or not charge.pj_each:
        return 0.0
    bits = metadata_bits(accesses.get(f"{kind}_{op}", ()), widths)
    return float(replace(charge, amount=np.array([bits], dtype=np.int64)).energy[0])


def metadata_bits(ranks: FormatCounts, widths: Widths) -> int:
    """Bits of the words that were moved; a rank whose words have no bits may be missing, as in stats.txt.

    >>> metadata_bits(((10, 4), (3, 0)), ((2, 8), (1, 0))), metadata_bits(((10, 4),), ((0, 0), (2, 8)))
    (55, 52)
    """
    used = widths if len(ranks) == len(widths) else [each for each in widths if any(each)]
    pairs = zip(ranks, used, strict=False)
    return sum(words * bits for held, wide in pairs for words, bits in zip(held, wide, strict=True))
