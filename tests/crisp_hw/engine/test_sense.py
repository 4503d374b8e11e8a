"""Designs that make no sense are refused."""

from dataclasses import replace

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.mapping import LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import SparseSpec


def a_point(build, **changes):
    point = build.point([[("t", "K", 4)], [("t", "M", 2)]])
    return replace(point, design=replace(point.design, **changes))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"problem": Problem("p", ("M", "N", "K"), (2, 1, 5), ())},
            "mapping.factors.K: the factors of K multiply to 4, but the problem has K = 5",
        ),
        (
            {
                "architecture": Architecture(
                    (StorageLevel("L0"), StorageLevel("L1", instances=2, mesh_x=2)), ComputeLevel()
                )
            },
            "architecture level L1: it has a wider mesh than the level inside it; widen that one",
        ),
    ],
)
def test_designs_that_make_no_sense(build, change, sentence):
    with pytest.raises(InputError) as error:
        evaluate(a_point(build, **change))
    assert str(error.value).startswith(sentence)


def test_every_tensor_is_kept_somewhere(build):
    point = a_point(build)
    nest = LoopNest(point.mapping.nest.loops, (frozenset("A"), frozenset("AB")))
    with pytest.raises(InputError, match=r"^mapping: no level keeps tensor Z; let one keep it$"):
        evaluate(replace(point, mapping=LoopMapping(nest, point.mapping.bounds)))


def test_sparse_features_need_two_operands(build):
    tensors = (Tensor("A", ((Term("M"),), (Term("K"),))), Tensor("Z", ((Term("M"),),), is_output=True))
    sparse = SparseSpec((), (), ("gating",))
    point = a_point(build, problem=Problem("mv", ("M", "N", "K"), (2, 1, 4), tensors), sparse=sparse)
    with pytest.raises(
        InputError, match=r"^problem: sparse optimizations need exactly 2 read-only tensors, and mv has 1; "
    ):
        evaluate(point)
