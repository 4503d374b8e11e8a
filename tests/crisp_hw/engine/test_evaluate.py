"""A batch is its mappings one by one; what does not matter changes nothing; wrong input is one clear sentence."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crisp_hw.engine.evaluate
from crisp_hw.engine.evaluate import evaluate, evaluate_batch, evaluate_nests
from crisp_hw.engine.formats import stored_ranks
from crisp_hw.engine.tiling import Tiling
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

SIZE = {"M": (2, 2, 3), "N": (2, 2), "K": (2, 3)}  # prime factors that a mapping hands out
ENERGY = EnergyTable(
    {
        **{f"L{i}": {"read": 3.0 + i, "write": 2.0, "gated_read": 0.5, "metadata_read": 0.25} for i in range(3)},
        "MAC": {"mac": 1.0, "mac_gated": 0.125},
    }
)


@st.composite
def factorings(draw, nest):
    """Bounds of a nest that multiply to SIZE."""
    bounds = [1] * len(nest.loops)
    for dim, factors in SIZE.items():
        places = [j for j, loop in enumerate(nest.loops) if loop.dim == dim]
        for factor in factors:
            bounds[draw(st.sampled_from(places))] *= factor
    return bounds


@st.composite
def designs(draw, build):
    """(design, nest): three levels with lanes, bandwidths and sizes of which some are short, and SAFs with options."""
    plan, fanouts, keeps = draw(build.plans(levels=3))
    densities = {name: draw(build.densities) for name in "AB"}
    sparse = draw(st.one_of(st.just(SparseSpec()), build.sparse_specs(keeps)))
    point = build.point(plan, fanouts, keeps, densities, sparse, ENERGY, size_words=draw(st.sampled_from([20, 10**6])))
    levels = tuple(
        replace(
            level,
            read_bandwidth=draw(st.sampled_from([None, 1.0, 4.0])),
            block_size=draw(st.sampled_from([1, 2])),
            metadata_word_bits=draw(st.sampled_from([level.metadata_word_bits, 8 * level.word_bits])),
        )
        for level in point.design.architecture.levels
    )
    architecture = Architecture(levels, point.design.architecture.compute)
    m, n, k = (int(np.prod(factors)) for factors in SIZE.values())
    problem = replace(point.design.problem, bounds=(m, n, k))
    return replace(point.design, architecture=architecture, problem=problem), point.mapping.nest


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_a_batch_is_its_mappings_one_by_one(build, data):
    design, nest = data.draw(designs(build))
    rows = data.draw(st.lists(factorings(nest), min_size=1, max_size=12))
    batch = evaluate_batch(design, nest, np.array(rows))
    for row, bounds in enumerate(rows):
        alone = evaluate_batch(design, nest, np.array([bounds]))
        whole = evaluate(DesignPoint(design, LoopMapping(nest, tuple(bounds))))  # counts that cost nothing included
        assert (whole.valid, whole.cycles, whole.energy_pj) == (alone.valid[0], alone.cycles[0], alone.energy_pj[0])
        assert batch.valid[row] == alone.valid[0]
        assert batch.cycles[row] == alone.cycles[0]
        assert batch.energy_pj[row] == alone.energy_pj[0]
        told = {check.of(0) for check in alone.failures}
        assert {check.of(row) for check in batch.failures if check.failed[row]} == told
        assert set(whole.failures) == told


@st.composite
def reordered(draw, nest):
    """The nest with other orders of the loops of each block, and of its lanes along x and y."""
    loops = []
    for _, block in groupby(nest.loops, key=lambda loop: (loop.level, loop.kind == "temporal")):
        block = draw(st.permutations(list(block)))
        if block[0].kind != "temporal":
            split = draw(st.integers(0, len(block)))
            block = [replace(loop, kind="x" if place < split else "y") for place, loop in enumerate(block)]
        loops += block
    return replace(nest, loops=tuple(loops))


def flagged(draw, levels):
    """Flags of a nest that forbid reuse."""
    names = ("no_link_transfer", "no_multicast", "no_temporal_reuse", "rmw_first_update")
    some = st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from("ABZ"), max_size=1))
    return {name: tuple(draw(some) for _ in range(levels)) for name in names}


@pytest.mark.slow
@settings(max_examples=80)
@given(data=st.data(), window=st.booleans())
def test_nests_side_by_side_are_their_mappings_one_by_one(build, data, window):
    """Structures and orders of any kind in one batch, with windows and with reuse forbidden, too."""
    design, nest = data.draw(designs(build))
    if window:
        image = ((Term("M", data.draw(st.integers(1, 3))), Term("K", data.draw(st.integers(1, 2)))), (Term("N"),))
        a, *others = design.problem.tensors
        problem = replace(design.problem, tensors=(replace(a, ranks=image), *others))
        design = replace(design, problem=problem, sparse=SparseSpec())
        nest = replace(nest, **flagged(data.draw, len(nest.keeps)))
    nests = [data.draw(reordered(nest)) for _ in range(data.draw(st.integers(1, 4)))]
    parts = [
        (each, np.array(data.draw(st.lists(factorings(each), min_size=1, max_size=4)), dtype=np.int64))
        for each in nests
    ]
    together = evaluate_nests(design, parts)
    rows = [(each, row) for each, bounds in parts for row in bounds]
    assert len(together.valid) == len(rows)
    for place, (each, row) in enumerate(rows):
        alone = evaluate_batch(design, each, row[None])
        figures = (alone.valid[0], alone.cycles[0], alone.energy_pj[0])
        assert (together.valid[place], together.cycles[place], together.energy_pj[place]) == figures
        told = {check.of(0) for check in alone.failures}
        assert {check.of(place) for check in together.failures if check.failed[place]} == told


def test_nests_of_a_problem_of_one_word_do_nothing_side_by_side(build):
    point = build.point([[("t", "M", 1)], [("t", "N", 1)]])
    part = (point.mapping.nest, np.array([point.mapping.bounds]))
    assert evaluate_nests(point.design, [part, part]).cycles.tolist() == [1, 1]


def test_of_many_nests_the_one_with_wrong_factors_is_told(build):
    point = build.point([[("t", "M", 2)], [("t", "N", 3)]])
    right = np.array([point.mapping.bounds])
    wrong = right.copy()
    wrong[0, right[0] == 2] = 4
    nest = point.mapping.nest
    with pytest.raises(InputError, match="factors of M multiply to 4, but the problem has M = 2"):
        evaluate_nests(point.design, [(nest, right), (nest, wrong)])
    negative = right.copy()
    negative[0, :2] = -1  # the product is right
    with pytest.raises(InputError, match="not between 1 and"):
        evaluate_nests(point.design, [(nest, right), (nest, negative)])
    assert len(evaluate_nests(point.design, []).valid) == 0


@settings(max_examples=40)
@given(data=st.data())
def test_a_result_adds_up(build, data):
    """Counts are never negative, and random, gated and skipped accesses are what is left of the dense ones."""
    design, nest = data.draw(designs(build))
    bounds = data.draw(factorings(nest))
    point = build.point([[]])
    result = evaluate(replace(point, design=design, mapping=LoopMapping(nest, tuple(bounds))))
    batch = evaluate_batch(design, nest, np.array([bounds]))
    assert (result.valid, result.cycles) == (batch.valid[0], batch.cycles[0])
    assert result.energy_pj == batch.energy_pj[0]
    if result.compute is None:
        return
    done = result.compute.random + result.compute.gated + result.compute.skipped
    assert 0 <= done <= result.compute.algorithmic == 12 * 4 * 6
    assert min(result.compute.random, result.compute.gated, result.compute.skipped) >= 0
    for level in result.levels:
        assert level.cycles >= result.compute.cycles
        for counts in level.tensors.values():
            assert min(counts.accesses.values()) >= 0
            for op, dense in (("reads", counts.reads), ("fills", counts.fills), ("updates", counts.updates)):
                assert sum(counts.accesses[f"{kind}_{op}"] for kind in ("random", "gated", "skipped")) <= dense
            assert all(entry >= 0 for ranks in counts.format_accesses.values() for rank in ranks for entry in rank)
            assert counts.energy_pj >= 0
    total = result.compute.energy_pj + sum(level.energy_pj for level in result.levels)
    assert result.energy_pj == pytest.approx(total)


@settings(max_examples=30)
@given(data=st.data())
def test_trivial_loops_may_stand_anywhere(build, data):
    """The order of loops with bound 1 in a block changes no number of a dense design."""
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    point = build.point(plan, fanouts, keeps, energy=ENERGY)
    shuffled = []
    for entries in plan:
        idle = data.draw(st.permutations([entry for entry in entries if entry[2] == 1 and entry[0] == "t"]))
        busy = [entry for entry in entries if entry not in idle]
        shuffled.append([*[entry for entry in busy if entry[0] != "t"], *idle, *[e for e in busy if e[0] == "t"]])
    assert evaluate(build.point(shuffled, fanouts, keeps, energy=ENERGY)) == evaluate(point)


@settings(max_examples=30)
@given(data=st.data())
def test_innermost_order_does_not_matter_to_the_macs(build, data):
    """Below the innermost level without lanes every operand is read each cycle, whatever the order there."""
    plan, _, _ = data.draw(build.plans(levels=2, spatial=False))
    turned = [data.draw(st.permutations(plan[0])), plan[1]]
    first, second = (evaluate(build.point(each, energy=ENERGY)) for each in (plan, turned))
    assert first.cycles == second.cycles
    assert [c.reads for c in first.levels[0].tensors.values()] == [c.reads for c in second.levels[0].tensors.values()]


@settings(max_examples=30)
@given(data=st.data())
def test_density_one_is_dense(build, data):
    """Nothing is saved where nothing is zero: same cycles, words and energy as without sparse features."""
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    actions = tuple(
        ActionOptimization(level, kind, (Condition("A", ("B",)),))
        for level, kind in data.draw(
            st.lists(st.tuples(st.sampled_from(["L0", "L1"]), st.just("skipping")), max_size=2)
        )
    )
    compute = tuple(data.draw(st.sets(st.sampled_from(["gating", "skipping"]))))
    full = {name: data.draw(st.sampled_from([FixedStructured(1.0), Hypergeometric(1.0)])) for name in "AB"}
    dense = evaluate(build.point(plan, fanouts, keeps, energy=ENERGY))
    sparse = evaluate(build.point(plan, fanouts, keeps, full, SparseSpec((), actions, compute), ENERGY))
    assert (sparse.cycles, sparse.energy_pj, sparse.valid) == (
        dense.cycles,
        pytest.approx(dense.energy_pj),
        dense.valid,
    )
    for ours, theirs in zip(sparse.levels, dense.levels, strict=True):
        assert {t: c.accesses for t, c in ours.tensors.items()} == {t: c.accesses for t, c in theirs.tensors.items()}


def test_without_sparse_features_a_density_has_no_effect(build):
    plan = [[("t", "K", 8)], [("t", "M", 4)]]
    assert evaluate(build.point(plan, densities={"A": FixedStructured(0.1)})) == evaluate(build.point(plan))


def test_options_are_chosen_for_each_mapping(build):
    """Of "A on B" and "B on A" the one that saves more counts; a batch splits where that differs."""
    options = (Condition("A", ("B",)), Condition("B", ("A",)))
    sparse = SparseSpec((), (ActionOptimization("L0", "skipping", options),))
    densities = {"A": FixedStructured(0.5), "B": FixedStructured(0.25)}
    plan = [[("t", "M", 4), ("t", "N", 2)], [("t", "M", 2), ("t", "N", 8)]]
    point = build.point(plan, densities=densities, sparse=sparse, energy=ENERGY)
    wide, tall = list(point.mapping.bounds), [2, 8, 1, 4, 2, 1]  # the same loops are active: one batch at first
    alone = one_batch_and_one_by_one(point, wide, tall)
    chosen = [[name for name in "AB" if result.levels[0].tensors[name].accesses["skipped_reads"]] for result in alone]
    # words held x probability: A 4 x 0.5 x 0.75 against B 2 x 0.25 x 0.5; then 2 x 0.5 x 0.75 against 8 x 0.25 x 0.5
    assert chosen == [["A"], ["B"]]


@pytest.mark.parametrize("options", [1, 2])
def test_entries_without_bits_are_left_out_of_batches_unless_they_weigh(build, monkeypatch, options):
    """Options of a SAF are weighed by all entries of what they save, whatever their width."""
    seen = []

    def noted(*arguments):
        seen.append(Tiling(*arguments))
        return seen[-1]

    monkeypatch.setattr(crisp_hw.engine.evaluate, "Tiling", noted)
    formats = (TensorFormat("L0", "A", (Rank("CP", 2, 0), Rank("UOP", 0, 0)), True),)
    either = (Condition("A", ("B",)), Condition("B", ("A",)))[:options]
    plan = [[("t", "M", 2), ("t", "K", 2), ("t", "N", 2)], [("t", "M", 2), ("t", "N", 2)]]
    densities = dict.fromkeys("AB", FixedStructured(0.0625))
    spec = SparseSpec(formats, (ActionOptimization("L1", "skipping", either),))
    point = build.point(plan, densities=densities, sparse=spec, energy=ENERGY, metadata_word_bits=64)
    batch = evaluate_batch(point.design, point.mapping.nest, np.array([point.mapping.bounds]))
    assert [tiling.costs_only for tiling in seen] == [options == 1]
    held = stored_ranks(seen[0], spec)[0, "A"]
    assert (held.counted, len(held.fibers)) == ((1, 2) if options == 1 else (2, 2))
    assert batch.energy_pj.tolist() == [evaluate(point).energy_pj]


def test_the_likelier_of_two_safs_counts_for_each_mapping(build):
    """B stays for 2 or 6 words of A and Z: of 2, Z's are rather empty (0.3 to 0.25), of 6, only A's can be."""
    actions = tuple(ActionOptimization("L1", "skipping", (Condition("B", (leader,)),)) for leader in "AZ")
    densities = {"A": Hypergeometric(0.5), "Z": FixedStructured(0.35)}
    plan = [[], [("t", "M", 2), ("t", "N", 2)], [("t", "M", 6)]]
    point = build.point(plan, densities=densities, sparse=SparseSpec((), actions), energy=ENERGY)
    few, many = list(point.mapping.bounds), [1, 1, 1, 6, 2, 1, 2, 1, 1]
    avoided = []
    for result in one_batch_and_one_by_one(point, few, many):
        accesses = result.levels[1].tensors["B"].accesses
        avoided.append(accesses["skipped_reads"] / (accesses["skipped_reads"] + accesses["random_reads"]))
    assert avoided[0] == pytest.approx(0.3, abs=0.05)
    assert 0 <= avoided[1] < 0.05


def one_batch_and_one_by_one(point, *rows):
    """The results of some mappings, which must be those of a batch of all of them, in any order."""
    alone = [evaluate(replace(point, mapping=replace(point.mapping, bounds=tuple(row)))) for row in rows]
    for order in (range(len(rows)), reversed(range(len(rows)))):
        order = list(order)
        batch = evaluate_batch(point.design, point.mapping.nest, np.array([rows[i] for i in order]))
        assert batch.energy_pj.tolist() == [alone[i].energy_pj for i in order]
        assert batch.cycles.tolist() == [alone[i].cycles for i in order]
    return alone
