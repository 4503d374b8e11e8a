"""The sparse_optimizations document: formats and SAFs."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat
from crisp_hw.timeloop.read.sparse import read_sparse

PROBLEM = Problem("p", ("M", "K"), (8, 6), tuple(Tensor(name, ((Term("M"),), (Term("K"),))) for name in "ABZ"))
FABRIC = Architecture((StorageLevel("RF", metadata_width_bits=64), StorageLevel("DRAM", "DRAM")), ComputeLevel("MAC"))


def read(**target):
    return read_sparse({"version": "0.4", "targets": [{"name": "RF", **target}]}, FABRIC, PROBLEM)


def stored(*ranks, **more):
    return {"representation_format": {"data_spaces": [{"name": "A", "ranks": list(ranks), **more}]}}


def test_no_document_is_no_sparsity():
    assert read_sparse(None, FABRIC, PROBLEM) == SparseSpec()
    assert not read_sparse({"targets": []}, FABRIC, PROBLEM).active


def test_ranks_are_listed_outermost_first_and_kept_innermost_first():
    outer = {"format": "uop", "payload_word_bits": 4, "flattened_rankIDs": [["M", "K"]]}
    inner = {"format": "CP", "metadata_word_bits": 2}
    assert read(**stored(outer, inner)).formats == (
        TensorFormat("RF", "A", (Rank("CP", 2, None), Rank("UOP", None, 4, (frozenset("MK"),)))),
    )
    (found,) = read(**stored(inner, rank_application_order="inner-to-outer")).formats
    assert found.inner_to_outer


def test_ub_packs_nothing_and_has_the_width_of_the_level():
    """Timeloop does not read the widths of a UB, and knows no U."""
    assert read(**stored({"format": "UB", "metadata_word_bits": 4})).formats[0].ranks == (Rank("U"),)
    with pytest.raises(InputError, match="unknown format 'u'; known are b, cp, rle, ub, uop"):
        read(**stored({"format": "U"}))


def test_entries_are_no_wider_than_the_port():
    with pytest.raises(InputError, match="RF: the format of A has entries wider than metadata_storage_width, 64 bits"):
        read(**stored({"format": "CP", "metadata_word_bits": 65}))


def test_actions_with_one_condition_or_options():
    single = {"type": "skipping", "target": "A", "condition_on": ["B", "Z"]}
    choice = {
        "type": "skipping-spatial",
        "options": [{"target": "A", "condition_on": ["B"]}, {"target": "B", "condition_on": ["A"]}],
    }
    assert read(action_optimization=[single, choice]).actions == (
        ActionOptimization("RF", "skipping", (Condition("A", ("B", "Z")),)),
        ActionOptimization("RF", "skipping_spatial", (Condition("A", ("B",)), Condition("B", ("A",)))),
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gating", "gating"),
        ("gate_on_zero_operand", "gating"),
        ("skipping", "skipping"),
        ("skip-on-not-aligned-operands", "skipping"),
    ],
)
def test_computes_are_gated_or_skipped(name, kind):
    assert read(compute_optimization=[{"type": name}]).compute == (kind,)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ({"name": "SMEM"}, "sparse_optimizations of SMEM: the architecture has no such level; it has RF, DRAM"),
        (
            {"name": "MAC", "action_optimization": [{"type": "gating", "target": "A", "condition_on": ["B"]}]},
            "sparse_optimizations of MAC: action_optimization is for a storage level, and MAC computes; write it under",
        ),
        (
            {"name": "MAC", **stored({"format": "CP"})},
            "sparse_optimizations of MAC: representation_format is for a storage level, and MAC computes",
        ),
        ({"formats": []}, "sparse_optimizations of RF: unknown key 'formats'; known are action_optimization, "),
        (
            stored(),
            "sparse_optimizations of RF: the format of A has no ranks; give one per loop, or leave the format out",
        ),
        (
            stored({"format": "CSR"}),
            "sparse_optimizations of RF, A: unknown format 'csr'; known are b, cp, rle, ub, uop",
        ),
        (stored({"metadata_word_bits": 2}), "sparse_optimizations of RF, A: the key 'format' is missing"),
        (
            stored({"format": "CP", "metadata_word_bits": 1.5}),
            "sparse_optimizations of RF, A.metadata_word_bits: expected a whole",
        ),
        (
            stored({"format": "CP", "word_bits": 1}),
            "sparse_optimizations of RF, A: unknown key 'word_bits'; known are flattened",
        ),
        (
            stored({"format": "CP"}, {"format": "UOP"}),
            "sparse_optimizations of RF: the format of A packs a rank (CP, UOP, outermost",
        ),
        (
            stored({"format": "CP"}, rank_application_order="both"),
            "sparse_optimizations of RF: rank_application_order 'both' is",
        ),
        (
            {"action_optimization": [{"type": "teleporting"}]},
            "sparse_optimizations of RF: action 'teleporting' is not",
        ),
        (
            {"action_optimization": [{"type": "gating", "target": "A"}]},
            "sparse_optimizations of RF: the key 'condition_on' is miss",
        ),
        (
            {"action_optimization": [{"type": "gating", "target": "X", "condition_on": []}]},
            "sparse_optimizations of RF: the problem",
        ),
        (
            {"compute_optimization": [{"type": "idling"}]},
            "sparse_optimizations of RF: unknown compute optimization 'idling'; known",
        ),
    ],
)
def test_errors_name_the_level_and_the_key(target, sentence):
    with pytest.raises(InputError) as error:
        read(**target)
    assert str(error.value).startswith(sentence)
    assert str(error.value).count("\n") == 0
