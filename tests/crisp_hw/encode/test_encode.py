"""Layers on accelerators: documented examples, conservation, and the reference cases of timeloop-model."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from encoded_layers import arch, bounds, hybrid

from crisp_hw.accelerators import load_arch
from crisp_hw.encode import encode
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.mapper.search import search
from crisp_hw.spec.constraints import Factor
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM, FixedStructured, Hypergeometric
from crisp_hw.timeloop.read.point import read_point

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden" / "crisp-small.jsonl").read_text(encoding="utf-8").splitlines()
]
LAYERS = {
    "layer1.1.conv1": Layer("layer1.1.conv1", "conv2d", 64, 256, input_size=(56, 56)),
    "layer2.0.conv2": Layer("layer2.0.conv2", "conv2d", 128, 128, (3, 3), (2, 2), (1, 1), input_size=(56, 56)),
    "layer4.2.conv3": Layer("layer4.2.conv3", "conv2d", 2048, 512, input_size=(7, 7)),
}
CONV = LAYERS["layer2.0.conv2"]


def described(case):
    """The descriptor of a reference case, from its name and its K."""
    name, scheme, *rest = case["id"].split("-")
    layer = LAYERS[name]
    if scheme == "dense":
        return Descriptor(layer, "dense", layer.weights)
    if scheme == "stc":
        return Descriptor(layer, "nm", layer.weights // 2, NM(2, 4))
    nm, block = NM(*map(int, rest[0].split("of"))), int(rest[1][1:])
    return hybrid(layer, nm, block, case["input"]["problem"]["instance"]["K"] // block)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
@pytest.mark.parametrize("block_index", [True, False])
def test_reference_cases_come_out_exactly(case, block_index):
    scheme = case["id"].split("-")[1]
    accelerator = load_arch({"crisp": "crisp-stc"}.get(scheme, scheme), energy="reference")
    encoded = encode(described(case), accelerator, EvaluateOptions(block_index=block_index))
    point = read_point(case["input"])
    assert encoded.design.problem == point.design.problem
    assert encoded.design.architecture == point.design.architecture
    result = evaluate(DesignPoint(encoded.design, point.mapping))
    assert result.cycles == case["output"]["cycles"]
    assert result.energy_pj == pytest.approx(case["output"]["energy_pJ"], rel=1e-9)
    assert (encoded.block_index is not None) == (block_index and scheme == "crisp")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reference_mappings_obey_the_constraints(case):
    scheme = case["id"].split("-")[1]
    encoded = encode(described(case), arch({"crisp": "crisp-stc"}.get(scheme, scheme)))
    point = read_point(case["input"])
    names = [level.name for level in point.design.architecture.levels]
    assert tuple(encoded.constraints.keeps[name] for name in names) == point.mapping.nest.keeps
    factors = {(c.level, c.kind != "temporal", d): f for c in encoded.constraints.levels for d, f in c.factors.items()}
    checked = 0
    for loop, bound in zip(point.mapping.nest.loops, point.mapping.bounds, strict=True):
        factor = factors.get((names[loop.level], loop.kind != "temporal", loop.dim))
        if factor is not None:
            checked += 1
            assert bound <= factor.value if factor.relation == "<=" else bound == factor.value
    assert checked >= 12


@pytest.mark.parametrize(("nm", "lanes"), [(NM(2, 4), 8), (NM(1, 4), 16), (NM(3, 4), 4), (NM(1, 2), 8), (None, 4)])
def test_lanes_of_crisp_stc(nm, lanes):
    encoded = encode(replace(hybrid(CONV, nm or NM(1, 1), 64, 3), nm=nm), arch("crisp-stc"))
    array = next(c for c in encoded.constraints.levels if (c.level, c.kind) == ("RF", "spatial"))
    assert array.factors["K"] == Factor("=", lanes) and array.factors["M"] == Factor("=", 16)
    assert encoded.design.problem.tensor("A").density == FixedStructured(nm.n / nm.m if nm else 1.0)
    assert encoded.design.sparse.active == (nm is not None)


@pytest.mark.parametrize(
    ("nm", "density", "words"),
    [
        (NM(2, 4), 0.5, "every N:M group"),
        (NM(1, 4), 0.5, "STC runs 1:4 weights as 2:4"),
        (NM(3, 4), 1.0, "3:4 weights run dense"),
        (None, 1.0, "weights without an N:M pattern run dense"),
    ],
)
def test_stc_exploits_at_most_its_pattern(nm, density, words):
    encoded = encode(Descriptor(CONV, "nm", 1000, nm), arch("stc"))
    assert encoded.design.problem.tensor("A").density == FixedStructured(density)
    assert any(words in text for text in encoded.assumptions)
    assert encoded.design.problem.tensor("B").dims == {"K", "N"}


def test_stc_says_that_pruned_blocks_cost():
    assert any("pruned blocks" in text for text in encode(hybrid(CONV, NM(2, 4), 64, 3), arch("stc")).assumptions)


def test_dstc_sees_both_densities():
    encoded = encode(hybrid(CONV, NM(1, 4), 64, 6), arch("dstc"), EvaluateOptions(activation_density=0.5))
    a, b = encoded.design.problem.tensor("A"), encoded.design.problem.tensor("B")
    assert (a.density, b.density) == (Hypergeometric(6 / 18 / 4), Hypergeometric(0.5))
    assert any("position-skipping" in text for text in encoded.assumptions)
    assert encoded.design.sparse.compute == ("skipping",)
    assert bounds(encoded) == {"G": 2, "M": 64, "N": 784, "K": 1152}


def test_dstc_packs_row_tiles_that_share_their_activations():
    options = EvaluateOptions(packing="position-skipping")
    encoded = encode(hybrid(CONV, NM(1, 4), 64, 6), arch("dstc"), options)
    latches = next(c for c in encoded.constraints.levels if (c.level, c.kind) == ("LRF", "temporal"))
    assert latches.factors["G"] == Factor("<=", 4)  # 64 latches, 16 rows at once
    assert latches.factors["N"] == Factor("<=", 16)  # accumulators for 64 positions, 4 at once
    packed = [action for action in encoded.design.sparse.actions if action.kind == "position_skipping"]
    assert {option.target for action in packed for option in action.options} == {"A", "B"}
    assert encoded.design.dialect == "head"
    assert any("up to 4 row tiles" in text for text in encoded.assumptions)
    assert not any("packs nonzeros perfectly" in text for text in encoded.assumptions)


def test_groups_of_a_convolution_are_not_packed_together():
    depthwise = Layer("d", "conv2d", 32, 32, kernel=(3, 3), padding=(1, 1), groups=32, input_size=(8, 8))
    encoded = encode(Descriptor(depthwise, "dense", 100), arch("dstc"), EvaluateOptions(packing="position-skipping"))
    latches = next(c for c in encoded.constraints.levels if (c.level, c.kind) == ("LRF", "temporal"))
    assert latches.factors["G"] == Factor("=", 1)


def test_packing_costs_cycles_that_perfect_packing_hides():
    """The same nonzero products, on lanes that partly stay idle: never faster, and no MAC more or less."""
    layer = Layer("l", "linear", 128, 64, tokens=64)
    for nnz in (400, 2000, 6000):
        found = []
        for model in ("skipping", "position-skipping"):
            encoded = encode(Descriptor(layer, "nm", nnz), arch("dstc"), EvaluateOptions(packing=model))
            mapping = search(encoded.design, encoded.constraints).mapping
            found.append(evaluate(DesignPoint(encoded.design, mapping)))
        perfect, packed = found
        assert packed.cycles > perfect.cycles
        assert packed.compute.random == pytest.approx(perfect.compute.random, rel=1e-4)
        assert packed.compute.utilized_instances < perfect.compute.utilized_instances


def test_blocks_become_groups_over_their_own_columns():
    encoded = encode(hybrid(CONV, NM(1, 4), 16, 21), arch("crisp-stc"))
    assert bounds(encoded) == {"G": 8, "M": 16, "N": 784, "K": 336}
    assert encoded.design.problem.tensor("B").dims == {"G", "K", "N"}
    assert (encoded.block_index.blocks, encoded.block_index.bits) == (8 * 21, 7)


@pytest.mark.parametrize(("block", "expected"), [(8, (16, 8)), (24, (6, 32)), (128, (1, 128)), (256, (1, 128))])
def test_blocks_that_do_not_match_the_rows(block, expected):
    encoded = encode(hybrid(CONV, NM(2, 4), block, 2), arch("crisp-stc"))
    assert (bounds(encoded)["G"], bounds(encoded)["M"]) == expected


def test_without_pruned_blocks_the_rows_share_their_activations():
    encoded = encode(hybrid(CONV, NM(2, 4), 64, 18), arch("crisp-stc"))
    assert encoded.design.problem.tensor("B").dims == {"K", "N"} and encoded.block_index is None


def test_an_nm_layer_keeps_its_blocks():
    encoded = encode(replace(hybrid(CONV, NM(2, 4), 64, 3), role="nm"), arch("crisp-stc"))
    assert bounds(encoded)["K"] == CONV.columns
    assert any("N:M only" in text for text in encoded.assumptions)


def test_unbalanced_rows_are_padded_to_the_fullest_and_said_so():
    layer = Layer("fc", "linear", 64, 512, tokens=64)
    uneven = Descriptor(layer, "hybrid", 9000, NM(2, 4), 64, None, 8, 200.0, 0.4, longest_row=96, most_blocks=5)
    encoded = encode(uneven, arch("crisp-stc"))
    assert bounds(encoded)["K"] == 5 * 64  # thin blocks are gathered whole, whatever they hold
    assert any("different numbers of blocks" in text and "5 of 8" in text for text in encoded.assumptions)
    unknown = encode(Descriptor(layer, "hybrid", 9000, NM(2, 4), 64, None, 8), arch("crisp-stc"))
    assert bounds(unknown)["K"] == 512 and any("all 8 are counted" in text for text in unknown.assumptions)


def test_depthwise_layers_have_one_group_per_channel():
    layer = Layer("dw", "conv2d", 32, 32, (3, 3), padding=(1, 1), groups=32, input_size=(14, 14))
    encoded = encode(Descriptor(layer, "dense", layer.weights), arch("dense"))
    assert bounds(encoded) == {"G": 32, "M": 1, "N": 196, "K": 12}
    assert encoded.design.problem.tensor("B").dims == {"G", "K", "N"}
    assert any("K is padded from 9 to 12" in text for text in encoded.assumptions)
    assert any("only 1 of 16 rows" in text for text in encoded.assumptions)


def test_notes_of_the_accelerator_come_along():
    encoded = encode(Descriptor(CONV, "dense", CONV.weights), load_arch("dense").replace(smem_bandwidth=16))
    assert "smem_bandwidth=16" in encoded.assumptions[0]
    assert encoded.design.architecture.level("SMEM").read_bandwidth == 16


def test_one_core_has_nothing_to_share():
    blocks = encode(Descriptor(CONV, "dense", CONV.weights), arch("dense").replace(cores=1)).constraints.levels
    assert [block.level for block in blocks if block.kind == "spatial"] == ["RF"]


@pytest.mark.parametrize(
    ("descriptor", "options", "message"),
    [
        (Descriptor(CONV, "nm", 0, None), None, "layer2.0.conv2: has no nonzero weight"),
        (
            Descriptor(CONV, "dense", 9),
            EvaluateOptions(activation_density=0.0),
            r"activation density must lie in \(0, 1\]",
        ),
        (Descriptor(CONV, "dense", 9), EvaluateOptions(activation_density=1.5), "not 1.5"),
        (Descriptor(CONV, "hybrid", 9, NM(2, 4), 64, 0, 18), None, "keeps no block"),
    ],
)
def test_what_cannot_be_encoded_is_named(descriptor, options, message):
    with pytest.raises(InputError, match=message):
        encode(descriptor, arch("crisp-stc"), options)
