"""Constraint documents, in the flattened form, to nouns."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.timeloop.read_constraints import read_constraints

TENSORS = (
    Tensor("A", ((Term("M"),), (Term("K"),))),
    Tensor("B", ((Term("K"),), (Term("N"),))),
    Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
)
CHAIN = Architecture((StorageLevel("LRF"), StorageLevel("SMEM"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
DESIGN = Design(CHAIN, Problem("gemm", ("M", "N", "K"), (64, 64, 64), TENSORS))


def read(*targets, **documents):
    return read_constraints({"architecture_constraints": {"targets": list(targets)}, **documents}, DESIGN)


def test_factors_of_every_relation_and_spelling():
    target = {"target": "SMEM", "type": "temporal", "factors": "K=1 N <= 64, M4 # a note"}
    (level,) = read(target).levels
    assert (level.level, level.kind) == ("SMEM", "temporal")
    assert level.factors == {"K": Factor("=", 1), "N": Factor("<=", 64), "M": Factor("=", 4)}
    listed = read({"target": "SMEM", "type": "temporal", "factors": ["K>=2", "N=0"]}).levels[0]
    assert listed.factors == {"K": Factor(">=", 2), "N": Factor("=", 0)}


def test_permutation_leaves_the_rest_free_and_split_is_kept():
    entry = {"target": "SMEM", "type": "spatial", "permutation": "KM", "split": 1, "no_link_transfer": ["A", "Z"]}
    (level,) = read(entry).levels
    assert (level.permutation, level.order_free, level.split) == (("K", "M"), True, 1)
    assert level.no_link_transfer == frozenset("AZ")
    assert level.factors == {}


def test_bypass_says_what_a_level_keeps():
    found = read(
        {"target": "LRF", "type": "bypass", "keep": ["A"], "bypass": ["B", "Z"]},
        {"target": "DRAM", "type": "datatype", "keep": ["A"]},
    )
    assert found.keeps == {"LRF": frozenset("A"), "DRAM": frozenset("ABZ")}


def test_two_entries_for_one_block_are_merged():
    document = {"targets": [{"target": "SMEM", "type": "temporal", "factors": "K=1"}]}
    found = read({"target": "SMEM", "type": "temporal", "permutation": "K"}, **{"mapspace-constraints": document})
    (level,) = found.levels
    assert (level.permutation, level.factors) == (("K",), {"K": Factor("=", 1)})


def test_no_document_is_no_constraint():
    assert read_constraints({}, DESIGN) == Constraints()
    assert read_constraints({"architecture_constraints": []}, DESIGN) == Constraints()


TEMPORAL = {"target": "SMEM", "type": "temporal"}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({**TEMPORAL, "no_reuse": ["A"]}, "of SMEM, temporal: unknown key 'no_reuse'"),
        ({**TEMPORAL, "split": 1}, "unknown key 'split'"),
        ({**TEMPORAL, "no_link_transfer": ["A"]}, "unknown key 'no_link_transfer'"),
        ({"target": "SMEM", "type": "spatial", "no_link_transfer": ["W"]}, "no tensor W; it has A, B, Z"),
        ({**TEMPORAL, "default_max_factor": 4}, "unknown key 'default_max_factor'"),
        ({**TEMPORAL, "factors": "Q=1"}, "the factor 'Q=1' is not one of M, N, K"),
        ({**TEMPORAL, "factors": "K==1"}, "the factor 'K==1'"),
        ({**TEMPORAL, "factors": "K<=2 K>=2"}, "two factors for dimension K"),
        ({**TEMPORAL, "factors": 3}, "expected a list"),
        ({**TEMPORAL, "permutation": "K_M"}, "names '_'"),
        ({"target": "L9", "type": "temporal"}, "has no level 'L9'; it has LRF, SMEM, DRAM"),
        ({"target": "LRF", "type": "utilization", "min": 0.5}, "type is not one of temporal, spatial"),
        ({"target": "LRF"}, "the key 'type' is missing"),
        ({"target": "LRF", "type": "bypass", "keep": ["A"]}, "neither keeps nor bypasses B, Z"),
        ({"target": "LRF", "type": "bypass", "keep": ["A"], "bypass": ["A", "B", "Z"]}, "A is both kept and bypassed"),
        ({"target": "LRF", "type": "bypass", "bypass": ["W"]}, "no tensor W; it has A, B, Z"),
        ({"target": "DRAM", "type": "bypass", "bypass": ["A"]}, "outermost level must keep A"),
    ],
)
def test_what_is_not_known_is_refused_by_name(target, message):
    with pytest.raises(InputError, match=message):
        read(target)


def test_the_same_thing_twice_is_refused():
    with pytest.raises(InputError, match="factor K given twice"):
        read({**TEMPORAL, "factors": "K=1"}, {**TEMPORAL, "factors": "K=2"})
    with pytest.raises(InputError, match="permutation given twice"):
        read({**TEMPORAL, "permutation": "K"}, {**TEMPORAL, "permutation": "M"})
    keep = {"target": "LRF", "type": "bypass", "keep": ["A", "B", "Z"]}
    with pytest.raises(InputError, match="given twice; merge"):
        read(keep, keep)
    with pytest.raises(InputError, match="unknown key 'tragets'"):
        read_constraints({"architecture_constraints": {"tragets": []}}, DESIGN)
