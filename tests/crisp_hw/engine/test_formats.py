"""Metadata against fibertrees built from every mask, and ranks against assignments made by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.density import prob_empty_given
from crisp_hw.engine.formats import StoredRanks, format_of, stored_ranks, word_bits
from crisp_hw.engine.metadata import metadata_units
from crisp_hw.errors import MappingError
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.patterns import Hypergeometric
from crisp_hw.spec.sparse import Rank, SparseSpec, TensorFormat


def one(value):
    return np.array([value], dtype=np.int64)


def stored(formats, fibers, inner_to_outer=False):
    """Ranks (innermost first) of a tile whose words are consecutive within fibers."""
    tiles = np.cumprod([1, *fibers])
    form = TensorFormat("L", "T", tuple(Rank(name) for name in formats), inner_to_outer)
    return StoredRanks(form, tuple(map(one, fibers)), tuple(map(one, tiles)))


def units(ranks, held):
    """(metadata, payload) of each rank when the tile holds `held` nonzeros."""
    tile = ranks.tiles[-1]
    empties = [prob_empty_given(Hypergeometric(0.5), part, tile, one(held)) for part in ranks.tiles]
    found = [[0.0 if each is None else float(each[0]) for each in rank] for rank in metadata_units(ranks, empties)]
    return [tuple(rank) for rank in found]


def mean_nonempty(size, held, part):
    """Mean number of aligned parts that hold a nonzero, over every mask of a tile."""
    masks = list(combinations(range(size), held))
    return sum(len({position // part for position in mask}) for mask in masks) / len(masks)


trees = st.lists(st.integers(1, 4), min_size=1, max_size=3).filter(lambda fibers: np.prod(fibers) <= 12)


@settings(max_examples=60)
@given(trees, st.data())
def test_units_follow_from_nonempty_fibers_of_every_mask(fibers, data):
    """U, UOP and B metadata, and RLE in the top rank, are exact means; the rest are Sparseloop's approximations."""
    size = int(np.prod(fibers))
    held = data.draw(st.integers(1, size))
    formats = [data.draw(st.sampled_from(["U", "UOP", "B", "RLE"])) for _ in fibers]
    found = units(stored(formats, fibers), held)
    pays_itself = True  # the innermost rank that stores something has the data itself as its payload
    for r, (name, fiber) in enumerate(zip(formats, fibers, strict=True)):
        top, below = r == len(fibers) - 1, int(np.prod(fibers[:r], dtype=int))
        if fiber == 1 and not top:
            assert found[r] == (0, 0)  # a rank without a loop costs nothing, but the top one does
            continue
        fibers_held = mean_nonempty(size, held, below * fiber)
        metadata = {"U": size / below, "UOP": 0, "B": fibers_held * fiber}.get(name)
        if name == "RLE" and top:
            metadata = mean_nonempty(size, held, below)
        if metadata is not None:
            assert found[r][0] == pytest.approx(metadata)
        payload = {"U": size / below, "UOP": fibers_held * (fiber + 1)}.get(name)
        if pays_itself:
            assert found[r][1] == 0
        elif payload is not None:
            assert found[r][1] == pytest.approx(payload)
        pays_itself = False


@pytest.mark.parametrize(
    ("name", "held", "metadata"),
    [
        ("CP", 3, 3),  # 3 of 8 words: 3 coordinates
        ("RLE", 3, 3),
        ("B", 3, 8),  # one bit per word
        ("U", 3, 8),
        ("UOP", 3, 0),
        ("CP", 0, 0),
        ("B", 0, 0),  # an empty tile is not stored
    ],
)
def test_one_rank_over_eight_words(name, held, metadata):
    assert units(stored([name], [8]), held) == [(metadata, 0)]


def test_coordinates_are_counted_up_per_fiber():
    """2 nonzeros in 2 fibers of 4: a fiber is nonempty with 1 - C(4,2)/C(8,2) = 11/14 and holds 1 on average."""
    assert mean_nonempty(8, 2, 4) == pytest.approx(2 * 11 / 14)
    assert units(stored(["CP", "UOP"], [4, 2]), 2) == [(pytest.approx(2 * 11 / 14 * 1), 0), (0, 3)]
    # 3 nonzeros: 1.5 per fiber on average, and whole coordinates are stored: 2
    assert units(stored(["CP", "UOP"], [4, 2]), 3)[0] == (pytest.approx(mean_nonempty(8, 3, 4) * 2), 0)


def test_csr_of_a_matrix():
    """4 rows of 4 words, all nonzero: 16 coordinates, 5 row offsets."""
    assert units(stored(["CP", "UOP"], [4, 4]), 16) == [(16, 0), (0, 5)]


def test_a_bitmask_above_a_list_points_at_nonempty_rows():
    """All 8 words held: mask of 2 bits, one payload per nonempty row, a coordinate per word."""
    assert units(stored(["CP", "B"], [4, 2]), 8) == [(8, 0), (2, 2)]


def test_the_first_rank_with_content_has_the_data_as_payload():
    """An empty innermost UOP rank (no loop) leaves the next rank as the one whose payload is the data."""
    assert units(stored(["UOP", "UOP", "UOP"], [1, 4, 2]), 8) == [(0, 0), (0, 0), (0, 3)]


def test_dummies_cost_nothing_except_where_the_first_assigned_rank_would_stand():
    assert units(stored(["UOP", "UOP"], [4, 1]), 4) == [(0, 0), (0, 2)]  # outer to inner: the top rank always counts
    assert units(stored(["UOP", "UOP"], [4, 1], inner_to_outer=True), 4) == [(0, 0), (0, 0)]
    assert units(stored(["UOP", "UOP"], [1, 4], inner_to_outer=True), 4) == [(0, 0), (0, 5)]


def assigned(build, plan, formats, keeps=None):
    """fibers and tiles of tensor A (dims M and K) in each level that has a format in `formats`."""
    spec = SparseSpec(tuple(formats))
    found = stored_ranks(build.tiling(build.point(plan, keeps=keeps, sparse=spec)), spec)
    return {
        f"L{level}": ([int(f[0]) for f in ranks.fibers], [int(t[0]) for t in ranks.tiles])
        for (level, name), ranks in found.items()
        if name == "A" and ranks.form is not None
    }


BOTH = (frozenset("MK"),)
ONE_LEVEL = [[("t", "K", 4), ("t", "N", 2), ("t", "M", 3), ("t", "K", 1)]]  # the N loop does not move A


@pytest.mark.parametrize(
    ("ranks", "inner_to_outer", "fibers", "tiles"),
    [
        # one rank per loop, whichever end it starts from
        ((Rank("CP"), Rank("UOP")), False, [4, 3], [1, 4, 12]),
        ((Rank("CP"), Rank("UOP")), True, [4, 3], [1, 4, 12]),
        # a flattened rank absorbs both; from inside it records the tile of its first loop only
        ((Rank("CP", flattened=BOTH),), False, [12], [1, 12]),
        ((Rank("CP", flattened=BOTH),), True, [12], [1, 4]),
        # a rank too many: the inner one stands empty from outside, the outer one from inside
        ((Rank("B"), Rank("CP"), Rank("UOP")), False, [1, 4, 3], [1, 4, 4, 12]),
        ((Rank("B"), Rank("CP"), Rank("UOP")), True, [4, 3, 1], [1, 4, 12, 4]),
        # a rule without the loop's dimension makes the rank a dummy, and the next one is tried
        ((Rank("CP"), Rank("UOP"), Rank("UOP", flattened=(frozenset("K"),))), False, [4, 3, 1], [1, 4, 12, 4]),
        ((Rank("CP", flattened=(frozenset("M"),)), Rank("CP"), Rank("UOP")), True, [1, 4, 3], [1, 1, 4, 12]),
    ],
)
def test_ranks_take_the_loops_of_their_level(build, ranks, inner_to_outer, fibers, tiles):
    form = TensorFormat("L0", "A", ranks, inner_to_outer)
    plan = [[entry for entry in ONE_LEVEL[0] if entry[2] > 1]]
    assert assigned(build, plan, [form]) == {"L0": (fibers, tiles)}


TWO_LEVELS = [[("t", "K", 4), ("t", "M", 2)], [("t", "K", 3), ("t", "M", 5)]]


def test_a_packed_level_begins_with_the_ranks_of_the_level_it_feeds(build):
    inner = TensorFormat("L0", "A", (Rank("CP"), Rank("UOP")))
    outer = TensorFormat("L1", "A", (Rank("CP"), Rank("UOP"), Rank("UOP"), Rank("UOP")))
    assert assigned(build, TWO_LEVELS, [inner, outer]) == {
        "L0": ([4, 2], [1, 4, 8]),
        "L1": ([4, 2, 3, 5], [1, 4, 8, 24, 120]),
    }


def test_an_unpacked_child_counts_as_one_rank(build):
    outer = TensorFormat("L1", "A", (Rank("CP"), Rank("UOP"), Rank("UOP")))
    assert assigned(build, TWO_LEVELS, [outer]) == {"L1": ([8, 3, 5], [1, 8, 24, 120])}


def test_without_packing_the_loops_of_inner_levels_are_absorbed(build):
    outer = TensorFormat("L1", "A", (Rank("UOP"), Rank("UOP")))
    # K: 4 inside times 3 here; M: 2 inside times 5 here; the tiles are those up to the loops of this level
    assert assigned(build, TWO_LEVELS, [outer]) == {"L1": ([12, 10], [1, 24, 120])}


def test_a_child_of_single_words_needs_no_ready_made_tiles(build):
    plan = [[("t", "N", 2)], [("t", "K", 3), ("t", "M", 5)]]
    outer = TensorFormat("L1", "A", (Rank("CP"), Rank("UOP")))
    assert assigned(build, plan, [outer]) == {"L1": ([3, 5], [1, 3, 15])}


def test_too_few_ranks_are_a_mapping_that_does_not_fit(build):
    with pytest.raises(MappingError, match=r"level L0: the format of A has 1 ranks but the mapping needs more \(loops"):
        assigned(build, [[("t", "K", 4), ("t", "M", 3)]], [TensorFormat("L0", "A", (Rank("CP"),))])


def test_ranks_that_differ_from_those_below_do_not_fit(build):
    inner = TensorFormat("L0", "A", (Rank("B"), Rank("UOP")))
    outer = TensorFormat("L1", "A", (Rank("CP"), Rank("UOP"), Rank("UOP"), Rank("UOP")))
    with pytest.raises(MappingError, match="level L1: the ranks of A do not begin with those of the level below"):
        assigned(build, TWO_LEVELS, [inner, outer])


@pytest.mark.parametrize(
    ("rank", "port", "default", "bits"),
    [
        (Rank("CP", 2, 4), 64, 0, (2, 4)),
        (Rank("CP", 3, 5), 64, 0, (4, 8)),  # widened to the next divisor of the port
        (Rank("B", None, 0), 64, 8, (1, 0)),  # a mask has one bit, whatever the default
        (Rank("CP"), 64, 8, (8, 8)),  # the level's default width
        (Rank("CP"), 64, 0, (0, 0)),
        (Rank("CP", 3, 3), 9, 0, (3, 3)),
        (Rank("CP", 5, 0), 7, 0, (7, 0)),
        (Rank("CP", 3, 0), 0, 0, (3, 0)),  # no port: nothing to divide
    ],
)
def test_words_divide_the_metadata_port(rank, port, default, bits):
    assert word_bits(StorageLevel("S", metadata_width_bits=port, metadata_word_bits=default), rank) == bits


def test_format_of_names_the_level_and_the_tensor():
    form = TensorFormat("L0", "A", (Rank("CP"),))
    spec = SparseSpec((form,))
    assert format_of(spec, "L0", "A") is form
    assert format_of(spec, "L0", "B") is format_of(spec, "L1", "A") is None
