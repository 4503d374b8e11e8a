"""Hidden folders end with their processes, or with the next run, and never under a process that lives."""

import gc
import itertools
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from crisp_hw.machine import staging
from crisp_hw.machine.staging import remove_dead, scratch, stage
from crisp_hw.machine.writing import replacing, write_all, write_text

WRITES = """
import sys
from pathlib import Path
from crisp_hw.machine.staging import scratch, stage
from crisp_hw.machine.writing import replacing
with {block} as path:
    (path / "half" if path.is_dir() else path).write_text("half")
    print(path, flush=True)
    sys.stdin.read()
"""


pytestmark = pytest.mark.process


@contextmanager
def writer(block, **more):
    """A process that holds a temporary file or folder until its input ends, or it is killed."""
    command = [sys.executable, "-c", WRITES.format(block=block)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def killed(block, **more):
    with writer(block, **more) as process:
        process.kill()
        assert process.wait(timeout=60) == -9


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_there(tmp_path):
    for number in range(3):
        killed(f"replacing(Path({str(tmp_path / 'a.txt')!r}))")
        assert len(names(tmp_path)) == 1 and names(tmp_path)[0].startswith(".crisp-hw-")
        match number:
            case 0:
                write_text(tmp_path / "a.txt", "x")
            case 1:
                write_all(tmp_path, {"a.txt": b"x"})
            case 2:
                assert remove_dead(tmp_path) == 1
        assert [name for name in names(tmp_path) if name.startswith(".")] == []
        (tmp_path / "a.txt").unlink(missing_ok=True)


def test_beside_a_new_folder_too(tmp_path):
    killed(f"stage(Path({str(tmp_path)!r}))")
    write_all(tmp_path / "out", {"a.txt": b"x"})
    assert names(tmp_path) == ["out"]


def test_what_a_live_process_writes_stays(tmp_path):
    with writer(f"replacing(Path({str(tmp_path / 'theirs.txt')!r}))") as process:
        (theirs,) = names(tmp_path)
        write_text(tmp_path / "ours.txt", "x")
        assert remove_dead(tmp_path) == 0
        assert names(tmp_path) == [theirs, "ours.txt"]
        process.communicate("", timeout=60)
        assert process.returncode == 0
    assert names(tmp_path) == ["ours.txt", "theirs.txt"]


def test_our_own_stay_as_long_as_their_blocks(tmp_path):
    with stage(tmp_path) as outer, stage(tmp_path) as inner, replacing(tmp_path / "a") as file:
        file.write_text("x")
        assert remove_dead(tmp_path) == 0
        assert outer.is_dir() and inner.is_dir()
    assert names(tmp_path) == ["a"]


def test_folders_for_programs_too(tmp_path, monkeypatch):
    monkeypatch.setattr(staging.tempfile, "tempdir", str(tmp_path))
    killed("scratch()", env={**staging.os.environ, "TMPDIR": str(tmp_path)})
    assert len(names(tmp_path)) == 1
    with scratch() as folder:
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == []


def test_what_only_looks_like_ours_stays(tmp_path):
    (tmp_path / ".crisp-hw-file.tmp").write_text("a file")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".crisp-hw-link.tmp").symlink_to(tmp_path / "elsewhere")
    (tmp_path / ".crisp-hw-folder").mkdir()
    before = names(tmp_path)
    assert remove_dead(tmp_path) == 0
    assert names(tmp_path) == before


def test_without_locks_nothing_is_removed(tmp_path, monkeypatch):
    def no_locks(handle, how):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(staging.fcntl, "flock", no_locks)
    (tmp_path / ".crisp-hw-old.tmp").mkdir()
    with stage(tmp_path) as folder:
        assert folder.is_dir()
    assert names(tmp_path) == [".crisp-hw-old.tmp"]


@pytest.mark.parametrize("moment", ["open", "flock"])
def test_a_folder_removed_before_it_is_locked_is_made_anew(tmp_path, monkeypatch, moment):
    module = {"open": staging.os, "flock": staging.fcntl}[moment]
    real, made = getattr(module, moment), []

    def late(*arguments, **named):
        if not made:
            made.extend(each for each in tmp_path.iterdir())
            made[0].rmdir()
        return real(*arguments, **named) if moment == "open" or len(made) > 1 else made.append(made[0])

    monkeypatch.setattr(module, moment, late)
    with stage(tmp_path) as folder:
        assert folder.is_dir() and folder != made[0]


def interrupted_at(line, number, folder):
    """Stage a folder with the signal sent at that line of what is run for it; whether there was such a line."""
    sent, lines = [], itertools.count()

    def trace(frame, event, _):
        name = frame.f_code.co_filename
        if not name.endswith(("staging.py", "interrupts.py", "contextlib.py")):
            return None
        if event == "line" and not sent and next(lines) == line:
            sent.append(frame.f_lineno)
            signal.raise_signal(number)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with stage(folder) as path:
            (path / "half").write_text("half")
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return bool(sent)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM], ids=["the signal", "its repetition"])
def test_an_interrupt_at_any_line_leaves_nothing(tmp_path, number):
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGALRM)}
    for each in handlers:
        signal.signal(each, signal.default_int_handler)
    gc.freeze()  # what other tests left on the heap is no concern of the collections below, which it made slow
    try:
        line = 0
        while interrupted_at(line, number, tmp_path):
            gc.collect()  # what an error held ends with it
            assert names(tmp_path) == [], line
            line += 1
    finally:
        gc.unfreeze()
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert line > 50
