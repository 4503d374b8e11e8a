"""The space against a walk over every tuple of factors."""

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError, MappingError
from crisp_hw.mapper.space import constraint_of, enumerate_space, loop_nest
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem, Tensor, Term

CHAIN = Architecture(
    (StorageLevel("RF", instances=4, mesh_x=2, mesh_y=2), StorageLevel("SMEM"), StorageLevel("DRAM", "DRAM")),
    ComputeLevel(instances=4, mesh_x=2, mesh_y=2),
)
BLOCKS = [("RF", "temporal"), ("SMEM", "spatial"), ("SMEM", "temporal"), ("DRAM", "temporal")]
TENSORS = (Tensor("A", ((Term("M"),), (Term("K"),))), Tensor("Z", ((Term("M"),),), is_output=True))


def design(m, k):
    return Design(CHAIN, Problem("mv", ("M", "K"), (m, k), TENSORS))


def obeys(value, bound, factor):
    """The meaning of one constraint, spelled out."""
    if factor is None:
        return True
    asked = factor.value or bound
    return {"=": value == asked, "<=": value <= asked, ">=": value >= asked}[factor.relation]


factors = st.builds(Factor, st.just("="), st.integers(0, 6)) | st.builds(
    Factor, st.sampled_from(["<=", ">="]), st.integers(1, 6)
)
per_block = st.dictionaries(st.sampled_from("MK"), factors)
constraint_sets = st.dictionaries(st.sampled_from(BLOCKS), per_block).map(
    lambda given: Constraints(tuple(LevelConstraint(level, kind, each) for (level, kind), each in given.items()))
)


@pytest.mark.slow
@given(st.integers(1, 24), st.integers(1, 24), constraint_sets)
def test_factorizations_are_those_of_a_full_walk(m, k, constraints):
    bounds = {"M": m, "K": k}
    expected = {}
    for dim, bound in bounds.items():
        rules = [constraint_of(constraints, *block) for block in BLOCKS]
        allowed = [
            [n for n in range(1, bound + 1) if obeys(n, bound, rule.factors.get(dim) if rule else None)]
            for rule in rules
        ]
        expected[dim] = [list(row) for row in product(*allowed) if prod(row) == bound]
    if all(expected.values()):
        space = enumerate_space(design(m, k), constraints)
        assert {dim: table.tolist() for dim, table in space.factors.items()} == expected
        assert space.size == len(expected["M"]) * len(expected["K"])
    else:
        with pytest.raises(MappingError, match=r"no factors of [MK] = "):
            enumerate_space(design(m, k), constraints)


def test_blocks_follow_the_chain_and_levels_without_fanout_have_no_spatial_block():
    space = enumerate_space(design(4, 4), Constraints())
    names = [level.name for level in CHAIN.levels]
    assert [(names[block.level], block.kind) for block in space.blocks] == BLOCKS
    assert all(block.free == ("M", "K") and block.split is None for block in space.blocks)


def test_permutation_is_a_prefix_and_the_rest_is_free_only_when_said():
    prefix = {"permutation": ("K",)}
    closed = Constraints((LevelConstraint("RF", "temporal", **prefix), LevelConstraint("SMEM", "spatial", split=1)))
    space = enumerate_space(design(4, 4), closed)
    assert (space.blocks[0].fixed, space.blocks[0].free) == (("K", "M"), ())
    assert space.blocks[1].split == 1
    opened = Constraints((LevelConstraint("RF", "temporal", order_free=True, **prefix),))
    assert enumerate_space(design(4, 4), opened).blocks[0].free == ("M",)


def test_links_are_closed_where_a_spatial_constraint_says_so():
    closed = Constraints((LevelConstraint("SMEM", "spatial", no_link_transfer=frozenset("A")),))
    assert enumerate_space(design(4, 4), closed).no_link_transfer == (frozenset(), frozenset("A"), frozenset())


def test_a_level_that_is_not_named_keeps_everything():
    space = enumerate_space(design(4, 4), Constraints(keeps={"RF": frozenset("Z")}))
    assert space.keeps == (frozenset("Z"), frozenset("AZ"), frozenset("AZ"))


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (Constraints((LevelConstraint("L2", "temporal"),)), "level L2, which is not one of RF, SMEM, DRAM"),
        (Constraints(keeps={"L2": frozenset()}), "level L2"),
        (Constraints((LevelConstraint("DRAM", "spatial"),)), "feeds one child only"),
        (Constraints((LevelConstraint("RF", "temporal"),) * 2), "given twice"),
        (Constraints((LevelConstraint("RF", "temporal", {"Q": Factor("=", 1)}),)), "dimension Q is not one of M, K"),
        (Constraints((LevelConstraint("RF", "temporal", {"M": Factor("<=", 0)}),)), "M<=0 must be positive"),
        (Constraints((LevelConstraint("RF", "temporal", permutation=("M", "M")),)), "names a dimension twice"),
        (Constraints((LevelConstraint("SMEM", "spatial", split=3),)), "split 3 is not between 0 and 2"),
        (
            Constraints((LevelConstraint("SMEM", "spatial", no_link_transfer=frozenset("W")),)),
            "no_link_transfer names W, which is no tensor",
        ),
        (Constraints(keeps={"RF": frozenset("W")}), "constraints of RF: they keep W there, but the tensors are A, Z"),
        (Constraints(keeps={"DRAM": frozenset("A")}), "outermost level DRAM must keep Z"),
    ],
)
def test_constraints_that_the_design_does_not_know_are_refused(constraints, message):
    with pytest.raises(InputError, match=message):
        enumerate_space(design(4, 4), constraints)


def test_impossible_factors_name_the_constraints_in_the_way():
    constraints = Constraints((LevelConstraint("RF", "temporal", {"K": Factor("=", 5)}),))
    with pytest.raises(MappingError, match=r"no factors of K = 8 obey RF temporal K=5; loosen"):
        enumerate_space(design(4, 8), constraints)


def test_a_suffix_stands_outermost():
    suffix = LevelConstraint("RF", "temporal", outermost=("M",), order_free=True)
    block = enumerate_space(design(4, 4), Constraints((suffix,))).blocks[0]
    assert (block.fixed, block.free, block.last) == ((), ("K",), ("M",))
    closed = LevelConstraint("RF", "temporal", outermost=("M",))
    assert enumerate_space(design(4, 4), Constraints((closed,))).blocks[0].fixed == ("K", "M")
    with pytest.raises(InputError, match="permutation MM names a dimension twice"):
        enumerate_space(design(4, 4), Constraints((LevelConstraint("RF", "temporal", {}, ("M",), outermost=("M",)),)))


def test_lower_bounds_hold_beside_a_factor():
    both = LevelConstraint("RF", "temporal", {"M": Factor("<=", 6)}, at_least={"M": 3})
    assert set(enumerate_space(design(12, 1), Constraints((both,))).factors["M"][:, 0].tolist()) == {3, 4, 6}
    with pytest.raises(MappingError, match="no factors of M = 8 obey RF temporal M<=3; RF temporal M>=3"):
        enumerate_space(
            design(8, 1), Constraints((LevelConstraint("RF", "temporal", {"M": Factor("<=", 3)}, at_least={"M": 3}),))
        )


def test_flags_reach_the_nest_and_absent_ones_stay_empty():
    levels = (
        LevelConstraint("SMEM", "spatial", no_multicast=frozenset("A")),
        LevelConstraint("RF", "temporal", no_temporal_reuse=frozenset("A"), rmw_first_update=frozenset("Z")),
    )
    nest = loop_nest(enumerate_space(design(4, 4), Constraints(levels)), ())
    assert nest.no_multicast == (frozenset(), frozenset("A"), frozenset())
    assert nest.no_temporal_reuse == (frozenset("A"), frozenset(), frozenset())
    assert nest.rmw_first_update == (frozenset("Z"), frozenset(), frozenset())
    plain = loop_nest(enumerate_space(design(4, 4), Constraints()), ())
    assert (plain.no_multicast, plain.no_temporal_reuse, plain.rmw_first_update) == ((), (), ())


def test_open_choices_are_for_bypass_spaces():
    with pytest.raises(InputError, match="leave open what RF keeps"):
        enumerate_space(design(4, 4), Constraints(either={"RF": frozenset("A")}))
