"""Counts of circuits beside the model, against the layer's own numbers."""

from dataclasses import replace
from math import ceil, log2

import pytest

import crisp_hw
from crisp_hw.accelerators import load_arch
from crisp_hw.backends import backend
from crisp_hw.encode import encode, index_line, overhead_lines, uncounted
from crisp_hw.mapper.search import search
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM

HALF = NM(2, 4)
LAYER = Layer("conv", "conv2d", 64, 256, input_size=(8, 8))


def made(arch, nm=HALF, energy=None):
    """A layer with one of four blocks kept, encoded, mapped and evaluated."""
    edge = load_arch(arch, energy)
    kept = Descriptor(LAYER, "hybrid", 64 * 64 * nm.n // nm.m, nm, 64, 1, 4, 64)
    encoded = encode(kept, edge)
    mapping = search(encoded.design, encoded.constraints, "cycles").mapping
    result = backend("embedded")(DesignPoint(encoded.design, mapping))
    return encoded, result, index_line(encoded, result) if encoded.block_index else None


def by_name(*case):
    return {line.name: line for line in overhead_lines(*case)}


@pytest.mark.parametrize("nm", [NM(1, 4), NM(2, 4), NM(3, 4), NM(1, 2), NM(2, 8)])
def test_one_selection_per_kept_product(nm):
    case = made("crisp-stc", nm)
    line = by_name(*case)["selection"]
    padded = case[0].design.problem.bounds
    assert line.actions == case[1].compute.random == padded[0] * padded[1] * padded[2] * padded[3] * nm.n // nm.m
    assert line.pj_per_action == pytest.approx(8 * 3 * (nm.m - 1) * 0.0181 / 32)
    assert line.energy_pj == line.actions * line.pj_per_action


@pytest.mark.parametrize("nm", [NM(1, 4), NM(2, 4), NM(2, 8)])
def test_one_decoding_per_weight_and_time_it_is_latched(nm):
    encoded, result, index = made("crisp-stc", nm)
    line = by_name(encoded, result, index)["offset_decoder"]
    weights = 64 * 64 * nm.n // nm.m
    assert line.actions % weights == 0
    latched = result.levels[0].tensors["A"]
    assert line.actions == latched.accesses["random_fills"] * latched.utilized_instances
    assert line.pj_per_action == pytest.approx(nm.m * ceil(log2(nm.m)) * 0.0181 / 32)


def test_one_decoding_per_index_that_a_level_delivers():
    encoded, result, index = made("crisp-stc")
    line = by_name(encoded, result, index)["index_decoder"]
    assert encoded.block_index.bits == 2 and encoded.block_index.blocks == 1
    assert line.actions == sum(bits // 2 for bits in index.read_bits.values()) >= 2  # DRAM and SMEM
    assert line.pj_per_action == 0.21


def test_stc_selects_for_the_densest_pattern_that_it_runs():
    encoded, result, index = made("stc", NM(1, 4))
    assert [use.size for use in encoded.charges] == [1, 1]  # those of the tables, which are for groups of four
    assert set(by_name(encoded, result, index)) == {"selection", "offset_decoder"}


@pytest.mark.parametrize("arch", ["dense", "dstc"])
def test_accelerators_that_do_not_select_have_no_lines(arch):
    case = made(arch)
    assert overhead_lines(*case) == uncounted(*case) == ()


def test_dense_weights_on_crisp_stc_select_nothing():
    edge = load_arch("crisp-stc")
    encoded = encode(Descriptor(LAYER, "dense", 64 * 256), edge)
    assert encoded.charges == ()


def test_energies_without_the_circuits_name_them_instead_of_counting_nothing():
    encoded, result, index = made("crisp-stc", energy="reference")
    assert overhead_lines(encoded, result, index) == ()
    assert uncounted(encoded, result, index) == ("selection", "offset_decoder", "index_decoder")
    priced = EnergyTable({**encoded.design.energy.actions, "selection": {"select": 0.5}})
    partly = replace(encoded, design=replace(encoded.design, energy=priced))
    assert [line.pj_per_action for line in overhead_lines(partly, result, index)] == [0.5]
    assert uncounted(partly, result, index) == ("offset_decoder", "index_decoder")


def test_an_evaluation_on_energies_without_them_says_so():
    source = crisp_hw.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    options = crisp_hw.EvaluateOptions(energy="reference")
    (row,) = crisp_hw.evaluate(source, layers="layer4.2.conv3", options=options).network.rows
    assert row.overheads == ()
    assert (
        "the energy table has no cost for selection, offset_decoder, index_decoder, so they are not counted"
        in row.point.assumptions
    )
