"""A mapping as floors: what timeloop-model.map.txt says of loops and tiles, and what the result says of words."""

import re

import pytest

from crisp_hw import NM, WorkloadPattern, evaluate
from crisp_hw.report.nest import floors, loop_text
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.result import ComputeResult, LevelResult, Result

pytestmark = pytest.mark.slow


def test_a_mapping_worked_out_by_hand():
    chain = Architecture(
        (StorageLevel("RF", instances=4, mesh_y=4, size_words=64), StorageLevel("DRAM", "DRAM")),
        ComputeLevel("MAC", 4, 1, 4),
    )
    a, z = Tensor("A", ((Term("M"),), (Term("K"),))), Tensor("Z", ((Term("M"),),), is_output=True)
    loops = (Loop(0, "K", "temporal"), Loop(1, "M", "y"), Loop(1, "M", "temporal"), Loop(1, "K", "temporal"))
    nest = LoopNest(loops, (frozenset("A"), frozenset("AZ")))
    point = DesignPoint(Design(chain, Problem("mv", ("M", "K"), (12, 8), (a, z))), LoopMapping(nest, (8, 4, 3, 1)))
    levels = tuple(LevelResult(name, {}, 1, 1.0, 0.0) for name in ("RF", "DRAM"))
    result = Result(True, (), 1, 0.0, 1.0, ComputeResult("MAC", 96, 96, 0, 0, 1, 4.0, 0.0), levels)
    dram, rf = floors(point, result)
    assert (dram.level, dram.loops, dram.used, dram.fanout) == (
        "DRAM",
        ("for M in 0:3", "across y: M in 0:4"),
        (1, 4),
        (1, 4),
    )
    assert [(t.tensor, t.extents, t.words, t.reserved) for t in dram.tiles] == [
        ("A", (12, 8), 96, 96),
        ("Z", (12,), 12, 12),
    ]
    assert (rf.level, rf.instances, rf.size_words, rf.loops) == ("RF", 4, 64, ("for K in 0:8",))
    assert [(t.tensor, t.extents) for t in rf.tiles] == [("A", (1, 8))] and rf.reserved == 8


@pytest.mark.parametrize("arch", ["dense", "stc", "dstc", "crisp-stc"])
def test_tiles_are_those_that_the_model_reserves(arch):
    network = evaluate(WorkloadPattern("resnet50", NM(2, 4), 64, 0.9), arch, layers="layer3.0.*").network
    for row in network.rows:
        found = floors(row.point, row.result)
        levels = {level.name: level for level in row.result.levels}
        assert [floor.level for floor in found] == [level.name for level in reversed(row.result.levels)]
        for floor in found:
            kept = {name: c for name, c in levels[floor.level].tensors.items() if c.utilized_capacity}
            assert {tile.tensor: tile.reserved for tile in floor.tiles} == {
                n: c.utilized_capacity for n, c in kept.items()
            }
            assert all(tile.reserved <= tile.words for tile in floor.tiles)
            assert floor.size_words is None or floor.reserved <= floor.size_words
        steps = 1
        for loop in (loop for floor in found for loop in floor.loops):
            steps *= int(re.search(r"0:(\d+)", loop)[1])
        assert steps == row.result.compute.algorithmic


def test_a_residual_is_told():
    assert loop_text(Loop(0, "N", "x"), 4, 1) == "across x: N in 0:4 (last 0:1)"
