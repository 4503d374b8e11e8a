"""Recorded runs of timeloop-model, and programs that stand in for it."""

import sys

import pytest
from timeloop_stand_in import install
from timeloop_stand_in import recorded as stand_in_run

from crisp_hw.timeloop.read.point import read_point
from crisp_hw.timeloop.yaml.texts import merged

VALID = ("crisp-stc", "dense", "dstc", "stc")


@pytest.fixture
def recorded():
    """Name -> documents, status, log and files of one recorded run."""
    return stand_in_run


@pytest.fixture
def point_of(recorded):
    """Name -> design point of a recorded run."""
    return lambda name: read_point(merged(recorded(name)["documents"]))


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a Python program on PATH as timeloop-model (or another name), alone; its folder is returned."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def put(code, name="timeloop-model"):
        program = folder / name
        program.write_text(f"#!{sys.executable} -S\n{code}\n")
        program.chmod(0o755)
        return folder

    return put


@pytest.fixture
def replaying(stand_in, recorded):
    """A stand-in that does what a recorded run did, its files changed by `edit(name, text)` (None: not written).

    It answers the documents of that run alone; `documents` None: any.
    """

    def put(name, edit=lambda name, text: text, program="timeloop-model", **changed):
        run = {**recorded(name), **changed}
        files = {file: edit(file, text) for file, text in run["files"].items()}
        install(stand_in("pass", program), {**run, "files": files}, program)

    return put
