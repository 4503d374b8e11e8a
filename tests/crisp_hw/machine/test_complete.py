"""Foreign programs end, or are ended together with their children."""

import os
import time
from pathlib import Path

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine import process
from crisp_hw.machine.process import Completed, complete

pytestmark = pytest.mark.process


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0] != "Z"  # a zombie is dead


def test_output_and_exit_code_of_both_streams(tmp_path):
    done = complete(["sh", "-c", "echo one; echo two >&2; exit 4"], tmp_path, 5)
    assert (done.status, done.output) == (4, "one\ntwo\n")


def test_it_runs_in_the_folder_and_without_input(tmp_path):
    assert complete(["sh", "-c", "pwd; cat"], tmp_path, 5).output == f"{tmp_path}\n"


@pytest.mark.parametrize("ends", ["wait", "exit 0"])
def test_children_die_with_the_program(tmp_path, ends):
    """Whether the program hangs with its child or leaves it behind."""
    script = tmp_path / "parent"
    script.write_text(f"#!/bin/sh\nsleep 60 >/dev/null 2>&1 &\necho $! > {tmp_path}/child\n{ends}\n")
    script.chmod(0o755)
    if ends == "wait":
        with pytest.raises(InputError, match=r"parent: did not end within 2 s and was stopped"):
            complete([str(script)], tmp_path, 2)
    else:
        complete([str(script)], tmp_path, 5)
    child = int((tmp_path / "child").read_text())
    limit = time.monotonic() + 60
    while alive(child) and time.monotonic() < limit:
        time.sleep(0.01)
    assert not alive(child)


def test_a_program_that_cannot_be_started(tmp_path):
    with pytest.raises(InputError, match=r"no-such-program: cannot be started \(No such file"):
        complete([str(tmp_path / "no-such-program")], tmp_path, 5)


def test_a_flood_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_BYTES", 1 << 20)
    with pytest.raises(InputError, match="yes: printed more than 1 MiB and was stopped"):
        complete(["yes"], tmp_path, 60)


def test_bytes_that_are_no_text_and_deaths_by_signal(tmp_path):
    done = complete(["sh", "-c", "printf '\\377ok\\n'; kill -9 $$"], tmp_path, 5)
    assert done.status == -9
    assert done.output.endswith("ok\n")


def test_the_tail_is_one_line():
    lines = "\n".join(f"line  {n}" for n in range(9))
    assert Completed(1, lines).tail == " / ".join(f"line {n}" for n in range(3, 9))
    assert Completed(1, " \n").tail == "no output"
