"""Every end of `crisp-hw` is one sentence: outputs that cannot be written, streams, signals, too few means."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
COMMAND = [sys.executable, "-m", "crisp_hw.cli"]
FLAT = Path(__file__).parent / "dropin" / "documents" / "dense-flat.yaml"
EVALUATE = ["evaluate", "--workload", "resnet50", "--layers", "fc"]


def run(*words, **more):
    words = [*COMMAND, *map(str, words)]
    return subprocess.run(words, **{"capture_output": True, "text": True, "timeout": 300, **more}, check=False)


def one_sentence(done, code):
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("crisp-hw: ") and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    return done.stderr


OUTPUTS = {
    "evaluate": (*EVALUATE, "--no-plot", "--out"),
    "render": ("render", "--workload", "resnet50", "--layers", "fc", "--out"),
    "model": ("model", FLAT, "--out"),
    "map": ("map", FLAT, "--out"),
    "bundle": ("bundle", "--workload", "resnet50", "--layers", "fc", "--out"),
}


@pytest.mark.parametrize("command", OUTPUTS)
def test_an_output_without_a_name(command, tmp_path):
    said = one_sentence(run(*OUTPUTS[command], "", cwd=tmp_path), 2)
    assert "an empty name was given for an output" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", OUTPUTS)
@pytest.mark.parametrize("place", ["file/out", "/proc/out/deeper"])
def test_an_output_where_nothing_can_be(command, place, tmp_path):
    (tmp_path / "file").write_text("mine")
    said = one_sentence(run(*OUTPUTS[command], tmp_path / place), 2)
    assert "cannot be written (" in said
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("words", [("--help",), ("workload", "show", "resnet50"), ("model", FLAT), EVALUATE])
def test_a_full_standard_output(words, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = run(*words, capture_output=False, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path)
    assert "standard output cannot be written (No space left on device)" in one_sentence(done, 2)


@pytest.mark.parametrize("words", [("--help",), ("workload", "show", "resnet50")])
def test_a_closed_standard_output(words):
    done = run(*words, preexec_fn=lambda: os.close(1))
    assert "standard output cannot be written (Bad file descriptor)" in one_sentence(done, 2)


def test_closed_standard_error_changes_nothing():
    assert run("workload", "show", "nowhere", preexec_fn=lambda: os.close(2)).returncode == 2
    assert run("workload", "show", "resnet50", preexec_fn=lambda: os.close(2)).returncode == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_too_few_file_handles(jobs, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))

    words = ["evaluate", "--workload", "resnet50", "--jobs", jobs, "--no-cache"]
    done = run(*words, preexec_fn=limit, cwd=tmp_path)
    if done.returncode:
        assert "too few file handles" in one_sentence(done, 4)


IMPORTS = """
import builtins, os, signal, sys
real, wanted = builtins.__import__, sys.argv.pop(1)
def importing(name, *more, **others):
    if name == wanted:
        builtins.__import__ = real
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *more, **others)
from crisp_hw.cli import main
builtins.__import__ = importing
main()
"""


@pytest.mark.parametrize("module", ["signal", "dataclasses", "typer", "numpy", "crisp_hw.engine.evaluate"])
def test_an_interrupt_while_something_is_imported(module, tmp_path):
    command = [sys.executable, "-c", IMPORTS, module, *EVALUATE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "crisp-hw: interrupted\n")


def test_an_interrupt_while_files_are_written(tmp_path):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nwrite = Path.write_bytes\n"
        "def interrupted(path, content):\n    os.kill(os.getpid(), signal.SIGINT)\n    return write(path, content)\n"
        "Path.write_bytes = interrupted\nfrom crisp_hw.cli import main\nmain()"
    )
    command = [sys.executable, "-c", code, *EVALUATE, "--no-plot", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "crisp-hw: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_too_little_memory(tmp_path):
    code = (
        "from crisp_hw.cli import main\nimport crisp_hw.api as api\n"
        "def large(*_, **__):\n    import numpy\n    return numpy.zeros(2**50)\n"
        "api.evaluate = large\nmain()"
    )
    command = [sys.executable, "-c", code, *EVALUATE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert "out of memory (" in one_sentence(done, 4)
