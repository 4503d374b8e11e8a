"""Constraint documents, in the flattened form, to nouns."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_text import read_yaml_text
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor
from crisp_hw.spec.design import Design
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.timeloop.read.constraints import read_constraints, read_mapspace

TENSORS = (
    Tensor("A", ((Term("M"),), (Term("K"),))),
    Tensor("B", ((Term("K"),), (Term("N"),))),
    Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
)
CHAIN = Architecture(
    (StorageLevel("LRF", instances=4, mesh_x=4), StorageLevel("SMEM"), StorageLevel("DRAM", "DRAM")),
    ComputeLevel(instances=4, mesh_x=4),
)
DESIGN = Design(CHAIN, Problem("gemm", ("M", "N", "K"), (64, 64, 64), TENSORS))
ALL = frozenset("ABZ")
TEMPORAL = {"target": "SMEM", "type": "temporal"}
SPATIAL = {"target": "SMEM", "type": "spatial"}


def read(*targets, **documents):
    return read_constraints({"architecture_constraints": {"targets": list(targets)}, **documents}, DESIGN)


def test_factors_of_every_relation_and_spelling():
    (level,) = read({**TEMPORAL, "factors": "K=1 N <= 64, M4 # a note"}).levels
    assert (level.level, level.kind) == ("SMEM", "temporal")
    assert level.factors == {"K": Factor("=", 1), "N": Factor("<=", 64), "M": Factor("=", 4)}
    listed = read({**TEMPORAL, "factors": ["K>=2", "N=0"]}).levels[0]
    assert listed.factors == {"K": Factor(">=", 2), "N": Factor("=", 0)}


def test_a_dimension_may_have_both_bounds():
    (level,) = read({**TEMPORAL, "factors": "K<=8 K>=2 M=4 M<=8"}).levels
    assert level.factors == {"K": Factor("<=", 8), "M": Factor("=", 4)}
    assert level.at_least == {"K": 2}


def test_defaults_are_for_the_dimensions_without_a_bound_of_their_own():
    (level,) = read({**TEMPORAL, "factors": "K<=8 M=1", "default_max_factor": 4, "default_min_factor": 1}).levels
    assert level.factors == {"K": Factor("<=", 8), "M": Factor("=", 1), "N": Factor("<=", 4)}
    (level,) = read({**TEMPORAL, "default_min_factor": 2}).levels
    assert level.factors == dict.fromkeys("MNK", Factor(">=", 2))


def test_factors_beyond_the_dimension_are_ignored_as_in_timeloop_and_noted():
    document = "architecture_constraints:\n  targets:\n  - target: SMEM\n    type: temporal\n    factors: K=65 M=2\n"
    (root,) = read_yaml_text(document, "c.yaml", lambda *_: None)
    found = read_mapspace(root, DESIGN)
    assert found.constraints.levels[0].factors == {"M": Factor("=", 2)}
    (note,) = found.notes
    assert note.startswith("c.yaml:5: ")
    assert "K=65 is more than K has (64)" in note


def test_exact_factors_are_cut_to_what_inner_ones_leave_as_in_timeloop():
    """M has 64: 8 in LRF, innermost, leave 8 of the 16 lanes, and those nothing for DRAM."""
    entries = (
        {"target": "DRAM", "type": "temporal", "factors": "M=2"},
        {"target": "LRF", "type": "temporal", "factors": "M=8"},
        {**SPATIAL, "factors": "M=16"},
    )
    found = read_mapspace({"mapspace_constraints": list(entries)}, DESIGN)
    exact = {(level.level, level.kind): level.factors["M"].value for level in found.constraints.levels}
    assert exact == {("LRF", "temporal"): 8, ("SMEM", "spatial"): 8, ("DRAM", "temporal"): 1}
    assert [note.split(": ", 1)[1] for note in found.notes] == [
        "M=16 is more than is left of M: 8, as in Timeloop",
        "M=2 is more than is left of M: 1, as in Timeloop",
    ]
    with pytest.raises(
        InputError, match="LRF, temporal: K=6 does not divide what is left of K, 64: the last tile would"
    ):
        read({"target": "LRF", "type": "temporal", "factors": "K=6"})


def test_permutation_prefix_and_suffix():
    (level,) = read({**TEMPORAL, "permutation": "K M"}).levels
    assert (level.permutation, level.outermost, level.order_free) == (("K", "M"), (), True)
    (level,) = read({**TEMPORAL, "permutation": "K_NM"}).levels
    assert (level.permutation, level.outermost) == (("K",), ("N", "M"))
    (level,) = read({**TEMPORAL, "permutation": "_M"}).levels
    assert (level.permutation, level.outermost) == ((), ("M",))


def test_lists_are_read_and_noted_as_what_timeloop_passes_over():
    entry = {**TEMPORAL, "permutation": ["K", "_", "M"], "factors": ["K=1"]}
    found = read_mapspace({"mapspace_constraints": [entry]}, DESIGN)
    assert found.constraints.levels[0].outermost == ("M",)
    assert [note.split(": ")[1] for note in found.notes] == [
        f"{key} is a list; it is read, but Timeloop itself reads text alone" for key in ("factors", "permutation")
    ]


def test_flags_of_each_kind():
    entry = {**SPATIAL, "split": 1, "no_link_transfer": ["A", "Z"], "no_multicast_no_reduction": ["B"]}
    (level,) = read(entry).levels
    assert (level.split, level.no_link_transfer, level.no_multicast) == (1, frozenset("AZ"), frozenset("B"))
    assert read({**SPATIAL, "no_reuse": ["B"]}).levels[0].no_multicast == frozenset("B")
    assert read({**SPATIAL, "split": 999}).levels[0].split == 3  # all along x
    (level,) = read({**TEMPORAL, "no_reuse": ["A"], "rmw_first_update": ["Z"]}).levels
    assert (level.no_temporal_reuse, level.rmw_first_update) == (frozenset("A"), frozenset("Z"))
    assert read({**TEMPORAL, "no_temporal_reuse": ["A"]}).levels[0].no_temporal_reuse == frozenset("A")


def test_tensors_that_a_level_does_not_name_are_open():
    found = read(
        {"target": "LRF", "type": "bypass", "keep": ["A"], "bypass": ["B"]},
        {"target": "DRAM", "type": "datatype", "keep": ["A"]},
    )
    assert found.keeps == {"LRF": frozenset("A"), "DRAM": ALL}
    assert found.either == {"LRF": frozenset("Z"), "SMEM": ALL}


def test_entries_about_other_tensors_of_a_level_add_up():
    document = {"targets": [{"target": "LRF", "type": "dataspace", "bypass": ["B", "Z"]}]}
    found = read({"target": "LRF", "type": "bypass", "keep": ["A"]}, mapspace_constraints=document)
    assert (found.keeps["LRF"], "LRF" in found.either) == (frozenset("A"), False)


@pytest.mark.parametrize("kind", ["utilization", "parallelism"])
def test_the_least_share_of_lanes(kind):
    assert read({"target": "LRF", "type": kind, "min": 0.75}).parallelism == 0.75


def test_two_entries_for_one_block_are_merged():
    document = {"targets": [{**TEMPORAL, "factors": "K=1"}]}
    found = read({**TEMPORAL, "permutation": "K"}, **{"mapspace-constraints": document})
    (level,) = found.levels
    assert (level.permutation, level.factors) == (("K",), {"K": Factor("=", 1)})


def test_all_forms_of_a_document_say_the_same():
    expected = read({**SPATIAL, "factors": "K=2", "split": 1})
    nested = {"type": "spatial", "split": 1, "attributes": {"factors": "K=2"}}
    forms = (
        {"arch_constraints": [{**SPATIAL, "factors": "K=2", "split": 1}]},
        {"mapspace": {"template": "uber", "constraints": [{**SPATIAL, "factors": "K=2", "split": 1}]}},
        {"mapspace_constraints": {"targets": [{"name": "SMEM", "constraints": [nested]}]}},
        {"mapspace_constraints": {"targets": [{"target": "SMEM", **nested}]}},
    )
    for form in forms:
        assert read_constraints(form, DESIGN) == expected


def test_no_document_leaves_everything_open():
    open_ = Constraints(either={"LRF": ALL, "SMEM": ALL})
    assert read_constraints({}, DESIGN) == open_
    assert read_constraints({"architecture_constraints": []}, DESIGN) == open_
    assert read_constraints({"mapspace": {"version": 0.4}, "architecture_constraints": None}, DESIGN) == open_


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({**TEMPORAL, "split": 1}, "of SMEM, temporal: unknown key 'split'"),
        ({**TEMPORAL, "no_link_transfer": ["A"]}, "unknown key 'no_link_transfer'"),
        ({**SPATIAL, "no_temporal_reuse": ["A"]}, "unknown key 'no_temporal_reuse'"),
        ({**SPATIAL, "attributes": {"split": 1}}, "spatial.attributes: unknown key 'split'"),
        ({**SPATIAL, "no_link_transfer": ["W"]}, "no tensor W; it has A, B, Z"),
        ({**SPATIAL, "no_reuse": ["A"], "no_multicast_no_reduction": ["B"]}, "no_multicast_no_reduction given twice"),
        ({**TEMPORAL, "factors": "Q=1"}, "the factor 'Q=1' is not one of M, N, K"),
        ({**TEMPORAL, "factors": "K==1"}, "the factor 'K==1'"),
        ({**TEMPORAL, "factors": "K<=2 K<=4"}, "two factors K<=; give one"),
        ({**TEMPORAL, "factors": "K<=0"}, "K<=0 must be positive"),
        ({**TEMPORAL, "factors": "K<=2 K>=4"}, "K<=2 and K>=4 contradict each other"),
        ({**TEMPORAL, "factors": "K=0", "default_max_factor": 32}, "K=64 and K<=32 and K>=1 contradict"),
        ({**TEMPORAL, "factors": 3}, "expected a list"),
        ({**TEMPORAL, "default_max_factor": 0}, "expected a whole number of at least 1"),
        ({**TEMPORAL, "permutation": "K_K"}, "names 'K', twice"),
        ({**TEMPORAL, "permutation": "K-M"}, "names '-', which is not one of M, N, K"),
        ({"target": "LRF", "type": "temporal", "no_coalesce": ["A"]}, "no_coalesce is not modelled"),
        ({"target": "L9", "type": "temporal"}, "has no level 'L9'; it has LRF, SMEM, DRAM"),
        ({"target": "DRAM", "type": "spatial", "factors": "K=2"}, "feeds one instance only"),
        ({"target": "LRF", "type": "utilisation", "min": 0.5}, "did you mean 'utilization'"),
        ({"target": "LRF", "type": "max_overbooked_proportion", "proportion": 0.5}, "overbooking is not modelled"),
        ({"target": "SMEM", "type": "utilization", "min": 0.5}, "make LRF the target"),
        ({"target": "LRF", "type": "utilization"}, "the key 'min' is missing"),
        ({"target": "LRF"}, "the key 'type' is missing"),
        ({"type": "temporal"}, "the key 'target' is missing"),
        ({"target": "LRF", "type": "bypass", "keep": ["A"], "bypass": ["A", "B", "Z"]}, "A is both kept and bypassed"),
        ({"target": "LRF", "type": "bypass", "bypass": ["W"]}, "no tensor W; it has A, B, Z"),
        ({"target": "DRAM", "type": "bypass", "bypass": ["A"]}, "outermost level must keep A"),
    ],
)
def test_what_is_not_known_is_refused_by_name(target, message):
    with pytest.raises(InputError, match=message):
        read(target)


def test_a_spatial_entry_without_a_fanout_that_spreads_nothing_is_a_remark():
    entry = {"target": "DRAM", "type": "spatial", "factors": "K=1 M<=4"}
    found = read_mapspace({"architecture_constraints": {"targets": [entry]}}, DESIGN)
    assert found.constraints.levels == ()
    assert "spatial constraint of DRAM: it has no fanout" in found.notes[-1]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({**TEMPORAL, "factors": "K=1"}, {**TEMPORAL, "factors": "K=1"}, "factor of K given twice"),
        ({**TEMPORAL, "factors": "K<=2"}, {**TEMPORAL, "default_max_factor": 4}, "factor <= of K given twice"),
        ({**TEMPORAL, "permutation": "K"}, {**TEMPORAL, "permutation": "_M"}, "permutation given twice"),
        ({**SPATIAL, "split": 1}, {**SPATIAL, "split": 1}, "split given twice"),
        ({**SPATIAL, "no_reuse": ["A"]}, {**SPATIAL, "no_reuse": ["B"]}, "no_reuse given twice"),
        ({"target": "LRF", "type": "bypass", "keep": ["A"]},) * 2 + ("A given twice",),
        ({"target": "LRF", "type": "utilization", "min": 1},) * 2 + ("least share of lanes is given twice",),
    ],
)
def test_the_same_thing_twice_is_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        read(first, second)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ({"architecture_constraints": {"tragets": []}}, "unknown key 'tragets'"),
        ({"architecture_constraints": {"targets": [], "constraints": []}}, "targets and constraints are the same list"),
        ({"mapspace": {"template": "ruby"}}, "the template 'ruby' is not modelled"),
        ({"mapspace": [], "mapspace_constraints": []}, "mapspace and mapspace_constraints are the same document"),
        ({"arch_constraints": [], "architecture_constraints": []}, "the same document to Timeloop"),
        ({"architecture_constraints": {"targets": [3]}}, "expected a mapping"),
    ],
)
def test_documents_that_are_not_known_are_refused(documents, message):
    with pytest.raises(InputError, match=message):
        read_constraints(documents, DESIGN)


def test_faults_name_file_and_line():
    text = "mapspace_constraints:\n- target: SMEM\n  type: temporal\n  permutaiton: K\n"
    (root,) = read_yaml_text(text, "c.yaml", lambda *_: None)
    with pytest.raises(InputError, match=r"^c.yaml:4: mapspace_constraints of SMEM, temporal: unknown key"):
        read_constraints(root, DESIGN)


@pytest.mark.parametrize(("split", "idle"), [(1, True), (2, False), (0, False)])
def test_a_split_that_counts_factors_of_1_alone_is_named(split, idle):
    """As timeloopfe writes it, with what does nothing in front: a split of 1 then lays nothing along x."""
    entry = {**SPATIAL, "factors": "N=1", "permutation": "NKM", "split": split}
    notes = read_mapspace({"architecture_constraints": {"targets": [entry]}}, DESIGN).notes
    across = DESIGN.architecture.fanouts[1][0]
    assert any(f"counts N of factor 1 alone, so nothing lies along x and {across} lanes" in n for n in notes) is idle
