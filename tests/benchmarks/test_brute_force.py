"""Random small mapspaces of the hardest kinds: search, templates and brute force agree."""

from functools import partial

import brute_force
import numpy as np
import pytest
from brute_force import Compared, compared, right_size, same
from drawn_spaces import KINDS, drawn

from crisp_hw.spec.patterns import Actual, HybridBlocks

SPACES = 6  # of each kind, as many of each objective; `python benchmarks/mapper.py` goes through sixty of each
LARGE = 3  # of spaces that cannot be small: nearly every mapping of three fanouts has a nest of its own
SMALL = partial(right_size, least=100, most_nests=1000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_best_is_that_of_brute_force(kind):
    right, spaces = (right_size, LARGE) if kind == "three fanouts" else (SMALL, SPACES)
    done = [compared(drawn(kind, seed, right)) for seed in range(spaces)]
    assert [(each.seed, each.differs) for each in done if each.differs] == []
    assert {each.objective for each in done} == {"cycles", "energy", "edp"}
    assert sum(each.brute is not None for each in done) >= spaces - 1


def test_a_space_is_that_of_its_seed():
    assert drawn("dense", 3) == drawn("dense", 3) != drawn("dense", 4)


@pytest.mark.parametrize("seed", range(5))
def test_kinds_are_what_their_names_say(seed):
    terms = [term for rank in drawn("windows", seed).design.problem.tensor("I").ranks for term in rank]
    assert max(term.coefficient for term in terms) >= 2
    actions = drawn("two SAFs", seed).design.sparse.actions
    assert len(actions) == 2 and len({option.target for action in actions for option in action.options}) == 1
    assert isinstance(drawn("by shape", seed).design.problem.tensor("A").density, Actual | HybridBlocks)
    fanouts = drawn("three fanouts", seed).design.architecture.fanouts
    assert sum(max(fanout) > 1 for fanout in fanouts) == 3


def test_scores_are_equal_up_to_rounding():
    assert same(None, None) and not same(None, (1.0, 2.0)) and not same((1.0, 2.0), None)
    assert same((1.0, 2.0), (1.0 + 1e-12, 2.0)) and not same((1.0, 2.0), (1.0 + 1e-6, 2.0))


def test_a_difference_names_who_says_what():
    case = "dense", 0, "edp"
    agreed = Compared(*case, 10, (1.0, 2.0), (1.0, 2.0), None, "sparse optimizations", 0.0, 0.0)
    assert agreed.differs == ""
    wrong = Compared(*case, 10, (1.0, 2.0), (1.5, 2.0), (1.0, 3.0), None, 0.0, 0.0)
    assert wrong.differs == "the search says (1.5, 2.0) and templates say (1.0, 3.0), brute force (1.0, 2.0)"


def test_every_order_and_split_of_a_block_is_tried_once():
    (space, *_) = drawn("three fanouts", 0).spaces
    spatial = next(block for block in space.blocks if block.kind == "spatial")
    temporal = next(block for block in space.blocks if block.kind == "temporal")
    assert len(set(brute_force.arrangements(temporal, ["M", "K"], ["N"]))) == 2
    found = list(brute_force.arrangements(spatial, ["M", "K"], ["N"]))
    assert len(found) == len(set(found)) == 6


def test_lanes_are_counted_along_each_axis():
    (space, *_) = drawn("three fanouts", 0).spaces
    place = next(index for index, block in enumerate(space.blocks) if block.kind == "spatial")
    (x, _), dims = space.design.architecture.fanouts[space.blocks[place].level], space.design.problem.dims
    rows = np.ones((2, len(space.blocks), len(dims)), dtype=np.int64)
    rows[:, place, 0] = [x, x + 1]
    loops = [()] * len(space.blocks)
    loops[place] = next(brute_force.arrangements(space.blocks[place], [], list(dims)))
    assert brute_force.on_the_mesh(space, rows, loops).tolist() == [True, False]


def test_what_was_compared_is_kept_and_not_compared_again(tmp_path, monkeypatch):
    kept, names = tmp_path / "kept.jsonl", [("dense", 0), ("dense", 1)]
    monkeypatch.setattr(brute_force, "right_size", partial(right_size, least=1, most_nests=400))
    first = list(brute_force.each_compared(names[:1], "numpy", kept))
    monkeypatch.setattr(brute_force, "compared", lambda case, device: Compared("dense", 1, "x", 0, *[None] * 4, 0, 0))
    both = list(brute_force.each_compared(names, "numpy", kept))
    assert both[0] == first[0] and both[0].objective != "x" and both[1].objective == "x"
    assert list(brute_force.each_compared(names, "numpy", kept)) == both
    assert len(kept.read_text().splitlines()) == 2


@pytest.mark.parametrize("kind", ["windows", "three fanouts"])
def test_nests_are_counted_without_making_them(kind):
    space = min((drawn(kind, seed).spaces[0] for seed in range(4)), key=brute_force.nests_of)
    assert brute_force.nests_of(space) == sum(1 for _ in brute_force.every_nest(space))
