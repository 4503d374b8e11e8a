"""A gap that is allowed: kept as what it is, never taken for more, and no different with more processes."""

from concurrent.futures import Future
from dataclasses import replace

import pytest

from crisp_hw.searches import pool
from crisp_hw.searches.pool import solving
from crisp_hw.searches.solve import is_kept, recall, solve, task_of
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.options import SearchOptions

from .conftest import gemm

SIZES = [(16, 16, 16), (8, 16, 32), (32, 16, 8)]


@pytest.fixture
def by_templates(monkeypatch):
    """Small spaces are searched as large ones are, and levels do not prove them at once."""
    monkeypatch.setattr("crisp_hw.mapper.plan.FEW", 0)
    monkeypatch.setattr("crisp_hw.mapper.chains.proof.chain_of", lambda spaces: None)
    monkeypatch.setattr("crisp_hw.mapper.chains.proof.seeds", lambda *_: None)


def task(*sizes, gap=0.0):
    return task_of(gemm(*sizes), Constraints(), "edp", SearchOptions(gap=gap))


def test_a_search_with_a_gap_is_another_one_and_knows_the_one_without():
    near, best = task(16, 16, 16, gap=0.5), task(16, 16, 16)
    assert near.key != best.key
    assert (near.proven_key, best.proven_key) == (best.key, None)
    assert (near.keys, best.keys) == ((best.key, near.key), (best.key,))


def test_what_ended_early_is_never_taken_for_proven(by_templates, store):
    near, best = task(16, 16, 16, gap=0.5), task(16, 16, 16)
    ended = solve(near, store)
    assert not ended.found.proven
    assert 0 < ended.found.gap <= 0.5
    assert recall(near, store) == ended
    assert not is_kept(best, store)
    proven = solve(best, store)
    assert proven.found.proven
    assert proven.found.cycles * proven.found.energy_pj <= ended.found.cycles * ended.found.energy_pj


def test_a_proven_mapping_is_reused_where_a_gap_is_allowed(by_templates, store, monkeypatch):
    near, best = task(16, 16, 16, gap=0.5), task(16, 16, 16)
    solve(near, store)
    proven = solve(best, store)
    monkeypatch.setattr("crisp_hw.mapper.search.search", None)
    assert recall(near, store) == proven  # also where one that ended early is kept beside it
    with solving(2, store) as answer:
        answer.announce([near])
        assert answer(near) == proven


def test_one_that_is_kept_unproven_is_no_answer_to_a_gap(by_templates, store):
    sampled = solve(replace(task(16, 16, 16), options=SearchOptions(budget=20)), store)
    assert not sampled.found.proven
    near = task(16, 16, 16, gap=0.5)
    assert is_kept(near, store)
    assert recall(near, store) is None
    assert solve(near, store).found.gap <= 0.5


def test_a_gap_that_ended_nothing_leaves_what_was_proven_for_all(store):
    near, best = task(4, 4, 4, gap=0.5), task(4, 4, 4)
    found = solve(near, store)
    assert found.found.complete
    assert recall(best, store) == found == solve(best)


@pytest.mark.process
@pytest.mark.parametrize("jobs", [1, 2])
def test_who_is_told_of_searches_gets_the_same_answers(monkeypatch, jobs):
    told = []
    monkeypatch.setattr(pool, "EVERY_S", 0.0)
    tasks = [task(*sizes, gap=0.5) for sizes in SIZES]
    with solving(jobs, progress=told.append) as answer:
        answer.announce(tasks)
        assert [answer(each) for each in tasks] == [solve(each) for each in tasks]
    assert jobs == 2 or any(each.best_cycles and each.bound for each in told)


def test_of_all_that_processes_say_the_last_of_what_is_waited_for_is_told(monkeypatch):
    told, running = [], Future()

    class Workers:
        def heard(self):
            running.set_result("found")
            return [("mine", 1), ("other", 2), ("mine", 3), ("other", 4)]

    monkeypatch.setattr(pool, "EVERY_S", 0.0)
    solver = pool._Solver(2, None, told.append)
    solver._workers = Workers()
    assert solver._waited_for("mine", running) == "found"
    assert told == [3]


def test_a_search_is_told_of_once_a_second_and_not_at_once():
    clock, told = iter([0.0, 0.5, 1.0, 1.9, 2.1]), []
    spoken = pool._OnceASecond(told.append, lambda: next(clock))
    for status in "abcd":
        spoken(status)
    assert told == ["b", "d"]
