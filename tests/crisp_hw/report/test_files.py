"""Folders are written whole or not at all."""

import csv
import json
from pathlib import Path

import pytest

from crisp_hw.errors import InputError
from crisp_hw.report.files import save

pytestmark = pytest.mark.slow

PICTURES = {"totals.png", "speedup.png", "energy.png", "roofline.png"}
NAMES = {"layers.csv", "totals.csv", "levels.csv", "result.json", "report.md", "report.html"} | PICTURES


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_folder_holds_everything(network, tmp_path):
    written = save(network, tmp_path / "deep" / "out")
    assert {path.name for path in written} == NAMES == set(tree(tmp_path / "deep" / "out"))
    assert [p.name for p in tmp_path.iterdir()] == ["deep"] and len(list((tmp_path / "deep").iterdir())) == 1
    with (tmp_path / "deep/out/layers.csv").open() as rows:
        assert [row["layer"] for row in csv.DictReader(rows)] == ["c1", "c2", "c1", "c2"]
    with (tmp_path / "deep/out/totals.csv").open() as rows:
        assert [row["arch"] for row in csv.DictReader(rows)] == ["a", "b"]
    assert json.loads((tmp_path / "deep/out/result.json").read_text())["name"] == "net"
    assert (tmp_path / "deep/out/energy.png").read_bytes().startswith(b"\x89PNG")


def test_an_existing_folder_keeps_other_files(network, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "report.md").write_text("old")
    save(network, tmp_path, plot=False)
    assert set(tree(tmp_path)) == NAMES - PICTURES | {"mine.txt"}
    assert (tmp_path / "mine.txt").read_text() == "keep" and "old" not in (tmp_path / "report.md").read_text()


def test_a_failure_before_the_renames_changes_nothing(network, tmp_path, monkeypatch):
    (tmp_path / "report.md").write_text("old")
    before = tree(tmp_path)
    write, seen = Path.write_bytes, []

    def full_disk(path, content):
        seen.append(path)
        if len(seen) % 3 == 0:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    for folder in (tmp_path, tmp_path / "new"):
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            save(network, folder, plot=False)
    assert tree(tmp_path) == before and [p.name for p in tmp_path.iterdir()] == ["report.md"]
