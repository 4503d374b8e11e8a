"""The mapping document: factors, orders, lanes and bypasses to a complete nest."""

import pytest

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.timeloop.read.mapping import read_factors, read_mapping_document, read_permutation, read_residuals

PROBLEM = Problem("p", ("M", "K"), (8, 6), tuple(Tensor(n, ((Term("M"),), (Term("K"),)), n == "Z") for n in "AZ"))
FABRIC = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel("MAC", 8, 4, 2))

T = {"type": "temporal"}


def read(*entries):
    return read_mapping_document(list(entries), FABRIC, PROBLEM)


def shown(mapping):
    """The loops that do something, as "level kind dim bound"."""
    pairs = zip(mapping.nest.loops, mapping.bounds, strict=True)
    return [f"{loop.level} {loop.kind} {loop.dim}{bound}" for loop, bound in pairs if bound > 1]


def test_lanes_lie_inside_the_time_of_their_level():
    mapping = read(
        {"target": "RF", "type": "temporal", "factors": "M=2", "permutation": "KM"},
        {"target": "RF", "type": "spatial", "factors": ["M4", "K=2"], "permutation": ["M", "K"], "split": 1},
        {"target": "DRAM", "type": "temporal", "factors": "K3"},
    )
    assert shown(mapping) == ["0 x M4", "0 y K2", "0 temporal M2", "1 temporal K3"]
    assert len(mapping.nest.loops) == 6  # both dimensions in space and time at RF, in time at DRAM


def test_without_a_split_all_lanes_run_along_x():
    mapping = read({"target": "RF", "type": "spatial", "factors": "M=2 K=2", "permutation": "KM"})
    assert shown(mapping) == ["0 x K2", "0 x M2"]


@pytest.mark.parametrize(
    ("value", "factors"),
    [("M4 K=2", {"M": 4, "K": 2}), ("M=0", {"M": 8}), ("M=2,K=3", {"M": 2, "K": 3}), ([], {}), (None, {}), (" ", {})],
)
def test_factors(value, factors):
    assert read_factors(value, PROBLEM, "here") == factors


@pytest.mark.parametrize(
    ("value", "order"), [("KM", ["K", "M"]), ("K", ["K", "M"]), ("K, M", ["K", "M"]), (None, ["M", "K"])]
)
def test_permutations_are_completed(value, order):
    assert read_permutation(value, PROBLEM, "here") == order


@pytest.mark.parametrize("word", ["datatype", "dataspace"])
def test_levels_keep_what_they_do_not_bypass_and_the_outermost_keeps_all(word):
    mapping = read(
        {"target": "RF", "type": word, "keep": ["A"], "bypass": ["Z"]},
        {"target": "DRAM", "type": "bypass", "bypass": ["A"]},
    )
    assert mapping.nest.keeps == (frozenset("A"), frozenset("AZ"))


@pytest.mark.parametrize("name", ["M1", "out_c"])
def test_a_dimension_with_more_than_letters_is_what_cannot_be_read(name):
    problem = Problem("p", (name, "K"), (8, 6), ())
    with pytest.raises(InputError, match=f"letters alone as a name; give {name} another in the problem"):
        read_factors(f"K=2 {name}=4", problem, Where("mapping"))


def test_links_may_be_cut():
    mapping = read({"target": "RF", "type": "spatial", "no_link_transfer": ["A"]})
    assert mapping.nest.no_link_transfer == (frozenset("A"), frozenset())


def test_a_second_number_is_the_residual():
    assert read_residuals("M4,1 K=3", PROBLEM, "here") == {"M": 1, "K": 3}
    mapping = read({"target": "RF", "type": "temporal", "factors": "M=5,3"}, {"target": "DRAM", "factors": "M2 K6"} | T)
    assert shown(mapping) == ["0 temporal M5", "1 temporal M2", "1 temporal K6"]
    assert [r for r, b in zip(mapping.residuals, mapping.bounds, strict=True) if b > 1] == [3, 2, 6]
    assert read({"target": "RF", "factors": "M=5,5"} | T).residuals is None


def test_reuse_may_be_forbidden_in_space_and_in_time():
    mapping = read(
        {"target": "RF", "type": "spatial", "no_reuse": ["A"]},
        {"target": "RF", "type": "temporal", "no_temporal_reuse": ["Z"], "rmw_first_update": ["Z"]},
        {"target": "DRAM", "type": "temporal", "no_reuse": ["A"], "no_temporal_reuse": ["Z"]},
    )
    assert mapping.nest.no_multicast == (frozenset("A"), frozenset())
    assert mapping.nest.no_temporal_reuse == (frozenset("Z"), frozenset("A"))  # no_reuse goes first
    assert mapping.nest.rmw_first_update == (frozenset("Z"), frozenset())


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"type": "temporal"}, "mapping: the key 'target' is missing; there are 'type'"),
        ({"target": "L9", "type": "temporal"}, "mapping: the architecture has no level 'L9'; it has RF, DRAM"),
        (
            {"target": "RF", "type": "max_overbooked_proportion", "proportion": 0.1},
            "mapping of RF: overbooking (tiles that fit most of the time) is not modelled",
        ),
        (
            {"target": "RF", "type": "time"},
            "mapping of RF: type 'time' is not temporal, spatial, bypass, datatype or d",
        ),
        (
            {"target": "RF", "type": "temporal", "factor": "M2"},
            "mapping of RF: unknown key 'factor'; known are factors, ",
        ),
        (
            {"target": "RF", "type": "temporal", "factors": "M2 N3"},
            "mapping of RF.factors: the factor 'N3' is not one of M, K with",
        ),
        (
            {"target": "RF", "type": "temporal", "factors": "M-2"},
            "mapping of RF.factors: the factor 'M-2' is not one of M, K with",
        ),
        (
            {"target": "RF", "type": "temporal", "permutation": "MKX"},
            "mapping of RF.permutation: the permutation names 'X', which",
        ),
        (
            {"target": "RF", "type": "temporal", "permutation": "MKM"},
            "mapping of RF.permutation: the permutation 'MKM' names a dim",
        ),
        (
            {"target": "RF", "type": "spatial", "split": -1},
            "mapping of RF.split: expected a nonnegative number, found int -1",
        ),
        (
            {"target": "RF", "type": "spatial", "no_multicast": ["A"]},
            "mapping of RF: no_multicast in a spatial block: Timeloop does not read it; write no_reuse in the spatial",
        ),
        (
            {"target": "RF", "type": "temporal", "no_link_transfer": ["A"]},
            "mapping of RF: no_link_transfer in a temporal block: Timeloop does not read it here; write it in the sp",
        ),
        (
            {"target": "RF", "type": "temporal", "factors": "M4,5"},
            "mapping of RF.factors: the residual of M4,5 is not between 1 and 4",
        ),
        ({"target": "RF", "type": "bypass", "bypass": ["B"]}, "mapping of RF: the problem has no tensor B"),
        (
            {"target": "DRAM", "type": "spatial", "factors": "M2"},
            "mapping of DRAM: it has spatial factors but no fanout; it feeds ",
        ),
    ],
)
def test_errors_name_the_level_and_the_value(entry, sentence):
    with pytest.raises(InputError) as error:
        read(entry)
    assert str(error.value).startswith(sentence)
