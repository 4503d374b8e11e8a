"""What was looked up is remembered as long as its file is that of then, and no longer."""

import os

import pytest

from crisp_hw.searches import solve as solve_module
from crisp_hw.searches.recent import Recent
from crisp_hw.searches.solve import recall, solve


def aged(path, seconds=60):
    """Let a file be older than it is."""
    told = path.stat()
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns - seconds * 10**9))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "entry"
    path.write_text("one")
    aged(path)
    return path


def test_a_file_that_stays_keeps_its_value(file):
    recent = Recent()
    recent.put(file, "value")
    assert recent.get(file) == "value"


def test_a_file_that_was_written_again_has_none(file):
    recent = Recent()
    recent.put(file, "value")
    file.write_text("two")
    assert recent.get(file) is None and len(recent) == 0


def test_a_file_that_is_gone_has_none(file):
    recent = Recent()
    recent.put(file, "value")
    file.unlink()
    assert recent.get(file) is None


def test_a_file_that_was_written_just_now_is_not_remembered(file):
    recent = Recent()
    os.utime(file)
    recent.put(file, "value")
    assert recent.get(file) is None


def test_the_one_that_was_asked_for_longest_ago_is_forgotten(tmp_path):
    recent = Recent(2)
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
        aged(path)
    recent.put(paths[0], 0)
    recent.put(paths[1], 1)
    recent.get(paths[0])
    recent.put(paths[2], 2)
    assert [recent.get(path) for path in paths] == [0, None, 2]


def test_a_search_is_read_once_by_a_process_that_asks_for_it_again(task, store, monkeypatch):
    subject = task(4, 6, 8)
    solved = solve(subject, store)
    aged(store.path(subject.key))
    assert recall(subject, store) == solved
    monkeypatch.setattr(solve_module, "read_spelled", None)
    assert recall(subject, store) == solved
    store.path(subject.key).unlink()
    assert recall(subject, store) is None
