"""Loop nests walked on data: words, offsets, cycles and energies of every level are the model's."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM
from crisp_hw.verification import levels, steps
from crisp_hw.walk import nested

pytestmark = pytest.mark.slow  # every step of a loop nest, in Python

WALKED = ("crisp-stc", "stc", "dense", "stc-flexible", "vegeta", "systolic", "highlight")


def layer(nm, block=None, kept=3, rows=32, columns=128):
    """Weights at random places; every block row keeps so many blocks, and where `kept` < 0 the last one less."""
    drawn = np.random.default_rng(nm.n)
    mask = np.argsort(drawn.random((rows, columns // nm.m, nm.m)), axis=2).reshape(rows, columns) < nm.n
    if block is None:
        return PrunedLayer(Layer("fc", "linear", rows, columns), "nm", mask, nm)
    blocks = np.argsort(drawn.random((rows // block, columns // block)), axis=1) < abs(kept)
    if kept < 0:
        blocks[-1, blocks[-1].nonzero()[0][0]] = False
    mask &= np.kron(blocks, np.ones((block, block), bool))
    return PrunedLayer(Layer("fc", "linear", rows, columns), "hybrid", mask, nm, block)


def checked(name, pruned, positions=4):
    return steps.check_layer(steps.operands(pruned, positions, None, 1), load_arch(name), cache=False)


@pytest.mark.parametrize("name", WALKED)
@pytest.mark.parametrize(("nm", "block", "kept"), [(NM(2, 4), None, 0), (NM(1, 4), 16, 3), (NM(2, 4), 16, -3)])
def test_every_level_counts_what_is_walked(name, nm, block, kept):
    found = checked(name, layer(nm, block, kept))
    assert found.exact and [each for each in found.levels if not each.agrees] == []
    compared = {each.name for each in found.levels if each.compared}
    assert {"cycles", "MAC products", "DRAM A reads", "DRAM A offsets read", "DRAM Z updates"} <= compared
    assert len(compared) >= 50
    if name != "highlight":  # whose activations are gated: energies are expectations
        assert {"MAC energy pJ", "DRAM A energy pJ", "DRAM B energy pJ", "DRAM Z energy pJ"} <= compared


def test_networks_take_cycles_to_fill_and_to_drain():
    slow = "crisp-stc:levels.SMEM.network.fill_cycles=7,levels.RF.network.drain_cycles=4"
    alone, both = (
        {each.name: each for each in checked(name, layer(NM(2, 4))).levels}["cycles"] for name in ("crisp-stc", slow)
    )
    assert both.agrees and both.walked == both.model == alone.walked + 11


def test_every_kept_weight_has_an_offset_however_blocks_lie():
    """Gathered or not: a fiber that a pruned block leaves empty has none, and the others have no fewer for it."""
    pruned = layer(NM(2, 4), 16, rows=64)
    for name in ("crisp-stc", "stc"):
        offsets = {each.name: each.model for each in checked(name, pruned).levels}["DRAM A offsets read"]
        assert offsets == pruned.mask.sum() == 1536


@pytest.mark.parametrize("name", ["dstc", "eyeriss-v1", "eyeriss-v2-pe", "s2ta"])
def test_where_activations_are_scattered_weights_and_sums_are_compared(name):
    """And what the model knows an expectation of stands beside it, with the reason."""
    found = checked(name, layer(NM(2, 4), columns=64), positions=16)
    assert found.exact and [each for each in (*found.counts, *found.levels) if not each.agrees] == []
    figures = {each.name: each for each in found.levels}
    outside = next(each for each in figures if each.endswith(" A reads") and each.startswith(("DRAM", "Backing")))
    assert figures[outside].compared and figures[outside].walked > 0
    assert sum(each.compared for each in found.levels) >= 12
    assert all(each.why for each in found.levels if not each.compared)


def test_blocks_are_not_gathered_where_the_layer_runs_as_a_convolution():
    found = checked("eyeriss-v1", layer(NM(2, 4), 16))
    assert found.agrees and found.steps == "every weight is multiplied, zeros included"


@pytest.mark.parametrize(
    ("name", "nm", "block", "bits"),
    [
        ("dstc", NM(2, 4), None, {"DRAM A": 4096 + 256, "SMEM A": 4096 + 256}),  # and one for each of 256 tiles of 16
        ("dstc", NM(1, 4), 16, {"DRAM A": 1536 + 256, "SMEM A": 1536 + 256}),  # those of pruned blocks have no more
        ("s2ta", NM(2, 4), None, {"DRAM A": 4096}),
    ],
)
def test_bits_of_bitmaps_are_the_models(name, nm, block, bits):
    figures = {each.name: each for each in checked(name, layer(nm, block), positions=32).levels}
    for place, many in bits.items():
        read = figures[f"{place} offsets read"]
        assert read.compared and read.walked == read.model == many
        assert figures[f"{place} energy pJ"].compared and figures[f"{place} energy pJ"].agrees


def test_nonzeros_are_packed_into_lanes_pass_by_pass():
    figures = {each.name: each for each in checked("dstc", layer(NM(2, 4)), positions=32).levels}
    assert figures["MACs at work"].walked == pytest.approx(figures["MACs at work"].model, rel=0.02)
    by_pass = figures["MAC cycles, pass by pass"]
    assert by_pass.walked == pytest.approx(by_pass.model, rel=0.02) and "divides products" in by_pass.why


SKIPPING = """
schema: crisp-hw/arch/2
name: skips
does: "tiles of activations that meet no weight stay where they are"
levels:
  Far: {role: backing, technology: DRAM, word_bits: 8}
  Buffer: {role: buffer, size_kb: 64, word_bits: 8}
  Near: {role: latch, size_words: 32, word_bits: 8}
  Sums: {role: accumulator, size_words: 512}
compute: {name: Multiplier, word_bits: 8}
energy: table
constraints:
  Sums: {keep: [Z], temporal: [K]}
  Near: {keep: [B], temporal: [M]}
  Buffer: {keep: [A, B], temporal: [N, K]}
  Far: {keep: [A, B, Z], temporal: [G], order: free}
runs:
  - name: sparse
    weights: {scattered: density}
    formats:
      - level: Buffer
        tensor: A
        rank_application_order: inner-to-outer
        ranks: [{format: UOP, metadata_bits: 0, payload_bits: 0, times: 3}, {format: CP, metadata_bits: 8}]
      - level: Far
        tensor: A
        rank_application_order: inner-to-outer
        ranks: [{format: UOP, metadata_bits: 0, payload_bits: 0, times: 6}, {format: CP, metadata_bits: 8}]
    actions:
      - {level: Buffer, type: skipping, options: [{target: B, condition_on: [A]}]}
    compute: [skipping]
"""
LINKED = """
schema: crisp-hw/arch/2
name: linked
does: "MACs hand words to their neighbours"
levels:
  Far: {role: backing, technology: DRAM, word_bits: 8}
  Buffer: {role: buffer, size_kb: 64, word_bits: 8}
  Sums: {role: accumulator, size_words: 4096}
compute: {name: Multiplier, fanout_x: 4, fanout_y: 4, word_bits: 8}
energy: table
constraints:
  Sums: {keep: [Z], temporal: [SUMS], x: [X], y: [Y], spatial: fill}
  Buffer: {keep: [A, B], temporal: [BUFFER]}
  Far: {keep: [A, B, Z], temporal: [G], order: free}
runs: [{name: dense}]
"""


def of_text(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return load_arch(path)


def test_tiles_that_meet_no_weight_are_left_out_on_their_way(tmp_path):
    """An activation meets the weights of its column, of which pruned blocks leave some without any."""
    given = steps.operands(layer(NM(1, 4), 16, 1), 8, None, 1)
    found = steps.check_layer(given, of_text(tmp_path, SKIPPING), cache=False)
    assert found.agrees and all(each.compared for each in found.levels if each.name != "MAC energy pJ")
    figures = {each.name: each for each in found.levels}
    assert figures["Buffer B reads"].walked == 8 * 64  # of 128 columns, two blocks of 16 rows keep one block of 16 each


@pytest.mark.parametrize(
    ("sums", "x", "y", "buffer", "counts"),
    [
        ("K", "N", "M", "N, M", {"Buffer A reads": 8192, "Buffer B reads": 8192}),
        ("N, K", "N", "M", "M", {"Buffer A reads": 4096, "Buffer B reads": 8192}),  # A stays while N moves on
        ("M, K", "K", "N", "N, K", {"Sums Z updates": 256}),  # lanes of a sum add to each other
    ],
)
def test_macs_take_words_from_their_neighbours(tmp_path, sums, x, y, buffer, counts):
    text = LINKED.replace("SUMS", sums).replace("X]", f"{x}]").replace("Y]", f"{y}]").replace("BUFFER", buffer)
    found = steps.check_layer(steps.operands(layer(NM(1, 4), 16), 8, None, 1), of_text(tmp_path, text), cache=False)
    assert found.agrees
    figures = {each.name: each.walked for each in found.levels}
    assert {name: figures[name] for name in counts} == counts


GATING = """
    activations: {scattered: activation_density}
    actions:
      - {level: Sums, type: gating, options: [{target: Z, condition_on: [B]}]}
    compute: [gating]
"""
INPUTS = """
    activations: {scattered: activation_density}
    formats:
      - level: Buffer
        tensor: B
        rank_application_order: inner-to-outer
        ranks: [{format: UOP, metadata_bits: 0, payload_bits: 0, times: 3}, {format: CP, metadata_bits: 8}]
      - level: Far
        tensor: B
        rank_application_order: inner-to-outer
        ranks: [{format: UOP, metadata_bits: 0, payload_bits: 0, times: 6}, {format: CP, metadata_bits: 8}]
    actions:
      - {level: Buffer, type: skipping, options: [{target: A, condition_on: [B]}]}
    compute: [skipping]
"""


@pytest.mark.parametrize("case", [GATING, INPUTS])
def test_weights_that_are_stored_whole_are_all_multiplied_whatever_becomes_of_activations(tmp_path, case):
    """Gating, or zeros of activations that are skipped, do not make a fabric select by N:M."""
    text = LINKED.replace("SUMS", "M, K").replace("X]", "N]").replace("Y]", "M]").replace("BUFFER", "N, M, K")
    text = text.replace("runs: [{name: dense}]", "runs:\n  - name: sparse" + case.rstrip())
    text = text.replace("y: [M]", "y: [M], no_link_transfer: [A, B, Z]")
    found = steps.check_layer(steps.operands(layer(NM(2, 4)), 8, None, 1), of_text(tmp_path, text), cache=False)
    assert found.agrees and found.steps == "every weight is multiplied, zeros included"
    figures = {each.name: each for each in found.counts}
    assert figures["weights"].walked == 32 * 128
    assert figures["products"].walked == 32 * 128 * 8


def test_with_plain_skipping_dstc_leaves_out_what_meets_nothing():
    given = steps.operands(layer(NM(2, 4)), 32, None, 1)
    found = steps.check_layer(given, load_arch("dstc"), cache=False, packing="skipping")
    figures = {each.name: each for each in found.levels}
    assert found.agrees and found.steps == "weights meet activations where neither is zero"
    assert figures["MAC products"].walked == pytest.approx(figures["MAC products"].model, rel=0.02)
    assert figures["SMEM B reads"].walked == pytest.approx(figures["SMEM B reads"].model, rel=0.02)


def test_sums_that_are_skipped_between_levels_are_not_walked():
    given = steps.operands(layer(NM(2, 4)), 4, None, 1)
    row = steps.evaluated(given.pruned, load_arch("dstc"), cache=False, packing="skipping")
    sparse = row.point.design.sparse
    outer = replace(sparse.actions[2], level="DRAM")
    assert outer.options[0].target == "Z"
    design = replace(row.point.design, sparse=replace(sparse, actions=(outer,)))
    row = replace(row, point=replace(row.point, design=design))
    assert levels.refusal(row) == "sums that are skipped on their way between two levels are not walked"


@pytest.mark.parametrize("lost", ["reads", "fills", "updates", "offsets_read"])
def test_a_walk_that_loses_words_is_found(lost, monkeypatch):
    walk = nested.walk

    def lossy(*given):
        done = walk(*given)
        for moved in done.moved.values():
            setattr(moved, lost, getattr(moved, lost) * 3 // 4)
        return done

    monkeypatch.setattr(nested, "walk", lossy)
    assert not checked("crisp-stc", layer(NM(2, 4), 16)).agrees
