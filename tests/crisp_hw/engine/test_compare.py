"""What tiles hold by two densities, level by level, against counts of the mask."""

import numpy as np
import pytest

from crisp_hw.engine.compare import compare_tiles
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import Actual, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term

CHAIN = Architecture((StorageLevel("RF"), StorageLevel("SMEM"), StorageLevel("DRAM", "DRAM")), ComputeLevel())


def test_every_level_that_keeps_the_tensor_is_compared():
    mask = np.zeros((4, 6), dtype=bool)
    mask[0, :3], mask[1, 0], mask[3, 3:] = True, True, True
    a = Tensor("A", ((Term("M"),), (Term("K"),)), density=Actual(mask))
    loops = tuple(Loop(level, dim, "temporal") for level in range(3) for dim in ("K", "M"))
    nest = LoopNest(loops, (frozenset("A"), frozenset("Z"), frozenset("AZ")))
    problem = Problem("sums", ("M", "K"), (4, 6), (a, Tensor("Z", ((Term("M"),),), is_output=True)))
    point = DesignPoint(Design(CHAIN, problem), LoopMapping(nest, (3, 1, 2, 2, 1, 2)))
    rf, dram = compare_tiles(point, "A", Hypergeometric(0.25))
    assert (rf.level, rf.extents, dram.level, dram.extents) == ("RF", (1, 3), "DRAM", (4, 6))
    assert (rf.found.mean, rf.found.largest, rf.found.empty) == (7 / 8, 3, 5 / 8)
    assert rf.model.mean == pytest.approx(3 / 4)
    assert rf.model.empty == pytest.approx(18 * 17 * 16 / (24 * 23 * 22))
    assert (dram.found.mean, dram.found.largest, dram.found.empty) == (7.0, 7, 0.0)
    assert (dram.model.mean, dram.model.largest, dram.model.empty) == (6.0, 6, 0.0)
