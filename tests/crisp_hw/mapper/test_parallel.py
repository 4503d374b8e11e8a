"""Several processes find what one finds; what they say is put together."""

from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError, MappingError
from crisp_hw.mapper.parallel import ParallelSearch, _front, _gather
from crisp_hw.mapper.search import search
from crisp_hw.mapper.tally import FrontPoint
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import LoopMapping, LoopNest
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.problem import Problem, Tensor, Term

pytestmark = pytest.mark.slow

CHAIN = Architecture((StorageLevel("RF", size_words=8), StorageLevel("DRAM", "DRAM", read_bandwidth=1)), ComputeLevel())
TENSORS = (
    Tensor("A", ((Term("M"),), (Term("K"),))),
    Tensor("B", ((Term("K"),),)),
    Tensor("Z", ((Term("M"),),), is_output=True),
)
ENERGY = EnergyTable({"RF": {"read": 1.0, "write": 2.0}, "DRAM": {"read": 50.0, "write": 50.0}})
DESIGN = Design(CHAIN, Problem("mv", ("M", "K"), (4, 6), TENSORS), energy=ENERGY)
OPEN = Constraints(either={"RF": frozenset("AB")})


@pytest.mark.parametrize("objective", ["cycles", "energy"])
def test_two_processes_find_what_one_finds(objective):
    alone, steps = search(DESIGN, OPEN, objective), []
    found = ParallelSearch(2)(DESIGN, OPEN, objective, progress=steps.append)
    assert (found.cycles, found.energy_pj) == (alone.cycles, alone.energy_pj)
    assert found.candidates == alone.candidates
    assert found.tried >= alone.tried  # what one process found does not prune for the others
    assert (found.proven, found.gap, found.interrupted) == (True, None, False)
    assert found.certificate.startswith(f"optimal over {found.candidates} factorizations")
    assert (len(steps) > 0, steps[-1].done, steps[-1].total) == (True, found.candidates, found.candidates)


def test_one_choice_is_searched_as_ever():
    assert ParallelSearch(8)(DESIGN, Constraints()) == search(DESIGN, Constraints())


def test_nothing_that_fits_is_an_error():
    whole = LevelConstraint("RF", "temporal", {"M": Factor("=", 4), "K": Factor("=", 6)})
    constraints = Constraints((whole,), {"RF": frozenset("ABZ")}, {"RF": frozenset("B")})
    with pytest.raises(MappingError, match="level RF needs"):
        ParallelSearch(2)(DESIGN, constraints)


def test_jobs_are_positive():
    with pytest.raises(InputError, match="0 jobs; give 1 or more"):
        ParallelSearch(0)(DESIGN, OPEN, options=SearchOptions())


def test_what_was_under_way_when_interrupted_counts():
    """One process ended before, one returns what it has, one had not begun, one found nothing yet."""
    alone = search(DESIGN, Constraints())
    ended, stopped, fresh, empty = Future(), Future(), Future(), Future()
    ended.set_result(alone)
    stopped.set_running_or_notify_cancel()
    empty.set_running_or_notify_cancel()

    told = []

    def interrupt(step):
        if step.done == 1:
            stopped.set_result(alone)
            empty.set_exception(KeyboardInterrupt())
            raise KeyboardInterrupt

    answers = _gather({ended: 1, stopped: 1, fresh: 1, empty: 1}, interrupt, lambda: told.append(True))
    assert told == [True]
    assert (len(answers.found), answers.interrupted, answers.done) == (2, True, 3)
    assert fresh.cancelled()


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1))
def test_the_front_is_what_no_other_beats(pairs):
    none = LoopMapping(LoopNest((), ()), ())
    found = [(p.cycles, p.energy_pj) for p in _front([FrontPoint(c, float(e), none) for c, e in pairs])]
    expected = {(c, e) for c, e in pairs if not any((a, b) != (c, e) and a <= c and b <= e for a, b in pairs)}
    assert found == sorted(expected)
