"""Every error is one sentence and an exit code, and so is every stream that cannot be written."""

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crisp_hw.errors import InputError, MappingError
from crisp_hw.machine.ending import ended

pytestmark = pytest.mark.process


def failing(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("x\ny"), 2, "error: x y"),
        (MappingError("z\x1b[31m"), 3, "error: z?[31m"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 4, "error: out of memory; take fewer --jobs, or smaller inputs"),
        (MemoryError("3 GiB"), 4, "error: out of memory (3 GiB); take fewer --jobs, or smaller inputs"),
        (RecursionError("maximum"), 4, "error: something is nested too deeply to be followed; flatten the input"),
        (
            OSError(errno.EMFILE, os.strerror(errno.EMFILE), "a"),
            4,
            "error: too few file handles; raise ",
        ),
        (ImportError("libc.so: cannot open: Too many open files"), 4, "error: too few file handles; raise "),
        (ImportError("No module named 'x'"), 4, "error: a library cannot be loaded (No module named 'x'); install "),
        (PermissionError(13, "Permission denied", "a.yaml"), 2, "error: a.yaml: Permission denied; choose another "),
        (OSError(errno.EAGAIN, "Try again"), 4, "error: the system refuses (Try again); try again"),
        (BrokenPipeError(32, "Broken pipe"), 4, "error: the system refuses (Broken pipe); try again"),
        (ZeroDivisionError("by zero"), 70, "error: this is a defect of name (ZeroDivisionError: by zero); report it "),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(error, code, said, capsys):
    assert ended("name", failing(error)) == code
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"name: {said}")


def test_the_traceback_is_shown_when_asked_for(capsys):
    assert ended("name", failing(InputError("x")), debug=True) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said and said.endswith("\nname: error: x\n")


@pytest.mark.parametrize("error", [SystemExit(7), ValueError("x")])
def test_what_others_handle_passes(error):
    with pytest.raises(type(error)):
        ended("name", failing(error), passing=(ValueError,))


def python(code, **more):
    """Run a program, with buffered streams as users have them."""
    run = f"from crisp_hw.machine.ending import run_program\n{code}"
    where = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | more.pop("env", {})
    where["PYTHONPATH"] = os.pathsep.join(sys.path)  # -S finds no package that is installed
    command = [sys.executable, "-S", "-c", run]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=120, env=where, **more)


@pytest.fixture(params=[{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
def buffered(request):
    """What the environment says about it."""
    return request.param


PRINTS = "run_program('name', lambda: print('x' * 100_000))"
SHORT = "run_program('name', lambda: print('x'))"


@pytest.mark.parametrize("code", [PRINTS, SHORT])
def test_a_full_standard_output(code, buffered):
    with Path("/dev/full").open("w") as full:
        done = python(code, stdout=full, env=buffered)
    said = "standard output cannot be written (No space left on device); free space, or direct it elsewhere"
    assert (done.returncode, done.stderr) == (2, f"name: error: {said}\n")


@pytest.mark.parametrize("code", [PRINTS, SHORT])
def test_a_closed_standard_output(code, buffered):
    done = python(code, preexec_fn=lambda: os.close(1), env=buffered)
    assert done.returncode == 2
    assert done.stderr.startswith("name: error: standard output cannot be written (Bad file descriptor); ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("code", [PRINTS, SHORT])
def test_nobody_reads_standard_output(code, buffered):
    reads, writes = os.pipe()
    os.close(reads)
    done = python(code, stdout=writes, env=buffered)
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_program_that_prints_nothing_needs_no_output():
    assert python("run_program('name', lambda: None)", preexec_fn=lambda: os.close(1)).returncode == 0


@pytest.mark.parametrize("how", ["closed", "full", "unread"])
def test_standard_error_that_cannot_be_written_changes_no_exit_code(how):
    code = "from crisp_hw.errors import MappingError\ndef fail(): raise MappingError('x')\nrun_program('name', fail)"
    command = [sys.executable, "-c", f"from crisp_hw.machine.ending import run_program\n{code}"]
    match how:
        case "closed":
            done = subprocess.run(command, preexec_fn=lambda: os.close(2), check=False, timeout=120)
        case "full":
            with Path("/dev/full").open("w") as full:
                done = subprocess.run(command, stderr=full, check=False, timeout=120)
        case "unread":
            reads, writes = os.pipe()
            os.close(reads)
            done = subprocess.run(command, stderr=writes, check=False, timeout=120)
            os.close(writes)
    assert done.returncode == 3


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    path = tmp_path / "a"
    code = f"def work():\n    with open({str(path)!r}, 'w') as file: file.write(str(file.fileno()))\n"

    def close():
        for number in range(3):
            os.close(number)

    command = [
        sys.executable,
        "-c",
        f"from crisp_hw.machine.ending import run_program\n{code}run_program('name', work)",
    ]
    assert subprocess.run(command, preexec_fn=close, check=False, timeout=120).returncode == 0
    assert int(path.read_text()) > 2


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [(signal.SIGINT, 130, "name: interrupted\n"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, "")],
)
@pytest.mark.parametrize("where", ["working", "in a library", "importing", "in a destructor", "ending"])
def test_a_signal_ends_in_order(sent, code, said, where, tmp_path):
    sends = f"import os, signal; os.kill(os.getpid(), {int(sent)})"
    (tmp_path / "sends.py").write_text(f"{sends}\nfor _ in range(10**5): pass\n")
    codes = {
        "working": f"def work():\n    {sends}\n    import time; time.sleep(60)",
        "in a library": (  # one that makes an error of its own of whatever comes while it compares, as NumPy does
            f"def work():\n    try:\n        {sends}\n        import time; time.sleep(60)\n"
            "    except BaseException:\n        raise TypeError('cannot compare') from None"
        ),
        "importing": f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "def work():\n    import sends\n    import time; time.sleep(60)",
        "in a destructor": (
            f"class Sends:\n    def __del__(self):\n        {sends}\n        for _ in range(100): pass\n"
            "def work():\n    Sends()\n    import time; time.sleep(60)"
        ),
        "ending": f"import atexit\ndef send():\n    {sends}\n    for _ in range(100): pass\natexit.register(send)\n"
        "def work(): pass",
    }
    done = python(f"{codes[where]}\nrun_program('name', work)", preexec_fn=_hears_signals)
    if where == "ending":
        # what is done is done: an interrupt has nothing to stop; those that end the process still do
        assert (done.returncode == 0 or sent != signal.SIGINT) and "interrupted" not in done.stderr
        return
    assert (done.returncode, done.stderr) == (code, said)


def _hears_signals():
    """What starts the tests may ignore signals, as nohup does, and its processes inherit that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


def test_signals_that_are_ignored_stay_so():
    code = "import os, signal\ndef work(): [os.kill(os.getpid(), each) for each in (1, 2, 15)]\n"
    ignoring = "signal.signal(1, signal.SIG_IGN); signal.signal(2, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN)\n"
    done = python(f"{code}{ignoring}run_program('name', work)")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stream_of_a_test_is_written_to(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert ended("name", failing(InputError("x"))) == 2
    assert sys.stderr.getvalue() == "name: error: x\n"
