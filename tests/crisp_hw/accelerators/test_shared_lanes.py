"""Lanes that no level fills but several share: what a case takes across them has an effect, or is refused."""

import pytest

import crisp_hw
from crisp_hw.errors import InputError

FILE = """
schema: crisp-hw/arch/2
name: mine
does: "one of four weights is used"
levels:
  Far: {role: backing, technology: DRAM, word_bits: 8}
  Sums: {role: accumulator, size_words: 4, word_bits: 24}
  Beside: {role: latch, size_words: 1, fanout_x: 4}
compute: {name: Mul, word_bits: {A: 8, B: 8, Z: 24}}
energy: table
constraints:
  Beside: {keep: [A], temporal: [N]}
  Sums: {keep: [Z], temporal: [K], AXES, spatial: share}
  Far: {keep: [A, B, Z], temporal: [K, N, M, G], order: free}
runs:
  - name: sparse
    when: fits(n, m, 1, 4)
    across: {ACROSS}
    weights: {structured: 1 / 4}
    formats:
      - {level: Beside, tensor: A, ranks: [{format: CP, metadata_bits: 2}]}
      - level: Far
        tensor: A
        rank_application_order: inner-to-outer
        ranks: [{format: UOP, metadata_bits: 0, payload_bits: 0, times: 10}, {format: CP, metadata_bits: 2}]
    actions:
      - {level: Sums, type: skipping_spatial, options: [{target: B, condition_on: [A]}]}
      - {level: Sums, type: skipping_spatial, options: [{target: Z, condition_on: [A]}]}
  - name: dense
"""
TWICE = {
    "size_words: 4, word": "fanout_y: 2, size_words: 4, word",
    "keep: [A, B, Z]": "keep: [A, B, Z], y: [K], spatial: share",
}


@pytest.fixture
def file(tmp_path):
    def written(across, axes="x: [K]", changes=()):
        text = FILE.replace("ACROSS", across).replace("AXES", axes)
        for old, new in dict(changes).items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "mine.yaml").write_text(text)
        return tmp_path / "mine.yaml"

    return written


@pytest.fixture
def layers(tmp_path):
    layer = "{name: fc, kind: linear, in_channels: 64, out_channels: 8}"
    text = f"schema: crisp-hw/workload/1\nname: one\nsource: made up\nlayers:\n  - {layer}\n"
    (tmp_path / "layers.yaml").write_text(text)
    return tmp_path / "layers.yaml"


@pytest.mark.parametrize(("at_once", "cycles"), [(4, 8 * 64 // 4), (8, 8 * 64 // 8), (16, 8 * 64 // 16)])
def test_as_many_columns_as_a_case_takes_at_once_share_the_lanes(file, layers, at_once, cycles):
    found = crisp_hw.evaluate(str(layers), file(f"K: {at_once}"), nm="1:4")
    assert found.to_frame()["cycles"].tolist() == [cycles]


def test_one_column_at_once_leaves_the_other_lanes_idle(file, layers):
    alone = {"    when: fits(n, m, 1, 4)\n": "", "\n  - name: dense": "", "runs:": "baseline: {name: dense}\nruns:"}
    found = crisp_hw.evaluate(str(layers), file("K: 1", changes=alone), nm="1:4")
    (mapping,) = found.to_frame()["mapping"]
    assert "K64" in mapping and "x" not in mapping


@pytest.mark.parametrize(
    ("across", "axes", "changes", "said"),
    [
        ("K: 16", "x: [M]", {}, r"mine\.yaml:\d+: arch\.runs\[0\]\.across\.K: K lies on no axis; name it on one level"),
        (
            "K: lanes * 4",
            "x: [K]",
            {},
            r"across\.K: lanes is a number of the array, and no constraint here says `spatial: ",
        ),
        (
            "K: 16",
            "y: [K]",
            {},
            r"constraints\.Sums: it feeds 4 x 1 children, 4 along x; say which .* such as `x: \[M\]`",
        ),
        ("K: 16", "x: [K], y: [M]", {}, r"constraints\.Sums: it feeds 4 x 1 children, 1 along y; leave y out"),
        ("K: 16", "x: [K]", TWICE, r"across\.K: K lies on the axes of Sums, Far; name it on one level"),
        (
            "K: 16",
            "x: [K]",
            {", spatial: share}": "}"},
            r"Sums: it feeds 4 x 1 children; say `spatial: fill` where .* take fewer",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(file, across, axes, changes, said):
    with pytest.raises(InputError, match=said):
        crisp_hw.load_arch(file(across, axes, changes))
