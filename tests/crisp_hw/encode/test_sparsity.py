"""Sparse features against counts over masks."""

from itertools import combinations, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.accelerators import load_arch
from crisp_hw.encode import encode
from crisp_hw.encode.scope import fits
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM

LAYER = Layer("l", "linear", 64, 128, tokens=16)


def crisp(nm, **options):
    return encode(Descriptor(LAYER, "nm", 100, nm), load_arch("crisp-stc"), EvaluateOptions(**options))


def lanes_for(nm):
    blocks = crisp(nm).constraints.levels
    return next(b for b in blocks if (b.level, b.kind) == ("RF", "spatial")).factors["K"].value


patterns = st.integers(1, 6).flatmap(lambda m: st.builds(NM, st.integers(1, m), st.just(m)))


def rows(nm, length):
    """Every row of `length` columns whose groups hold exactly n (a ragged last group: at most n)."""
    groups = [
        [set(on) for on in combinations(range(start, min(start + nm.m, length)), min(nm.n, length - start))]
        for start in range(0, length, nm.m)
    ]
    return [set().union(*choice) for choice in product(*groups)]


@given(patterns, patterns)
def test_a_pattern_that_fits_never_breaks_the_limit(nm, limit):
    length = 12
    worst = max(
        (
            len([c for c in row if start <= c < start + limit.m])
            for row in _some_rows(nm, length)
            for start in range(0, length - limit.m + 1, limit.m)
        ),
    )
    if fits(nm.n, nm.m, limit.n, limit.m):
        assert worst <= limit.n
    elif nm.m % limit.m == 0 or limit.m % nm.m == 0:
        assert worst > limit.n


def _some_rows(nm, length):
    """The rows that crowd a window most: in each group the first n, or the last n, kept."""
    starts = range(0, length, nm.m)
    ends = [
        (set(range(s, min(s + nm.n, length))), set(range(max(s, s + nm.m - nm.n), min(s + nm.m, length))))
        for s in starts
    ]
    return [set().union(*choice) for choice in product(*ends)]


@pytest.mark.parametrize("nm", [NM(1, 2), NM(1, 4), NM(2, 4), NM(3, 4), NM(2, 8), NM(3, 8)])
def test_lanes_never_get_more_nonzeros_than_they_are(nm):
    columns = lanes_for(nm)
    busy = {len(row) for row in rows(nm, columns)}
    assert busy == {columns * nm.n // nm.m} and max(busy) <= 4
    assert max(len(row) for row in rows(nm, columns + nm.m)) > 4


def test_a_group_with_more_nonzeros_than_lanes_has_no_place():
    assert not crisp(NM(5, 8)).design.sparse.active


@pytest.mark.parametrize(("nm", "bits"), [(NM(1, 2), 1), (NM(2, 4), 2), (NM(3, 5), 3), (NM(2, 8), 3), (NM(4, 16), 4)])
def test_offsets_address_every_column_of_a_group(nm, bits):
    spec = crisp(nm).design.sparse
    assert 2**bits >= nm.m > 2 ** (bits - 1)
    assert {f.ranks[0].metadata_bits for f in spec.formats} == {bits}
    assert {f.level for f in spec.formats} == {"DRAM", "SMEM", "LRF"}


def test_masks_take_one_bit_per_column_above_the_latch():
    formats = {f.level: f.ranks[0] for f in crisp(NM(3, 4), offsets="mask").design.sparse.formats}
    assert [(formats[level].format, formats[level].metadata_bits) for level in ("DRAM", "SMEM", "LRF")] == [
        ("B", 1),
        ("B", 1),
        ("CP", 2),
    ]


def test_outer_levels_repeat_the_formats_of_inner_ones():
    """Timeloop rejects a compressed tile whose outer level stores the inner ranks in another format."""
    dual = encode(Descriptor(LAYER, "nm", 100), load_arch("dstc"))
    for spec in (dual.design.sparse, crisp(NM(2, 4)).design.sparse):
        ranks = {(f.tensor, f.level): [rank.format for rank in f.ranks] for f in spec.formats}
        for tensor in "AB":
            chain = [ranks[tensor, level] for level in ("LRF", "SMEM", "DRAM") if (tensor, level) in ranks]
            for inner, outer in pairwise(chain):
                assert outer[: len(inner)] == inner
