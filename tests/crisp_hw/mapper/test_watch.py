"""A search is told of by the clock, and what was best when is kept."""

import threading

import pytest

from crisp_hw.mapper.found import SearchStatus
from crisp_hw.mapper.watch import Watch


def test_what_was_told_is_told_again_until_there_is_news():
    told, enough = [], threading.Event()

    def progress(status):
        told.append(status)
        if len(told) > 3:
            enough.set()

    status = SearchStatus(1, 2, 10, 5.0, 0.5, 3.0)
    with Watch(progress, every_s=0.01) as watch:
        watch.tell(status)
        assert enough.wait(60)  # the search says nothing meanwhile
    assert set(told) == {status}
    many = len(told)
    assert threading.active_count() >= 1
    watch.tell(status)
    assert len(told) == many + 1  # nobody repeats it after the end


def test_what_the_listener_raises_beside_the_search_is_raised_in_it():
    heard = threading.Event()

    def impatient(status):
        if heard.is_set() or threading.current_thread() is not threading.main_thread():
            heard.set()
            raise KeyboardInterrupt

    with Watch(impatient, every_s=0.01) as watch:
        watch.tell(SearchStatus(1, 2))
        assert heard.wait(60)
        with pytest.raises(KeyboardInterrupt):
            watch.tell(SearchStatus(2, 2))


def test_nothing_is_told_without_a_listener_but_kept():
    with Watch(None) as watch:
        watch.tell(SearchStatus(0, 3))
        for cycles, bound in ((10, None), (10, None), (8, 4.0), (8, 4.0)):
            watch.tell(SearchStatus(1, 3, cycles, 2.0, None, bound))
    found = watch.ended(6.0, 0.5)
    assert [(each.cycles, each.bound) for each in found] == [(10, None), (8, 4.0), (8, 6.0)]
    assert [each.seconds for each in found] == sorted(each.seconds for each in found)
    assert found[-1].gap == 0.5


def test_a_better_bound_is_kept_when_the_last_word_is_old():
    with Watch(None, every_s=0.0) as watch:
        for bound in (1.0, 2.0, 2.0):
            watch.tell(SearchStatus(1, 3, 8, 2.0, None, bound))
    assert [each.bound for each in watch.history] == [1.0, 2.0]


def test_no_history_where_nothing_was_found():
    assert Watch(None).ended(1.0, None) == ()
