"""The 0.4 front end to the flattened form, piece by piece."""

import pytest

from crisp_hw.errors import InputError, MappingError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.frontend.flatten import flatten
from crisp_hw.timeloop.yaml.documents import load_documents

PROBLEM = """
problem:
  shape:
    dimensions: [M, K]
    data_spaces:
      - {name: A, projection: [[[M]], [[K]]]}
      - {name: B, projection: [[[K]]]}
      - {name: Z, projection: [[[M]]], read_write: true}
  instance: {M: 4, K: 2 * 3}
"""
TOP = "architecture:\n  nodes:\n    - !Component {name: DRAM, class: DRAM, attributes: {width: 8}}\n"
BOTTOM = "    - !Component {name: MAC, class: mac}\n"


@pytest.fixture
def flat(tmp_path):
    def flatten_text(middle, rest="mapping: []"):
        """The documents of an architecture with these nodes between DRAM and MAC."""
        path = tmp_path / "a.yaml"
        path.write_text(TOP + middle + BOTTOM + PROBLEM + rest)
        found, notes = flatten(load_documents([path]))
        return plain(found), notes

    return flatten_text


def levels(documents):
    (top,) = documents["architecture"]["subtree"]
    return {entry["name"]: entry["attributes"] for entry in top["local"]}


def directives(documents):
    return {(entry["target"], entry["type"]): entry for entry in documents["mapping"]}


def test_meshes_multiply_downwards_and_fanouts_get_a_level(flat):
    documents, _ = flat(
        "    - !Container {name: column, spatial: {meshX: 3}}\n"
        "    - !Component {name: RF, class: regfile, spatial: {meshX: 2, meshY: 4}, attributes: {width: 8, depth: 2}}\n"
    )
    meshes = {name: (held["meshX"], held["meshY"]) for name, held in levels(documents).items()}
    assert meshes == {
        "DRAM[1..1]": (1, 1),
        "inter_column_spatial[1..1]": (1, 1),
        "inter_RF_spatial[1..3]": (3, 1),
        "RF[1..24]": (6, 4),
        "MAC[1..24]": (6, 4),
    }
    assert directives(documents)["inter_RF_spatial", "bypass"]["bypass"] == ["A", "B", "Z"]


def test_attributes_pass_from_containers_and_expressions_see_what_is_above(flat):
    documents, _ = flat(
        "    - !Container {name: chip, attributes: {datawidth: 4, rows: datawidth * 2}}\n"
        "    - !Component {name: RF, class: regfile, attributes: {width: rows, depth: width + DRAM.attributes.width}}\n"
    )
    assert levels(documents)["RF[1..1]"] == {"width": 8, "depth": 16, "datawidth": 4, "rows": 8, "meshX": 1, "meshY": 1}
    assert documents["problem"]["instance"] == {"M": 4, "K": 6}


def test_text_for_other_tools_need_not_be_an_expression(flat):
    documents, _ = flat("    - !Component {name: RF, class: regfile, attributes: {technology: 45nm, width: 8}}\n")
    assert levels(documents)["RF[1..1]"]["technology"] == "45nm"
    with pytest.raises(InputError, match="neither a number nor an expression"):
        flat("    - !Component {name: RF, class: regfile, attributes: {width: 8nm}}\n")


def test_nodes_and_mapping_add_up(flat):
    documents, _ = flat(
        "    - !Component\n      name: RF\n      class: regfile\n      attributes: {width: 8, depth: 64}\n"
        "      constraints: {temporal: {factors: [K<=3], permutation: [K, M]}, dataspace: {keep_only: [A]}}\n",
        "mapping:\n"
        "  - {target: RF, type: temporal, factors: [K=3, M=0]}\n"
        "  - {target: DRAM, type: temporal, factors: 'K=2 M=1'}\n",
    )
    found = directives(documents)
    assert found["RF", "temporal"] | {} == {
        "target": "RF",
        "type": "temporal",
        "factors": "K=3 M=4",
        "permutation": "KM",
    }
    assert found["RF", "bypass"]["keep"] == ["A"]
    assert found["RF", "bypass"]["bypass"] == ["B", "Z"]
    assert found["DRAM", "temporal"]["permutation"] == "M"  # a trivial loop goes innermost


@pytest.mark.parametrize(
    ("constraint", "factors"),
    [
        ("factors_only: [K=2]", {"K": "2", "M": "1"}),
        ("factors_only: [K=-1]", {"M": "1"}),
        ("factors: [K=-1, M=2]", {"M": "2"}),
        ("no_iteration_over_dataspaces: [Z]", {"M": "1"}),
        ("must_iterate_over_dataspaces: [B]", {"M": "1"}),
        ("no_iteration_over_dataspaces: ['*']", {"M": "1", "K": "1"}),
    ],
)
def test_shorthands(flat, constraint, factors):
    documents, _ = flat("", f"mapping: [{{target: DRAM, type: temporal, {constraint}}}]")
    listed = directives(documents)["DRAM", "temporal"]["factors"].split()
    assert dict(sorted(entry.split("=") for entry in listed)) == dict(sorted(factors.items()))


def test_a_factor_below_0_is_named_as_none(flat):
    _, notes = flat("", "mapping: [{target: DRAM, type: temporal, factors_only: [K=-1]}]")
    (said,) = [note for note in notes if "below 0" in note]
    assert said.endswith("the factor of K is below 0, which Timeloop takes for none: K is free")
    with pytest.raises(InputError, match="'K<=-1' has a negative number"):
        flat("", "mapping: [{target: DRAM, type: temporal, factors: ['K<=-1']}]")


PARALLEL = "    - !Parallel\n      nodes:\n" + "".join(
    f"        - !Component {{{{name: {name}, class: regfile, attributes: {{{{width: 8, depth: 9}}}}, "
    f"constraints: {{{{dataspace: {{{{keep: {{{number}}}}}}}}}}}}}}}\n"
    for number, name in enumerate("LR")
)


def test_parallel_branches_bypass_what_the_others_keep(flat):
    documents, _ = flat(PARALLEL.format("[A]", "[B, Z]"))
    found = directives(documents)
    assert (found["L", "bypass"]["bypass"], found["R", "bypass"]["bypass"]) == (["B", "Z"], ["A"])


@pytest.mark.parametrize(
    ("middle", "rest", "said"),
    [
        (PARALLEL.format("[A]", "[B]"), "", "no branch of the !Parallel keeps Z"),
        (PARALLEL.format("[A, B]", "[B, Z]"), "", "B is kept in two branches"),
        ("    - {name: RF, class: regfile}\n", "", "node 2 has no tag; use one of !Component"),
        ("    - !Network {name: N}\n", "", "has the tag !Network"),
        ("    - !Component {name: N, class: XY_NoC}\n", "", "networks are not modelled"),
        ("    - !Container {name: c, networks: [{name: x}]}\n", "", "networks are not modelled"),
        ("    - !Container {name: c, attributes: {multiple_buffering: 2}}\n", "", "does not pass to components"),
        (
            "    - !Component {name: RF, class: regfile, constraints: {utilization: 1}}\n",
            "",
            "'utilization' is not modelled",
        ),
        (
            "",
            "mapping: [{target: DRAM, type: temporal, factors: [K=2]}, {target: DRAM, type: temporal, factors: [K=3]}]",
            "two factors, 2 and 3",
        ),
        ("", "mapping: [{target: DRAM, type: spatial, factors: [K=2]}]", "it has spatial factors .K. but no fanout"),
        ("", "mapping: [{target: DRAM, type: temporal, maximize_dims: [K]}]", "lets a mapper choose"),
        ("", "mapping: [{target: DRAM, type: max_overbooked_proportion}]", "is not modelled"),
        ("", "mapping: [{target: DRAM, type: dataspace, keep: [A], bypass: [A]}]", "both kept and bypassed"),
    ],
)
def test_what_is_refused(flat, middle, rest, said):
    with pytest.raises(InputError, match=said.replace("*", r"\*")):
        flat(middle, rest or "mapping: []")


def test_inequalities_bind_the_mapping(flat):
    with pytest.raises(MappingError, match="the factor K=1 breaks the constraint K>=2"):
        flat("", "mapping: [{target: DRAM, type: temporal, factors: ['K>=2']}]")


def test_disabled_nodes_vanish_with_a_note(flat):
    documents, notes = flat("    - !Component {name: RF, class: regfile, enabled: 1 > 2, attributes: {width: 8}}\n")
    assert list(levels(documents)) == ["DRAM[1..1]", "MAC[1..1]"]
    assert any("RF is disabled" in note for note in notes)


def test_sparse_optimizations_of_nodes_and_of_the_document(flat):
    saf = "{type: spatial_skipping, options: [{target: A, condition_on: [B]}]}"
    documents, _ = flat(
        f"    - !Component {{name: RF, class: regfile, sparse_optimizations: {{action_optimization: [{saf}]}}}}\n",
        "mapping: []\nsparse_optimizations: {targets: [{target: MAC, compute_optimization: [{type: gating}]}]}",
    )
    rf, mac = documents["sparse_optimizations"]["targets"]
    assert (rf["name"], rf["action_optimization"][0]["type"]) == ("RF", "skipping_spatial")
    assert mac == {"name": "MAC", "compute_optimization": [{"type": "gating"}]}


def test_the_front_end_lets_dram_add_up_unless_told(flat):
    assert levels(flat("")[0])["DRAM[1..1]"]["reduction_supported"] is True
    inner = "    - !Component {name: HBM, class: DRAM, attributes: {width: 8, reduction_supported: false}}\n"
    assert levels(flat(inner)[0])["HBM[1..1]"]["reduction_supported"] is False


def test_networks_of_levels_are_attributes_like_others(flat):
    node = "{name: RF, class: regfile, attributes: {width: 8, depth: 2, router_energy: 0.5 / 2, energy-per-ingress: 1}}"
    held = levels(flat(f"    - !Component {node}\n")[0])["RF[1..1]"]
    assert (held["router_energy"], held["energy-per-ingress"]) == (0.25, 1)


@pytest.fixture
def constrained(tmp_path):
    def read(middle, rest=""):
        """The constraints that a mapper gets, by level and kind, and the notes."""
        path = tmp_path / "a.yaml"
        path.write_text(TOP + middle + BOTTOM + PROBLEM + rest)
        found, notes = flatten(load_documents([path]), for_mapper=True)
        assert "mapping" not in found
        return {(e["target"], e["type"]): plain(e) for e in found["architecture_constraints"]}, notes

    return read


RF = "    - !Component {name: RF, class: regfile, attributes: {width: 8, depth: 2}, "


def test_a_mapper_gets_constraints_instead_of_a_mapping(constrained):
    found, notes = constrained(
        RF + "spatial: {meshX: 2}, constraints: {spatial: {factors: [M<=2], split: 1, no_reuse: [A]}, "
        "temporal: {factors: [K=0, M>1], permutation: [K], default_max_factor: 3}, dataspace: {keep: [Z]}}}\n"
    )
    assert notes == ()
    lanes = found["inter_RF_spatial", "spatial"]
    assert (lanes["factors"], lanes["split"], lanes["no_reuse"]) == ("M<=2", 1, ["A"])
    loops = found["RF", "temporal"]
    assert (loops["factors"], loops["permutation"], loops["default_max_factor"]) == ("K=6 M>=2", "K", 3)
    assert (found["RF", "bypass"]["keep"], found["RF", "bypass"]["bypass"]) == (["Z"], [])


def test_lanes_have_no_loops_in_time_and_keep_nothing(constrained):
    found, _ = constrained(RF + "spatial: {meshX: 2}}\n")
    assert found["inter_RF_spatial", "temporal"]["factors"] == "M=1 K=1"
    assert found["inter_RF_spatial", "bypass"]["bypass"] == ["A", "B", "Z"]
    assert set(found) == {("inter_RF_spatial", "temporal"), ("inter_RF_spatial", "bypass")}


def test_constraint_documents_add_up_with_those_of_nodes(constrained):
    listed = "mapspace_constraints:\n  targets:\n    - {target: RF, type: temporal, factors: [M=1]}\n"
    found, _ = constrained(RF + "constraints: {temporal: {factors: [K<=3]}}}\n", listed)
    assert found["RF", "temporal"]["factors"] == "M=1 K<=3"
    assert found["RF", "temporal"]["permutation"] == "M"  # a loop that does nothing goes innermost, as in timeloopfe


def test_two_defaults_for_one_block_are_refused(constrained):
    listed = "mapspace_constraints:\n  targets:\n    - {target: RF, type: temporal, default_max_factor: 4}\n"
    with pytest.raises(InputError, match="default_max_factor is both 3 and 4"):
        constrained(RF + "constraints: {temporal: {default_max_factor: 3}}}\n", listed)


def test_an_empty_branch_of_a_parallel_lets_its_tensors_pass(flat):
    nodes = "        - !Nothing {constraints: {dataspace: {keep: [Z]}}}\n"
    documents, _ = flat(PARALLEL.format("[A]", "[B]") + nodes)
    stores = {target: entry for (target, kind), entry in directives(documents).items() if kind == "bypass"}
    assert [(entry["keep"], entry["bypass"]) for entry in stores.values()] == [(["A"], ["B", "Z"]), (["B"], ["A", "Z"])]
    with pytest.raises(InputError, match="A is kept in two branches"):
        flat(PARALLEL.format("[A]", "[B]") + nodes.replace("[Z]", "[A, Z]"))


@pytest.mark.parametrize(
    "node",
    [
        "!Container {name: PE, constraints: {spatial: {factors: [%s]}}}",
        "!Container {name: PE, spatial: {meshX: 1}, constraints: {spatial: {factors: [%s]}}}",
        "!Component {name: PE, class: SRAM, constraints: {spatial: {factors: [%s]}}}",
        "!Component {name: PE, class: SRAM, spatial: {meshX: 1}, constraints: {spatial: {factors: [%s]}}}",
    ],
)
def test_a_spatial_block_without_a_fanout_is_a_remark_unless_it_spreads(flat, node):
    _, (note,) = flat(f"    - {node % 'K=1'}\n")
    assert "a.yaml:4: spatial block of PE: it has no fanout" in note
    with pytest.raises(InputError, match=r"a.yaml:4: .*PE.*it has spatial factors \(K\) but no fanout"):
        flat(f"    - {node % 'K=2'}\n")
