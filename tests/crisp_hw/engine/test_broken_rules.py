"""Every rule that the engine checks, broken by a mapping of its own."""

from dataclasses import replace

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.spec.patterns import Banded, FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Term
from crisp_hw.spec.rules import Failure, Rule, sentence
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

PLAN = [[("t", "K", 8), ("t", "M", 4)], [("t", "N", 2)]]  # A 32, B 8, Z 4 words in L0; A 32, B 16, Z 8 in L1
BOTH = (frozenset("MK"),)
PACK = (Rank("CP", 4, 0, BOTH),)


def test_failures_are_the_reasons_as_values(build):
    result = evaluate(build.point(PLAN, size_words=55))
    assert result.failures == (Failure(Rule.CAPACITY, "L1", need=56.0, have=55.0),)
    assert result.reasons == tuple(map(sentence, result.failures))
    assert evaluate(build.point(PLAN)).failures == ()


FLAT = Rank("CP", 2, 0, BOTH)
STRUCTURED = {"densities": {"A": FixedStructured(0.5)}}


def crowded(build):
    plan = [[("x", "N", 4), ("y", "M", 2)], [("t", "K", 8)]]
    return build.point(plan, [(2, 1), (1, 1)])


def strided(build):
    point = build.point([[("t", "K", 1)], [("t", "M", 4)]])
    *inputs, z = point.design.problem.tensors
    problem = replace(point.design.problem, tensors=(*inputs, replace(z, ranks=((Term("M", 2),), z.ranks[1]))))
    return replace(point, design=replace(point.design, problem=problem))


def half_used(build):
    point = build.point(PLAN, size_words=200)
    inner, outer = point.design.architecture.levels
    levels = (replace(inner, size_words=None), replace(outer, min_utilization=0.285))
    return replace(point, design=replace(point.design, architecture=replace(point.design.architecture, levels=levels)))


def lanes_of_one_parent(build, axis):
    """Level 1 leaves half of its lanes alone, level 0 uses twice its own, and spatial skipping makes that count."""
    skip = SparseSpec((), (ActionOptimization("L0", "skipping_spatial", (Condition("B", ("A",)),)),))
    fans = [(2, 1), (4, 1)] if axis == "x" else [(1, 2), (1, 4)]
    plan = [[(axis, "K", 4)], [(axis, "N", 2)]]
    return build.point(plan, fans, densities={"A": Hypergeometric(1.0)}, sparse=skip)


def contradiction(build):
    halves = {"B": FixedStructured(0.5), "Z": FixedStructured(0.5)}
    lonely = ActionOptimization("L0", "skipping", (Condition("A", ("B", "Z")),))
    return build.point(PLAN, densities=halves, sparse=SparseSpec((), (lonely,)))


def timeless(build, bandwidth=1.0):
    flat = Rank("B", 1, 0, BOTH)
    formats = (TensorFormat("L1", "A", (flat,) * 2), TensorFormat("L0", "A", (flat,)))
    skips = tuple(ActionOptimization("L0", "skipping_spatial", (Condition(name, ("A",)),)) for name in "BZ")
    plan = [[("x", "M", 2), ("t", "K", 2), ("t", "M", 2)], [("t", "K", 4), ("t", "N", 3), ("t", "M", 2)]]
    given = {"densities": {"A": FixedStructured(0.25)}, "sparse": SparseSpec(formats, skips), "metadata_width_bits": 16}
    return build.point(plan, [(2, 1), (1, 1)], read_bandwidth=bandwidth, **given)


def packed(*places, **supported):
    formats = tuple(TensorFormat(level, tensor, (FLAT,) * ranks) for level, tensor, ranks in places)
    return lambda build: build.point(PLAN, sparse=SparseSpec(formats), metadata_width_bits=16, **supported)


def both_ways(build):
    form = TensorFormat("L1", "Z", (Rank("B", 1, 0, (frozenset("MN"),)),) * 2)
    return build.point(PLAN, sparse=SparseSpec((form,)), metadata_width_bits=16, decompression_supported=True)


def band(build):
    form = TensorFormat("L1", "A", (Rank("B", 1, 0, BOTH),) * 3)
    plan = [[("t", "M", 2)], [("t", "M", 3), ("t", "N", 2), ("t", "K", 6)]]
    wide = {"densities": {"A": Banded(7)}, "sparse": SparseSpec((form,))}
    return build.point(plan, decompression_supported=True, **wide)


def wide_access(build):
    """One access to B covers 64 rows of K, and A is a band of 8 x 8."""
    skip = SparseSpec((), (ActionOptimization("L0", "skipping", (Condition("B", ("A",)),)),))
    plan = [[("t", "K", 8), ("t", "M", 8)], [("t", "N", 2)]]
    return build.point(plan, densities={"A": Banded(1)}, sparse=skip, block_size=64)


def unaligned(build):
    inner = TensorFormat("L0", "A", (Rank("B"), Rank("UOP")))
    outer = TensorFormat("L1", "A", (Rank("CP"), Rank("UOP"), Rank("UOP"), Rank("UOP")))
    return build.point(PLAN, sparse=SparseSpec((inner, outer)))


def split_tiles(build):
    formats = (TensorFormat("L1", "A", (FLAT, FLAT)), TensorFormat("L0", "A", (FLAT, FLAT, FLAT)))
    plan = [[("t", "K", 1)], [("t", "K", 4), ("t", "N", 3)]]
    return build.point(plan, sparse=SparseSpec(formats), **STRUCTURED)


def metadata(build):
    sizes = {"size_words": 1000, "metadata_width_bits": 16, "metadata_depth": 3, "decompression_supported": True}
    return build.point(PLAN, sparse=SparseSpec((TensorFormat("L1", "A", PACK),)), **STRUCTURED, **sizes)


PROVOKED = [
    (Rule.CAPACITY, "L1", None, lambda build: build.point(PLAN, size_words=55)),
    (Rule.METADATA_CAPACITY, "L1", None, metadata),
    (Rule.MIN_UTILIZATION, "L1", None, half_used),
    (Rule.INSTANCES, "MAC", None, crowded),
    (Rule.INSTANCES_X, "MAC", None, crowded),
    (Rule.INSTANCES_Y, "MAC", None, crowded),
    (Rule.LANES_X, "MAC", None, lambda build: lanes_of_one_parent(build, "x")),
    (Rule.LANES_Y, "MAC", None, lambda build: lanes_of_one_parent(build, "y")),
    (
        Rule.FORMAT_RANKS,
        "L0",
        "A",
        lambda build: build.point(PLAN, sparse=SparseSpec((TensorFormat("L0", "A", (Rank("CP"),)),))),
    ),
    (Rule.ALIGNED_RANKS, "L1", "A", unaligned),
    (Rule.SPLIT_TILES, "L1", "A", split_tiles),
    (Rule.PACKED_INSIDE, "L1", "A", packed(("L0", "A", 1))),
    (Rule.DECOMPRESSION, "L0", "A", packed(("L1", "A", 1))),
    (Rule.COMPRESSION, "L0", "Z", both_ways),
    (Rule.SAF_CONTRADICTION, "", None, contradiction),
    (Rule.BAND_PROBABILITY, "L0", None, band),
    (Rule.BAND_LEADER, "L0", "B", wide_access),
    (Rule.OUTPUT_GAPS, "L1", "Z", strided),
    (Rule.TIMELESS, "L0", None, timeless),
    (Rule.ENDLESS, "L1", None, lambda build: build.point(PLAN, read_bandwidth=1e-300)),
]


@pytest.mark.parametrize(("rule", "level", "tensor", "made"), PROVOKED, ids=[case[0] for case in PROVOKED])
def test_every_rule_can_be_broken(build, rule, level, tensor, made):
    found = [each for each in evaluate(made(build)).failures if each.rule is rule]
    assert (level, tensor) in [(each.level, each.tensor) for each in found]


def test_no_rule_is_forgotten():
    """The lanes of a whole level and runs of no cycles are the mapper's own conditions (mapper/test_diagnose.py)."""
    assert {case[0] for case in PROVOKED} == set(Rule) - {Rule.LANES, Rule.NO_CYCLES}
