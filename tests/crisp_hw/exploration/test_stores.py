"""What is kept is found again, by content, also after a process that was killed while it wrote."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import space_of
from crisp_hw.exploration.stores import JOURNAL, Kept
from crisp_hw.spec.study import Judged, Objective

SPACE = space_of({"a": [1, 2], "nm": ["2:4", None]})
CYCLES = (Objective("cycles"),)
GOOD, BAD = Judged({"cycles": 3, "binds": "MAC", "ms": 0.1}), Judged({}, "does not fit")


def filled(store):
    kept = Kept(store, SPACE, CYCLES)
    kept.keep("k1", {"a": 1, "nm": None}, GOOD)
    kept.keep("k2", {"a": 2}, BAD)
    return kept


@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_points_are_found_again(tmp_path, kind):
    store = tmp_path / "study" if kind == "folder" else f"sqlite:///{tmp_path}/study.db"
    filled(store)
    again = Kept(store, SPACE, CYCLES)
    assert (again.known("k1"), again.known("k2"), again.known("k3"), len(again)) == (GOOD, BAD, None, 2)


def test_another_space_finds_the_same_points(tmp_path):
    filled(tmp_path)
    other = Kept(tmp_path, space_of({"a": [1, 2, 3]}), (Objective("speedup", maximised=True),))
    assert other.known("k1") == GOOD
    other.keep("k3", {"a": 3}, BAD)
    assert len(Kept(tmp_path, SPACE, CYCLES)) == 3


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_was_torn_is_the_only_loss(tmp_path, cut):
    filled(tmp_path)
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[:-cut])
    kept = Kept(tmp_path, SPACE, CYCLES)
    assert kept.known("k1") == GOOD and kept.known("k2") is None
    kept.keep("k2", {"a": 2}, BAD)
    assert Kept(tmp_path, SPACE, CYCLES).known("k2") == BAD


def test_without_a_store_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert filled(None).known("k1") == GOOD
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        Kept(tmp_path / "file", SPACE, CYCLES)
