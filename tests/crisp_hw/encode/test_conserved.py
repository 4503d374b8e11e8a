"""Encoding a layer loses no work and invents none."""

from math import ceil, prod

import pytest
from encoded_layers import arch, bounds, hybrid
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.encode import encode
from crisp_hw.spec.constraints import Factor
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM

layers = st.builds(
    lambda s, c, size, k: Layer("l", "conv2d", s, c, (k, k), padding=(k // 2, k // 2), input_size=(size, size)),
    st.integers(1, 200),
    st.integers(1, 96),
    st.integers(1, 30),
    st.sampled_from([1, 3]),
)


@st.composite
def hybrids(draw):
    layer = draw(layers)
    nm = draw(st.sampled_from([NM(1, 4), NM(2, 4), NM(3, 4)]))
    block = draw(st.sampled_from([8, 16, 24, 32, 64, 128]))
    return hybrid(layer, nm, block, draw(st.integers(1, ceil(layer.columns / block))), nnz=1)


@settings(max_examples=150)
@given(hybrids(), st.sampled_from(["dense", "stc", "dstc", "crisp-stc"]))
def test_every_layer_divides_evenly_and_loses_nothing(descriptor, name):
    encoded = encode(descriptor, arch(name))
    problem, sizes = encoded.design.problem, bounds(encoded)
    kept = min(descriptor.kept_blocks * descriptor.block, descriptor.layer.columns) if name == "crisp-stc" else None
    real = descriptor.layer.rows * descriptor.layer.positions * (kept or descriptor.layer.columns)
    assert prod(problem.bounds) >= real and encoded.real_macs == descriptor.layer.macs
    grown = any("padded from" in text or "the last block row" in text for text in encoded.assumptions)
    assert grown == (prod(problem.bounds) > real)
    for dim, size in sizes.items():
        fixed = prod(
            c.factors[dim].value
            for c in encoded.constraints.levels
            if c.factors.get(dim, Factor("<=", 1)).relation == "="
        )
        assert size % fixed == 0
    tile = next(c.factors["N"].value for c in encoded.constraints.levels if (c.level, c.kind) == ("LRF", "temporal"))
    assert tile >= 1


@settings(max_examples=60)
@given(
    st.integers(1, 8),
    st.integers(1, 6),
    st.integers(1, 64),
    st.sampled_from([NM(1, 4), NM(2, 4), NM(3, 4)]),
    st.integers(1, 6),
)
def test_nonzero_macs_are_conserved_where_nothing_is_padded(groups, total, positions, nm, kept):
    block = 64
    layer = Layer("l", "linear", groups * block, total * block, tokens=positions)
    descriptor = hybrid(layer, nm, block, min(kept, total))
    encoded = encode(descriptor, arch("crisp-stc"))
    assert prod(encoded.design.problem.bounds) * nm.n // nm.m == descriptor.nnz * positions
    assert not any("padded from" in text for text in encoded.assumptions)


@settings(max_examples=60)
@given(hybrids(), st.floats(0.05, 1.0))
def test_dstc_conserves_nonzero_products(descriptor, density):
    """E[nonzero MACs] = nonzeros of A x nonzeros of B per column, whatever was padded."""
    nnz = max(1, descriptor.layer.weights // 3)
    found = Descriptor(descriptor.layer, "nm", nnz)
    problem = encode(found, arch("dstc"), EvaluateOptions(activation_density=density)).design.problem
    a, b = problem.tensor("A").density.density, problem.tensor("B").density.density
    assert prod(problem.bounds) * a * b == pytest.approx(nnz * descriptor.layer.positions * density)
