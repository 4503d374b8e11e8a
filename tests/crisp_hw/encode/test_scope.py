"""The names of formulas that patterns beyond one N:M give."""

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.encode.scope import row_share, scope_of
from crisp_hw.encode.shape import fabric_of
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM, RowPattern, TwoRank
from crisp_hw.spec.runs import Formula

LAYER = Layer("fc", "linear", 8, 64)


def values(found, *names, **options):
    scope = scope_of(found, fabric_of(load_arch("stc")), EvaluateOptions(**options), {})
    return [scope[name] for name in names], scope.read


def test_two_ranks():
    plain, _ = values(Descriptor(LAYER, "nm", 64, NM(2, 4)), "outer_n", "outer_m")
    assert plain == [0, 0]
    ranks = TwoRank(NM(1, 2), NM(2, 4))
    assert values(Descriptor(LAYER, "nm", 64, NM(2, 4), two_rank=ranks), "outer_n", "outer_m", "n", "m")[0] == [
        1,
        2,
        2,
        4,
    ]


def test_rows():
    rows = (RowPattern(NM(1, 4), 6), RowPattern(NM(3, 4), 2))
    assert values(Descriptor(LAYER, "nm", 64, NM(3, 4), row_patterns=rows), "row_counts")[0] == [[0, 6, 0, 2, 0]]
    assert values(Descriptor(LAYER, "nm", 64, NM(2, 4)), "row_counts")[0] == [[0, 0, 8, 0, 0]]
    assert values(Descriptor(LAYER, "nm", 64), "row_counts")[0] == [[]]


@pytest.mark.parametrize(
    ("counts", "allowed", "share"),
    [
        ([0, 6, 0, 2, 0], [1, 2], (6 + 2 * 4) / 32),
        ([0, 6, 0, 2, 0], [1, 2, 3], (6 + 2 * 3) / 32),
        ([2, 0, 2], [1], (2 + 2 * 2) / 8),
        ([0, 4], [5], 1.0),
        ([], [1], 1.0),
    ],
)
def test_share_of_rows(counts, allowed, share):
    assert row_share(counts, allowed) == pytest.approx(share)


def test_a_formula_may_ask_for_the_share_of_rows():
    rows = (RowPattern(NM(1, 4), 6), RowPattern(NM(3, 4), 2))
    found = Descriptor(LAYER, "nm", 64, NM(3, 4), row_patterns=rows)
    scope = scope_of(found, fabric_of(load_arch("stc")), EvaluateOptions(), {})
    assert scope.number(Formula("row_share(row_counts, [1, 2])")) == 14 / 32


def test_activations():
    found = Descriptor(LAYER, "nm", 64, NM(2, 4))
    assert values(found, "activation_n", "activation_m") == ([0, 0], {"activation_nm"})
    names = ("activation_n", "activation_m", "activation_density")
    assert values(found, *names, activation_nm="4:8")[0] == [4, 8, 0.5]
    assert values(found, *names, activation_nm="7:8")[0] == [7, 8, 0.6]
    assert values(found, *names, activation_nm="4:8", activation_density=0.25)[0] == [4, 8, 0.25]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"activation_nm": "5:4"}, "activation_nm is 5:4"),
        ({"activation_nm": "many"}, "activation_nm is 'many'"),
        ({"activation_nm": "2:8", "activation_density": 0.5}, "no denser than 0.25, and activation_density is 0.5"),
    ],
)
def test_activations_that_cannot_be(options, said):
    with pytest.raises(InputError, match=said):
        EvaluateOptions(**options)
