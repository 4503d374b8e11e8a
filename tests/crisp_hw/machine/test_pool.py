"""Workers end with their pool and their parent, and take interrupts from it alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pool_work import chatter, die, hang, note

from crisp_hw.machine.pool import WorkerLost, WorkerPool, answer_of, say

pytestmark = pytest.mark.process


def until(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    assert condition()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started(path):
    return path.exists() and path.read_text().isdecimal()


ALONE = """
import _thread, sys, threading
from crisp_hw.machine.pool import forkable

found, begun, end = [forkable()], threading.Event(), threading.Event()


def live():
    begun.set()
    end.wait()


sys.modules["torch"] = sys
found.append(forkable())
del sys.modules["torch"]
found.append(forkable())
_thread.start_new_thread(live, ())  # which `threading` does not count
begun.wait()
found.append(forkable())
end.set()
print(*found, threading.active_count())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux alone")
def test_a_process_forks_without_other_threads_and_pytorch_alone():
    said = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.split() == ["True", "False", "True", "False", "1"] and said.stderr == ""


def test_answers_come_back_by_name(tmp_path):
    with WorkerPool(2) as pool:
        running = pool.submit_all({name: (note, (str(tmp_path / name),)) for name in "abc"})
        assert [answer_of(running[name]) for name in "abc"] == [str(tmp_path / name) for name in "abc"]


def test_an_interrupt_reaches_what_is_under_way_and_what_begins_later(tmp_path):
    with WorkerPool(1) as pool:
        running = pool.submit_all({name: (hang, (str(tmp_path / name),)) for name in "ab"})
        until(lambda: started(tmp_path / "a"))
        for sent in (
            signal.SIGINT,
            signal.SIGTERM,
        ):  # a terminal's own, or to the whole group, which a worker does not hear
            os.kill(int((tmp_path / "a").read_text()), sent)
        assert not running["a"].done()
        pool.interrupt()
        assert running["a"].result(timeout=60) == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            running["b"].result(timeout=60)
    assert not (tmp_path / "b").exists()


def test_an_error_in_the_block_ends_the_workers(tmp_path):
    with pytest.raises(ZeroDivisionError), WorkerPool(1) as pool:
        pool.submit_all({"a": (hang, (str(tmp_path / "a"),))})
        until(lambda: started(tmp_path / "a"))
        raise ZeroDivisionError
    until(lambda: not alive(int((tmp_path / "a").read_text())))


def test_a_worker_that_dies_is_named():
    with pytest.raises(WorkerLost, match="ended without an answer"), WorkerPool(1) as pool:
        answer_of(pool.submit_all({"a": (die, (0,))})["a"])


PARENT = """
import sys, time
from pathlib import Path
from crisp_hw.machine.pool import WorkerPool

def hang(path):
    import os
    Path(path).write_text(str(os.getpid()))
    time.sleep(300)

if __name__ == "__main__":
    with WorkerPool(2, forked=sys.argv[2] == "forked") as pool:
        pool.submit_all({name: (hang, (f"{sys.argv[1]}/{name}",)) for name in "ab"})
        time.sleep(300)
"""


@pytest.mark.parametrize("begun", ["forked", "spawned"])
def test_workers_end_with_a_parent_that_is_killed(tmp_path, begun):
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path), begun]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until(lambda: all(started(tmp_path / name) for name in "ab"))
    parent.kill()
    assert parent.wait(timeout=60) == -9
    until(lambda: not any(alive(int((tmp_path / name).read_text())) for name in "ab"))
    assert "Traceback" not in parent.communicate()[1]


@pytest.mark.parametrize("forked", [False, True])
def test_what_a_call_says_of_itself_is_heard(forked):
    with WorkerPool(1, forked=forked) as workers:
        assert answer_of(workers.submit_all({"a": (chatter, (3,))})["a"]) == 3
        assert (workers.heard(), workers.heard()) == ([0, 1, 2], [])


def test_who_is_not_listened_to_does_not_wait_for_it():
    with WorkerPool(1, forked=True) as workers:
        assert answer_of(workers.submit_all({"a": (chatter, (100_000,))})["a"]) == 100_000
        heard = workers.heard()
    assert heard == list(range(len(heard)))
    assert 0 < len(heard) < 100_000


def test_outside_of_workers_nothing_is_said():
    say("anything")
