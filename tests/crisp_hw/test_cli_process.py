"""The command as a process: pipes, start-up, what a shell sees."""

import csv
import io
import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "crisp_hw.cli"]


def run(*arguments, **more):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, **more)


def test_csv_can_be_piped():
    done = run("evaluate", "--workload", "resnet50", "--nm", "2:4", "--layers", "fc", "-f", "csv")
    assert done.returncode == 0
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["layer"], row["nm"]) == ("fc", "2:4") and float(row["speedup"]) > 1


def test_errors_leave_stdout_empty():
    done = run("evaluate", "--workload", "alexnet", "-f", "json")
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
