"""Recorded runs of timeloop-model, and programs that stand in for it."""

import gzip
import json
import os
import sys
from pathlib import Path

import pytest

from crisp_hw.timeloop.read.point import read_point
from crisp_hw.timeloop.yaml.texts import merged

STATS = Path(__file__).parents[3] / "golden" / "stats"
VALID = ("crisp-stc", "dense", "dstc", "stc")


@pytest.fixture
def recorded():
    """Name -> documents, status, log and files of one recorded run."""

    def load(name):
        return json.loads(gzip.decompress((STATS / f"{name}.json.gz").read_bytes()))

    return load


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
def replaying(stand_in, recorded, tmp_path):
    """A stand-in that does what a recorded run did, its files changed by `edit(name, text)` (None: not written)."""

    def put(name, edit=lambda name, text: text, program="timeloop-model"):
        run = recorded(name)
        files = {file: edit(file, text) for file, text in run["files"].items()}
        (tmp_path / "script.json").write_text(json.dumps({**run, "files": files}))
        stand_in(
            "import json, os, signal\n"
            f"run = json.load(open({os.fspath(tmp_path / 'script.json')!r}))\n"
            "print(run['log'], flush=True)\n"
            "for name, text in run['files'].items():\n"
            "    if text is not None:\n"
            "        open(name, 'w').write(text)\n"
            "if run['status'] < 0:\n"
            "    os.kill(os.getpid(), -run['status'])\n"
            "raise SystemExit(run['status'])",
            program,
        )

    return put
