"""How often K must be split, against tiles counted element by element."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.accelerators import load_arch
from crisp_hw.encode import encode
from crisp_hw.encode.residence import Room, column_splits
from crisp_hw.encode.shape import Fabric, Steps
from crisp_hw.spec.constraints import Factor
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.problem import Problem, Tensor, Term

SMALL = Fabric(lanes=2, rows=2, cores=2, positions=4)


def problem(own_b, groups, rows, positions, columns):
    b_dims = "GKN" if own_b else "KN"
    tensors = [Tensor(name, tuple((Term(dim),) for dim in dims)) for name, dims in (("A", "GMK"), ("B", b_dims))]
    return Problem("gemm", ("G", "M", "N", "K"), (groups, rows, positions, columns), tuple(tensors))


def resident(own_b, groups, rows, tile, columns):
    """Elements that one round touches: mark the A and B of every product, then count the marks."""
    a = np.zeros((groups, rows, columns), bool)
    b = np.zeros((groups if own_b else 1, columns, tile), bool)
    for g in range(groups):
        for m in range(rows):
            for k in range(columns):
                a[g, m, k] = True
                b[g if own_b else 0, k, :] = True
    return int(a.sum() + b.sum())


@given(st.booleans(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.integers(1, 200))
def test_splits_are_the_fewest_that_fit(own_b, groups, rows, positions, steps, words):
    columns = 2 * steps
    strips = min(2, -(-rows // 2))
    at_once = min(groups, 2 // strips) if own_b else 1
    tile = max(t for t in range(1, min(4, positions) + 1) if positions % t == 0)
    parts = [p for p in range(1, steps + 1) if steps % p == 0]
    fitting = [p for p in parts if resident(own_b, at_once, rows, tile, columns // p) <= words]
    given_ = problem(own_b, groups, rows, positions, columns)
    assert column_splits(given_, SMALL, Steps(columns=2), [Room(words)]) == (fitting[0] if fitting else parts[-1])


def test_each_of_two_buffers_must_hold_its_own_tensor():
    """16 x 8 weights and 8 x 4 activations a round: halves where either buffer is too small for its own."""
    given_ = problem(False, 1, 16, 4, 8)
    for weights, activations, parts in ((128, 32, 1), (64, 32, 2), (128, 16, 2), (128, None, 1)):
        rooms = [Room(weights, frozenset("A")), Room(activations, frozenset("B"))]
        assert column_splits(given_, SMALL, Steps(columns=2), rooms) == parts


def test_no_limit_no_split():
    assert column_splits(problem(False, 1, 64, 64, 4096), SMALL, Steps(columns=2), [Room(None)]) == 1


@pytest.mark.parametrize(
    ("nm", "name", "splits"),
    [(None, "dense", 2), (NM(2, 4), "stc", 2), (NM(1, 4), "crisp-stc", 2), (None, "dstc", 3)],
)
def test_layer4_conv2_splits_its_4608_columns(nm, name, splits):
    """512 x 4608 under 256 KB: 64 rows and 49 positions (DSTC: 52) of all columns are 520 704 words when dense."""
    layer = Layer("layer4.1.conv2", "conv2d", 512, 512, (3, 3), padding=(1, 1), input_size=(7, 7))
    kept = layer.weights // 2 if nm is None else layer.weights * nm.n // nm.m
    encoded = encode(Descriptor(layer, "nm", kept, nm), load_arch(name))
    dram = next(c for c in encoded.constraints.levels if (c.level, c.kind) == ("DRAM", "temporal"))
    assert dram.factors["K"] == Factor("<=", splits)


def test_layer3_conv2_stays_whole():
    layer = Layer("layer3.1.conv2", "conv2d", 256, 256, (3, 3), padding=(1, 1), input_size=(14, 14))
    encoded = encode(Descriptor(layer, "dense", layer.weights), load_arch("dense"))
    dram = next(c for c in encoded.constraints.levels if (c.level, c.kind) == ("DRAM", "temporal"))
    assert dram.factors["K"] == Factor("<=", 1)
