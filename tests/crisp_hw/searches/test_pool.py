"""Many searches: the same answers however many processes, and no process left whatever happens."""

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path

import pytest

from crisp_hw.errors import InputError, MappingError
from crisp_hw.machine.pool import WorkerLost
from crisp_hw.searches import pool
from crisp_hw.searches.pool import cores
from crisp_hw.searches.pool import solving as answering
from crisp_hw.searches.solve import Task, recall, solve

pytestmark = pytest.mark.process

SIZES = [(4, 6, 8), (8, 4, 2), (2, 2, 2), (6, 6, 6)]


class Endless:
    """Constraints that a process spends an hour on reading: a search that no test waits for."""

    def __reduce__(self):
        return time.sleep, (3600,)


def endless(key):
    return Task(None, Endless(), "cycles", None, key)


@contextmanager
def solving(tasks, jobs=1, store=None):
    """Answers to tasks that are all announced."""
    with answering(jobs, store) as answer:
        answer.announce(tasks)
        yield answer


@pytest.fixture
def tasks(task):
    return [task(*size) for size in SIZES]


def gone(pids, seconds=30.0):
    """Have these processes ended (zombies have not)?"""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


@contextmanager
def once_both_work(act):
    """Call `act` with the numbers of both processes as soon as there are two."""

    def look(*_):
        pids = [child.pid for child in active_children()]
        if len(pids) == 2:
            signal.setitimer(signal.ITIMER_REAL, 0)
            act(pids)

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("jobs", [1, 2, None])
@pytest.mark.parametrize("kept", [False, True])
def test_answers_do_not_depend_on_jobs_or_store(tasks, jobs, kept, store):
    expected = [solve(task) for task in tasks]
    for _ in range(2 if kept else 1):
        with solving([*tasks, tasks[0]], jobs, store if kept else None) as answer:
            assert [answer(task) for task in tasks] == expected
            assert answer(tasks[-1]) is answer(tasks[-1])
    assert all((recall(task, store) is not None) == kept for task in tasks)
    assert active_children() == []


def test_the_order_of_questions_is_free(tasks):
    with solving(tasks, 2) as answer:
        assert [answer(task) for task in reversed(tasks)] == [solve(task) for task in reversed(tasks)]


def test_a_task_that_was_not_announced_is_answered(tasks):
    with solving(tasks[:2], 2) as answer:
        assert answer(tasks[3]) == solve(tasks[3])


def test_what_is_kept_needs_no_process(tasks, store):
    for task in tasks[:-1]:
        solve(task, store)
    with solving(tasks, 2, store) as answer:
        for task in tasks:
            answer(task)
        assert active_children() == []


def test_a_damaged_entry_is_searched_anew_in_between(tasks, store):
    expected = [solve(task, store) for task in tasks]
    for task in tasks[1:3]:
        store.path(task.key).write_text("{")
    with solving(tasks, 2, store) as answer:
        assert [answer(task) for task in tasks] == expected
    assert all(recall(task, store) is not None for task in tasks)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_error_in_order_is_raised_and_ends_the_others(task, jobs):
    bad, worse = task(4, 6, 8, words=2), task(4, 8, 8, words=1)
    with (
        pytest.raises(MappingError, match=r"M=4 N=6 K=8.*needs 3 words of capacity and has 2"),
        solving([task(2, 2, 2), bad, worse, endless("e")], jobs) as answer,
    ):
        answer(task(2, 2, 2))
        answer(bad)
    assert active_children() == []


def test_an_interrupt_ends_processes_at_once(task):
    with (
        pytest.raises(KeyboardInterrupt),
        solving([endless("one"), endless("two"), task(2, 2, 2)], 2) as answer,
        once_both_work(lambda pids: (_ for _ in ()).throw(KeyboardInterrupt)),
    ):
        answer(endless("one"))
    assert active_children() == []


@pytest.mark.parametrize("which", [min, max])
def test_a_process_that_is_killed_is_an_error_and_not_an_answer(which):
    with (
        pytest.raises(WorkerLost, match=r"ended without an answer .* take fewer jobs") as caught,
        solving([endless("one"), endless("two")], 2) as answer,
        once_both_work(lambda pids: os.kill(which(pids), signal.SIGKILL)),
    ):
        answer(endless("one"))
    assert caught.value.exit_code == 4
    assert active_children() == []


PARENT = """
import sys, threading, time
from multiprocessing import active_children
from crisp_hw.searches.solve import Task
from crisp_hw.searches import pool

class Endless:
    def __reduce__(self):
        return time.sleep, (3600,)

def tell():
    while len(active_children()) < 2:
        time.sleep(0.05)
    print(*[child.pid for child in active_children()], flush=True)

if __name__ == "__main__":
    tasks = [Task(None, Endless(), "cycles", None, key) for key in "ab"]
    assert pool.forkable()
    if sys.argv[1] == "spawned":
        pool.forkable = lambda: False
    with pool.solving(2) as answer:
        answer.announce(tasks)
        threading.Thread(target=tell, daemon=True).start()
        answer(tasks[0])
"""


@pytest.mark.parametrize("begun", ["forked", "spawned"])
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_processes_do_not_outlive_a_killed_parent(tmp_path, kill, begun):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script, begun], stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2 and not gone(pids, 0.1)
        parent.send_signal(kill)
    assert gone(pids)


def test_alone_where_there_is_little_to_do(tasks):
    with solving(tasks, None) as answer:
        for task in tasks:
            answer(task)
            assert active_children() == []


@pytest.mark.skipif(cores() == 1, reason="one core: nothing to spread over")
def test_company_once_it_pays(tasks, monkeypatch):
    monkeypatch.setattr(pool, "PATIENCE_S", 0.0)
    monkeypatch.setattr(pool, "WORTH_S", 0.0)
    with solving(tasks, None) as answer:
        first = answer(tasks[0])
        assert active_children() == []
        rest = [answer(task) for task in tasks[1:]]
        assert active_children() != []
    assert [first, *rest] == [solve(task) for task in tasks]
    assert active_children() == []


FORKS = """
import pickle, sys
from multiprocessing import active_children
from crisp_hw.searches import pool

tasks = pickle.load(open(sys.argv[1], "rb"))
with pool.solving(None) as answer:
    answer.announce(tasks[:3])
    few = len(active_children())
    answer.announce(tasks)  # nothing is searched twice
    many = len(active_children())
    found = [answer(task).found.cycles for task in tasks]
print(few, many, found, "crisp_hw.engine.evaluate" in sys.modules)
"""


@pytest.mark.skipif(cores() == 1, reason="one core: nothing to spread over")
def test_what_is_announced_is_begun_by_forks_where_it_is_enough(task, tmp_path):
    tasks = [task(2 * size, 4, 2) for size in range(1, 1 + pool.ENOUGH)]
    (tmp_path / "tasks").write_bytes(pickle.dumps(tasks))
    (tmp_path / "forks.py").write_text(FORKS)  # without a main guard
    command = [sys.executable, tmp_path / "forks.py", tmp_path / "tasks"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    expected = [solve(each).found.cycles for each in tasks]
    assert said.stdout.strip() == f"0 {min(cores(), len(tasks))} {expected} True" and said.stderr == ""


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs_are_refused(jobs):
    with pytest.raises(InputError, match=f"{jobs} jobs: give 1 or more"), answering(jobs):
        pass
