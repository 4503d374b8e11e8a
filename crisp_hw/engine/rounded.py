"""What Timeloop's roundings cost where they can turn an order round (docs/model.md, section 8).

Small compressed tiles do not fill vectors: Timeloop rounds all words that a level moves of a tensor up to whole
vectors, and multiplies these by kappa, which says how many more vectors each tile needs than its share
(model/buffer.cpp: ComputeVectorAccesses). The last vector is then counted kappa times. The fewer nonzeros a tile
holds, the larger is kappa, so that fewer nonzeros may cost more energy.

Accesses that are gated or skipped are an expectation, of which Timeloop takes the whole part (sparse-analysis: FLOOR),
and every instance at work is charged for what is left. The more instances share the work, the more often that part of
an access is paid, so that more of them may cost more energy.
"""

from collections.abc import Mapping

import numpy as np

from crisp_hw.engine.arrays import Float, floats
from crisp_hw.engine.counted import Counted
from crisp_hw.engine.energy import Charge, charges
from crisp_hw.engine.place import Place
from crisp_hw.engine.safs.propagate import Saf
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.result import Result
from crisp_hw.spec.rules import Unmappable

TOLD = 1e-3  # of a layer's energy: below, what a rounding costs is not worth a sentence
TOLD_OF_INSTANCES = 1e-4  # finer, because twice the instances can cost as little; no layer of ResNet-50 has as much
VECTORS = (
    "fewer nonzeros may cost more energy here: Timeloop rounds the words that a level moves up to whole vectors "
    "before it counts those that small tiles fill partly"
)
INSTANCES = (
    "more instances may cost more energy here: Timeloop rounds the accesses that are gated or skipped down to whole "
    "ones and charges every instance for what is left"
)


def rounding_pj(counted: Counted | Unmappable, table: EnergyTable) -> Mapping[tuple[str, str], float]:
    """pJ by level and tensor, in all instances, between kappa x whole vectors and kappa x words / vector.

    `counted` is one mapping as `evaluate_point` gives it, `table` the energies of its design.

    >>> from crisp_hw.spec.rules import Failure, Rule
    >>> rounding_pj(Unmappable(Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0)), EnergyTable())
    {}
    """
    if isinstance(counted, Unmappable):
        return {}
    found: dict[Place, Float | float] = {}
    for place, stored in counted.sparse.ranks.items():
        if stored.form is None or not stored.form.compressed:
            continue  # no kappa
        if counted.tiling.architecture.levels[place[0]].block_size == 1:
            continue  # likewise
        costs = charges(counted.tiling, counted.sparse, table, place).values()
        found[place] = sum(
            charge.energy * (1 - charge.amount / (charge.per_action * np.maximum(charge.actions, 1)))
            for charge in costs
            if charge.correction is not None and charge.correction[0] > 1 and charge.amount[0] > 0
        )
    return _in_all(counted, found)


def remainder_pj(counted: Counted | Unmappable, table: EnergyTable) -> Mapping[tuple[str, str], float]:
    """pJ by level and tensor, in all instances, between the whole accesses that are left there and those expected.

    >>> from crisp_hw.spec.rules import Failure, Rule
    >>> remainder_pj(Unmappable(Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0)), EnergyTable())
    {}
    """
    if isinstance(counted, Unmappable):
        return {}
    found: dict[Place, Float | float] = {}
    for place, saf in counted.sparse.safs.items():
        if saf.kind == "spatial":
            continue  # it acts on instances, not on accesses
        costs = charges(counted.tiling, counted.sparse, table, place)
        found[place] = sum(_left_over(costs, saf, op) for op in ("reads", "updates"))
    return _in_all(counted, found)


def _in_all(counted: Counted, found: Mapping[Place, Float | float]) -> dict[tuple[str, str], float]:
    """What one instance pays at each place, by the names of level and tensor, in all instances; nothing where 0."""
    tensors, levels = counted.tiling.problem.tensors, counted.tiling.architecture.levels
    return {
        (levels[place[0]].name, tensors[place[1]].name): float((pj * counted.sparse.used[place])[0])
        for place, pj in found.items()
        if np.any(pj)
    }


def _left_over(costs: Mapping[str, Charge], saf: Saf, op: str) -> Float | float:
    """pJ in one instance that the part of an access costs which is not avoided, because no whole one is."""
    done, avoided = costs.get(f"random_{op}"), costs.get(f"{saf.kind}_{op}")
    if done is None or avoided is None:
        return 0.0
    part = floats(done.amount + avoided.amount) * saf.probability - floats(avoided.amount)
    correction = 1.0 if done.correction is None else done.correction
    share = 1.0 if done.share is None else done.share
    pj: Float = part / done.per_action * correction * share * (done.pj_each - avoided.pj_each)
    return pj


def rounded(counted: Counted | Unmappable, table: EnergyTable, result: Result) -> tuple[str, ...]:
    """A sentence for each of the two that costs enough to be told."""
    costs = (VECTORS, TOLD, rounding_pj(counted, table)), (INSTANCES, TOLD_OF_INSTANCES, remainder_pj(counted, table))
    return tuple(
        f"{said}, which adds {_parts(found)}"
        for said, least, found in costs
        if found and sum(found.values()) >= least * result.energy_pj
    )


def _parts(found: Mapping[tuple[str, str], float]) -> str:
    return ", ".join(f"{pj / 1e6:.3g} uJ for {tensor} in {level}" for (level, tensor), pj in found.items())
