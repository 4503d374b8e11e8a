"""The mappings of one structure with everything that is computed of them."""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.energy import compute_energy, instance_energy, leakage, read_energy_per_word, resolved
from crisp_hw.engine.latency import LevelLatency, compute_cycles, level_latency
from crisp_hw.engine.safs import Sparse, apply_safs, dense_only
from crisp_hw.engine.tiling import Float, Int, Tiling
from crisp_hw.engine.traffic import Traffic, dense_traffic
from crisp_hw.spec.design import Design


@dataclass(frozen=True)
class Part:
    """Everything known of the mappings of one structure."""

    tiling: Tiling
    traffic: Traffic
    sparse: Sparse
    energy: dict[tuple[int, int], dict[str, Float]]
    latency: list[LevelLatency]
    mac_cycles: Int
    cycles: Int
    compute_pj: Float
    leakage_pj: list[Float]

    @property
    def energy_pj(self) -> Float:
        """All levels with all their instances at work, leakage included, and the MACs."""
        total: Float = self.compute_pj + np.sum(self.leakage_pj, axis=0)
        for place, actions in self.energy.items():
            for energy in actions.values():
                total += energy * self.sparse.used[place]
        return total


def evaluate_part(design: Design, tiling: Tiling) -> Part:
    """Traffic, sparsity, cycles and energy of a batch of one structure: the list of the calls below.

    Raises MappingError where a format does not fit the loops, AmbiguousChoice where the batch must be split.
    """
    levels, tensors = design.architecture.levels, design.problem.tensors
    traffic = dense_traffic(tiling)
    if design.sparse.active:
        weights = {level.name: read_energy_per_word(design.energy, level) for level in levels}
        sparse = apply_safs(tiling, traffic, design.sparse, weights)
    else:
        sparse = dense_only(tiling, traffic)
    # HEAD counts the cycles of imperfect factors by the bounds of the loops, whatever is skipped (arithmetic.cpp)
    compute = compute_cycles(sparse, tiling.rules) if tiling.residuals is None else traffic.steps
    latency = [level_latency(sparse, index, level, compute) for index, level in enumerate(levels)]
    cycles = np.max([compute, *(level.cycles for level in latency)], axis=0)
    table = resolved(design.energy, tiling.rules)
    places = [(index, t) for index in range(len(levels)) for t in range(len(tensors))]
    energy = {place: instance_energy(tiling, sparse, table, place) for place in places}
    leaks = [leakage(sparse, design.energy, index, level, cycles) for index, level in enumerate(levels)]
    macs_pj = _compute_pj(design, sparse)
    return Part(tiling, traffic, sparse, energy, latency, compute, cycles, macs_pj, leaks)


def _compute_pj(design: Design, sparse: Sparse) -> Float:
    tally, compute = sparse.tally, design.architecture.compute
    counts = {"random": tally.random_computes, "gated": tally.gated_computes, "skipped": tally.skipped_computes}
    total: Float = np.sum([n * compute_energy(design.energy, compute, kind) for kind, n in counts.items()], axis=0)
    return total
