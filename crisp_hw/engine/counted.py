"""The mappings of one structure with everything that is computed of them."""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.arrays import Float, Int, floats, maximum_of, sum_in_order
from crisp_hw.engine.energy import compute_energy, instance_energy, leakage, read_energy_per_word, resolved
from crisp_hw.engine.latency import LevelLatency, compute_cycles
from crisp_hw.engine.safs import Sparse, apply_safs, dense_only
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.traffic import Traffic, closed_form, dense_traffic
from crisp_hw.engine.wires import Carried, carried_by_wires, costs, transit_cycles
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.design import Design


@dataclass(frozen=True)
class Counted:
    """Everything known of the mappings of one structure."""

    tiling: Tiling
    traffic: Traffic
    sparse: Sparse
    energy: dict[tuple[int, int], dict[str, Float]]
    latency: list[LevelLatency]
    mac_cycles: Int
    cycles: Int
    compute_pj: Float
    leakage_pj: list[Float | None]
    wires: dict[tuple[int, int], Carried]

    @property
    def energy_pj(self) -> Float:
        """All levels with all their instances at work, leakage included, networks, and the MACs."""
        leaks, total = [each for each in self.leakage_pj if each is not None], self.compute_pj
        if leaks:
            total = total + sum_in_order(leaks)
        for place, actions in self.energy.items():
            for energy in actions.values():
                total = total + energy * self.sparse.used[place]
        for carried in self.wires.values():
            total = total + carried.total_pj
        return total


def counted_of(design: Design, tiling: Tiling) -> Counted:
    """Traffic, sparsity, cycles and energy of a batch: the list of the calls below.

    Raises MappingError where a format does not fit the loops, AmbiguousChoice where the batch must be split, and
    InputError where a residual cuts a tile that is stored in a format, or where the arrays of a device meet what NumPy
    alone counts.
    """
    levels, tensors = design.architecture.levels, design.problem.tensors
    if tiling.xp is not np:
        _check_device(design, tiling)
    traffic = dense_traffic(tiling)
    if design.sparse.active:
        if tiling.residuals is not None:
            _check_whole_tiles(design, tiling, traffic)
        weights = {level.name: read_energy_per_word(design.energy, level) for level in levels}
        sparse = apply_safs(tiling, traffic, design.sparse, weights)
    else:
        sparse = dense_only(tiling, traffic)
    # HEAD counts the cycles of imperfect factors by the bounds of the loops, whatever is skipped (arithmetic.cpp)
    compute = compute_cycles(sparse, tiling.rules) if tiling.residuals is None else traffic.steps
    latency = [LevelLatency(sparse, index, level, compute) for index, level in enumerate(levels)]
    cycles = maximum_of([compute, *(level.cycles for level in latency)])
    table = resolved(design.energy, tiling.rules)
    places = [(index, t) for index in range(len(levels)) for t in range(len(tensors))]
    energy = {place: instance_energy(tiling, sparse, table, place) for place in places}
    leaks = [leakage(sparse, design.energy, index, level, cycles) for index, level in enumerate(levels)]
    macs_pj, carried, transit = _compute_pj(design, sparse), carried_by_wires(tiling, traffic), transit_cycles(tiling)
    return Counted(tiling, traffic, sparse, energy, latency, compute, cycles + transit, macs_pj, leaks, carried)


def _check_device(design: Design, tiling: Tiling) -> None:
    """What is no product of loops is counted with NumPy."""
    if not closed_form(tiling) or any(map(costs, design.architecture.levels)):
        raise InputError(
            f"sliding windows, imperfect factors, forbidden reuse and networks that take energy, of which "
            f"{design.problem.name} has some, are counted with NumPy alone",
            hint="choose device numpy",
        )


def _check_whole_tiles(design: Design, tiling: Tiling, traffic: Traffic) -> None:
    """HEAD divides the nonzeros of the tile that the bounds span by the words of the tile that residuals leave."""
    index = {level.name: i for i, level in enumerate(tiling.architecture.levels)}
    names = {tensor.name: t for t, tensor in enumerate(tiling.problem.tensors)}
    for form in design.sparse.formats:
        place = index[form.level], names[form.tensor]
        held, spans = traffic.tile[place], tiling.tile(place[0], tiling.problem.tensors[place[1]])
        wrong = (held != spans) & (held > 0)
        if wrong.any():
            raise InputError(
                f"residuals leave {held[wrong][0]} of the {spans[wrong][0]} words of {form.tensor} that the loops "
                "span, which Timeloop takes for a higher density",
                Where("mapping", form.level),
                "use perfect factors in the dimensions of this tensor, or store it without a format",
            )


def _compute_pj(design: Design, sparse: Sparse) -> Float:
    tally, compute = sparse.tally, design.architecture.compute
    counts = {"random": tally.random_computes, "gated": tally.gated_computes, "skipped": tally.skipped_computes}
    energy: Float = sum_in_order(
        [floats(n) * compute_energy(design.energy, compute, kind) for kind, n in counts.items()]
    )
    return energy
