"""Cycles: the compute array, and levels whose bandwidth is short."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

# 4 MACs; per cycle a level-0 instance reads one word of A (multicast along N) and four of B; K innermost in time
PLAN = [[("x", "N", 4), ("t", "K", 8)], [("t", "M", 3), ("t", "N", 2)]]
FANOUTS = [(4, 1), (1, 1)]


def with_levels(point, **changes):
    """The same point with attributes of levels L0, L1 replaced: `L0={"read_bandwidth": 2}`."""
    levels = tuple(replace(level, **changes.get(level.name, {})) for level in point.design.architecture.levels)
    architecture = Architecture(levels, point.design.architecture.compute)
    return replace(point, design=replace(point.design, architecture=architecture))


def words(result, name):
    """(read, written) words per instance of a level."""
    level = next(each for each in result.levels if each.name == name)
    moved = [counts.accesses for counts in level.tensors.values()]
    reads = sum(accesses["random_reads"] for accesses in moved)
    writes = sum(accesses["random_fills"] + accesses["random_updates"] for accesses in moved)
    return reads, writes


def test_unlimited_levels_take_the_cycles_of_the_macs(build):
    result = evaluate(build.point(PLAN, FANOUTS))
    assert result.cycles == 8 * 3 * 2
    assert result.bound_by == "MAC"
    assert result.utilization == 1.0
    assert [level.slowdown for level in result.levels] == [1.0, 1.0]


@settings(max_examples=40)
@given(st.sampled_from(["L0", "L1"]), st.sampled_from([0.5, 1.0, 3.0, 5.0]), st.data())
def test_a_level_takes_its_words_over_its_bandwidth(build, name, limit, data):
    point = build.point(PLAN, FANOUTS)
    reads, writes = words(evaluate(point), name)
    port, moved = data.draw(
        st.sampled_from([("read_bandwidth", reads), ("write_bandwidth", writes), ("shared_bandwidth", reads + writes)])
    )
    result = evaluate(with_levels(point, **{name: {port: limit}}))
    level = next(each for each in result.levels if each.name == name)
    assert level.cycles == max(48, ceil(round(moved / limit, 9)))
    assert level.slowdown == pytest.approx(min(1.0, 48 * limit / moved))
    assert result.cycles == level.cycles
    assert result.bound_by == ("MAC" if level.cycles == 48 else name)
    carried = sum(counts.read_bandwidth for counts in level.tensors.values())
    assert carried == pytest.approx(reads / 48 * level.slowdown)


def test_the_slowest_port_counts_once(build):
    point = build.point(PLAN, FANOUTS)
    reads, writes = words(evaluate(point), "L0")
    ports = {"read_bandwidth": 1.0, "write_bandwidth": 1.0, "shared_bandwidth": 1.5}
    result = evaluate(with_levels(point, L0=ports))
    assert result.cycles == max(reads, writes, ceil((reads + writes) / 1.5))


def test_skipped_macs_take_no_cycle_and_gated_ones_do(build):
    formats = tuple(
        TensorFormat(f"L{level}", name, (Rank("CP", 2, 0, (frozenset(dims),)),) * (level + 1))
        for name, dims in (("A", "MK"), ("B", "NK"))
        for level in (0, 1)
    )
    densities = {"A": FixedStructured(0.5), "B": FixedStructured(0.5)}
    options = {"densities": densities, "sparse": SparseSpec(formats, (), ("gating",))}
    gated = evaluate(build.point(PLAN, FANOUTS, **options))
    options["sparse"] = SparseSpec(formats, (), ("skipping",))
    skipped = evaluate(build.point(PLAN, FANOUTS, **options))
    total = 8 * 3 * 8
    assert (gated.compute.random, gated.compute.gated, gated.compute.skipped) == (total / 4, total / 2, 0)
    assert (skipped.compute.random, skipped.compute.gated, skipped.compute.skipped) == (total / 4, 0, total / 2)
    assert gated.compute.cycles == total * 3 / 4 / 4  # pairs of two missing zeros do not exist
    assert skipped.compute.cycles == total / 4 / 4


def test_metadata_occupies_the_port_as_whole_words(build):
    """A mask bit per word of A: 24 bits of 8-bit words are 3 words of the port per pass."""
    plan = [[("t", "K", 8), ("t", "M", 3)], [("t", "N", 5)]]
    formats = tuple(TensorFormat(f"L{level}", "A", (Rank("B", 1, 0, (frozenset("MK"),)),)) for level in (0, 1))
    widths = {"word_bits": 8, "metadata_width_bits": 8, "metadata_depth": 99}
    point = build.point(plan, densities={"A": FixedStructured(0.5)}, sparse=SparseSpec(formats), **widths)
    result = evaluate(point)
    a = result.levels[0].tensors["A"]
    assert a.accesses["random_reads"] == 60
    assert a.format_accesses["random_reads"] == ((120, 0),)
    assert a.read_bandwidth == pytest.approx((60 + 120 // 8) / 120)


def test_demand_is_averaged_over_instances_at_work(build):
    """Half of the tiles of A are empty and never sent: an instance moves half as much on average."""
    plan = [[("t", "K", 2)], [("x", "M", 4), ("t", "N", 5), ("t", "M", 5)]]
    formats = tuple(
        TensorFormat(f"L{level}", "A", (Rank("B", 1, 0, (frozenset("MK"),)),) * (level + 1)) for level in (0, 1)
    )
    density = FixedStructured(0.25)
    result = evaluate(build.point(plan, [(1, 1), (4, 1)], densities={"A": density}, sparse=SparseSpec(formats)))
    a = result.levels[0].tensors["A"]
    assert a.utilized_instances == 2.0
    assert a.accesses["random_reads"] == 25  # a tile that is there holds 1 of 2 words
    assert a.read_bandwidth == pytest.approx(13 / result.cycles)  # ceil(25 / 2)


def test_less_than_one_mac_at_work_is_no_cycle_and_a_warning(build):
    skip = ActionOptimization("L0", "skipping_spatial", (Condition("B", ("A",)),))
    rest = ActionOptimization("L0", "skipping_spatial", (Condition("Z", ("A",)),))
    formats = (TensorFormat("L1", "A", (Rank("CP", 2, 0, (frozenset("MK"),)),)),)
    plan = [[("x", "K", 2)], [("t", "M", 4)]]
    keeps = [{"B", "Z"}, set("ABZ")]
    sparse = SparseSpec(formats, (skip, rest))
    result = evaluate(build.point(plan, [(2, 1), (1, 1)], keeps, {"A": FixedStructured(0.25)}, sparse))
    assert result.compute.utilized_instances == 0.5
    assert result.cycles == 0
    assert any("0.50 MACs are at work on average" in remark for remark in result.assumptions)


def test_gating_saves_energy_but_no_bandwidth(build):
    densities = {"B": FixedStructured(0.5)}
    saf = (Condition("A", ("B",)),)
    results = []
    for kind in ("gating", "skipping"):
        sparse = SparseSpec((), (ActionOptimization("L0", kind, saf),))
        point = build.point([[("t", "K", 8)], [("t", "M", 3), ("t", "N", 2)]], densities=densities, sparse=sparse)
        results.append(evaluate(with_levels(point, L0={"read_bandwidth": 1.0})))
    gating, skipping = results
    assert gating.levels[0].tensors["A"].read_bandwidth > skipping.levels[0].tensors["A"].read_bandwidth
    assert gating.cycles > skipping.cycles
