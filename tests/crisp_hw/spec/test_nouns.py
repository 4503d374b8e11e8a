"""The little that the nouns work out themselves."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.result import ComputeResult, LevelResult, Result
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

FABRIC = Architecture(
    (StorageLevel("RF", mesh_x=8, mesh_y=3), StorageLevel("SMEM", mesh_x=2, mesh_y=3), StorageLevel("DRAM", "DRAM")),
    ComputeLevel("MAC", 16, 16, 3),
)


def test_fanout_is_the_ratio_of_neighbouring_meshes():
    assert FABRIC.fanouts == ((2, 1), (4, 1), (2, 3))
    assert FABRIC.level("SMEM").mesh_x == 2
    with pytest.raises(KeyError, match="L2"):
        FABRIC.level("L2")


def test_a_tensor_depends_on_the_dimensions_of_all_its_terms():
    image = Tensor("I", ((Term("P", 2), Term("R")), (Term("C"),)))
    assert image.dims == frozenset("PRC")
    problem = Problem("conv", ("P", "R", "C"), (7, 3, 4), (image,))
    assert [problem.bound(dim) for dim in "PRC"] == [7, 3, 4]
    assert problem.tensor("I") is image
    with pytest.raises(KeyError, match="W"):
        problem.tensor("W")


@pytest.mark.parametrize(
    ("formats", "packed"), [(["UOP", "CP"], True), (["B"], True), (["RLE"], True), (["UOP", "U"], False)]
)
def test_a_format_that_stores_nonzeros_only_is_compressed(formats, packed):
    assert TensorFormat("L", "A", tuple(map(Rank, formats))).compressed is packed


def test_sparsity_counts_only_where_something_exploits_it():
    assert not SparseSpec().active
    assert SparseSpec((TensorFormat("L", "A", (Rank("CP"),)),)).active
    assert SparseSpec((), (ActionOptimization("L", "gating", (Condition("A", ("B",)),)),)).active
    assert SparseSpec((), (), ("gating",)).active


def result(cycles, *levels):
    compute = ComputeResult("MAC", 1, 1, 0, 0, 10, 1.0, 0.0)
    found = tuple(LevelResult(name, {}, each, 1.0, 0.0) for name, each in levels)
    return Result(True, (), cycles, 0.0, 1.0, compute, found)


def test_the_bound_is_the_array_or_the_first_level_that_needs_as_long():
    assert result(10, ("RF", 10), ("SMEM", 10)).bound_by == "MAC"
    assert result(30, ("RF", 20), ("SMEM", 30), ("DRAM", 30)).bound_by == "SMEM"
    assert dataclasses.replace(result(0), compute=None).bound_by == ""


sides = st.tuples(st.integers(1, 12), st.integers(1, 12))
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60)
@given(sides, pairs, pairs, st.tuples(st.integers(0, 2), st.integers(0, 2)), pairs)
def test_convolutions_have_the_sizes_that_torch_gives_them(size, kernel, stride, padding, dilation):
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if any(r > s + 2 * p for r, s, p in zip(reach, size, padding, strict=True)):
        return
    torch = pytest.importorskip("torch", reason="torch gives the reference sizes")
    layer = Layer("c", "conv2d", 4, 6, kernel, stride, padding, dilation, groups=2, input_size=size)
    module = torch.nn.Conv2d(6, 4, kernel, stride, padding, dilation, groups=2, bias=False)
    output = module(torch.zeros(1, 6, *size))
    assert layer.output_size == tuple(output.shape[2:])
    assert layer.weights == layer.rows * layer.columns == module.weight.numel()
    assert layer.positions == output[0, 0].numel()
    assert layer.macs == layer.weights * layer.positions


def test_a_linear_layer_runs_once_per_token():
    layer = Layer("fc", "linear", 10, 64, tokens=7)
    assert (layer.positions, layer.macs, layer.columns) == (7, 4480, 64)


def test_a_descriptor_knows_density_and_balance():
    layer = Layer("fc", "linear", 4, 8)
    assert Descriptor(layer, "nm", nnz=16, nm=NM(2, 4)).density == 0.5
    assert not Descriptor(layer, "hybrid", nnz=8).balanced
    assert Descriptor(layer, "hybrid", nnz=8, kept_blocks=1, total_blocks=2).balanced
