"""Explanations of small designs: the sentences say the right thing, and equations that do not hold are not printed."""

import json
from dataclasses import replace
from math import inf

import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.explanation import ExplanationStep, explain, explanation_text, subjects
from crisp_hw.explanation.arithmetic import UNEXPLAINED, equation, evaluated, first_true, number
from crisp_hw.explanation.text import content, plain_text, records
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.problem import FULL, Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

SPACES = {"A": "MK", "B": "NK", "Z": "MN"}
ALL = frozenset(SPACES)
M, N, K = 4, 8, 6


def gemm(density=FULL):
    """Z[M, N] = sum over K of A[M, K] B[N, K]."""
    tensors = (
        Tensor(name, tuple((Term(dim),) for dim in dims), name == "Z", density if name == "A" else FULL)
        for name, dims in SPACES.items()
    )
    return Problem("gemm", ("M", "N", "K"), (M, N, K), tuple(tensors))


def point(sparse=SparseSpec(), density=FULL, bandwidth=None, sources=None):  # noqa: B008
    """RF: K across x; SMEM: N, then M outside it, in time; 6 MACs in a row."""
    smem = StorageLevel("SMEM", size_words=256, read_bandwidth=bandwidth, metadata_width_bits=8, metadata_depth=64)
    arch = Architecture((StorageLevel("RF"), smem), ComputeLevel("MAC", K, K, 1))
    blocks = ((0, "x", "KMN"), (0, "temporal", "KMN"), (1, "temporal", "NMK"))
    loops = tuple(Loop(level, dim, kind) for level, kind, dims in blocks for dim in dims)
    bounds = (K, 1, 1, 1, 1, 1, N, M, 1)
    nest = LoopNest(loops, (frozenset("Z"), ALL), (frozenset("Z"), frozenset()))
    energy = EnergyTable({"SMEM": {"read": 2.0, "write": 3.0}, "MAC": {"compute": 0.5}}, sources or {})
    return DesignPoint(Design(arch, gemm(density), sparse, energy), LoopMapping(nest, bounds))


def step_of(explanation, figure):
    (found,) = [step for step in explanation.steps() if step.figure == figure]
    return found


def sentences(point_, what):
    return " ".join(explanation_text(point_, what).split())


def test_the_tile_is_the_product_of_its_loops():
    tile = next(step for step in explain(point(), "SMEM.A").steps() if step.formula.startswith("T ="))
    assert (tile.formula, tile.values, tile.result) == ("T = M · K", "4 · 6", 24)


def test_an_idle_loop_inside_costs_nothing_and_one_outside_delivers_again():
    text = sentences(point(), "RF.Z")
    assert "N 8 (SMEM, in time) is the first that moves through Z" in text
    assert "M 4 (SMEM, in time)" in text
    assert "spatial reduction: K 6 (RF, across x) do not move through Z" in text


def test_reads_of_an_output_are_its_updates_less_the_first_of_each_word():
    found = explain(point(), "RF.Z")
    assert step_of(found, "updates").result == M * N
    assert (step_of(found, "reads").values, step_of(found, "reads").result) == ("32 − 32", 0)


def test_a_level_that_does_not_keep_a_tensor_says_so():
    found = explain(point(), "RF.A")
    assert "RF does not keep A: words pass from SMEM straight to MAC" in found.summary[0]
    assert found.figures["reads"] == 0


def skipping():
    form = TensorFormat("SMEM", "A", (Rank("CP", 2, 0), Rank("UOP", 0, 4)))
    skip = ActionOptimization("SMEM", "skipping", (Condition("B", ("A",)),))
    return point(SparseSpec((form,), (skip,)), FixedStructured(0.5))


def test_a_saf_names_its_leader_the_tile_and_the_loops():
    text = sentences(skipping(), "SMEM.B")
    assert "leader A: the tile that meets one such access has 1 word, P(empty): 0.5" in text
    assert "p = 1 − Π (1 − P(empty)) = 1 − (1 − 0.5) = 0.5" in text
    assert step_of(explain(skipping(), "SMEM.B"), "accesses.skipped_reads").values == "⌊192 · 0.5⌋"


def test_formats_show_loops_fibers_and_bits_of_every_rank():
    text = sentences(skipping(), "SMEM.A")
    assert "rank 0, CP over K 6: 4 fibers of 6; metadata entries of 2 bits" in text
    assert "rank 1, UOP over M 4: 1 fiber of 4; payload entries of 4 bits" in text
    assert step_of(explain(skipping(), "SMEM.A"), "metadata_capacity_bits").result == 4 * 3 * 2 + 5 * 4


def test_computes_follow_from_the_states_of_their_operands():
    found = explain(skipping(), "MAC")
    assert step_of(found, "random").result == M * N * K // 2
    assert "min(1, ρ / (1 − removed)) = min(1, 0.5 / (1 − 0.5)) = 1" in " ".join(plain_text(found).split())


def test_a_short_port_is_the_bound_and_the_text_says_by_how_much():
    slow = point(bandwidth=4)
    demand = (M * N * K + M * N * K) / (M * N)  # reads of A and B at level SMEM per cycle; Z stays in RF
    found = explain(slow, "cycles")
    assert found.figures["cycles"] == evaluate(slow).cycles == M * N * demand / 4
    assert f"bound by the bandwidth of SMEM, {demand / 4:.2f}x what the MAC alone need" in found.summary[0]
    assert f"short by {demand / 4:.2f}x" in sentences(slow, "SMEM")


def test_a_level_tells_what_fits_and_what_does_not():
    assert "everything fits" in explain(point(), "SMEM").summary
    tight = point()
    small = replace(tight.design.architecture.level("SMEM"), size_words=64)
    arch = replace(tight.design.architecture, levels=(tight.design.architecture.levels[0], small))
    found = explain(replace(tight, design=replace(tight.design, architecture=arch)), "SMEM")
    assert "does not fit: level SMEM: 104 words of capacity needed, 64 there" in found.summary


def test_energy_lists_the_largest_part_first_and_names_sources():
    priced = point(sources={"SMEM": {"read": "CACTI"}})
    assert "pJ of read: CACTI" in sentences(priced, "SMEM.A")
    parts = [step.result for step in explain(priced, "energy").sections[0].steps]
    assert parts == sorted(parts, reverse=True)


def test_an_unknown_subject_lists_those_there_are():
    valid = "cycles, energy, MAC, RF, SMEM, RF.A, RF.B, RF.Z, SMEM.A, SMEM.B, SMEM.Z"
    with pytest.raises(InputError, match=r"no figure L2\.A to explain") as caught:
        explain(point(), "L2.A")
    assert str(caught.value).endswith(valid)
    assert ", ".join(subjects(point().design)) == valid


def test_an_equation_that_does_not_hold_is_not_printed():
    wrong = equation("words", 7, ("T · D", "{T} · {D}", {"T": 3, "D": 2}), "words", "fills")
    assert (wrong.formula, wrong.values, wrong.result, wrong.figure) == ("", "", 7, "fills")
    assert UNEXPLAINED in wrong.text


def test_the_first_rule_that_holds_is_printed():
    options = [("a", "{x} − 1", {"x": 4}), ("b", "{x}", {"x": 4})]
    assert first_true("words", 4, options).formula == "b"


def test_numbers_get_the_digits_that_their_equation_needs():
    third = 1 / 3
    assert equation("", third, ("p", "{p}", {"p": third})).values == "0.333333"
    exact = equation("", 333333333333, ("", "⌊{x} · {p}⌋", {"x": 10**12, "p": third})).values
    assert evaluated(exact) == 333333333333


@pytest.mark.parametrize("text", ["__import__('os')", "a.b", "1 +", "[1]", "x", "1 / 0"])
def test_only_arithmetic_is_evaluated(text):
    with pytest.raises(ValueError, match=r".+"):
        evaluated(text)


def test_endless_numbers_are_shown_but_not_calculated_with():
    assert equation("demand", inf, ("a", "{x}", {"x": inf})) == ExplanationStep("demand", inf)
    assert number(inf) == "endless"


def test_json_and_records_hold_what_the_text_shows():
    found = explain(point(), "SMEM.A")
    document = json.loads(json.dumps(content(found), allow_nan=False))
    assert document["figures"] == found.figures
    assert len(records(found)) == len(list(found.steps()))
