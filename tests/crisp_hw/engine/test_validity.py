"""What makes a mapping invalid, and how that is said."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

PLAN = [[("t", "K", 8), ("t", "M", 4)], [("t", "N", 2)]]  # A 32, B 8, Z 4 words in L0; A 32, B 16, Z 8 in L1
BOTH = (frozenset("MK"),)


@pytest.mark.parametrize(("words", "fits"), [(56, True), (55, False)])
def test_tiles_of_all_tensors_share_a_level(build, words, fits):
    result = evaluate(build.point(PLAN, size_words=words))
    assert result.valid is fits
    assert result.reasons == (() if fits else ("level L1: 56 words of capacity needed, 55 there",))


def test_buffers_hold_one_of_several_copies(build):
    result = evaluate(build.point(PLAN, size_words=100, multiple_buffering=2.0))
    assert result.reasons == ("level L1: 56 words of capacity needed, 50 there",)
    assert evaluate(build.point(PLAN, size_words=112, multiple_buffering=2.0)).valid


@pytest.mark.parametrize(
    ("density", "words"),
    [(FixedStructured(0.5), 16), (FixedStructured(0.3), 10), (Hypergeometric(0.5), 16), (None, 32)],
)
def test_packed_tiles_reserve_their_worst_case(build, density, words):
    """In L1 A is the whole tensor of 32 words: a hypergeometric one cannot exceed its nonzeros."""
    formats = (TensorFormat("L1", "A", (Rank("CP", 2, 0, BOTH),)),) if density else ()
    sizes = {"size_words": 1000, "metadata_width_bits": 16, "metadata_depth": 99, "decompression_supported": True}
    result = evaluate(
        build.point(PLAN, densities={"A": density} if density else {}, sparse=SparseSpec(formats), **sizes)
    )
    assert result.valid
    assert result.levels[1].tensors["A"].utilized_capacity == words
    assert result.levels[0].tensors["A"].utilized_capacity == 32  # not packed there


def test_a_part_of_a_random_tensor_may_be_full(build):
    formats = tuple(TensorFormat(f"L{level}", "A", (Rank("CP", 2, 0, BOTH),) * (level + 1)) for level in (0, 1))
    plan = [[("t", "K", 8)], [("t", "M", 4)]]
    result = evaluate(build.point(plan, densities={"A": Hypergeometric(0.5)}, sparse=SparseSpec(formats)))
    assert result.levels[0].tensors["A"].utilized_capacity == 8


@pytest.mark.parametrize(("depth", "fits"), [(4, True), (3, False)])
def test_metadata_needs_room_of_its_own(build, depth, fits):
    """16 coordinates of 4 bits in a store 16 bits wide: 4 rows."""
    formats = (TensorFormat("L1", "A", (Rank("CP", 4, 0, BOTH),)),)
    sizes = {"size_words": 1000, "metadata_width_bits": 16, "metadata_depth": depth, "decompression_supported": True}
    result = evaluate(build.point(PLAN, densities={"A": FixedStructured(0.5)}, sparse=SparseSpec(formats), **sizes))
    assert result.valid is fits
    assert result.levels[1].tensors["A"].metadata_capacity_bits == 64
    assert result.reasons == (() if fits else ("level L1: 64 bits of metadata capacity needed, 48 there",))


def test_metadata_is_buffered_as_often_as_the_data(build):
    formats = (TensorFormat("L1", "A", (Rank("CP", 4, 0, BOTH),)),)
    sizes = {"size_words": 1000, "metadata_width_bits": 16, "metadata_depth": 7, "multiple_buffering": 2.0}
    sizes["decompression_supported"] = True
    result = evaluate(build.point(PLAN, densities={"A": FixedStructured(0.5)}, sparse=SparseSpec(formats), **sizes))
    assert result.reasons == ("level L1: 64 bits of metadata capacity needed, 56 there",)


def test_fractions_of_entries_are_added_before_they_are_rounded_up(build):
    """RLE in three fibers: 2.25 runs of 4 bits are 9 bits, not 12."""
    ranks = (Rank("RLE", 4, 0), Rank("UOP", 0, 0))
    formats = (TensorFormat("L1", "A", ranks),)
    plan = [[], [("t", "K", 2), ("t", "M", 4)]]
    point = build.point(plan, densities={"A": Hypergeometric(0.25)}, sparse=SparseSpec(formats))
    a = evaluate(point).levels[1].tensors["A"]
    fibers = 4 * (1 - 15 / 28)  # nonempty rows of 2 words with 2 nonzeros of 8: C(6, 2) / C(8, 2) are empty
    assert a.metadata_capacity_bits == int(np.ceil(fibers * 2 * 0.25 * 4))


@pytest.mark.parametrize(
    ("plan", "fanout", "reasons"),
    [
        ([[("x", "N", 4)], []], (2, 2), ["level MAC: 4 instances along x needed, 2 there"]),
        ([[("y", "N", 4)], []], (4, 1), ["level MAC: 4 instances along y needed, 1 there"]),
        (
            [[("x", "N", 4), ("y", "M", 2)], []],
            (2, 1),
            [
                "level MAC: 8 instances needed, 2 there",
                "level MAC: 4 instances along x needed, 2 there",
                "level MAC: 2 instances along y needed, 1 there",
            ],
        ),
    ],
)
def test_lanes_must_be_there(build, plan, fanout, reasons):
    result = evaluate(build.point(plan, [fanout, (1, 1)]))
    assert list(result.reasons) == reasons


def test_a_level_is_an_array_too(build):
    result = evaluate(build.point([[], [("x", "N", 4)]], [(1, 1), (3, 1)]))
    assert result.reasons[0] == "level L0: 4 instances needed, 3 there"


def test_lanes_of_all_parents_together_are_accepted_with_a_remark(build):
    """Level 1 leaves half of its lanes alone and level 0 uses twice its own: Timeloop looks at totals only."""
    result = evaluate(build.point([[("x", "K", 4)], [("x", "N", 2)]], [(2, 1), (4, 1)]))
    assert result.valid
    (remark,) = result.assumptions
    assert remark.startswith("level MAC: 4 x 1 lanes are used below one parent that has 2 x 1; ")


def test_formats_that_do_not_fit_the_loops_are_said_in_full(build):
    sparse = SparseSpec((TensorFormat("L0", "A", (Rank("CP"),)),))
    result = evaluate(build.point(PLAN, sparse=sparse))
    assert (result.valid, result.levels, result.compute) == (False, (), None)
    assert result.reasons[0].startswith("level L0: the format of A has 1 ranks but the mapping needs more")


PACK = (Rank("CP", 4, 0, BOTH),)


@pytest.mark.parametrize(
    ("form", "supported", "reasons"),
    [
        (
            TensorFormat("L1", "A", PACK),
            {},
            ["level L0: decompression of A, packed in L1, is needed but not supported"],
        ),
        (TensorFormat("L1", "A", PACK), {"decompression_supported": True}, []),
        (TensorFormat("L1", "A", (Rank("UOP", 0, 4, BOTH),)), {}, []),  # not packed
        (
            TensorFormat("L1", "Z", (Rank("B", 1, 0, (frozenset("MN"),)),) * 2),
            {},
            [
                "level L0: decompression of Z, packed in L1, is needed but not supported",
                "level L0: compression of Z towards L1 is needed but not supported",
            ],
        ),
        (
            TensorFormat("L1", "Z", (Rank("B", 1, 0, (frozenset("MN"),)),) * 2),
            {"decompression_supported": True},
            ["level L0: compression of Z towards L1 is needed but not supported"],
        ),
        (
            TensorFormat("L0", "A", PACK),
            {"decompression_supported": True, "compression_supported": True},
            ["level L1: A lies unpacked there and packed in L0, which Timeloop does not model"],
        ),
    ],
)
def test_packed_and_unpacked_levels_need_a_converter(build, form, supported, reasons):
    result = evaluate(build.point(PLAN, sparse=SparseSpec((form,)), metadata_width_bits=16, **supported))
    assert [found.split(";")[0] for found in result.reasons] == reasons
    assert result.valid is (not reasons)


@pytest.mark.parametrize(("least", "fits"), [(0.275, True), (0.285, False)])
def test_a_level_may_have_to_be_used(build, least, fits):
    """56 of 200 words in L1; L0 uses less and is not checked, being unbounded here."""
    point = build.point(PLAN, size_words=200)
    inner, outer = point.design.architecture.levels
    levels = (replace(inner, size_words=None), replace(outer, min_utilization=least))
    architecture = replace(point.design.architecture, levels=levels)
    result = evaluate(replace(point, design=replace(point.design, architecture=architecture)))
    assert result.reasons == (() if fits else ("level L1: 57 words in use needed, 56 there",))


def test_a_saf_that_contradicts_its_operands_is_invalid(build):
    """A and B are dropped in tiles of their own stays, as if they were independent: more than the zeros allow."""
    densities = {"A": FixedStructured(1.0), "B": Hypergeometric(0.25)}
    saf = ActionOptimization("L0", "skipping", (Condition("A", ("B",)),))
    fine = evaluate(build.point(PLAN, densities=densities, sparse=SparseSpec((), (saf,))))
    assert fine.valid
    other = ActionOptimization("L0", "skipping", (Condition("B", ("A",)),))
    back = {"A": FixedStructured(0.5), "B": Hypergeometric(0.25)}
    both = evaluate(build.point(PLAN, densities=back, sparse=SparseSpec((), (saf, other))))
    assert both.valid  # each knows the other's zeros
    lonely = ActionOptimization("L0", "skipping", (Condition("A", ("B", "Z")),))
    wrong = evaluate(
        build.point(
            PLAN, densities={"B": FixedStructured(0.5), "Z": FixedStructured(0.5)}, sparse=SparseSpec((), (lonely,))
        )
    )
    assert not wrong.valid
    assert "the SAFs remove more computes than the zeros of the operands allow" in wrong.reasons[0]


def test_an_output_with_gaps_is_no_result(build):
    """Z[2m, n] spans 7 rows of 4 m, of which 4 are updated; Timeloop asserts that all of them are."""
    point = build.point([[("t", "K", 1)], [("t", "M", 4)]])
    *inputs, z = point.design.problem.tensors
    strided = replace(z, ranks=((Term("M", 2),), z.ranks[1]))
    problem = replace(point.design.problem, tensors=(*inputs, strided))
    assert evaluate(point).valid
    found = evaluate(replace(point, design=replace(point.design, problem=problem)))
    assert "level L1: not every word of Z is updated" in found.reasons[-1]


def test_cutting_packed_tiles_up_on_the_way_is_not_supported(build):
    """L0 holds single words in one more rank than L1 has (Timeloop: runtime partition)."""
    flat = Rank("CP", 2, 0, (frozenset("MK"),))
    formats = (TensorFormat("L1", "A", (flat, flat)), TensorFormat("L0", "A", (flat, flat, flat)))
    plan = [[("t", "K", 1)], [("t", "K", 4), ("t", "N", 3)]]
    found = evaluate(build.point(plan, densities={"A": FixedStructured(0.5)}, sparse=SparseSpec(formats)))
    (reason_of_it,) = found.reasons
    assert reason_of_it.startswith(
        "level L1: A has 2 ranks there and 3 in L0; cutting packed tiles up on the way is not"
    )


def test_no_time_and_a_limited_port_are_no_result(build):
    """Half of 2 lanes hold a nonzero of A, a quarter of the time: 0 MACs in whole numbers, and words in 0 cycles."""
    flat = Rank("B", 1, 0, BOTH)
    formats = (TensorFormat("L1", "A", (flat,) * 2), TensorFormat("L0", "A", (flat,)))
    skips = tuple(ActionOptimization("L0", "skipping_spatial", (Condition(name, ("A",)),)) for name in "BZ")
    plan = [[("x", "M", 2), ("t", "K", 2), ("t", "M", 2)], [("t", "K", 4), ("t", "N", 3), ("t", "M", 2)]]
    given = {"densities": {"A": FixedStructured(0.25)}, "sparse": SparseSpec(formats, skips), "metadata_width_bits": 16}
    free = evaluate(build.point(plan, [(2, 1), (1, 1)], **given))
    assert (free.reasons, free.cycles) == ((), 0)
    (said,) = evaluate(build.point(plan, [(2, 1), (1, 1)], read_bandwidth=1.0, **given)).reasons
    assert said.startswith("level L0: less than one MAC is at work on average, which Timeloop counts as 0 cycles")
