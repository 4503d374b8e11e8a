"""Units of work: plain data, and an answer that depends on nothing else."""

import json
from functools import cache

import pytest
from small_spaces import KINDS, found_by_templates

from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.exact.setting import Setting
from crisp_hw.mapper.exact.work import Answer, Work, Worker, best_of, leader_of
from crisp_hw.mapper.exact.workers import Workers
from crisp_hw.mapper.tally import Tally

SEEDS = {"dense": 3, "windows": 1, "sparse": 2}  # spaces of which some templates are left when others are beaten


@cache
def works_of(kind, seed=None):
    """A space, the works of its search, and what it finds."""
    case, given = KINDS[kind](SEEDS[kind] if seed is None else seed), []
    real = Workers.give

    def noted(self, work):
        given.append(work)
        return real(self, work)

    tally = Tally(case.objective)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workers, "give", noted)
        assert Exact(case.spaces, tally, lambda *_: None).run()
    assert given
    return case, given, tally


def through_json(data):
    return json.loads(json.dumps(data))


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_a_work_and_its_answer_are_plain_data(kind):
    case, works, _ = works_of(kind)
    used, fresh = (Worker(Setting(case.spaces), case.objective) for _ in "12")
    for work in works:
        again = Work.of(through_json(work.data()))
        assert again == work
        answer = used.answer(work)
        assert Answer.of(through_json(answer.data())) == answer
        assert fresh.answer(again) == answer


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_what_was_answered_before_changes_no_answer(kind):
    case, works, _ = works_of(kind)
    used = Worker(Setting(case.spaces), case.objective)
    told = [used.answer(work) for work in works]
    assert [used.answer(work) for work in reversed(works)] == told[::-1]
    alone = [Worker(Setting(case.spaces), case.objective).answer(work) for work in works]
    assert alone == told


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_a_work_that_knows_of_no_mapping_finds_the_best_of_its_template(kind):
    case, works, tally = works_of(kind)
    worker = Worker(Setting(case.spaces), case.objective)
    answers = [worker.answer(Work(work.node, None, work.pairs)) for work in works]
    best = min((each.best.scores for each in answers if each.best), default=None)
    assert best is None or best >= found_by_templates(case)
    for each in answers:
        if each.best is not None:
            leader = leader_of(each.best, case.spaces)
            assert best_of(leader, case.spaces) == each.best
            assert leader.mapping.nest.keeps in {space.keeps for space in case.spaces}
    assert best_of(tally.leader, case.spaces).scores == found_by_templates(case)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 5, 6])
def test_what_several_templates_would_judge_in_every_order_is_judged_once(seed):
    """Templates of one space in which neighbours may hand words on share a work, and their candidates."""
    case, works, _ = works_of("windows", seed)
    worker = Worker(Setting(case.spaces), case.objective)
    shared = [work for work in works if work.also]
    judged = []
    for work in shared:
        assert Work.of(through_json(work.data())) == work
        both = worker.answer(work)
        alone = [worker.answer(Work(name, work.best, work.pairs)) for name in (work.node, *work.also)]
        best = [each.best for each in alone if each.best]
        assert (both.best and both.best.scores) == min((each.scores for each in best), default=None)
        judged.append((both.tried, sum(each.tried for each in alone)))
    assert judged and all(once <= again for once, again in judged)
    assert sum(once for once, _ in judged) < sum(again for _, again in judged)


def test_a_work_whose_pairs_are_spent_says_so():
    case, works, _ = works_of("dense")
    worker = Worker(Setting(case.spaces), case.objective)
    answer = worker.answer(Work(works[0].node, None, 1))
    assert (answer.spent, answer.pairs) == (True, 0)


def test_an_interrupt_gives_what_was_found_by_then():
    case, works, _ = works_of("dense")
    steps = []

    def impatient():
        steps.append(0)
        if len(steps) > 1:
            raise KeyboardInterrupt

    worker = Worker(Setting(case.spaces), case.objective, tick=impatient)
    answers = [worker.answer(Work(work.node, None, work.pairs)) for work in works]
    assert any(each.interrupted for each in answers)
