"""Position skipping: passes and utilization against every mask of a small tensor, and what they do to the counts."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import ceil, comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import evaluate, evaluate_batch
from crisp_hw.engine.safs.position import ASSUMPTION, packing
from crisp_hw.engine.tiling import Tile
from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import Actual, FixedStructured, Hypergeometric
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat


def flat(*words):
    """Tiles of so many words along one rank."""
    return Tile(np.array(words), np.array([words]))


def counted(size, held, tile, lanes):
    """Mean passes and utilization over all places of `held` nonzeros among `size` words, of tiles that hold some."""
    found = [sum(place < tile for place in places) for places in combinations(range(size), held)]
    some = [x for x in found if x > 0]
    passes = sum(Fraction(ceil(Fraction(x, lanes))) for x in some) / len(some)
    busy = sum(Fraction(x, lanes * ceil(Fraction(x, lanes))) for x in some) / len(some)
    return float(passes), float(busy)


@settings(max_examples=60)
@given(st.data())
def test_packing_is_the_mean_over_every_mask(data):
    size = data.draw(st.integers(2, 10))
    held, tile, lanes = (data.draw(st.integers(1, most)) for most in (size, size, 5))
    passes, busy = packing(Hypergeometric(held / size), size, flat(tile), np.array([lanes]))
    assert (passes[0], busy[0]) == pytest.approx(counted(size, held, tile, lanes))


@pytest.mark.parametrize(
    ("density", "tile", "lanes", "passes", "busy"),
    [
        (0.5, 16, 4, 2, 1),  # 8 nonzeros fill two passes
        (0.5, 10, 4, 2, 5 / 8),  # 5 take two passes, the second with one lane at work
        (0.25, 2, 2, 1, 0.5),  # half of the tiles hold one nonzero, the others none: these take no pass
        (0.3, 5, 1, 1.5, 1),  # 1 or 2 nonzeros, equally likely
        (1.0, 12, 4, 3, 1),
        (0.0, 12, 4, 0, 1),  # nothing to pack, no lane waits
    ],
)
def test_structured_tiles_by_hand(density, tile, lanes, passes, busy):
    found = packing(FixedStructured(density), 10 * tile, flat(tile), np.array([lanes]))
    assert [value[0] for value in found] == pytest.approx([passes, busy])


def test_masks_are_packed_tile_by_tile():
    mask = np.array([[1, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
    passes, busy = packing(Actual(mask), 12, Tile(np.array([4]), np.array([[1], [4]])), np.array([2]))
    assert (passes[0], busy[0]) == (1.5, (3 / 4 + 1 / 2) / 2)  # rows of 3 and of 1 on two lanes; the empty one is none


def test_every_tile_of_a_batch_is_packed_as_alone():
    tiles, lanes = flat(8, 12, 8, 4), np.array([2, 4, 4, 2])
    together = packing(Hypergeometric(0.4), 24, tiles, lanes)
    for column in range(4):
        alone = packing(Hypergeometric(0.4), 24, tiles.at(np.array([column])), lanes[[column]])
        assert [value[0] for value in alone] == [value[column] for value in together]


STORED = tuple(TensorFormat("L0", name, (Rank("B", 1, 0),) * 3) for name in "AB")  # a rank for every loop of a tile
PACKED = tuple(ActionOptimization("L0", "position_skipping", (Condition(name, ()),)) for name in "AB")
# an outer product on 2 x 4 MACs: tiles of 8 words of A and 8 of B at every step of K
PLAN = [[("x", "M", 2), ("y", "N", 4), ("t", "M", 4), ("t", "N", 2)], [("t", "K", 8)]]


def outer_product(build, a, b, actions=PACKED, **attributes):
    return build.point(
        PLAN, [(2, 4), (1, 1)], densities={"A": a, "B": b}, sparse=SparseSpec(STORED, actions), **attributes
    )


def test_full_lanes_need_no_more_than_the_nonzero_products(build):
    result = evaluate(outer_product(build, FixedStructured(0.5), FixedStructured(0.5)))
    # 4 of 8 words of each: 2 of 4 passes of A on 2 lanes, 1 of 2 of B on 4, all lanes at work
    assert result.compute.random == 512 // 4
    assert result.compute.utilized_instances == 8
    assert result.compute.cycles == 128 // 8
    assert result.valid
    assert ASSUMPTION in result.assumptions


def test_idle_lanes_cost_cycles(build):
    result = evaluate(outer_product(build, FixedStructured(0.375), FixedStructured(0.625)))
    # 3 nonzeros of A: 2 passes on 2 lanes, 3/4 busy; 5 of B: 2 passes on 4 lanes, 5/8 busy; 8 steps of K
    assert result.compute.random == 8 * 3 * 5
    assert result.compute.utilized_instances == 8 * 3 / 4 * 5 / 8
    assert result.compute.cycles == ceil(8 * 3 * 5 / 3)  # HEAD truncates 3.75 MACs to 3
    micro22 = outer_product(build, FixedStructured(0.375), FixedStructured(0.625))
    micro22 = replace(micro22, design=replace(micro22.design, dialect="micro22"))
    assert evaluate(micro22).compute.cycles == 8 * 2 * 2  # passes of A x passes of B


def test_an_operand_is_read_once_for_each_pass_of_the_other(build):
    point = outer_product(build, FixedStructured(0.25), FixedStructured(0.5))
    reads = {name: counts.accesses["random_reads"] for name, counts in evaluate(point).levels[0].tensors.items()}
    plain = evaluate(replace(point, design=replace(point.design, sparse=SparseSpec(STORED)))).levels[0].tensors
    # A takes 1 of 4 passes, B 1 of 2
    assert reads["A"] == plain["A"].accesses["random_reads"] / 2
    assert reads["B"] == plain["B"].accesses["random_reads"] / 4
    assert reads["Z"] == plain["Z"].accesses["random_reads"]


def test_one_packed_operand_leaves_the_zeros_of_the_other(build):
    result = evaluate(outer_product(build, FixedStructured(0.5), FixedStructured(0.5), PACKED[:1]))
    assert result.compute.random + result.compute.skipped == 512 // 2
    assert result.compute.utilized_instances == 8


def test_a_level_that_packs_takes_empty_tiles_too(build):
    above = tuple(TensorFormat("L1", f.tensor, (*f.ranks, Rank("UOP", 0, 0))) for f in STORED)

    def share(actions):
        sparse = SparseSpec((*STORED, *above), actions)
        point = build.point(PLAN, [(2, 4), (1, 1)], densities={"A": Hypergeometric(0.1)}, sparse=sparse)
        return evaluate(point).levels[0].tensors["A"].utilized_instances

    assert share(()) < 1
    assert share(PACKED[:1]) == 1


def test_every_tile_of_a_level_that_packs_has_the_metadata_of_one_that_is_not_empty(build):
    a = evaluate(outer_product(build, Hypergeometric(0.1), FixedStructured(0.5))).levels[0].tensors["A"]
    # 7 of 64 words are nonzero; a tile holds 8 in 4 fibers of 2, and comes once for each of 8 K
    empty, empty_pair = comb(56, 7) / comb(64, 7), comb(62, 7) / comb(64, 7)
    assert 0.3 < empty < 0.4
    fills = a.format_accesses["random_fills"]
    assert fills[2][0] == 8 * 4  # one bit for each fiber, whether the tile is empty or not
    assert fills[1][0] == ceil(8 * 4 * (1 - empty_pair) / (1 - empty) * 2)


def test_an_empty_tile_is_one_pass_for_the_partner(build):
    b = evaluate(outer_product(build, Hypergeometric(1 / 64), FixedStructured(1.0))).levels[0].tensors["B"]
    # one of the 8 tiles of A holds the one nonzero, and all of them are one pass instead of 4
    assert b.accesses["random_reads"] == b.reads // 4


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (ActionOptimization("L1", "position_skipping", (Condition("A", ()),)), "innermost level"),
        (ActionOptimization("L0", "position_skipping", (Condition("Z", ()),)), "read-only"),
        (ActionOptimization("L0", "position_skipping", (Condition("A", ("B",)),)), "no condition"),
        (ActionOptimization("L0", "skipping", (Condition("A", ("B",)),)), "same zeros"),
        (ActionOptimization("L0", "skipping_spatial", (Condition("Z", ("A",)),)), "same zeros"),
    ],
)
def test_what_nobody_has_seen_is_refused(build, action, message):
    point = outer_product(build, FixedStructured(0.5), FixedStructured(0.5), (*PACKED, action))
    with pytest.raises(InputError, match=message):
        evaluate(point)


def lanes_and_packing(build, b):
    """4 lanes over K of which A (2 of 4 nonzero) needs 2, each with 4 MACs over N, into which B is packed; 3 M."""
    plan = [[("x", "N", 4), ("t", "N", 2)], [("y", "K", 4)], [("t", "M", 3)]]
    forms = (
        TensorFormat("L0", "A", (Rank("CP", 2, 0),)),
        TensorFormat("L2", "A", (Rank("CP", 2, 0), Rank("UOP", 0, 0))),
        TensorFormat("L2", "B", (Rank("B", 1, 0, (frozenset("N"),)), Rank("UOP", 0, 0))),
    )
    lanes = tuple(ActionOptimization("L1", "skipping_spatial", (Condition(name, ("A",)),)) for name in "BZ")
    point = build.point(
        plan,
        [(4, 1), (1, 4), (1, 1)],
        keeps=["A", "Z", "ABZ"],
        densities={"A": FixedStructured(0.5), "B": b},
        sparse=SparseSpec(forms, (*lanes, PACKED[1])),
        metadata_width_bits=8,
    )
    nest = replace(point.mapping.nest, no_link_transfer=(frozenset("ABZ"),) * 3)
    return replace(point, mapping=replace(point.mapping, nest=nest), design=replace(point.design, dialect="micro22"))


def test_lanes_may_be_skipped_outside_of_it(build):
    result = evaluate(lanes_and_packing(build, FixedStructured(0.5)))
    a = result.levels[0].tensors["A"]
    # 2 of 4 lanes hold a word of A and hand it out for each of 3 M, in the one pass that 4 of 8 words of B take
    assert (a.utilized_instances, a.accesses["random_fills"], a.accesses["random_reads"]) == (2, 3, 3)
    assert a.reads == 6
    # the MACs at work are those of all lanes, as if none was skipped: 3 M x 2 K x 4 N products on 16 MACs
    assert (result.compute.random, result.compute.utilized_instances, result.compute.cycles) == (24, 16, 2)


def test_an_operand_that_is_not_packed_waits_for_the_passes_of_the_packed_one(build):
    reads = [
        evaluate(lanes_and_packing(build, FixedStructured(density))).levels[0].tensors["A"].accesses["random_reads"]
        for density in (0.25, 0.5, 0.625, 1.0)
    ]
    assert reads == [3, 3, 6, 6]  # 2, 4, 5, 8 words of B on 4 lanes


def test_lanes_are_not_skipped_by_what_is_packed(build):
    point = lanes_and_packing(build, FixedStructured(0.5))
    twice = ActionOptimization("L1", "skipping_spatial", (Condition("Z", ("B",)),))
    sparse = replace(point.design.sparse, actions=(twice, PACKED[1]))
    with pytest.raises(InputError, match=r"skipping_spatial of Z .* same zeros"):
        evaluate(replace(point, design=replace(point.design, sparse=sparse)))


def test_outputs_may_be_skipped_beside_it(build):
    skip = ActionOptimization("L0", "skipping", (Condition("Z", ("A", "B")),))
    result = evaluate(outer_product(build, FixedStructured(0.5), FixedStructured(0.5), (*PACKED, skip)))
    counts = result.levels[0].tensors["Z"]
    assert 0 < counts.accesses["skipped_updates"] < counts.updates
    assert result.compute.random == 512 // 4


def test_a_batch_is_packed_mapping_by_mapping(build):
    point = outer_product(build, Hypergeometric(0.3), Hypergeometric(0.7))
    loops = point.mapping.nest.loops
    place = {(loop.level, loop.dim, loop.kind): j for j, loop in enumerate(loops)}
    rows = []
    for inner in (2, 4, 8):  # K partly inside the tiles
        row = list(point.mapping.bounds)
        row[place[0, "K", "temporal"]], row[place[1, "K", "temporal"]] = inner // 2, 16 // inner
        rows.append(row)
    batch = evaluate_batch(point.design, point.mapping.nest, np.array(rows))
    for index, row in enumerate(rows):
        alone = evaluate(replace(point, mapping=replace(point.mapping, bounds=tuple(row))))
        assert (alone.cycles, alone.energy_pj) == (batch.cycles[index], batch.energy_pj[index])
    assert len(set(batch.cycles.tolist())) > 1
