"""The search against brute force over every factor, order and split, and against the reference mapper's best."""

from itertools import permutations, product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import Batch, evaluate, evaluate_batch
from crisp_hw.engine.validity import RuleCheck
from crisp_hw.errors import InputError, MappingError
from crisp_hw.mapper import sweep
from crisp_hw.mapper.bounds import Lower
from crisp_hw.mapper.found import Found
from crisp_hw.mapper.search import rows_within, search, search_spaces
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.mapper.tally import OBJECTIVES
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.rules import Rule
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

CHAIN = Architecture(
    (
        StorageLevel("RF", instances=4, mesh_x=2, mesh_y=2, size_words=10, metadata_width_bits=8, metadata_depth=99),
        StorageLevel("DRAM", "DRAM", read_bandwidth=3, write_bandwidth=2, metadata_width_bits=8),
    ),
    ComputeLevel(instances=4, mesh_x=2, mesh_y=2),
)
ENERGY = EnergyTable({"RF": {"read": 1.0, "write": 1.5, "update": 1.25}, "DRAM": {"read": 50.0, "write": 60.0}})
FORMATS = tuple(TensorFormat(name, "A", (Rank("CP", 3, 0),) * n, True) for name, n in (("RF", 2), ("DRAM", 6)))
SPARSE = SparseSpec(
    FORMATS, (ActionOptimization("DRAM", "skipping_spatial", (Condition("B", ("A",)),)),), ("skipping",)
)
BLOCKS = [(0, "temporal"), (1, "spatial"), (1, "temporal")]


def design(m, k, sparse=False):
    """Z[m] += A[m, k] * B[k] on a 2 x 2 array."""
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),)), density=FixedStructured(0.5)),
        Tensor("B", ((Term("K"),),)),
        Tensor("Z", ((Term("M"),),), is_output=True),
    )
    return Design(CHAIN, Problem("mv", ("M", "K"), (m, k), tensors), SPARSE if sparse else SparseSpec(), ENERGY)


def brute_force(subject, split=None):
    """(cycles, energy) of every valid mapping, one by one, without any knowledge of the model."""
    found = []
    keeps = (frozenset("ABZ"),) * 2
    sides = range(3) if split is None else [split]
    for orders in product(permutations("MK"), repeat=3):
        for along_x in sides:
            kinds = ["x" if place < along_x else "y" for place in range(2)]
            loops = [Loop(0, dim, "temporal") for dim in orders[0]]
            loops += [Loop(1, dim, kind) for dim, kind in zip(orders[1], kinds, strict=True)]
            loops += [Loop(1, dim, "temporal") for dim in orders[2]]
            for bounds in product(*(range(1, subject.problem.bound(loop.dim) + 1) for loop in loops)):
                sizes = {dim: prod(b for b, one in zip(bounds, loops, strict=True) if one.dim == dim) for dim in "MK"}
                if sizes == dict(zip("MK", subject.problem.bounds, strict=True)):
                    batch = evaluate_batch(subject, LoopNest(tuple(loops), keeps), np.array([bounds]))
                    if batch.valid[0]:
                        found.append((int(batch.cycles[0]), float(batch.energy_pj[0])))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("m", "k", "sparse"), [(4, 3, False), (2, 6, True), (4, 4, True), (1, 4, False)])
def test_the_best_is_the_best_of_all(m, k, sparse):
    subject = design(m, k, sparse)
    every = brute_force(subject)
    fastest, frugal = search(subject, Constraints()), search(subject, Constraints(), "energy")
    least = min(cycles for cycles, _ in every)
    assert fastest.cycles == least
    assert fastest.energy_pj == pytest.approx(min(energy for cycles, energy in every if cycles == least))
    assert frugal.energy_pj == pytest.approx(min(energy for _, energy in every))
    product_found = search(subject, Constraints(), "edp")
    assert product_found.cycles * product_found.energy_pj == pytest.approx(min(c * e for c, e in every))
    for found in (fastest, frugal, product_found):
        assert found.proven
        assert found.gap is None
        assert 0 < found.valid <= found.tried
        assert found.certificate.startswith(f"optimal over {found.candidates} factorizations")


def test_what_is_found_is_what_the_engine_reports():
    subject = design(4, 6)
    closed = LevelConstraint("DRAM", "spatial", order_free=True, no_link_transfer=frozenset("B"))
    found = search(subject, Constraints((closed,)))
    assert found.mapping.nest.no_link_transfer == (frozenset(), frozenset("B"))
    result = evaluate(DesignPoint(subject, found.mapping))
    assert (result.valid, result.cycles) == (True, found.cycles)
    assert result.energy_pj == pytest.approx(found.energy_pj)


divisors = st.sampled_from([1, 2, 3, 4])
factor = st.builds(Factor, st.sampled_from(["=", "<=", ">="]), divisors)
per_block = st.fixed_dictionaries({}, optional={"M": factor, "K": factor})
given_constraints = st.tuples(per_block, per_block, per_block, st.none() | st.integers(0, 2))


@pytest.mark.slow
@settings(max_examples=40)
@given(given_constraints, st.booleans(), st.integers(1, 40))
def test_constraints_are_obeyed_and_chunks_change_nothing(given_blocks, sparse, chunk_rows):
    *blocks, split = given_blocks
    levels = [
        LevelConstraint(CHAIN.levels[level].name, kind, factors, ("K",), True, split if kind == "spatial" else None)
        for (level, kind), factors in zip(BLOCKS, blocks, strict=True)
    ]
    subject, constraints = design(4, 6, sparse), Constraints(tuple(levels))
    try:
        found = search(subject, constraints)
    except MappingError:
        return
    other = search_spaces((enumerate_space(subject, constraints),), chunk_rows=chunk_rows)
    assert (other.mapping, other.cycles, other.energy_pj) == (found.mapping, found.cycles, found.energy_pj)
    for constraint in levels:
        loops = [
            (loop, bound)
            for loop, bound in zip(found.mapping.nest.loops, found.mapping.bounds, strict=True)
            if CHAIN.levels[loop.level].name == constraint.level
            and (loop.kind == "temporal") == (constraint.kind == "temporal")
        ]
        assert loops[0][0].dim == "K"
        for loop, bound in loops:
            if loop.dim in constraint.factors:
                rule = constraint.factors[loop.dim]
                assert {"=": bound == rule.value, "<=": bound <= rule.value, ">=": bound >= rule.value}[rule.relation]
        if constraint.split is not None:
            assert [loop.kind for loop, _ in loops] == ["x"] * split + ["y"] * (2 - split)


def flat(subject, parts, device):
    """A cost that knows no difference: every mapping is valid and the same."""
    bounds = [row for _, rows in parts for row in rows]
    return Batch(np.ones(len(bounds), bool), np.full(len(bounds), 7), np.full(len(bounds), 2.5))


@pytest.mark.parametrize("chunk_rows", [1, 3, 1000])
def test_ties_go_to_the_smallest_bounds_seen_from_outside(chunk_rows, monkeypatch):
    monkeypatch.setattr(sweep, "evaluated", flat)
    monkeypatch.setattr(sweep, "lower", lambda space, rows, dims: Lower(np.ones(len(rows)), np.ones(len(rows))))
    space = enumerate_space(design(4, 3), Constraints())
    rows = next(factorizations(space, 1000)).rows
    placeable = rows[(rows[:, 1] <= 2).all(axis=1)]  # two lanes along x, two along y
    found = search_spaces((space,), chunk_rows=chunk_rows)
    factors = {(loop.level, loop.kind == "temporal", loop.dim): bound
               for loop, bound in zip(found.mapping.nest.loops, found.mapping.bounds, strict=True)}  # fmt: skip
    outside_in = [factors[level, kind == "temporal", dim] for level, kind in BLOCKS[::-1] for dim in "KM"]
    assert outside_in == min(row.reshape(-1)[::-1].tolist() for row in placeable)
    assert (found.cycles, found.energy_pj) == (7, 2.5)
    assert found == search_spaces((space,))


def test_progress_counts_every_candidate_once():
    steps = []
    found = search(design(4, 6), Constraints(), progress=steps.append)
    assert (steps[-1].done, steps[-1].total) == (found.candidates, found.candidates)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert (steps[-1].best_cycles, steps[-1].best_energy_pj) == (found.cycles, found.energy_pj)


def test_an_unknown_objective_lists_the_known_ones():
    with pytest.raises(InputError, match=r"'speed' is not known; choose one of cycles, energy, edp"):
        search(design(2, 2), Constraints(), "speed")
    assert set(OBJECTIVES) == {"cycles", "energy", "edp"}


def refusing(subject, parts, device):
    """Nothing is valid; the more the outermost loops run (12 words of A never fit: at least 2), the worse."""
    bounds = np.array([row for _, rows in parts for row in rows])
    need = 100.0 + bounds[:, -2:].prod(axis=1)
    failure = RuleCheck(Rule.METADATA_CAPACITY, "RF", need > 60, need, np.full(len(need), 60.0))
    return Batch(np.zeros(len(need), bool), np.zeros(len(need), np.int64), np.zeros(len(need)), (failure,))


def test_when_the_engine_refuses_all_the_least_bad_attempt_is_named(monkeypatch):
    monkeypatch.setattr(sweep, "evaluated", refusing)
    with pytest.raises(MappingError, match=r"level RF needs 102 bits of metadata capacity and has 60, 42 too many"):
        search(design(4, 6), Constraints())


@pytest.mark.slow
@pytest.mark.parametrize("sparse", [False, True])
def test_the_front_is_what_nothing_beats(sparse):
    subject = design(4, 6, sparse)
    every = sorted(set(brute_force(subject)))
    expected = [(c, e) for c, e in every if not any((a <= c and b < e) or (a < c and b <= e) for a, b in every)]
    found = search(subject, Constraints(), options=SearchOptions(front=True))
    assert [(point.cycles, pytest.approx(point.energy_pj)) for point in found.front] == expected
    for point in found.front:
        result = evaluate(DesignPoint(subject, point.mapping))
        assert (result.cycles, result.energy_pj) == (point.cycles, pytest.approx(point.energy_pj))


def test_past_the_budget_the_result_says_how_far_it_may_be_off():
    subject = design(96, 60)
    best = search(subject, Constraints(), "energy")
    assert best.proven
    cut = search(subject, Constraints(), "energy", options=SearchOptions(budget=300, seed=3))
    assert cut == search(subject, Constraints(), "energy", options=SearchOptions(budget=300, seed=3))
    assert cut.tried < best.candidates
    assert not cut.proven
    assert cut.gap is not None
    assert best.energy_pj <= cut.energy_pj <= best.energy_pj * (1 + cut.gap) * (1 + 1e-9)
    bound = cut.energy_pj / (1 + cut.gap)
    assert f", {cut.energy_pj:,.0f} pJ found, {bound:,.0f} pJ a lower bound" in cut.certificate


def test_ctrl_c_keeps_the_best_so_far_and_says_so():
    subject, steps = design(96, 60), []

    def impatient(step):
        steps.append(step)
        if step.best_cycles is not None:
            raise KeyboardInterrupt

    space = enumerate_space(subject, Constraints())
    found = search_spaces((space,), progress=impatient, chunk_rows=50)
    assert steps[-1].done < space.size
    assert (found.interrupted, found.proven) == (True, False)
    assert found.certificate.startswith("interrupted: best of ")


def test_ctrl_c_without_any_mapping_is_passed_on(monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "evaluated", stopped)
    with pytest.raises(KeyboardInterrupt):
        search(design(4, 6), Constraints())


def test_what_levels_keep_is_searched_where_it_is_open():
    subject, names = design(4, 6), frozenset("ABZ")
    spaces = [search(subject, Constraints(keeps={"RF": frozenset(kept)}), "energy") for kept in subsets("ABZ")]
    both = search(subject, Constraints(either={"RF": names}), "energy")
    assert both.energy_pj == min(found.energy_pj for found in spaces)
    assert both.candidates == sum(found.candidates for found in spaces)
    assert not any("not searched" in text for text in both.assumptions)


def subsets(names):
    return [[n for place, n in enumerate(names) if number >> place & 1] for number in range(2 ** len(names))]


def test_memory_bounds_the_rows_at_a_time():
    space = enumerate_space(design(4, 6), Constraints())
    assert rows_within(2**30, space) == 65536
    assert rows_within(2**23, space) < 65536
    with pytest.raises(InputError, match="a search needs"):
        rows_within(1000, space)


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu"])
def test_another_device_finds_the_same(device):
    pytest.importorskip("torch")
    for sparse in (False, True):
        subject = design(4, 6, sparse)
        here, there = (search(subject, Constraints(), options=SearchOptions(device=d)) for d in ("numpy", device))
        assert (here.mapping, here.cycles) == (there.mapping, there.cycles)
        assert here.energy_pj == pytest.approx(there.energy_pj, rel=1e-12)


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("cycles", "1,200 cycles found, 0.042 cycles a lower bound"),
        ("energy", "3,000 pJ found, 0.105 pJ a lower bound"),
        ("edp", "3,600,000 pJ x cycles found, 126 pJ x cycles a lower bound"),
    ],
)
def test_a_certificate_has_both_numbers_whatever_lies_between(objective, said):
    found = Found(LoopMapping(LoopNest((), ()), ()), 1200, 3000.0, objective, 9, 5, 4, proven=False, gap=28564.498)
    assert found.certificate == f"best of 5 mappings, {said}"
