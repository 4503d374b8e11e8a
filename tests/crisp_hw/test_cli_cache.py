"""`crisp-hw cache`, `--jobs` and `--no-cache`, as commands and as processes."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cacti_stand_in import make_package
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.machine import store
from crisp_hw.machine.store import Store, cache_folder, info
from crisp_hw.report.page.library import library
from crisp_hw.searches.version import engine_version

pytestmark = pytest.mark.process
__all__ = ["make_package"]  # a fixture

WORKLOAD = """\
schema: crisp-hw/workload/1
name: tiny
source: made up for a test
layers:
  - {name: mid, kind: linear, in_channels: 64, out_channels: 64, tokens: 16}
  - {name: fc, kind: linear, in_channels: 64, out_channels: 10}
"""


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")
    assert result.exit_code == code, result.stderr
    return result


@pytest.fixture
def words(tmp_path):
    """`evaluate` of a small workload."""
    path = tmp_path / "tiny.yaml"
    path.write_text(WORKLOAD)
    return ("evaluate", "--workload", path, "--nm", "2:4", "-a", "stc")


def test_a_second_command_prints_the_same_from_what_is_kept(words, own_cache):
    first = run(*words)
    kept = sorted((path, path.stat().st_mtime_ns) for path in own_cache.rglob("*.json"))
    again = run(*words)
    assert len(kept) == 4
    assert (again.stdout, again.stderr) == (first.stdout, "")
    assert sorted((path, path.stat().st_mtime_ns) for path in own_cache.rglob("*.json")) == kept


def test_no_cache_keeps_nothing_and_two_jobs_print_the_same(words, own_cache):
    first = run(*words, "--no-cache")
    assert not own_cache.exists()
    assert run(*words, "--jobs", 2).stdout == first.stdout


def test_jobs_must_be_positive(words):
    assert run(*words, "--jobs", 0, code=2).stderr == "crisp-hw: error: 0 jobs: give 1 or more\n"


def test_render_keeps_what_it_searched(words, tmp_path, own_cache):
    run("render", *words[1:], "--out", tmp_path / "documents", "--jobs", 1)
    assert info(Store(cache_folder(), "searches", engine_version())).entries == 4
    run("render", *words[1:], "--out", tmp_path / "again", "--no-cache")
    for path in (tmp_path / "documents").rglob("*.yaml"):
        assert (tmp_path / "again" / path.relative_to(tmp_path / "documents")).read_text() == path.read_text()


def test_info_says_where_and_how_much(words, own_cache):
    assert json.loads(run("cache", "info", "-f", "json").stdout)["entries"] == 0
    run(*words)
    said = json.loads(run("cache", "info", "-f", "json").stdout)
    assert (said["folder"], said["entries"], said["stale"]) == (str(own_cache), 4, 0)
    assert said["size_bytes"] == sum(path.stat().st_size for path in own_cache.rglob("*.json"))
    (own_cache / "searches" / engine_version()).rename(own_cache / "searches" / "0.0-0000000000000000")
    said = json.loads(run("cache", "info", "-f", "json").stdout)
    assert (said["entries"], said["stale"]) == (0, 4)


def test_clear_deletes_all_and_says_so(words, own_cache):
    run(*words)
    assert run("cache", "clear").stdout == f"deleted 4 files in {own_cache}\n"
    assert run("cache", "clear").stdout == f"deleted 0 files in {own_cache}\n"


def test_a_damaged_entry_is_said_on_stderr_and_the_table_stays(words, own_cache):
    first = run(*words)
    path = next(own_cache.rglob("*.json"))
    path.write_text("")
    command = [sys.executable, "-m", "crisp_hw.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == first.stdout
    assert done.stderr == f"{path}: is damaged; not used\n"


def test_a_folder_of_somebody_else_is_said_and_the_table_stays(words, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRISP_HW_CACHE", str(tmp_path / "file"))
    command = [sys.executable, "-m", "crisp_hw.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == run(*words, "--no-cache").stdout
    assert done.stderr.count("results are not kept") == 1


def characterized(own_cache, make_package, monkeypatch, tmp_path):
    """CACTI's answers, kept; nothing anywhere else."""
    make_package()
    monkeypatch.setenv("CRISP_HW_CACHE", str(own_cache))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    return run("characterize", "--energy", "cacti", "-f", "json").stdout


def test_answers_of_cacti_are_counted_and_cleared(own_cache, make_package, monkeypatch, tmp_path):
    first = characterized(own_cache, make_package, monkeypatch, tmp_path)
    files = list(own_cache.rglob("*.json"))
    assert files and not (tmp_path / "elsewhere").exists()
    said = json.loads(run("cache", "info", "-f", "json").stdout)
    assert (said["entries"], said["kinds"][1]) == (len(files), {"kind": "cacti", "kept": len(files), "stale": 0})
    assert run("cache", "clear").stdout == f"deleted {len(files)} files in {own_cache}\n"
    assert [path for path in own_cache.rglob("*") if path.is_file()] == []
    assert characterized(own_cache, lambda: None, monkeypatch, tmp_path) == first


def test_every_kind_is_cleared_at_once(words, own_cache, make_package, monkeypatch, tmp_path):
    characterized(own_cache, make_package, monkeypatch, tmp_path)
    answers = len(list(own_cache.rglob("*.json")))
    run(*words)
    said = json.loads(run("cache", "info", "-f", "json").stdout)
    assert [each["kept"] for each in said["kinds"]] == [4, answers, 0, 0]
    assert run("cache", "clear").stdout == f"deleted {4 + answers} files in {own_cache}\n"


def test_the_charts_of_a_page_are_counted_and_cleared(words, own_cache, tmp_path):
    library.cache_clear()  # as in a new process
    run(*words, "--no-cache", "--out", tmp_path / "out", "--no-plot")
    said = json.loads(run("cache", "info", "-f", "json").stdout)
    assert [(each["kind"], each["kept"]) for each in said["kinds"] if each["kept"]] == [("charts", 1)]
    assert run("cache", "clear").stdout == f"deleted 1 files in {own_cache}\n"


def test_answers_of_cacti_without_a_variable_lie_in_the_xdg_folder(make_package, monkeypatch, tmp_path):
    make_package()
    monkeypatch.delenv("CRISP_HW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    run("characterize", "--energy", "cacti")
    assert json.loads(run("cache", "info", "-f", "json").stdout)["entries"] > 0
    assert {path.parents[1].name for path in (tmp_path / "xdg" / "crisp-hw").rglob("*.json")} == {"cacti"}


def test_cacti_answers_where_nothing_can_be_kept(own_cache, make_package, monkeypatch, tmp_path, caplog):
    make_package()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRISP_HW_CACHE", str(tmp_path / "file" / "deeper"))
    store._say_once.cache_clear()
    assert run("characterize", "--energy", "cacti", "-f", "json").stdout
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'file' / 'deeper'}: cannot be the folder of kept results: cannot be written (Not a directory); "
        "set CRISP_HW_CACHE to another; results are not kept"
    ]


@pytest.mark.parametrize("verb", ["info", "clear"])
@pytest.mark.parametrize("place", ["file", "file/deeper", "/proc/none/deeper"])
def test_the_command_refuses_a_folder_that_cannot_be_one(verb, place, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRISP_HW_CACHE", str(tmp_path / place))
    said = run("cache", verb, code=2).stderr
    assert said.startswith(f"crisp-hw: error: {tmp_path / place}: cannot be the folder of kept results: ")
    assert said.count("\n") == 1 and said.endswith("; set CRISP_HW_CACHE to another\n")


def members(group):
    """Processes of a process group, zombies included."""
    found = []
    for path in Path("/proc").iterdir():
        with suppress(ProcessLookupError, ValueError):
            if os.getpgid(int(path.name)) == group:
                found.append(int(path.name))
    return found


def until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize("searching", [False, True])
def test_ctrl_c_ends_every_process_in_silence(searching, own_cache):
    """SIGINT to the whole group, as a terminal sends it: while the command starts, and while processes search."""
    words = ["--workload", "resnet50", "--nm", "2:4", "--block", "64", "--sparsity", "0.9", "--jobs", "2"]
    archs = ["-a", "dstc", "-a", "dense", "-a", "stc", "-a", "crisp-stc", "--density", "hybrid"]
    process = subprocess.Popen(
        [sys.executable, "-m", "crisp_hw.cli", "evaluate", *words, *archs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if searching:
        until(lambda: any(own_cache.rglob("*.json")))
        assert len(members(process.pid)) >= 3
    else:
        time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    if searching:
        assert (process.returncode, stdout, stderr) == (130, "", "crisp-hw: interrupted\n")
    until(lambda: members(process.pid) == [], 30)  # multiprocessing's own tracker needs a moment to see the end
    assert all(json.loads(path.read_text())["format"] for path in own_cache.rglob("*.json"))
