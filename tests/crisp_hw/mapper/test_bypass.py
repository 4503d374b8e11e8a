"""Which choices of keep and bypass are searched, in which order, and which are left out."""

from itertools import product

import pytest

from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.engine.validity import broken_rules
from crisp_hw.errors import InputError, MappingError, Where
from crisp_hw.mapper.bypass import choices, impossible, spaces
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.rules import Failure, Rule, sentence
from crisp_hw.spec.sparse import Rank, SparseSpec, TensorFormat

TENSORS = (
    Tensor("A", ((Term("M"),), (Term("K"),)), density=FixedStructured(0.5)),
    Tensor("Z", ((Term("M"),),), is_output=True, density=FixedStructured(0.5)),
)
PROBLEM = Problem("mv", ("M", "K"), (4, 4), TENSORS)
NAMES = ("RF", "SMEM", "DRAM")
AZ = frozenset("AZ")


def chain(decompress=(), compress=()):
    levels = (
        StorageLevel(name, decompression_supported=name in decompress, compression_supported=name in compress)
        for name in NAMES
    )
    return Architecture(tuple(levels), ComputeLevel())


def packed(*places):
    return SparseSpec(formats=tuple(TensorFormat(level, tensor, (Rank("CP"),) * 2) for level, tensor in places))


def kept(constraints, design=None):
    return [["".join(sorted(names)) for names in space.keeps] for space in spaces(design or DENSE, constraints)]


DENSE = Design(chain(), PROBLEM)


def test_nothing_open_is_one_space():
    assert kept(Constraints()) == [["AZ", "AZ", "AZ"]]
    assert kept(Constraints(keeps={"RF": frozenset("Z")})) == [["Z", "AZ", "AZ"]]


def test_order_is_that_of_timeloop_first_tensor_and_innermost_level_fastest():
    found = kept(Constraints(keeps={"RF": frozenset()}, either={"RF": frozenset("Z"), "SMEM": AZ}))
    expected = [
        ["Z" * (z >> 0 & 1), "A" * a + "Z" * (z >> 1 & 1), "AZ"] for z, a in product(range(4), range(2))
    ]  # A: SMEM alone, fastest; then Z in RF, then Z in SMEM
    assert found == expected


def test_a_level_that_keeps_does_not_name_keeps_what_is_not_open():
    assert kept(Constraints(either={"RF": frozenset("A")})) == [["Z", "AZ", "AZ"], ["AZ", "AZ", "AZ"]]


def test_the_outermost_level_keeps_all():
    with pytest.raises(InputError, match="outermost level DRAM must keep A"):
        spaces(DENSE, Constraints(either={"DRAM": frozenset("A")}))


def test_each_space_stands_for_its_own_constraints():
    for space in spaces(DENSE, Constraints(either={"RF": AZ})):
        assert kept(space.constraints) == [["".join(sorted(names)) for names in space.keeps]]


def test_left_out_choices_are_counted_by_reason():
    design = Design(chain(), PROBLEM, packed(("SMEM", "A"), ("DRAM", "A")))
    found = choices(design, Constraints(either={"RF": AZ}))
    assert [sorted(space.keeps[0]) for space in found.spaces] == [[], ["Z"]]
    assert found.left_out == {sentence(Failure(Rule.DECOMPRESSION, "RF", "A", other="SMEM")): 2}


def test_nothing_that_can_be_run_is_an_error():
    design = Design(chain(), PROBLEM, packed(("SMEM", "A")))
    with pytest.raises(MappingError, match="level DRAM: A lies unpacked there and packed in SMEM") as caught:
        spaces(design, Constraints(either={"RF": AZ}))
    assert Failure(Rule.PACKED_INSIDE, "DRAM", "A", other="SMEM") in caught.value.failures
    assert caught.value.at == Where("architecture", "DRAM")


def test_too_many_choices_are_refused():
    tensors = tuple(Tensor(name, ((Term("K"),),)) for name in "ABCDEFGHI")
    design = Design(chain(), Problem("many", ("K",), (2,), tensors))
    either = {name: frozenset("ABCDEFGHI") for name in NAMES[:2]}
    with pytest.raises(InputError, match="18 choices of keep or bypass are open"):
        spaces(design, Constraints(either=either))


CONVERSIONS = (Rule.PACKED_INSIDE, Rule.DECOMPRESSION, Rule.COMPRESSION)


@pytest.mark.parametrize("formats", [(), ("A",), ("Z",)])
@pytest.mark.parametrize(("decompress", "compress"), [((), ()), (("RF",), ()), (("RF", "SMEM"), ("SMEM",))])
def test_what_is_left_out_is_what_the_engine_refuses_whatever_the_factors(formats, decompress, compress):
    """Every pattern of packed levels and of kept tensors: a bypassed format is no obstacle, a bad conversion is."""
    problem = Problem("mv", ("M", "K"), (4, 4), (*TENSORS, Tensor("B", ((Term("K"),),))))
    nest = tuple(Loop(level, dim, "temporal") for level in range(3) for dim in "MK")
    for where in product(range(8), repeat=len(formats)):
        places = [
            (NAMES[lv], name) for name, mask in zip(formats, where, strict=True) for lv in range(3) if mask >> lv & 1
        ]
        design = Design(chain(decompress, compress), problem, packed(*places))
        for inner, middle in product(("", "A", "Z", "AZ"), repeat=2):
            keeps = (frozenset(inner), frozenset(middle), frozenset("ABZ"))
            point = DesignPoint(design, LoopMapping(LoopNest(nest, keeps, (frozenset(),) * 3), (4, 4, 1, 1, 1, 1)))
            refused = [check for check in broken_rules(evaluate_point(point)) if check.rule in CONVERSIONS]
            assert bool(impossible(design, keeps)) == bool(refused), (places, keeps)
