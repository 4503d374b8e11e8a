"""Whoever answers the works of a search, the result is the same."""

import pytest
from small_spaces import KINDS

from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.exact.work import Worker
from crisp_hw.mapper.exact.workers import Workers
from crisp_hw.mapper.tally import Tally


def searched(kind, seed, jobs, tick=lambda *_: None):
    case = KINDS[kind](seed)
    tally = Tally(case.objective)
    exact = Exact(case.spaces, tally, tick, jobs=jobs, alone_s=0.0)
    return exact.run(), tally, (exact.pairs, exact.done, exact.opened)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seed"), [("dense", 3), ("sparse", 2), ("windows", 1)])
def test_any_number_of_processes_gives_the_same_result(kind, seed):
    proven, alone, counts = searched(kind, seed, 1)
    assert proven
    for jobs in (2, 3):
        done, tally, again = searched(kind, seed, jobs)
        assert done
        assert tally.leader == alone.leader  # the mapping, and not its scores alone
        assert (tally.tried, tally.valid, again) == (alone.tried, alone.valid, counts)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_all_processes_and_keeps_the_best(jobs, monkeypatch):
    given = []
    real = Workers.give
    monkeypatch.setattr(Workers, "give", lambda self, work: given.append(work) or real(self, work))

    def impatient(*_):
        if len(given) > 1:  # templates are being joined
            raise KeyboardInterrupt

    case = KINDS["dense"](3)
    tally = Tally(case.objective)
    with pytest.raises(KeyboardInterrupt):
        Exact(case.spaces, tally, impatient, jobs=jobs, alone_s=0.0).run()
    assert tally.leader is not None


def test_no_template_is_begun_once_ctrl_c_was_heard_in_one(monkeypatch):
    joined = []

    def interrupted(self, node, judge):
        joined.append(node)
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "_join", interrupted)
    case = KINDS["dense"](3)
    exact = Exact(case.spaces, Tally(case.objective), lambda *_: None, jobs=1)
    with pytest.raises(KeyboardInterrupt):
        exact.run()
    assert len(joined) == 1 < len(exact._leaves)
