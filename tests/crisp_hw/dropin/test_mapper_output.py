"""What timeloop-mapper and timeloopfe write themselves, read beside the documents of the front end."""

import pytest

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError

ARCH = """
architecture:
  version: 0.4
  nodes:
  - !Component {name: Far, class: DRAM, attributes: {width: 64, datawidth: 8}}
  - !Component {name: Near, class: SRAM, attributes: {depth: 512, width: 8, datawidth: 8}%(near)s}
  - !Container {name: Lane, spatial: {meshX: 2, meshY: 2}%(lane)s}
  - !Component {name: Mul, class: intmac, attributes: {datawidth: 8}}
"""
PROBLEM = """
problem:
  shape:
    dimensions: [%(u)s, %(v)s]
    data_spaces:
    - {name: A, projection: [[[%(u)s]], [[%(v)s]]]}
    - {name: B, projection: [[[%(v)s]]]}
    - {name: Z, projection: [[[%(u)s]]], read_write: true}
  instance: {%(u)s: 12, %(v)s: 20}
"""


@pytest.fixture
def run(tmp_path):
    def evaluate(mapping, near="", lane="", names=("U", "V"), **more):
        """The result of a mapping beside an architecture with these constraints."""
        texts = {
            "arch": ARCH % {"near": near and f", constraints: {near}", "lane": lane and f", constraints: {lane}"},
            "problem": PROBLEM % dict(zip("uv", names, strict=True)),
            "map": "mapping:\n" + "".join(f"- {entry}\n" for entry in mapping),
            **more,
        }
        paths = [tmp_path / f"{name}.yaml" for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text)
        return evaluate_files(paths).result

    return evaluate


def temporal(target, factors, order):
    return f"{{target: {target}, type: temporal, factors: {factors}, permutation: {order}}}"


def test_factors_without_an_equals_sign_have_all_their_digits(run):
    plain = run([temporal("Far", "U12 V1", "VU"), temporal("Near", "U1 V20", "VU")])
    signed = run([temporal("Far", "U=12 V=1", "VU"), temporal("Near", "U=1 V=20", "VU")])
    assert plain == signed
    assert plain.cycles == 240


def test_names_of_several_letters_are_told_from_their_factors(run):
    short = run([temporal("Far", "U12 V1", "VU"), temporal("Near", "U1 V20", "UV")])
    names = ("OC", "O")
    long = run([temporal("Far", "OC12 O1", "OOC"), temporal("Near", "OC1 O20", "OCO")], names=names)
    assert (long.cycles, long.energy_pj) == (short.cycles, short.energy_pj)


def test_residual_factors_are_those_of_the_last_round(run):
    cut = [temporal("Far", '"U=3 V=1"', "VU"), temporal("Near", '"U=5,2 V=20"', "VU")]
    found = run(cut)
    assert found.compute.algorithmic == 240  # 5 + 5 + 2 rows of 20, not 15
    assert run([cut[0], temporal("Near", '"U5,2,V20"', "VU")]) == found
    with pytest.raises(InputError, match=r"map.yaml:3: .*residual of 'U=5,6' is not between 1 and 5"):
        run([cut[0], temporal("Near", '"U=5,6 V=20"', "VU")])


def test_a_dimension_with_a_digit_is_meant_where_there_is_no_other(run):
    with pytest.raises(InputError, match="the factor 'U16' is not one of"):
        run([temporal("Far", "[U16]", "VW")], names=("V", "W"))


NEAR = "{temporal: {permutation: [U, V], factors: [U=1]}}"


def test_loops_that_do_nothing_may_stand_anywhere(run):
    far = temporal("Far", "U12 V1", "VU")
    free = run([far, temporal("Near", "U1 V20", "VU")])
    assert run([far, temporal("Near", "U1 V20", "VU")], NEAR) == free
    assert run([far, temporal("Near", "V20", "VU")], "{temporal: {permutation: [U, V]}}") == free


def test_loops_that_do_something_stand_in_one_order(run):
    far, near = temporal("Far", "U6 V1", "VU"), temporal("Near", "U2 V20", "VU")
    with pytest.raises(
        InputError, match=r"map.yaml:3: .*two permutations, \['U', 'V'\] and \['V', 'U'\], the first at .*arch.yaml:6"
    ):
        run([far, near], "{temporal: {permutation: [U, V]}}")


def test_a_split_counts_what_is_spread(run):
    loops = [temporal("Far", "U6 V10", "VU"), temporal("Near", "U1 V1", "VU")]
    lanes = "{target: inter_Lane_spatial, type: spatial, factors: %s, permutation: %s, split: %d}"
    want = run([*loops, lanes % ("U2 V2", "UV", 1)])
    assert run([*loops, lanes % ("U2 V2", "UV", 1)], lane="{spatial: {permutation: [U, V], split: 1}}") == want
    wide = [temporal("Far", "U12 V10", "VU"), temporal("Near", "U1 V1", "VU"), lanes % ("U1 V2", "VU", 1)]
    assert run(wide, lane="{spatial: {permutation: [U, V], split: 2}}") == run(wide)  # V alone, along x by both
    with pytest.raises(InputError, match=r"map.yaml:4: .*two splits, 1 and 1|the split 1 is of two permutations"):
        run(wide, lane="{spatial: {permutation: [U, V], split: 1}}")  # V along y by the one, along x by the other


@pytest.mark.parametrize("empty", ["mapping: []\n", "mapping:\n", "mapping: []\nERT: {version: 0.4, tables: []}\n"])
def test_an_empty_document_is_none(run, empty):
    loops = [temporal("Far", "U12 V1", "VU"), temporal("Near", "U1 V20", "VU")]
    assert run(loops, aempty=empty).cycles == 240
    with pytest.raises(InputError, match=r"again.yaml:1: the document 'mapping' is there already, at .*map.yaml:1"):
        run(loops, aempty=empty, again="mapping: [{target: Far, type: temporal, factors: U=12}]\n")


def test_a_mapping_that_breaks_a_constraint_of_its_node_is_named_with_both_lines(run):
    loops = [temporal("Far", "U12 V1", "VU"), temporal("Near", "U1 V20", "VU")]
    with pytest.raises(InputError, match=r"map.yaml:3: .*V has two factors, 4 and 20, the first at .*arch.yaml:6"):
        run(loops, "{temporal: {factors: [V=4]}}")
    stores = [*loops, "{target: Near, type: datatype, keep: [A]}"]
    with pytest.raises(InputError, match=r"map.yaml:4: .*A is both kept and bypassed, the first at .*arch.yaml:6"):
        run(stores, "{dataspace: {bypass: [A]}}")
