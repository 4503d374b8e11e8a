"""Expected contents of tiles against enumerated masks, and the effect of a parent that knows which tiles are empty."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crisp_hw.engine.density import nonzeros
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.formats import stored_ranks
from crisp_hw.engine.occupancy import expected_occupancy_of
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.sparse import Rank, SparseSpec, TensorFormat

BOTH = (frozenset("MK"),)


def occupancy(build, density, inner, outer, levels=("L0", "L1")):
    """What the inner level's tile of A holds: `inner` words of K x M inside, `outer` more outside; B in `levels`."""
    plan = [[("t", "K", inner)], [("t", "M", outer)]]
    ranks = (Rank("B", 1, 0, BOTH), Rank("UOP", 0, 4, BOTH))
    formats = tuple(TensorFormat(level, "A", ranks[: 1 + (level == "L1")]) for level in levels)
    spec = SparseSpec(formats)
    point = build.point(plan, densities={"A": density}, sparse=spec)
    tiling = build.tiling(point)
    found = stored_ranks(tiling, spec)[0, "A"]
    return expected_occupancy_of(tiling, spec, found, 0, tiling.problem.tensor("A"))


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(2, 5), st.data())
def test_tiles_that_are_sent_at_all_hold_more(build, inner, outer, data):
    """A parent with metadata never sends an empty tile: mean words and P(sent), over every mask of the tensor."""
    size = inner * outer
    density = Hypergeometric(data.draw(st.integers(1, size - inner)) / size)
    held = nonzeros(density, size)
    assume(held <= size - inner)  # beyond, a tile cannot be empty
    found = occupancy(build, density, inner, outer)
    words = [len(set(mask) & set(range(inner))) for mask in combinations(range(size), held)]
    sent = [count for count in words if count]
    assert found.nonempty == pytest.approx([len(sent) / len(words)])
    assert found.words == pytest.approx([np.mean(sent)])
    assert found.density == pytest.approx([np.mean(sent) / inner])
    assert found.units[0][0] == pytest.approx([inner])  # the mask of a tile that is there
    assert found.largest_words.tolist() == [max(words)]


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(2, 5), st.data())
def test_a_parent_without_metadata_sends_all_tiles(build, inner, outer, data):
    size = inner * outer
    density = Hypergeometric(data.draw(st.integers(0, size)) / size)
    held = nonzeros(density, size)
    found = occupancy(build, density, inner, outer, levels=("L0",))
    words = [len(set(mask) & set(range(inner))) for mask in combinations(range(size), held)]
    assert found.nonempty.tolist() == [1.0]
    assert found.words == pytest.approx([np.mean(words)], abs=1e-12)
    assert found.units[0][0] == pytest.approx([inner * np.mean([count > 0 for count in words])], abs=1e-12)


def test_structured_tiles_that_cannot_be_empty_are_not_conditioned(build):
    found = occupancy(build, FixedStructured(0.5), 4, 3)
    assert (found.nonempty.tolist(), found.words.tolist(), found.density.tolist()) == ([1.0], [2.0], [0.5])
    found = occupancy(build, FixedStructured(0.125), 4, 3)  # half of the tiles hold one word
    assert (found.nonempty.tolist(), found.words.tolist()) == ([0.5], [1.0])


def test_where_timeloop_loses_nonzeros_the_result_says_so(build):
    """6 of 8 words nonzero, tiles of 4: each holds at least 2, which Timeloop takes for possibly empty."""
    found = occupancy(build, Hypergeometric(0.75), 4, 2)
    chances = {
        k: len([m for m in combinations(range(8), 6) if len(set(m) & {0, 1, 2, 3}) == k]) / 28 for k in (2, 3, 4)
    }
    assert found.nonempty == pytest.approx([1 - chances[2]])
    assert found.words == pytest.approx([(3 * chances[3] + 4 * chances[4]) / (1 - chances[2])])
    plan = [[("t", "K", 4)], [("t", "M", 2)]]
    ranks = (Rank("B", 1, 0, BOTH), Rank("UOP", 0, 4, BOTH))
    spec = SparseSpec(tuple(TensorFormat(f"L{i}", "A", ranks[: i + 1]) for i in (0, 1)))
    said = evaluate(build.point(plan, densities={"A": Hypergeometric(0.75)}, sparse=spec)).assumptions
    assert any("level L0: Timeloop takes a tile of A that always holds nonzeros" in remark for remark in said)
    fine = evaluate(build.point(plan, densities={"A": Hypergeometric(0.25)}, sparse=spec)).assumptions
    assert fine == ()


def test_storage_must_hold_the_fullest_tile(build):
    found = occupancy(build, Hypergeometric(0.25), 4, 3)
    assert found.largest_words.tolist() == [3]  # all 3 nonzeros of 12 words in one tile
    ((metadata, payload),) = found.largest_units
    assert (metadata.tolist(), payload) == ([4.0], None)  # the payload of the only rank is the data
