"""Where the dialects differ, one small case by hand for each difference (docs/model.md, section 12)."""

from dataclasses import astuple, fields, replace
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

from crisp_hw.engine.energy import LOOKUP_2022, action_energy, resolved
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.formats import StoredRanks, stored_ranks
from crisp_hw.engine.latency import compute_cycles
from crisp_hw.engine.metadata import metadata_units
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, StorageLevel, Wires
from crisp_hw.spec.dialect import HEAD, HEAD_2024, MICRO22, RULES, Dialect, Rules
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Tensor, Term
from crisp_hw.spec.sparse import Rank, SparseSpec, TensorFormat


def both(point):
    """The point evaluated in either dialect."""
    return [evaluate(replace(point, design=replace(point.design, dialect=name))) for name in ("head", "micro22")]


def ranks_in(point, build, level, rules):
    tiling = replace(build.tiling(point), rules=rules)
    return stored_ranks(tiling, point.design.sparse)[level, "A"]


def words(tiles):
    return [int(getattr(tile, "words", tile)[0]) for tile in tiles]


def test_the_dialects_differ_in_every_rule():
    assert set(RULES) == set(get_args(Dialect))
    assert all(one != other for one, other in zip(astuple(HEAD), astuple(MICRO22), strict=True))
    assert len(fields(Rules)) == 14  # D1 .. D14


def test_public_timeloop_of_2024_differs_in_one_rule():
    assert replace(HEAD_2024, still_keeps_stride=True) == HEAD
    assert HEAD_2024 != HEAD


def test_d1_the_first_visit_of_an_output_word_is_a_fill_in_micro22(build):
    plan = [[("t", "K", 2)], [("t", "M", 3), ("t", "K", 2)]]
    # one word of Z at a time comes 3 x 2 times; HEAD saves the 3 first visits
    assert [result.levels[0].tensors["Z"].fills for result in both(build.point(plan))] == [3, 6]
    assert [result.levels[0].tensors["Z"].reads for result in both(build.point(plan))] == [9, 9]


def test_d1_holds_for_sliding_windows_and_residuals_too(build):
    plan = [[("t", "K", 2)], [("t", "M", 3), ("t", "K", 2)]]
    point = build.point(plan)
    kept = replace(point.mapping.nest, no_multicast=(frozenset("A"), frozenset()))  # not the closed form
    point = replace(point, mapping=replace(point.mapping, nest=kept))
    assert [result.levels[0].tensors["Z"].fills for result in both(point)] == [3, 6]


@pytest.mark.parametrize("order", [True, False])
@pytest.mark.parametrize("rules", RULES.values(), ids=list(RULES))
def test_a_flattened_rank_takes_all_loops_of_its_rule_in_every_dialect(build, order, rules):
    """A is stored in L1 alone, in two ranks that may take any number of loops over K."""
    form = TensorFormat("L1", "A", (Rank("CP", 2, 0, (frozenset("K"),)),) * 2, inner_to_outer=order)
    plan = [[("t", "K", 4)], [("t", "K", 2)]]
    point = build.point(plan, keeps=["BZ", "ABZ"], sparse=SparseSpec((form,)), metadata_width_bits=8)
    assert sorted(words(ranks_in(point, build, 1, rules).fibers)) == [1, 8]


def test_d4_micro22_divides_by_the_average_number_of_macs():
    tally = SimpleNamespace(random_computes=np.array([10, 10, 10]), gated_computes=np.array([0, 2, 0]))
    sparse = SimpleNamespace(tally=tally, used_macs=np.array([3.9, 4.0, 0.5]))
    assert compute_cycles(sparse, HEAD).tolist() == [4, 3, 0]
    assert compute_cycles(sparse, MICRO22).tolist() == [3, 3, 20]


@pytest.mark.parametrize("block", [2, 64])
def test_d5_micro22_fills_whole_blocks_whatever_their_size(build, block):
    form = TensorFormat("L1", "A", (Rank("CP", 1, 0, (frozenset("MK"),)),) * 2)
    point = build.point(
        [[("t", "K", 8)], [("t", "M", 16)]],
        keeps=["BZ", "ABZ"],
        densities={"A": FixedStructured(0.3)},
        sparse=SparseSpec((form,)),
        energy=EnergyTable({"L1": {"read": 1.0}}),
        block_size=block,
        metadata_width_bits=8,
    )
    micro22 = replace(point, design=replace(point.design, dialect="micro22"))
    counts = evaluate(micro22).levels[1].tensors["A"]
    assert counts.accesses["random_reads"] == 39  # 0.3 of 128
    assert counts.action_energy_pj["random_reads"] == -(-39 // block)
    if block == 64:
        with pytest.raises(InputError, match="blocks of 64 words"):
            evaluate(point)
    else:
        # 38.4 nonzeros: 38 or 39, in 19 or 20 blocks
        kappa = (0.6 * 19 + 0.4 * 20) / (38.4 / 2)
        assert evaluate(point).levels[1].tensors["A"].action_energy_pj["random_reads"] == pytest.approx(20 * kappa)


@pytest.mark.parametrize(("name", "units"), [("CP", 2.25 * 3), ("RLE", 2.25 * 2.5)])
def test_d6_micro22_stores_the_expected_nonzeros(name, units):
    form = TensorFormat("L0", "A", (Rank(name), Rank("UOP")))
    ranks = StoredRanks(form, (np.array([5]), np.array([3])), (np.array([1]), np.array([5]), np.array([15])))
    # a word is empty with 0.5, a fiber of 5 with 0.25, the 3 fibers together never
    empties = [np.array([p]) for p in (0.5, 0.25, 0.0)]
    assert metadata_units(ranks, empties, HEAD)[0][0][0] == units
    assert metadata_units(ranks, empties, MICRO22)[0][0][0] == 15 * 0.5
    assert metadata_units(ranks, empties, MICRO22)[1] == metadata_units(ranks, empties, HEAD)[1]


@pytest.mark.parametrize(
    ("action", "listed", "pj", "head"),
    [
        (("gated", "reads", ""), {"read": 1.0, "idle": 0.1}, 0.1, 0.0),
        (("gated", "reads", ""), {"read": 1.0}, 1.0, 0.0),
        (("skipped", "reads", ""), {"read": 1.0, "gated_read": 0.2, "idle": 0.1}, 0.2, 0.2),
        (("skipped", "updates", ""), {"write": 2.0, "idle": 0.1}, 0.1, 0.0),
        (("random", "updates", ""), {"write": 2.0, "random_fill": 3.0}, 3.0, 2.0),
        (("skipped", "reads", "metadata_"), {"metadata_read": 0.5, "gated_metadata_read": 0.1}, 0.5, 0.1),
        (("gated", "reads", "metadata_"), {"metadata_read": 0.5, "idle": 0.1}, 0.5, 0.0),
    ],
)
def test_d7_missing_actions_cost_something_in_micro22(action, listed, pj, head):
    level, table = StorageLevel("S"), EnergyTable({"S": listed})
    assert action_energy(resolved(table, MICRO22), level, *action) == pj
    assert action_energy(resolved(table, HEAD), level, *action) == head


def test_d7_actions_that_are_listed_cost_what_the_list_says():
    listed = {action: float(i) for i, action in enumerate(LOOKUP_2022)}
    assert resolved(EnergyTable({"S": listed}), MICRO22).actions["S"] == listed


def streaming(build, **attributes):
    """A passes through L1 on its way from L2 to L0, which holds 2 words of it at a time."""
    plan = [[("t", "K", 2)], [("t", "N", 5), ("t", "M", 3)], [("t", "K", 2)]]
    table = EnergyTable({"L1": {"read": 1.0, "write": 10.0}})
    point = build.point(plan, keeps=["ABZ", "BZ", "ABZ"], energy=table, **attributes)
    streams = (frozenset(), frozenset("A"), frozenset())
    return replace(point, mapping=replace(point.mapping, nest=replace(point.mapping.nest, streams=streams)))


@pytest.mark.parametrize(("block", "accesses"), [(1, 12), (8, 2)])
def test_d8_micro22_charges_a_tensor_that_passes_through(build, block, accesses):
    head, micro22 = both(streaming(build, block_size=block))
    # tiles of 2 words come for 3 M and 2 K, once for all N
    assert micro22.levels[1].tensors["A"].action_energy_pj == {
        "streamed_reads": accesses * 1.0,
        "streamed_fills": accesses * 10.0,
    }
    assert micro22.levels[1].tensors["A"].reads == 0
    assert head.levels[1].tensors["A"].energy_pj == 0
    assert micro22.cycles == head.cycles


def test_d8_says_the_same_of_mappings_outside_the_closed_form(build):
    point = streaming(build)
    walked = replace(point.mapping.nest, no_multicast=(frozenset("B"), frozenset(), frozenset()))
    point = replace(point, mapping=replace(point.mapping, nest=walked))
    assert both(point)[1].levels[1].tensors["A"].energy_pj == 12 * 11


def test_d9_a_rank_without_a_loop_rests_on_one_word_in_micro22(build):
    form = TensorFormat("L0", "A", (Rank("CP", 2, 0),) * 3)
    point = build.point([[("t", "K", 4)]], sparse=SparseSpec((form,)), metadata_width_bits=8)
    assert words(ranks_in(point, build, 0, HEAD).tiles) == [1, 4, 4, 4]
    assert words(ranks_in(point, build, 0, MICRO22).tiles) == [1, 1, 1, 4]


def scattered(build, density):
    """Row by row of a 4 x 8 matrix A, scattered nonzeros, from L1 to L0; both hold a bitmap of each row."""
    row, rows = Rank("B", 1, 0), Rank("UOP", 0, 0)
    forms = (TensorFormat("L0", "A", (row,)), TensorFormat("L1", "A", (row, rows)))
    plan = [[("t", "K", 8)], [("t", "M", 4)]]
    densities = {"A": Hypergeometric(density)}
    return build.point(plan, densities=densities, sparse=SparseSpec(forms), metadata_width_bits=8)


@pytest.mark.parametrize("density", [1.0, 0.98])  # 0.98 of 32 words are all of them, too
def test_d10_a_full_tile_is_full_in_micro22(build, density):
    head, micro22 = both(scattered(build, density))
    full = micro22.levels[0].tensors["A"]
    assert (full.accesses["random_reads"], full.accesses["random_fills"]) == (32, 32)
    assert full.utilized_instances == 1
    assert head.levels[0].tensors["A"].accesses["random_reads"] == 0
    assert any("do not use it" in said for said in head.assumptions)
    assert not any("do not use it" in said for said in micro22.assumptions)


def test_d10_a_tile_that_always_holds_something_is_never_left_out(build):
    head, micro22 = both(scattered(build, 26 / 32))  # 6 zeros: a row of 8 holds at least 2 nonzeros
    assert micro22.levels[0].tensors["A"].accesses["random_fills"] == 26
    assert head.levels[0].tensors["A"].accesses["random_fills"] != 26


def test_d10_tiles_that_may_be_empty_are_those_of_public_timeloop(build):
    head, micro22 = both(scattered(build, 0.5))
    assert micro22.levels[0].tensors["A"] == head.levels[0].tensors["A"]


def wired(build, **wires):
    """Four receivers in a row take a row of A each, and the same two words of B."""
    plan = [[("t", "K", 2)], [("x", "M", 4), ("t", "N", 3)]]
    point = build.point(plan, [(1, 1), (4, 1)])
    levels = point.design.architecture.levels
    named = (levels[0], replace(levels[1], wires=Wires(**wires)))
    hardware = Architecture(named, point.design.architecture.compute)
    return replace(point, design=replace(point.design, architecture=hardware))


def test_d11_hops_follow_from_multicast_and_fanout_in_micro22(build):
    head, micro22 = (result.networks[0].tensors for result in both(wired(build, hop_pj=2.0)))
    # one of four: half of sqrt(4); all four: sqrt(4 * 4) - 1 + 1/2
    assert (micro22["A"].hops, micro22["B"].hops) == (1.0, 3.5)
    # lane by lane: 0, 1, 2 or 3 to the right; the way to the last one passes all others
    assert (head["A"].hops, head["B"].hops) == (1.5, 3.0)
    # A comes once, 4 x 2 words; B for each of 3 N, 2 words
    assert (micro22["A"].energy_pj, micro22["B"].energy_pj) == (8 * 1.0 * 2, 6 * 3.5 * 2)


def test_d11_a_single_receiver_is_half_a_hop_away_in_micro22(build):
    plan = [[("t", "K", 2)], [("t", "M", 3)]]
    point = build.point(plan)
    levels = tuple(replace(level, wires=Wires(hop_pj=1.0)) for level in point.design.architecture.levels)
    hardware = replace(point.design.architecture, levels=levels)
    point = replace(point, design=replace(point.design, architecture=hardware))
    head, micro22 = both(point)
    assert [network.tensors["A"].energy_pj for network in micro22.networks] == [6 * 0.5, 6 * 0.5]
    assert sum(network.energy_pj for network in head.networks) == 0


def test_d11_routers_are_one_more_than_hops_in_micro22(build):
    tensors = both(wired(build, router_pj=1.0))[1].networks[0].tensors
    assert (tensors["A"].energy_pj, tensors["B"].energy_pj) == (8 * (1 + 1.0), 6 * (1 + 3.5))


def test_d12_networks_take_no_time_in_micro22(build):
    head, micro22 = both(wired(build, fill_cycles=7, drain_cycles=2))
    assert (head.network_cycles, micro22.network_cycles) == (9, 0)
    assert head.cycles == micro22.cycles + 9


def test_d13_entering_a_network_is_free_in_micro22(build):
    head, micro22 = (result.networks[0].tensors["A"] for result in both(wired(build, ingress_pj=1.0, hop_pj=2.0)))
    assert (head.energy_pj, micro22.energy_pj) == (8 * (1 + 1.5 * 2), 8 * 1.0 * 2)


def rows_of_windows(build, inner, outer):
    """Windows of 3 over a row, from L1 to L0: 2 of them in a tile of 4 words; `inner` and `outer` are loops of L1."""
    point = build.point([[("t", "M", 2), ("t", "K", 3)], [inner, outer]])
    image = Tensor("A", ((Term("M"), Term("K")),))
    tensors = (image, *(tensor for tensor in point.design.problem.tensors if tensor.name != "A"))
    return replace(point, design=replace(point.design, problem=replace(point.design.problem, tensors=tensors)))


@pytest.mark.parametrize(
    ("inner", "outer", "head", "older"),
    [
        # the tile stays for 2 N and then moves by 2: a change of stride, so that it comes whole; 5 steps in M
        (("t", "N", 2), ("t", "M", 5), 4 + 4 * 2, 5 * 4),
        # it moves by 2 each step; back by 8 when N advances is another stride in either program
        (("t", "M", 5), ("t", "N", 2), 2 * (4 + 4 * 2), 2 * (4 + 4 * 2)),
        (("t", "M", 5), ("t", "N", 1), 4 + 4 * 2, 4 + 4 * 2),
        (("t", "N", 7), ("t", "M", 1), 4, 4),
    ],
)
def test_d14_a_loop_that_moves_nothing_changes_the_stride_of_a_window(build, inner, outer, head, older):
    point = rows_of_windows(build, inner, outer)
    reads = {
        name: evaluate(replace(point, design=replace(point.design, dialect=name))).levels[1].tensors["A"].reads
        for name in RULES
    }
    assert reads == {"head": head, "head-2024": older, "micro22": older}


def test_d14_leaves_products_of_loops_alone(build):
    point = build.point([[("t", "K", 2)], [("t", "N", 3), ("t", "M", 2), ("t", "K", 2)]])
    assert replace(evaluate(point), assumptions=()) == replace(
        evaluate(replace(point, design=replace(point.design, dialect="head-2024"))), assumptions=()
    )


def test_a_result_names_the_dialect(build):
    point = build.point([[("t", "K", 2)]])
    head, micro22 = both(point)
    assert not any("MICRO 2022" in said for said in head.assumptions)
    assert any("MICRO 2022" in said for said in micro22.assumptions)
    older = evaluate(replace(point, design=replace(point.design, dialect="head-2024")))
    assert any("pull request 297" in said for said in older.assumptions)
