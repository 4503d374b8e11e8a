"""Descriptors against loops over the mask, and metadata against formats that really encode and decode it."""

from itertools import combinations
from math import ceil

import numpy as np
import pytest
from drawn_masks import blocks, crisp_masks, linear, masks, nms, pruned
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.descriptors import describe, describe_model, pattern_descriptor
from crisp_hw.descriptors.pattern import pattern_nnz
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, Dense, Hybrid, Unstructured

# ---- formats that really encode: a string of bits, decoded again without looking at the mask


@given(masks, nms, st.none() | blocks)
def test_describe_against_loops(mask, claim, block):
    rows, columns = mask.shape
    found = describe(pruned(mask, claim, block))
    groups = [[int(mask[r, s : s + claim.m].sum()) for s in range(0, columns, claim.m)] for r in range(rows)]
    tightest = max(count for row in groups for count in row)
    assert found.nm == (NM(tightest, claim.m) if tightest < min(claim.m, columns) else None)
    assert any("but group" in note for note in found.notes) == (tightest > claim.n)
    assert (found.nnz, found.longest_row) == (sum(map(sum, mask.tolist())), max(map(sum, mask.tolist())))
    assert found.density == found.nnz / (rows * columns)
    if block is None:
        assert (found.kept_blocks, found.total_blocks, found.kept_columns, found.block_density) == (None,) * 4
        return
    grid = [[mask[r : r + block, c : c + block] for c in range(0, columns, block)] for r in range(0, rows, block)]
    live = [sum(1 for tile in row if tile.any()) for row in grid]
    assert found.total_blocks == len(grid[0])
    assert found.kept_blocks == (live[0] if len(set(live)) == 1 else None)
    assert found.kept_columns == sum(tile.size for row in grid for tile in row if tile.any()) / rows
    assert found.block_density == pytest.approx(sum(live) / (len(grid) * len(grid[0])))
    assert ("crisp" in found.metadata_bits) == (found.balanced and block % (found.nm.m if found.nm else 1) == 0)


def test_without_a_claim_groups_of_four_are_looked_for():
    mask = np.array([[1, 0, 1, 0, 0, 1, 1, 0], [1, 0, 0, 0, 0, 0, 0, 0]], bool)
    assert describe(pruned(mask)).nm == NM(2, 4)
    assert describe(pruned(np.ones((2, 8), bool))).nm is None


def test_notes_say_where_the_header_is_wrong():
    mask = np.tile(np.array([1, 1, 0, 0], bool), (8, 16))
    mask[3, 17 - 1 : 17 + 2] = True  # group 4 of row 3 holds 3
    mask[6, 60:64] = True  # group 15 of row 6 holds 4
    note = "claims 2:4 but group 4 of row 3 holds 3, and 1 more groups hold too many"
    assert describe(pruned(mask, NM(2, 4))).notes == (note,)
    sparse = np.tile(np.array([1, 0, 0, 0], bool), (2, 4))
    assert describe(pruned(sparse, NM(2, 4))).notes == ("claims 2:4 but 8 groups in the layer hold fewer than 2",)
    unbalanced = np.ones((8, 8), bool)
    unbalanced[:4, :4] = False
    found = describe(pruned(unbalanced, NM(4, 4), 4))
    assert found.notes == (
        "claims blocks of 4 but block rows keep 1 to 2 of 2 blocks, so CRISP's format cannot hold it",
    )
    assert (found.kept_blocks, found.kept_columns, found.block_density, found.balanced) == (None, 6.0, 0.75, False)
    whole = describe(pruned(np.ones((8, 8), bool), NM(4, 4), 4))
    assert whole.notes == ("claims blocks of 4 but none of them is empty",)
    assert describe(pruned(np.zeros((8, 8), bool), None, 4)).notes == ("every weight is zero",)
    assert describe(PrunedLayer(linear(8, 8), "hybrid", np.ones((8, 8), bool))).notes == (
        "role is hybrid but no block is claimed",
    )
    assert describe(pruned(np.ones((8, 8), bool), NM(8, 8), 4)).notes[0] == "blocks of 4 do not hold whole groups of 8"
    assert describe(pruned(np.eye(8, 10, dtype=bool)[:, :], None, 4)).notes[-1] == (
        "10 columns: the last block of a row is 2 wide, not 4"
    )


def test_three_of_four_packs_with_the_bitmask():
    mask = np.tile(np.array([1, 1, 1, 0], bool), (8, 4))
    bits = describe(pruned(mask, NM(3, 4))).metadata_bits
    assert (bits["crisp_nm_offset"], bits["crisp_nm_bitmask"], bits["crisp"]) == (8 * 4 * 6, 8 * 4 * 4, 8 * 4 * 4)


def test_a_mask_of_another_shape_is_refused():
    for mask in (np.ones((4, 3), bool), np.ones((3, 4), int)):
        with pytest.raises(InputError, match=r"'fc' needs a mask of bool\[3, 4\]"):
            describe(PrunedLayer(linear(3, 4), "nm", mask))


def test_describe_model_keeps_order_and_dense_layers():
    layers = (PrunedLayer(linear(4, 8), "dense"), pruned(np.eye(8, dtype=bool), NM(1, 4)))
    dense, eye = describe_model(PrunedModel("m", layers))
    assert (dense.density, dense.nm, dense.notes, dense.metadata_bits["bitmask"]) == (1.0, None, (), 32)
    assert (eye.nnz, eye.nm) == (8, NM(1, 4))


# ---- patterns alone


@settings(max_examples=60)
@given(nms, st.integers(1, 3), st.integers(1, 5), st.integers(1, 22), st.data())
def test_pattern_nnz_is_the_mean_over_every_choice_of_blocks(nm, groups, rows, columns, data):
    block = nm.m * groups
    total = ceil(columns / block)
    kept = data.draw(st.integers(1, total))
    widths = [min(block, columns - b * block) for b in range(total)]
    held = [sum(min(nm.n, width - s) for s in range(0, width, nm.m)) for width in widths]
    choices = [sum(chosen) * rows for chosen in combinations(held, kept)]
    pattern = Hybrid(nm, block, kept, total)
    assert pattern_nnz(linear(rows, columns), pattern) * len(choices) == sum(choices)
    columns_kept = [sum(chosen) for chosen in combinations(widths, kept)]
    descriptor = pattern_descriptor(linear(rows, columns), pattern, "hybrid")
    assert descriptor.kept_columns == pytest.approx(sum(columns_kept) / len(columns_kept))


@given(crisp_masks())
def test_pattern_and_mask_agree(case):
    """Everything equal when nothing is ragged; else bounds and expectations hold."""
    mask, nm, block, kept, total = case
    found = describe(pruned(mask, nm, block))
    layer = found.layer
    expected = pattern_descriptor(layer, Hybrid(nm, block, kept, total), "hybrid")
    assert found.metadata_bits["rle"] <= expected.metadata_bits["rle"]
    assert found.longest_row <= expected.longest_row
    assert found.metadata_bits["ellpack"] <= expected.metadata_bits["ellpack"]
    assert (found.block, found.total_blocks, found.kept_blocks) == (block, total, kept)
    if layer.columns % block == 0 or kept == total:
        assert (found.nnz, found.kept_columns) == (expected.nnz, expected.kept_columns)
        if found.nm in (nm, None):
            same = ("csr", "bitmask", "ellpack", "crisp", "crisp_block_index", "crisp_nm_offset", "crisp_nm_bitmask")
            assert {k: found.metadata_bits[k] for k in same} == {k: expected.metadata_bits[k] for k in same}
            assert found.nm == expected.nm


@given(nms, st.integers(1, 5), st.integers(1, 22), st.integers(0, 99))
def test_nm_pattern_and_mask_agree(nm, rows, columns, seed):
    rng, mask = np.random.default_rng(seed), np.zeros((rows, columns), bool)
    for row in range(rows):
        for start in range(0, columns, nm.m):
            mask[row, start + rng.permutation(min(nm.m, columns - start))[: nm.n]] = True
    found = describe(PrunedLayer(linear(rows, columns), "nm", mask, nm))
    expected = pattern_descriptor(linear(rows, columns), nm, "nm")
    assert (found.nnz, found.longest_row) == (expected.nnz, expected.longest_row)
    assert found.metadata_bits["rle"] <= expected.metadata_bits["rle"]
    if nm.m <= columns or nm.n <= columns:
        assert found.nm == expected.nm
        assert {**found.metadata_bits, "rle": 0} == {**expected.metadata_bits, "rle": 0}


def test_run_length_bound_of_a_pattern_is_reached():
    """1 0 0 0 | 0 0 0 0 | 0 0 0 1 | ...: the longest run that 1:4 with one block of 4 pruned allows."""
    row = np.array([[1, 0, 0, 0] + [0] * 4 + [0, 0, 0, 1] + [1, 0, 0, 0]], bool)
    expected = pattern_descriptor(linear(1, 16), Hybrid(NM(1, 4), 4, 3, 4), "hybrid")
    assert describe(pruned(row, NM(1, 4), 4)).metadata_bits["rle"] == expected.metadata_bits["rle"] == 4 * 4


def test_dense_and_unstructured_ends():
    layer = linear(6, 10)
    dense = pattern_descriptor(layer, Dense(), "dense")
    assert (dense.nnz, dense.longest_row, dense.metadata_bits["rle"]) == (60, 10, 0)
    mask = np.ones((6, 10), bool)
    assert describe(PrunedLayer(layer, "nm", mask)).metadata_bits["csr"] == dense.metadata_bits["csr"]
    full, empty = (pattern_descriptor(layer, Unstructured(d), "nm") for d in (1.0, 0.0))
    assert (full.nnz, full.longest_row, full.metadata_bits["rle"]) == (60, 10, 0)
    zeros = describe(PrunedLayer(layer, "nm", np.zeros((6, 10), bool))).metadata_bits
    assert (empty.nnz, empty.longest_row) == (0, 0)
    assert {key: zeros[key] for key in empty.metadata_bits} == dict(empty.metadata_bits)


@pytest.mark.parametrize(("rows", "columns", "density"), [(64, 576, 0.1), (256, 300, 0.5), (10, 2000, 0.02)])
def test_unstructured_extremes_against_draws(rows, columns, density):
    rng = np.random.default_rng(1)
    found = pattern_descriptor(linear(rows, columns), Unstructured(density), "nm")
    drawn = [describe(pruned(rng.random((rows, columns)) < density)) for _ in range(100)]
    assert found.nnz == pytest.approx(np.mean([d.nnz for d in drawn]), rel=0.01)
    assert found.longest_row == pytest.approx(np.mean([d.longest_row for d in drawn]), rel=0.015)
    for name, tolerance in (("csr", 0.01), ("ellpack", 0.015), ("rle", 0.2)):  # RLE: one bit of width either way
        assert found.metadata_bits[name] == pytest.approx(
            np.mean([d.metadata_bits[name] for d in drawn]), rel=tolerance
        )


BAD = [
    (NM(0, 4), "0:4 is no N:M"),
    (NM(5, 4), "5:4 is no N:M"),
    (Unstructured(1.5), "density 1.5"),
    (Unstructured(float("nan")), "density nan"),
    (Hybrid(NM(2, 4), 6, 1, 2), "block 6 is no multiple of m = 4"),
    (Hybrid(NM(2, 4), 4, 0, 3), "0 of 3 blocks"),
    (Hybrid(NM(2, 4), 4, 4, 3), "4 of 3 blocks"),
    (Hybrid(NM(2, 4), 4, 1, 4), "which are 3 blocks of 4"),
    (Hybrid(NM(3, 2), 4, 1, 3), "3:2 is no N:M"),
]


@pytest.mark.parametrize(("pattern", "message"), BAD)
def test_a_pattern_that_the_layer_cannot_have(pattern, message):
    with pytest.raises(InputError, match=f"layer fc: .*{message}"):
        pattern_descriptor(linear(3, 10), pattern, "nm")


def test_one_layer_by_hand():
    """3x3, S = 256, K = 2304, K' = 512, B = 64, 2:4: block bits 192, N:M 131072, CSR 790801 (worked out on paper)."""
    layer = Layer("conv", "conv2d", 256, 256, (3, 3), padding=(1, 1), input_size=(14, 14))
    expected = pattern_descriptor(layer, Hybrid(NM(2, 4), 64, 8, 36), "hybrid").metadata_bits
    rng, mask = np.random.default_rng(0), np.zeros((256, 2304), bool)
    for top in range(0, 256, 64):
        for b in rng.permutation(36)[:8]:
            mask[top : top + 64, b * 64 : b * 64 + 64] = rng.permuted(
                np.tile([True, True, False, False], (64, 16, 1)), axis=2
            ).reshape(64, 64)
    found = describe(PrunedLayer(layer, "hybrid", mask, NM(2, 4), 64)).metadata_bits
    for bits in (expected, found):
        assert (bits["crisp_block_index"], bits["crisp_nm_offset"], bits["csr"]) == (192, 131072, 790801)
        assert bits["crisp"] == 192 + 131072


@pytest.mark.parametrize("at_once", [1, 40, 100])
def test_a_mask_in_parts_is_the_mask_as_a_whole(monkeypatch, at_once):
    """Some rows at a time: the first group that breaks a claim and all counts are those of the whole mask."""
    from crisp_hw.descriptors import mask as module

    rng = np.random.default_rng(3)
    claims = [(None, None), (NM(1, 4), None), (NM(2, 4), None), (NM(4, 4), 4), (NM(2, 4), 8)]
    layers = [pruned(rng.random((16, 20)) < share, nm, block) for share in (0.1, 0.5, 1) for nm, block in claims]
    rows = [[1, 1, 0, 0] * 5] * 15 + [[1, 1, 1, 0] * 5]
    layers.append(pruned(np.array(rows, dtype=bool), NM(2, 4)))
    whole = [describe(each) for each in layers]
    monkeypatch.setattr(module, "CHUNK", at_once)
    assert [describe(each) for each in layers] == whole
    assert whole[-1].notes == ("claims 2:4 but group 0 of row 15 holds 3, and 4 more groups hold too many",)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_mask_is_read_in_three_bytes_per_byte(tmp_path, suffix):
    """Loading and describing together, at the most and with the mask itself, which takes a byte per weight."""
    import tracemalloc

    from crisp_hw.io import load_pruned

    pytest.importorskip("torch")
    from crisp_hw.pruned_file import save_pruned

    side = 2048
    for share in (0.5, 1.0):
        layer = Layer("fc", "linear", side, side)
        content = np.random.default_rng(1).random((side, side)) < share
        save_pruned(tmp_path / f"a{suffix}", PrunedModel("m", (PrunedLayer(layer, "hybrid", content, NM(2, 4), 64),)))
        describe_model(load_pruned(tmp_path / f"a{suffix}"))  # what is loaded once is not the mask's
        tracemalloc.start()
        try:
            describe_model(load_pruned(tmp_path / f"a{suffix}"))
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert most <= 3 * side * side
