"""The block index beside the model, against counts by hand."""

import json
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.encode import BlockIndex, encode, index_line
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.timeloop.read.point import read_point

GOLDEN = Path(__file__).parents[2] / "golden" / "crisp-small.jsonl"
CONV = Layer("layer2.0.conv2", "conv2d", 128, 128, (3, 3), (2, 2), (1, 1), input_size=(56, 56))


@pytest.fixture(scope="module")
def evaluated():
    """2:4, block 16, 12 of 72 blocks kept in each of 8 block rows, under the reference mapping."""
    cases = (json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines())
    case = next(case for case in cases if case["id"].startswith("layer2.0.conv2-crisp-2of4-b16"))
    descriptor = Descriptor(CONV, "hybrid", 12288, NM(2, 4), 16, 12, 72, 192.0)
    encoded = encode(descriptor, load_arch("crisp-stc", energy="reference"))
    return encoded, evaluate(DesignPoint(encoded.design, read_point(case["input"]).mapping))


def test_one_index_per_kept_block_and_pass_over_the_weights(evaluated):
    encoded, result = evaluated
    assert encoded.block_index == BlockIndex(bits=7, blocks=8 * 12)
    line = index_line(encoded, result)
    passes = 14  # N = 784 in tiles of 56: SMEM delivers every weight once for each
    assert line.read_bits == {"SMEM": 672 * passes, "DRAM": 672}
    assert line.fill_bits == {"SMEM": 672, "DRAM": 0}


def test_energy_is_whole_metadata_accesses(evaluated):
    line = index_line(*evaluated)
    assert line.energy_pj["DRAM"] == ceil(672 / 64) * 512.0
    assert line.energy_pj["SMEM"] == pytest.approx(ceil(672 * 14 / 64) * 25.95 + ceil(672 / 64) * 19.73)


def test_no_index_no_line(evaluated):
    encoded, result = evaluated
    assert index_line(replace(encoded, block_index=None), result).energy_pj == {}
    options = EvaluateOptions(block_index=False)
    descriptor = Descriptor(CONV, "hybrid", 12288, NM(2, 4), 16, 12, 72, 192.0)
    without = encode(descriptor, load_arch("crisp-stc"), options)
    assert without.block_index is None and any("block index is not counted" in text for text in without.assumptions)


@pytest.mark.parametrize(("total", "bits"), [(2, 1), (3, 2), (4, 2), (5, 3), (72, 7)])
def test_bits_address_every_block_column(total, bits):
    layer = Layer("fc", "linear", 64, 16 * total)
    encoded = encode(Descriptor(layer, "hybrid", 9, NM(2, 4), 16, 1, total), load_arch("crisp-stc"))
    assert encoded.block_index == BlockIndex(bits, 4)
    assert 2**bits >= total > 2 ** (bits - 1)
