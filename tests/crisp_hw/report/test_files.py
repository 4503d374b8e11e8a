"""Folders are written whole or not at all."""

import csv
import json

import pytest

from crisp_hw.errors import InputError
from crisp_hw.report import files
from crisp_hw.report.files import save, write_all

NAMES = {"layers.csv", "totals.csv", "result.json", "report.md", "speedup.png", "energy.png"}


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
    assert set(tree(tmp_path)) == NAMES - {"speedup.png", "energy.png"} | {"mine.txt"}
    assert (tmp_path / "mine.txt").read_text() == "keep" and "old" not in (tmp_path / "report.md").read_text()


def test_a_failure_before_the_renames_changes_nothing(network, tmp_path, monkeypatch):
    (tmp_path / "report.md").write_text("old")
    before = tree(tmp_path)
    fill = files._fill

    def full_disk(stage, contents):
        fill(stage, dict(list(contents.items())[:2]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_fill", full_disk)
    for folder in (tmp_path, tmp_path / "new"):
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            save(network, folder, plot=False)
    assert tree(tmp_path) == before and [p.name for p in tmp_path.iterdir()] == ["report.md"]


@pytest.mark.parametrize("name", ["../out.txt", "a/../../b", "/etc/x", "a\0b"])
def test_names_stay_inside(tmp_path, name):
    with pytest.raises(InputError, match="outside of the folder"):
        write_all(tmp_path / "out", {"fine.txt": b"", name: b""})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_refused(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="is a folder where a file must go"):
        write_all(tmp_path, {"a": b"1", "b": b"2"})
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match=r"out: cannot be written \(Not a directory\)"):
        write_all(tmp_path / "out", {"a": b"1"})
    assert (tmp_path / "out").read_text() == "mine"


def test_the_current_folder_needs_no_writable_parent(tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    write_all(Path(), {"a": b"1"})
    assert tree(tmp_path) == {"a": b"1"}
