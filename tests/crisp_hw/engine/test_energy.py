"""Energy: counts times pJ, the names under which a table lists an action, and blocks that nonzeros do not fill."""

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.energy import (
    NON_EMPTY_BLOCKS,
    action_energy,
    built_in_energy,
    compute_energy,
    lookup_order,
    read_energy_per_word,
)
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import ComputeLevel, StorageLevel
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

SRAM = StorageLevel("S", size_words=1024)


@pytest.mark.parametrize(
    ("kind", "op", "infix", "names"),
    [
        ("random", "reads", "", ["random_read", "read"]),
        ("random", "fills", "", ["random_fill", "random_write", "fill", "write"]),
        ("gated", "updates", "", ["gated_update", "gated_write"]),
        ("skipped", "reads", "metadata_", ["skipped_metadata_read", "gated_metadata_read"]),
        (
            "skipped",
            "fills",
            "metadata_",
            ["skipped_metadata_fill", "skipped_metadata_write", "gated_metadata_fill", "gated_metadata_write"],
        ),
    ],
)
def test_the_first_listed_name_counts(kind, op, infix, names):
    assert list(lookup_order(kind, op, infix)) == names
    for i in range(len(names)):
        table = EnergyTable({"S": {name: float(j) for j, name in enumerate(names) if j >= i}})
        assert action_energy(table, SRAM, kind, op, infix) == i


def test_what_is_not_listed_costs_the_built_in_estimate_or_nothing():
    nothing = EnergyTable()
    # pat-public: 16 bits of a 2 KB array: (5 / 99.5) x (2 - 0.5) + 1
    assert action_energy(nothing, SRAM, "random", "reads") == pytest.approx(5 / 99.5 * 1.5 + 1)
    assert action_energy(nothing, SRAM, "gated", "reads") == 0
    assert action_energy(nothing, SRAM, "random", "reads", "metadata_") == 0
    assert built_in_energy(StorageLevel("D", "DRAM", word_bits=8, block_size=4)) == 200 * 32 / 16
    assert built_in_energy(StorageLevel("S")) == 0  # no size, no estimate
    assert compute_energy(nothing, ComputeLevel("MAC", word_bits=8), "random") == 0.25
    assert compute_energy(nothing, ComputeLevel("MAC"), "gated") == 0


def test_macs_have_names_of_their_own():
    table = EnergyTable({"MAC": {"compute": 1.0, "gated_compute": 9.0, "compute_gated": 0.1, "mult_skipped": 0.01}})
    found = [compute_energy(table, ComputeLevel("MAC"), kind) for kind in ("random", "gated", "skipped")]
    assert found == [1.0, 0.1, 0.01]  # "gated_compute" is no name that Timeloop looks for
    assert compute_energy(EnergyTable({"MAC": {"mac": 2.0}}), ComputeLevel("MAC"), "skipped") == 2.0


PLAN = [[("x", "N", 2), ("t", "K", 6), ("t", "M", 3)], [("t", "M", 2), ("t", "N", 3)]]
COSTS = st.sampled_from([0.0, 0.5, 1.25, 3.0])


@settings(max_examples=30)
@given(st.lists(COSTS, min_size=7, max_size=7), st.sampled_from([1, 2, 4]))
def test_energy_is_the_sum_over_actions_of_whole_blocks(build, pj, block):
    table = EnergyTable(
        {
            "L0": dict(zip(("read", "fill", "update"), pj[:3], strict=True)),
            "L1": dict(zip(("read", "write", "update"), pj[3:6], strict=True)),
            "MAC": {"compute": pj[6]},
        }
    )
    result = evaluate(build.point(PLAN, [(2, 1), (1, 1)], energy=table, block_size=block))
    total = result.compute.random * pj[6]
    for level, costs in zip(result.levels, (pj[:3], pj[3:6]), strict=True):
        for counts in level.tensors.values():
            words = [counts.accesses[f"random_{op}"] for op in ("reads", "fills", "updates")]
            expected = sum(-(-n // block) * cost for n, cost in zip(words, costs, strict=True))
            assert counts.energy_pj == pytest.approx(expected)
            total += expected * counts.utilized_instances
        assert level.energy_pj == pytest.approx(
            sum(counts.energy_pj * counts.utilized_instances for counts in level.tensors.values())
        )
    assert result.energy_pj == pytest.approx(total)
    assert read_energy_per_word(table, build.fabric((1, 1), block_size=block).levels[0]) == pj[0] / block


def test_metadata_and_unpacking_are_charged_apart(build):
    ranks = (Rank("CP", 4, 0, (frozenset("MK"),)),)
    table = EnergyTable(
        {
            "L1": {"read": 1.0, "metadata_read": 10.0},
            "L0": {"fill": 1.0, "decompression_count": 100.0},
            "MAC": {"mac": 0.0},
        }
    )
    result = evaluate(
        build.point(
            [[("t", "K", 8)], [("t", "M", 3)]],
            densities={"A": FixedStructured(0.5)},
            sparse=SparseSpec((TensorFormat("L1", "A", (*ranks, Rank("UOP", 0, 0, (frozenset("MK"),)))),)),
            energy=table,
            metadata_width_bits=16,
            metadata_depth=1000,
        )
    )
    below, above = result.levels[0].tensors["A"], result.levels[1].tensors["A"]
    assert above.accesses["random_reads"] == 12
    assert above.format_accesses["random_reads"][0] == (12, 0)
    assert above.action_energy_pj == {"random_reads": 12.0, "random_metadata_reads": 12 * 4 / 16 * 10.0}
    assert below.decompressions == 24
    assert below.action_energy_pj == {"random_fills": 24.0, "decompression": 2400.0}


def blocks_per_word(size, held, tile, block):
    """Blocks that the nonzeros of a tile take on average, over the share that they would fill without gaps."""
    counts = [sum(position < tile for position in mask) for mask in combinations(range(size), held)]
    blocks = sum(-(-count // block) for count in counts) / len(counts)
    return blocks / (sum(counts) / len(counts) / block)


@pytest.mark.parametrize(("tile", "outer", "held"), [(4, 3, 6), (3, 3, 2), (6, 2, 3)])
def test_small_packed_tiles_do_not_fill_their_blocks(build, tile, outer, held):
    size = tile * outer
    both = (frozenset("MK"),)
    formats = (TensorFormat("L0", "A", (Rank("CP", 1, 0, both),)),)
    table = EnergyTable({"L0": {"read": 1.0, "fill": 0.0, "update": 0.0}, "L1": {"read": 0.0}, "MAC": {"mac": 0.0}})
    point = build.point(
        [[("t", "K", tile)], [("t", "M", outer)]],
        keeps=[{"A"}, set("ABZ")],
        densities={"A": Hypergeometric(held / size)},
        sparse=SparseSpec(formats),
        energy=table,
        block_size=2,
    )
    a = evaluate(point).levels[0].tensors["A"]
    words = a.accesses["random_reads"]
    assert a.energy_pj == pytest.approx(-(-words // 2) * blocks_per_word(size, held, tile, 2))


def test_other_blocks_than_timeloop_knows_are_refused(build):
    formats = (TensorFormat("L0", "A", (Rank("CP", 1, 0, (frozenset("MK"),)),)),)
    point = build.point(
        [[("t", "K", 4)], [("t", "M", 2)]],
        densities={"A": FixedStructured(0.5)},
        sparse=SparseSpec(formats),
        block_size=64,
    )
    with pytest.raises(InputError, match=r"level L0: blocks of 64 words cannot hold the compressed tensor A .*2, 4, 8"):
        evaluate(point)


def test_the_table_of_thresholds_falls_with_density():
    for limits in NON_EMPTY_BLOCKS.values():
        assert len(limits) == 10
        assert list(limits) == sorted(limits, reverse=True)


def test_clusters_share_an_access(build):
    """Two instances in a cluster: the energy of an access is halved for each."""
    table = EnergyTable({"L0": {"read": 4.0, "fill": 4.0, "update": 4.0}, "L1": {"read": 0.0}, "MAC": {"mac": 0.0}})
    plan = [[("t", "K", 4)], [("x", "M", 4)]]
    alone, paired = (evaluate(build.point(plan, [(1, 1), (4, 1)], energy=table, cluster_size=size)) for size in (1, 2))
    for name in "ABZ":
        assert paired.levels[0].tensors[name].energy_pj == alone.levels[0].tensors[name].energy_pj / 2


@settings(max_examples=20)
@given(data=st.data())
def test_gating_and_skipping_cost_the_same_where_their_actions_do(build, data):
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    targets = data.draw(st.sampled_from([("A", ("B",)), ("B", ("A",)), ("Z", ("A", "B"))]))
    level = data.draw(st.sampled_from(["L0", "L1"]))
    words = [f"{kind}_{op}" for kind, op in product(("gated", "skipped"), ("read", "write", "update"))]
    table = EnergyTable({name: {**dict.fromkeys(words, 0.25), "read": 3.0, "write": 2.0} for name in ("L0", "L1")})
    results = [
        evaluate(
            build.point(
                plan,
                fanouts,
                keeps,
                {"A": FixedStructured(0.5), "B": FixedStructured(0.25)},
                SparseSpec((), (ActionOptimization(level, kind, (Condition(*targets),)),)),
                table,
            )
        )
        for kind in ("gating", "skipping")
    ]
    assert results[0].energy_pj == pytest.approx(results[1].energy_pj)
    assert results[0].valid == results[1].valid
