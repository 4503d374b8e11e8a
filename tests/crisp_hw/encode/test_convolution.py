"""Convolutions as they are: held against a plain convolution of integers, rendered, and read back."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from model_answers import answered, same_counts

import crisp_hw
from crisp_hw.accelerators import load_arch
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import actual_weights, encode, encodings, hybrid_weights
from crisp_hw.encode.convolution import sizes_of
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.patterns import NM, Dense

FILE = Path(__file__).parent / "windows.yaml"
LAYERS = {
    "strided": Layer("strided", "conv2d", 4, 6, (3, 2), (2, 1), (1, 0), input_size=(7, 5)),
    "dilated": Layer("dilated", "conv2d", 2, 2, (2, 3), (1, 2), (2, 1), (3, 2), input_size=(6, 7)),
    "depthwise": Layer("depthwise", "conv2d", 6, 6, (3, 3), padding=(1, 1), groups=6, input_size=(4, 4)),
    "grouped": Layer("grouped", "conv2d", 4, 8, (1, 3), padding=(0, 1), groups=2, input_size=(3, 5)),
    "images": Layer("images", "conv2d", 3, 2, (2, 2), input_size=(3, 3), tokens=2),
    "linear": Layer("linear", "linear", 5, 7, tokens=3),
}


def encoded(layer):
    return encode(pattern_descriptor(layer, Dense(), "dense"), load_arch(FILE))


def by_projections(problem, operands):
    """Z of the problem's own loops, each tensor read and written where its projection says."""
    size = dict(zip(problem.dims, problem.bounds, strict=True))
    z = np.zeros([size[dim] for dim in "GMNPQ"], dtype=np.int64)
    for point in product(*map(range, problem.bounds)):
        at = dict(zip(problem.dims, point, strict=True))
        place = {
            each.name: tuple(sum(term.coefficient * at[term.dim] for term in rank) for rank in each.ranks)
            for each in problem.tensors
        }
        z[place["Z"]] += operands["A"][place["A"]] * operands["B"][place["B"]]
    return z


def plainly(layer, weights, images):
    """The convolution as its definition has it: weights [rows, channels, height, width], images already padded."""
    rows, own = layer.rows // layer.groups, layer.in_channels // layer.groups
    height, width = layer.output_size if layer.kind == "conv2d" else (1, 1)
    out = np.zeros((layer.tokens, layer.rows, height, width), dtype=np.int64)
    for n, row, p, q in np.ndindex(out.shape):
        for c, r, s in np.ndindex(own, *layer.kernel):
            y, x = p * layer.stride[0] + r * layer.dilation[0], q * layer.stride[1] + s * layer.dilation[1]
            out[n, row, p, q] += weights[row, c, r, s] * images[n, row // rows * own + c, y, x]
    return out


@pytest.mark.parametrize("name", LAYERS)
def test_its_loops_compute_the_convolution(name):
    layer, random = LAYERS[name], np.random.default_rng(0)
    own = layer.in_channels // layer.groups
    weights = random.integers(-9, 9, (layer.rows, own, *layer.kernel))
    sides = [size + 2 * pad for size, pad in zip(layer.input_size, layer.padding, strict=True)]
    images = random.integers(-9, 9, (layer.tokens, layer.in_channels, *sides))
    problem = encoded(layer).design.problem
    operands = {
        "A": weights.reshape(layer.groups, -1, own, *layer.kernel),
        "B": images.reshape(layer.tokens, layer.groups, own, *sides).swapaxes(0, 1),
    }
    z = by_projections(problem, operands)  # [g, m, n, p, q]
    ours = z.transpose(2, 0, 1, 3, 4).reshape(layer.tokens, layer.rows, *z.shape[3:])
    assert (ours == plainly(layer, weights, images)).all()
    assert np.prod(problem.bounds) == layer.macs


def test_sizes_are_those_of_the_layer():
    assert sizes_of(LAYERS["grouped"]) == {"G": 2, "M": 2, "C": 4, "R": 1, "S": 3, "P": 3, "Q": 5, "N": 1}
    assert sizes_of(LAYERS["linear"]) == {"G": 1, "M": 5, "C": 7, "R": 1, "S": 1, "P": 1, "Q": 1, "N": 3}


def test_a_mask_is_that_of_its_filters():
    layer = LAYERS["grouped"]
    mask = np.random.default_rng(1).random((layer.rows, layer.columns)) < 0.5
    found = actual_weights(PrunedLayer(layer, "nm", mask), encoded(layer).design.problem).mask
    for row, height, width, channel in np.ndindex(layer.rows, *layer.kernel, 4):
        column = (height * layer.kernel[1] + width) * 4 + channel  # the input channel runs fastest
        assert found[row // 2, row % 2, channel, height, width] == mask[row, column]


def test_blocks_of_a_matrix_are_not_those_of_a_convolution():
    layer = LAYERS["strided"]
    descriptor = pattern_descriptor(layer, NM(2, 4), "nm")
    with pytest.raises(InputError, match=r"strided: is run as a convolution.*; use density model or actual"):
        hybrid_weights(descriptor, encoded(layer).design.problem)


def filled(folder):
    """The same fabric, filled by filters along x and channels along y, beside which a matrix product is a case."""
    text = FILE.read_text().replace("x: [P, M], y: [R, C], spatial: share", "x: [M], y: [C, K], spatial: share")
    text = text.replace("y: [C, K], spatial: share", "y: [C], spatial: fill")
    path = folder / "filled.yaml"
    path.write_text(text)
    return load_arch(path)


def test_an_array_that_is_filled_pads_filters_or_leaves_units_idle(tmp_path):
    layer = Layer("l", "conv2d", 20, 24, (3, 3), padding=(1, 1), input_size=(4, 4))
    ways = list(encodings(pattern_descriptor(layer, Dense(), "dense"), filled(tmp_path)))
    sizes = [dict(zip(way.design.problem.dims, way.design.problem.bounds, strict=True)) for way in ways]
    assert [size["M"] for size in sizes] == [28, 26, 24, 22, 20]  # 14 to 10 filters at once
    assert {size["C"] for size in sizes} == {24}
    assert any("M is padded from 20 to 28" in text for text in ways[0].assumptions)
    assert any("only 10 of 14 units along M are used" in text for text in ways[-1].assumptions)


@pytest.fixture(scope="module")
def found():
    layers = (LAYERS["strided"], LAYERS["depthwise"], LAYERS["dilated"])
    return crisp_hw.evaluate(Workload("small", layers), str(FILE), cache=False)


def test_no_mapping_is_faster_than_all_units(found):
    for row in found.network.rows:
        assert row.real_macs == row.descriptor.layer.macs
        assert row.result.cycles * 168 >= row.real_macs and row.speedup == 1


@pytest.mark.parametrize("name", ["strided", "depthwise", "dilated"])
def test_documents_that_are_rendered_give_the_same_counts(found, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (row,) = found[name].network.rows
    assert same_counts(row.result, answered(found[name], tmp_path)) >= 18


def test_a_layer_of_one_kind_alone_is_run_as_a_convolution(tmp_path):
    """`when` chooses: strided layers as they are, all others as matrix products."""
    text = FILE.read_text().replace("{P, M}", "").replace("x: [P, M], y: [R, C]", "x: [P, M], y: [R, C, K]")
    text = text.replace("temporal: [S, C, M]", "temporal: [S, C, M, K]").replace(
        "[M, C, P, G, Q]", "[M, C, P, G, Q, N, K]"
    )
    text = text.replace("problem: convolution}", "problem: convolution, when: stride > 1}\n  - {name: product}")
    (tmp_path / "both.yaml").write_text(text)
    both = load_arch(tmp_path / "both.yaml")
    kinds = {
        name: [way.design.problem.name for way in encodings(pattern_descriptor(LAYERS[name], Dense(), "dense"), both)]
        for name in ("strided", "depthwise")
    }
    assert kinds == {"strided": ["convolution", "gemm"], "depthwise": ["grouped_gemm"]}
