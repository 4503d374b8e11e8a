"""Admissible lower bounds: no mapping that completes a row takes fewer cycles or less energy than they say.

Three facts are used, each true of every valid mapping of the model (docs/mapper.md has the proofs):

- lanes: the MACs at work are at most the product of the spatial factors, and of a level whose lanes do not shrink at
  most its fanout; dimensions that are still open add at most their largest factor;
- computes: of C multiply-accumulates the share of both densities is left at least. A SAF on one operand that looks at
  the other removes no more than the other's zeros, P(a tile is empty) <= P(a word is 0), and the model then takes the
  other for nonzero that much more often. What a SAF sees of other tensors, or of its own target, counts once more
  (densities are rounded by 1e-6, and each floor takes at most 1; of masks and bands nothing is said);
- words, without sparse optimizations and windows: a tile is delivered at least once per step of the temporal loops over
  its own dimensions, whatever the order; what MACs take is exact where mesh neighbours cannot hand it on.

Energies below 0 would turn that round, so that such a table gives no bound on the energy; nor do imperfect factors, of
which `exact.ragged` says more.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.content import mean_density
from crisp_hw.engine.energy import action_energy, compute_energy, resolved
from crisp_hw.engine.sliding import sliding
from crisp_hw.engine.tiling import projected_size
from crisp_hw.mapper.fits import shrinking_levels, tile_words
from crisp_hw.mapper.space import Space
from crisp_hw.spec.design import Design
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DENSITY_SLACK = 1e-6  # engine/safs/compute.py: MICRO rounds densities and probabilities to this
FLOORS = 16  # more than the floors between all computes and those that are left (two SAFs, skipped, gated, absent)
ROUNDING = 1 - 1e-9  # what sums of floats may lose; a bound must stay below


@dataclass(frozen=True)
class Lower:
    """Lower bounds of each row: cycles and pJ, float64[b] each."""

    cycles: Floats
    energy_pj: Floats


def lower(space: Space, rows: Ints, dims: tuple[str, ...]) -> Lower:
    """Bounds of partial mappings: `rows` is int64[b, blocks, len(dims)], other dimensions may still take any factor.

    >>> from crisp_hw.mapper.space import enumerate_space
    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.constraints import Constraints
    >>> from crisp_hw.spec.design import Design
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel(instances=4, mesh_x=4))
    >>> vector = Problem("vector", ("K",), (8,), (Tensor("A", ((Term("K"),),)),))
    >>> space = enumerate_space(Design(chain, vector), Constraints())
    >>> lower(space, np.array([[[2], [4]]]), ("K",)).cycles.tolist()  # 2 of 4 lanes
    [4.0]
    """
    design, least = space.design, computes_left(space.design)
    cycles = np.ceil(least / _lanes(space, rows, dims) * ROUNDING)
    transit = sum(level.wires.fill_cycles + level.wires.drain_cycles for level in design.architecture.levels)
    if any(pj < 0 for actions in design.energy.actions.values() for pj in actions.values()):
        return Lower(cycles + transit, np.full(len(rows), -np.inf))
    if space.imperfect:  # instances at work are averages, cut to whole numbers, so that some work may not be paid for
        return Lower(cycles + transit, np.zeros(len(rows)))
    energy = np.full(len(rows), least * compute_energy(design.energy, design.architecture.compute, "random"))
    if not design.sparse.active and not sliding(design.problem) and len(dims) == len(design.problem.dims):
        energy = energy + _words_pj(space, rows, dims)
    return Lower(cycles + transit, energy * ROUNDING)


def least(design: Design, macs_at_once: int) -> Lower:
    """Bounds of every mapping of a design that has at most so many MACs at work: one cycle a round, pJ of its computes.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel
    >>> from crisp_hw.spec.problem import Problem
    >>> design = Design(Architecture((), ComputeLevel(instances=4)), Problem("vector", ("K",), (9,), ()))
    >>> least(design, 4).cycles.tolist()
    [3.0]
    """
    computes = computes_left(design)
    cycles = np.ceil(np.array([computes / macs_at_once]) * ROUNDING)
    if any(pj < 0 for actions in design.energy.actions.values() for pj in actions.values()):
        return Lower(cycles, np.array([-np.inf]))
    pj = compute_energy(design.energy, design.architecture.compute, "random")
    return Lower(cycles, np.array([computes * pj * ROUNDING]))


def computes_left(design: Design) -> float:
    """Multiply-accumulates that no optimization takes away, at least."""
    problem = design.problem
    count = float(prod(problem.bounds))
    if not design.sparse.active:
        return count
    operands = [tensor.name for tensor in problem.tensors if not tensor.is_output]
    factors = list(operands)
    for action in design.sparse.actions:
        for option in action.options:
            other = [name for name in operands if name != option.target]
            factors += [name for name in option.condition_on if option.target in operands and [name] != other]
    for name in factors:
        count *= _least_density(problem, problem.tensor(name))
    return max(1.0, count - FLOORS)


def _least_density(problem: Problem, tensor: Tensor) -> float:
    """P(a word is nonzero) as the model has it, where P(a tile is empty) is known to be no more than the rest."""
    if not isinstance(tensor.density, FixedStructured | Hypergeometric):
        return 0.0
    density = mean_density(tensor, int(projected_size(problem, tensor, problem.bounds)))
    return max(0.0, min(1.0, density) - DENSITY_SLACK)


def _lanes(space: Space, rows: Ints, dims: tuple[str, ...]) -> Floats:
    """MACs that can be at work at most, float64[b]."""
    fanouts, shrinking = space.design.architecture.fanouts, shrinking_levels(space)
    lanes = np.ones(len(rows))
    for index, block in enumerate(space.blocks):
        if block.kind == "spatial":
            open_dims = [dim for dim in space.design.problem.dims if dim not in dims]
            more = prod(float(space.factors[dim][:, index].max()) for dim in open_dims)
            reach = rows[:, index, :].prod(axis=1) * more
            lanes = lanes * (reach if block.level in shrinking else np.minimum(reach, prod(fanouts[block.level])))
    return lanes


def _words_pj(space: Space, rows: Ints, dims: tuple[str, ...]) -> Floats:
    """pJ of the words that every order of the loops moves, float64[b], of a design without sparse optimizations."""
    total = np.zeros(len(rows))
    for tensor in space.design.problem.tensors:
        for level, keeps in enumerate(space.keeps):
            if tensor.name in keeps:
                total = total + _moved_pj(space, (rows, dims), level, tensor)
    return total


def _moved_pj(space: Space, table: tuple[Ints, tuple[str, ...]], level: int, tensor: Tensor) -> Floats:
    """One tensor in one level with all its instances: words sent inwards, and words that it is filled with."""
    rows, dims = table
    nest_level = space.design.architecture.levels[level]
    kept = [index for index, keeps in enumerate(space.keeps) if tensor.name in keeps]
    child = max((index for index in kept if index < level), default=-1)
    mine = [column for column, dim in enumerate(dims) if dim in tensor.dims]
    prices = resolved(space.design.energy, space.design.rules)

    def loops(kind: str, first: int, last: int, columns: list[int]) -> Floats:
        chosen = [i for i, block in enumerate(space.blocks) if block.kind == kind and first <= block.level <= last]
        found: Floats = rows[:, chosen][:, :, columns].reshape(len(rows), -1).prod(axis=1).astype(np.float64)
        return found

    def words_of(inner: int) -> Floats:
        inside = [i for i, block in enumerate(space.blocks) if block.level <= inner]
        sizes = rows[:, inside, :].prod(axis=1)
        found: Floats = tile_words(tensor, {dim: sizes[:, c] for c, dim in enumerate(dims)}).astype(np.float64)
        return found

    top, every = len(space.keeps) - 1, list(range(len(dims)))
    spread = loops("spatial", child + 1, level, mine)
    handed_on = space.blocks[0].kind == "spatial" and not (
        space.no_link_transfer and tensor.name in space.no_link_transfer[0]
    )
    if child < 0:
        sent = loops("temporal", 0, top, mine if handed_on else every) * spread
    else:
        sent = words_of(child) * loops("temporal", child + 1, top, mine) * spread
    used = loops("spatial", level + 1, top, every)
    pj = {op: action_energy(prices, nest_level, "random", op) / nest_level.block_size for op in ("reads", "updates")}
    fill_pj = action_energy(prices, nest_level, "random", "fills") / nest_level.block_size
    partition = words_of(top) / loops("spatial", level + 1, top, mine)
    filled = words_of(level) * loops("temporal", level + 1, top, mine) if level < top else np.zeros(len(rows))
    if tensor.is_output:
        again = np.maximum(sent - partition, 0.0)
        cost = sent * pj["updates"] + again * pj["reads"] + np.maximum(filled - partition, 0.0) * fill_pj
    else:
        cost = sent * pj["reads"] + filled * fill_pj
    return cost * used / nest_level.cluster_size
