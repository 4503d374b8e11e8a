"""The command as a process: pipes, start-up, what a shell sees."""

import csv
import io
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.process

COMMAND = [sys.executable, "-m", "crisp_hw.cli"]


def run(*arguments, **more):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, **more)


def test_csv_can_be_piped():
    done = run("evaluate", "--workload", "resnet50", "--nm", "2:4", "--layers", "fc", "-f", "csv")
    assert done.returncode == 0
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["layer"], row["nm"]) == ("fc", "2:4") and float(row["speedup"]) > 1


def test_errors_leave_stdout_empty():
    done = run("evaluate", "--workload", "alexnet", "-f", "csv")  # with json, the error itself stands there
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("crisp-hw: error: ") and "Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_closed_pipe_is_no_error_message(form):
    process = subprocess.Popen(
        [*COMMAND, "workload", "show", "resnet50", "-f", form], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_a_terminal_of_ascii_is_enough():
    done = run("workload", "show", "resnet50", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0 and "layer4.2.conv3" in done.stdout


def test_help_starts_without_the_heavy_libraries():
    heavy = ("numpy", "pandas", "matplotlib", "torch", "yaml", "jinja2")
    code = (
        "import sys\nfrom crisp_hw.cli import app\n"
        "try:\n    app(['evaluate', '--help'])\nexcept SystemExit:\n    pass\n"
        f"sys.exit(','.join(m for m in {heavy!r} if m in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--masks" in done.stdout


def test_a_tiny_table_needs_no_pandas_and_no_matplotlib():
    code = (
        "import sys\nfrom crisp_hw.cli import app\n"
        "try:\n    app(['evaluate', '--workload', 'resnet50', '--layers', 'fc'])\nexcept SystemExit:\n    pass\n"
        "sys.exit(','.join(m for m in ('pandas', 'matplotlib', 'torch') if m in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_ended_from_outside_it_ends_timeloop_too(sent, tmp_path):
    """A stand-in that hangs with a child: neither is left, nor is the folder that they ran in."""
    program, started = tmp_path / "timeloop-model", tmp_path / "started"
    program.write_text(f"#!/bin/sh\nsleep 300 &\necho $$ $! > {started}.new\nmv {started}.new {started}\nwait\n")
    program.chmod(0o755)
    (tmp_path / "temporary").mkdir()
    where = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path / "temporary")}
    words = ["evaluate", "--workload", "resnet50", "--layers", "fc", "--backend", "timeloop", "--no-cache", "-j", "1"]
    process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, env={**os.environ, **where})
    _until(started.exists)
    process.send_signal(sent)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 128 + sent
    assert said == ("crisp-hw: interrupted\n" if sent == signal.SIGINT else "")
    _until(lambda: not any(_lives(int(number)) for number in started.read_text().split()))
    assert list((tmp_path / "temporary").iterdir()) == []


def _until(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    assert condition()


def _lives(number):
    """Is there a process of that number that is no zombie of somebody else's?"""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")
