"""What a mapping must use of the hardware: the least parallelism, and the least words of a level."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.fits import tiles
from crisp_hw.mapper.space import Space

Ints = NDArray[np.int64]


def admitted(space: Space, rows: Ints) -> NDArray[np.bool_]:
    """Which complete factorizations, int64[b, blocks, dims], may use enough of the lanes and of the levels (bool[b]).

    Lanes: the product over all fanouts of lanes in use over lanes there, in double precision and from the innermost
    fanout outwards as Timeloop multiplies it (src/mapspaces/uber.cpp: AssignSpatialTilingDirections), must not be below
    `space.parallelism`. Words: the dense tiles of a level's tensors must not be below `space.least_words`; what is kept
    compressed may take less, which the engine judges, so that no valid mapping is dropped.

    >>> from crisp_hw.mapper.space import enumerate_space
    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.constraints import Constraints
    >>> from crisp_hw.spec.design import Design
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel(instances=4, mesh_x=4))
    >>> vector = Problem("vector", ("K",), (4,), (Tensor("A", ((Term("K"),),)),))
    >>> space = enumerate_space(Design(chain, vector), Constraints(parallelism=0.5))
    >>> [row for row in space.factors["K"].tolist() if admitted(space, np.array([row])[:, :, None])[0]]
    [[2, 2], [4, 1]]
    """
    return (shares(space, rows) >= space.parallelism) & _in_use(space, rows)


def shares(space: Space, rows: Ints) -> NDArray[np.float64]:
    """The share of all lanes that complete factorizations use, float64[b]; above 1 where lanes may shrink."""
    share = np.ones(len(rows))
    for index, block in enumerate(space.blocks):
        if block.kind == "spatial":
            share = share * (rows[:, index, :].prod(axis=1) / prod(space.design.architecture.fanouts[block.level]))
    return share


def _in_use(space: Space, rows: Ints) -> NDArray[np.bool_]:
    enough = np.ones(len(rows), dtype=np.bool_)
    for level, least in enumerate(space.least_words):
        if least:
            words = tiles(space, rows, space.design.problem.dims, level).values()
            enough &= sum(words, start=np.zeros(len(rows), dtype=np.int64)) >= least
    return enough
