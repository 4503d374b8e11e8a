"""Rows whose numbers are chosen, so that every column can be computed by hand."""

import numpy as np
import pytest

from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.encoded import IndexLine
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.layer import Layer, Skipped
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.result import ComputeResult, LevelResult, Result
from crisp_hw.spec.silicon import Area, Component, Silicon, Technology

CHAIN = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel("MAC", 4, 4, 1))
PROBLEM = Problem("sums", ("K",), (8,), (Tensor("A", ((Term("K"),),)), Tensor("Z", (), is_output=True)))
MAPPING = LoopMapping(LoopNest((Loop(0, "K", "temporal"), Loop(1, "K", "temporal")), (frozenset("AZ"),) * 2), (4, 2))


SILICON = Silicon(
    Technology(clock_ghz=1.0),
    (
        Component("DRAM", 1, off_chip=True),
        Component("RF", 2, Area(0.25e6, "measured")),
        Component("MAC", 4),
        Component("index_decoder", 1, Area(0.25e6, "drawn")),
    ),
)


def result(cycles, pj, bound_by="MAC", assumptions=()):
    """`pj` are the energies of DRAM, RF and MAC."""
    dram, rf, mac = pj
    level_cycles = {name: cycles if name == bound_by else 0 for name in ("RF", "DRAM", "MAC")}
    levels = tuple(LevelResult(n, {}, level_cycles[n], 1.0, float(e)) for n, e in (("RF", rf), ("DRAM", dram)))
    compute = ComputeResult("MAC", 8, 8, 0, 0, level_cycles["MAC"], 4.0, float(mac))
    return Result(True, (), cycles, float(sum(pj)), 0.5, compute, levels, tuple(assumptions))


def make_row(arch="a", layer="conv", cycles=100, pj=(10, 4, 2), **more):
    """One layer: dense_cycles, dense_pj, index_pj (level -> pJ), bound_by, assumptions, nm, block, silicon."""
    shape = Layer(layer, "conv2d", 64, 64, (3, 3), padding=(1, 1), input_size=(4, 4))
    block, nm = more.get("block", 64), more.get("nm", NM(2, 4))
    blocks = {"block": block, "kept_blocks": 3, "total_blocks": 9, "kept_columns": 192.0} if block else {}
    found = Descriptor(shape, "hybrid" if block else "dense", 64 * 96, nm, **blocks)
    index = more.get("index_pj")
    return LayerEvaluation(
        arch=arch,
        descriptor=found,
        point=DesignPoint(Design(CHAIN, PROBLEM), MAPPING, tuple(more.get("assumptions", ()))),
        result=result(cycles, pj, more.get("bound_by", "MAC")),
        dense=result(more.get("dense_cycles", 400), more.get("dense_pj", (40, 16, 8))),
        real_macs=shape.macs,
        tried=7,
        valid=5,
        index=IndexLine({}, {}, index) if index else None,
        silicon=more.get("silicon", SILICON),
    )


@pytest.fixture(scope="session")
def row():
    return make_row


@pytest.fixture
def network():
    """Two layers on two accelerators, with a skipped operator."""
    rows = [make_row(arch, layer, assumptions=(f"{layer}: padded",)) for arch in ("a", "b") for layer in ("c1", "c2")]
    return NetworkEvaluation("net", tuple(rows), (Skipped("relu", "elementwise"),), ("one sample",), {"seed": 3})


@pytest.fixture
def pruned():
    """64 x 128 in blocks of 16 with 2:4, three of eight blocks in every block row; the first block row starts late."""
    mask = np.zeros((64, 128), dtype=bool)
    for top in range(0, 64, 16):
        for block in (2, 4, 7):
            mask[top : top + 16, 16 * block : 16 * block + 16] = np.tile([True, False, True, False], (16, 4))
    return PrunedLayer(Layer("fc", "linear", 64, 128), "hybrid", mask, NM(2, 4), 16)
