"""What a SAF leaves for its own level, for the levels inside it and for the MACs."""

import numpy as np
import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.safs.propagate import represented
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

# three levels without lanes: one word of A per step in L0, 4 x 2 of them in L1
PLAN = [[("t", "N", 2)], [("t", "K", 4), ("t", "M", 2)], [("t", "N", 5)]]


def saf(level, kind="skipping", target="A", leaders=("B",)):
    return ActionOptimization(level, kind, (Condition(target, leaders),))


def run(build, *actions, formats=(), density=0.25, compute=()):
    densities = {"A": FixedStructured(0.5), "B": FixedStructured(density)}
    return evaluate(build.point(PLAN, densities=densities, sparse=SparseSpec(formats, actions, compute)))


def counts(result, level, tensor="A"):
    found = next(each for each in result.levels if each.name == level).tensors[tensor]
    return {name: value for name, value in found.accesses.items() if value}


def test_dense_counts_of_the_example(build):
    result = run(build)
    assert counts(result, "L0") == {"random_reads": 80, "random_fills": 40}
    assert counts(result, "L1") == {"random_reads": 40, "random_fills": 8}
    assert counts(result, "L2") == {"random_reads": 8}


@pytest.mark.parametrize(("kind", "avoided"), [("skipping", "skipped_reads"), ("gating", "gated_reads")])
def test_a_saf_moves_reads_of_its_level(build, kind, avoided):
    """L0 looks at single words of B, of which three quarters are zero."""
    result = run(build, saf("L0", kind))
    assert counts(result, "L0") == {"random_reads": 20, avoided: 60, "random_fills": 40}
    assert counts(result, "L1") == {"random_reads": 40, "random_fills": 8}


def test_a_saf_removes_what_would_have_happened_further_in(build):
    """L1 sends a word of A for two words of B (empty with one half): the rest is not skipped in L0, it never comes."""
    result = run(build, saf("L1"))
    assert counts(result, "L1") == {"random_reads": 20, "skipped_reads": 20, "random_fills": 8}
    assert counts(result, "L0") == {"random_reads": 40, "random_fills": 20}
    assert result.compute.random == 40  # of 80: the MACs of unsent words do not exist


def test_an_inner_saf_avoids_only_what_an_outer_one_has_left(build):
    """1 - 0.25 in L0 against 1 - 0.5 in L1: of the 40 reads left, half are still avoidable."""
    result = run(build, saf("L1"), saf("L0"))
    assert counts(result, "L0") == {"random_reads": 20, "skipped_reads": 20, "random_fills": 20}
    assert result.compute.random == 20


def test_an_inner_saf_that_avoids_less_wraps_around_as_in_timeloop(build):
    """L1 drops words of A where B is zero (0.75); L0 looks at the nearly dense output: 1 - 0.9 / 0.25 are avoided."""
    plan = [[("t", "M", 2)], [("t", "K", 4)], [("t", "N", 5)]]
    densities = {"B": FixedStructured(0.25), "Z": FixedStructured(0.9)}
    sparse = SparseSpec((), (saf("L1"), saf("L0", leaders=("Z",))))
    found = evaluate(build.point(plan, densities=densities, sparse=sparse))
    assert counts(found, "L1")["skipped_reads"] == 30  # of 40
    assert counts(found, "L0") == {"random_reads": 36, "skipped_reads": 2**64 - 26, "random_fills": 10}
    assert any("level L0: a SAF further out avoids more of A" in remark for remark in found.assumptions)


def test_wrapped_counts_cost_what_timeloop_charges(build):
    """Gated accesses have a price: 2^64 - 26 of them."""
    plan = [[("t", "M", 2)], [("t", "K", 4)], [("t", "N", 5)]]
    densities = {"B": FixedStructured(0.25), "Z": FixedStructured(0.9)}
    sparse = SparseSpec((), (saf("L1", "gating"), saf("L0", "gating", leaders=("Z",))))
    cost = EnergyTable({"L0": {"read": 1.0, "gated_read": 0.5, "write": 0.0}})
    found = evaluate(build.point(plan, densities=densities, sparse=sparse, energy=cost))
    a = next(level for level in found.levels if level.name == "L0").tensors["A"]
    assert a.energy_pj == 36 * 1.0 + float(2**64 - 26) * 0.5
    assert a.address_generations == 20  # random and gated reads, and fills: the wrapped sum is right again


def test_outputs_round_reads_up_and_updates_down(build):
    """Z is updated 80 times and read back 60 (20 first updates need no read); 0.9375 of both are avoided."""
    result = run(build, saf("L0", target="Z", leaders=("A", "B")), density=0.125)
    found = counts(result, "L0", "Z")
    assert found["skipped_updates"] == int(80 * 0.9375)
    dense = counts(run(build), "L0", "Z")
    assert found["skipped_reads"] == -(-dense["random_reads"] * 15 // 16)
    assert found["random_reads"] + found["skipped_reads"] == dense["random_reads"]


def test_stored_nonzeros_are_all_that_moves(build):
    formats = tuple(TensorFormat(f"L{level}", "A", (Rank("CP", 2, 0, (frozenset("MK"),)),)) for level in (1, 2))
    result = run(build, formats=formats)
    assert counts(result, "L2") == {"random_reads": 4}
    assert counts(result, "L1") == {"random_reads": 20, "random_fills": 4}
    found = next(level for level in result.levels if level.name == "L1").tensors["A"]
    assert found.format_accesses["random_fills"] == ((4, 0),)
    assert found.format_accesses["random_reads"] == ((20, 0),)


def test_metadata_is_avoided_with_the_data(build):
    formats = tuple(TensorFormat(f"L{level}", "A", (Rank("B", 1, 0, (frozenset("MK"),)),)) for level in (0, 1, 2))
    found = next(level for level in run(build, saf("L1"), formats=formats).levels if level.name == "L1").tensors["A"]
    assert found.accesses["skipped_reads"] == 10  # half of the 20 that are stored
    assert found.format_accesses["skipped_reads"] == ((20, 0),)  # half of 40 bits: the mask of 8 words, 5 times
    assert found.format_accesses["random_reads"] == ((20, 0),)


@pytest.mark.parametrize(("density", "left"), [(0.5, 4), (0.3, 3), (0.0, 0), (1.0, 7)])
def test_represented_rounds_what_is_lost_down(density, left):
    assert represented(np.array([7]), np.array([density])).tolist() == [left]


def test_an_unpacked_level_below_a_packed_one_unpacks_its_fills(build):
    formats = (TensorFormat("L2", "A", (Rank("CP", 2, 0, (frozenset("MK"),)),)),)
    result = run(build, formats=formats)
    assert [level.tensors["A"].decompressions for level in result.levels] == [0, 8, 0]
