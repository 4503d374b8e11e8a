"""Programs that end, hang, fork and flood."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crisp_hw.machine import process


def run(command, folder, limit_s, **more):
    return process.run(command, folder, folder / "log", limit_s, **more)


pytestmark = pytest.mark.process


def python(code):
    return [sys.executable, "-S", "-c", code]


def alive(pid):
    """Does the process run (a zombie does not)?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_both_outputs_are_in_the_log(tmp_path):
    done = run(python("import sys; print('out', flush=True); print('err', file=sys.stderr)"), tmp_path, 10)
    assert done.log.read_text() == "out\nerr\n"
    assert (done.ending, done.status) == ("exited", 0)


def test_a_signal_is_a_negative_status(tmp_path):
    done = run(python("import os; os.abort()"), tmp_path, 10)
    assert (done.ending, done.status) == ("exited", -6)


def test_a_program_that_hangs_is_ended_and_reaped(tmp_path):
    done = run(python("import os, time; print(os.getpid(), flush=True); time.sleep(3600)"), tmp_path, 3)
    assert done.ending == "out of time"
    assert not Path(f"/proc/{done.log.read_text().strip()}").exists()


def test_its_children_are_ended_too(tmp_path):
    code = (
        "import os, time\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True)\n"
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "time.sleep(3600)"
    )
    done = run(python(code), tmp_path, 3)
    child = int(done.log.read_text())
    deadline = time.monotonic() + 60
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


def test_children_that_outlive_it_are_ended(tmp_path):
    code = "import os, time\nchild = os.fork()\nif child: print(child, flush=True)\nelse: time.sleep(3600)"
    done = run(python(code), tmp_path, 600)
    assert (done.ending, done.status) == ("exited", 0)
    deadline = time.monotonic() + 60
    while alive(int(done.log.read_text())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(int(done.log.read_text()))


def test_a_flood_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_BYTES", 100_000)
    done = run(python("while True: print('x' * 1000)"), tmp_path, 600)
    assert done.ending == "log too long"


def test_no_zombie_is_left(tmp_path):
    run(python("pass"), tmp_path, 10)
    stats = (path / "stat" for path in Path("/proc").iterdir() if path.name.isdecimal())
    found = []
    for stat in stats:
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [stat] if state == "Z" and int(parent) == os.getpid() else []
    assert found == []


def test_an_interrupt_ends_the_program(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(python("import time; time.sleep(60)"), tmp_path, 60)
    marks = [path for path in Path("/proc").glob("[0-9]*/cwd") if _link(path) == str(tmp_path)]
    assert marks == []


def _link(path):
    try:
        return str(path.readlink())
    except OSError:
        return ""


def test_variables_are_those_given(tmp_path):
    code = "import os; print(os.environ.get('HOME'), os.environ['ONLY'])"
    assert run(python(code), tmp_path, 10, environment={"ONLY": "this"}).log.read_text() == "None this\n"


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        run([str(tmp_path / "nowhere")], tmp_path, 1)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_us_however_we_end(tmp_path, sent):
    """We are killed while a program with a child runs; neither they nor whoever watched them are left."""
    numbers = tmp_path / "numbers"
    shell = f"sleep 300 & echo $$ $! > {numbers}.new; mv {numbers}.new {numbers}; wait"
    code = (
        "from pathlib import Path\nfrom crisp_hw.machine.process import run\n"
        f"run(['sh', '-c', {shell!r}], Path({str(tmp_path)!r}), Path({str(tmp_path / 'log')!r}), 300)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    until(numbers.exists)
    until(lambda: len(children(parent.pid)) == 2)
    watcher = [each for each in children(parent.pid) if str(each) not in numbers.read_text().split()]
    parent.send_signal(sent)
    parent.wait(timeout=60)
    until(lambda: not any(alive(int(each)) for each in (*numbers.read_text().split(), *watcher)))


@pytest.mark.parametrize("moment", range(3))
def test_an_interrupt_at_the_start_is_not_lost(tmp_path, monkeypatch, moment):
    """The first, second or third thing that is started or opened is where it comes."""
    seen, pids, popen = [], [], subprocess.Popen

    def interrupted(*arguments, **more):
        made = popen(*arguments, **more)
        pids.append(made.pid)
        seen.append(signal.raise_signal(signal.SIGINT) if len(seen) == moment else None)
        return made

    monkeypatch.setattr(process.subprocess, "Popen", interrupted)
    if moment < 2:
        with pytest.raises(KeyboardInterrupt):
            run(python("import time; time.sleep(60)"), tmp_path, 60)
    else:
        assert run(python("pass"), tmp_path, 60).status == 0
    assert len(pids) == 2 and not any(alive(each) for each in pids)


def until(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    assert condition()


def children(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found
