"""Keys: equal values have one, and whatever differs in a single field has another."""

from copy import copy, deepcopy
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crisp_hw.searches.content import Content
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import NM, Actual, FixedStructured, Hybrid, HybridBlocks, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat


def key(*values):
    return Content().digest(*values)


def full_design():
    """A design and constraints in which every kind of field has something."""
    levels = (StorageLevel("RF", size_words=64, read_bandwidth=2.5), StorageLevel("DRAM", "DRAM", word_bits=8))
    mask = np.eye(4, dtype=bool)
    blocks = HybridBlocks(Hybrid(NM(2, 4), 4, 1, 2), (2, 8), (0, -1), 8)
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K", 2), Term("R"))), density=Actual(mask)),
        Tensor("B", ((Term("K"),), (Term("N"),)), density=Hypergeometric(0.5)),
        Tensor("C", ((Term("K"),), (Term("N"),)), density=blocks),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    sparse = SparseSpec(
        (TensorFormat("RF", "A", (Rank("UOP"), Rank("CP", 2, 3, (frozenset("MK"),)))),),
        (ActionOptimization("RF", "skipping", (Condition("B", ("A",)),)),),
        ("gating",),
    )
    energy = EnergyTable({"RF": {"read": 1.5, "write": 2.0}}, {"RF": {"read": "a book"}})
    design = Design(
        Architecture(levels, ComputeLevel()), Problem("p", tuple("MNKR"), (4, 5, 6, 7), tensors), sparse, energy
    )
    spatial = LevelConstraint("RF", "spatial", {"M": Factor("=", 2)}, ("M", "N"), True, 1, frozenset("B"))
    return design, Constraints((spatial,), {"RF": frozenset("AZ")})


def places(value, path=()):
    """The path of every leaf: field names, positions and keys."""
    if is_dataclass(value):
        for field in (each for each in fields(value) if each.metadata.get("content", True)):
            yield from places(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, tuple | dict):
        for step, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*path, step))
    else:
        yield path, value


def put(value, path, new):
    """A copy with another leaf; no check of a dataclass gets in the way."""
    if not path:
        return new
    step, *rest = path
    if is_dataclass(value):
        other = copy(value)
        object.__setattr__(other, step, put(getattr(value, step), rest, new))
        return other
    if isinstance(value, dict):
        return {**value, step: put(value[step], rest, new)}
    return (*value[:step], put(value[step], rest, new), *value[step + 1 :])


WHOLE = full_design()
LEAVES = list(places(WHOLE))


def test_the_design_of_these_tests_has_leaves_of_every_kind():
    assert {type(leaf) for _, leaf in LEAVES} == {str, int, float, bool, type(None), frozenset, np.ndarray}
    assert len(LEAVES) > 100
    assert all(key(put(WHOLE, path, leaf)) == key(WHOLE) for path, leaf in LEAVES[::7])


atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.sampled_from(LEAVES), atoms | st.frozensets(st.text(max_size=2)) | st.just(np.zeros((4, 4), dtype=bool)))
def test_changing_any_one_field_changes_the_key(place, new):
    path, leaf = place
    assume(frozen(leaf) != frozen(new))
    assert key(put(WHOLE, path, new)) != key(WHOLE)


def test_every_field_counts():
    for path, leaf in LEAVES:
        new = ~leaf if isinstance(leaf, np.ndarray) else "changed"
        assert key(put(WHOLE, path, new)) != key(WHOLE), path


def frozen(value):
    """The oracle: nested tuples of type and content that Python compares without forgiving 1 == 1.0 == True."""
    match value:
        case tuple():
            return ("tuple", *map(frozen, value))
        case dict():
            return ("dict", frozenset((frozen(k), frozen(v)) for k, v in value.items()))
        case frozenset():
            return ("frozenset", frozenset(map(frozen, value)))
        case float():
            return ("float", value.hex())
        case np.ndarray():
            return ("array", value.dtype.str, value.shape, value.tobytes())
    return (type(value).__name__, value)


nested = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.frozensets(st.text(max_size=2), max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=300)
@given(nested, nested)
def test_keys_are_equal_exactly_where_values_are(one, other):
    assert (key(one) == key(other)) == (frozen(one) == frozen(other))
    assert key(one) == key(deepcopy(one))
    assert key(one, other) != key((one, other))


@given(st.text(max_size=4), st.text(max_size=4))
def test_neighbours_do_not_run_together(one, other):
    assert (key(one, other) == key(one + other, "")) == (other == "")


def test_classes_of_equal_fields_differ():
    assert key(FixedStructured(0.5)) != key(Hypergeometric(0.5))


def test_the_order_of_keys_and_sets_does_not_count():
    assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1})
    assert key(frozenset("abc")) == key(frozenset("cba"))


def test_a_mask_counts_bit_by_bit():
    mask = np.random.default_rng(0).random((30, 7)) < 0.5
    other = mask.copy()
    other[29, 6] ^= True
    assert key(Actual(mask)) == key(Actual(mask.copy())) != key(Actual(other))
    assert key(mask) != key(mask.reshape(7, 30)) != key(mask.reshape(7, 30).astype(np.int8))
    assert key(mask) == key(np.asfortranarray(mask))


def test_numpy_numbers_are_numbers():
    assert key(np.int64(3)) == key(3) and key(np.float64(0.1)) == key(0.1) and key(np.bool_(True)) == key(True)


@pytest.mark.parametrize("value", [len, object(), np.array([None]), Design])
def test_what_is_no_plain_value_has_no_key(value):
    with pytest.raises(TypeError, match="no content key for"):
        key(value)


def test_an_object_that_is_gone_lends_its_digest_to_no_other():
    content = Content()
    assert len({content.digest(Factor("=", value)) for value in range(2000)}) == 2000


def test_what_only_explains_a_bound_is_no_content():
    assert key(Factor("<=", 4, "role buffer")) == key(Factor("<=", 4)) != key(Factor("<=", 2))
