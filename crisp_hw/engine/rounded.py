"""What Timeloop's order of two roundings costs: small compressed tiles do not fill vectors (docs/model.md, section 8).

Timeloop rounds all words that a level moves of a tensor up to whole vectors, and multiplies these by kappa, which says
how many more vectors each tile needs than its share (model/buffer.cpp: ComputeVectorAccesses). The last vector is then
counted kappa times. The fewer nonzeros a tile holds, the larger is kappa, so that fewer nonzeros may cost more energy.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from crisp_hw.engine.counted import Counted
from crisp_hw.engine.energy import charges
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.result import Result
from crisp_hw.spec.rules import Unmappable

TOLD = 1e-3  # of a layer's energy: below, what a rounding costs is not worth a sentence


def rounding_pj(counted: Counted | Unmappable, table: EnergyTable) -> Mapping[tuple[str, str], float]:
    """pJ by level and tensor, in all instances, between kappa x whole vectors and kappa x words / vector.

    `counted` is one mapping as `evaluate_point` gives it, `table` the energies of its design.

    >>> from crisp_hw.spec.rules import Failure, Rule
    >>> rounding_pj(Unmappable(Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0)), EnergyTable())
    {}
    """
    if isinstance(counted, Unmappable):
        return {}
    tensors, levels = counted.tiling.problem.tensors, counted.tiling.architecture.levels
    found: dict[tuple[str, str], float] = {}
    for place, stored in counted.sparse.ranks.items():
        if stored.form is None or not stored.form.compressed or levels[place[0]].block_size == 1:
            continue  # no kappa
        costs = charges(counted.tiling, counted.sparse, table, place).values()
        pj = sum(
            charge.energy * (1 - charge.amount / (charge.per_action * np.maximum(charge.actions, 1)))
            for charge in costs
            if charge.correction is not None and charge.correction[0] > 1 and charge.amount[0] > 0
        )
        if np.any(pj):
            used = counted.sparse.used[place]
            found[levels[place[0]].name, tensors[place[1]].name] = float((pj * used)[0])
    return found


def rounded(counted: Counted | Unmappable, table: EnergyTable, result: Result) -> tuple[str, ...]:
    """A sentence where these roundings are a thousandth of the energy or more."""
    found = rounding_pj(counted, table)
    return tuple(_sentences(found)) if sum(found.values()) >= TOLD * result.energy_pj else ()


def _sentences(found: Mapping[tuple[str, str], float]) -> Iterator[str]:
    parts = ", ".join(f"{pj / 1e6:.3g} uJ for {tensor} in {level}" for (level, tensor), pj in found.items())
    yield (
        "fewer nonzeros may cost more energy here: Timeloop rounds the words that a level moves up to whole vectors "
        f"before it counts those that small tiles fill partly, which adds {parts}"
    )
