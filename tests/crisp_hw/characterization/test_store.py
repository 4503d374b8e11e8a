"""The cache keeps whole records outside of any package, whoever else writes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crisp_hw.characterization import store

KEY = "ab" * 32


def test_a_record_comes_back_from_below_the_cache_folder(tmp_path):
    store.save("cacti", KEY, {"read_pj": 1.5})
    assert store.load("cacti", KEY) == {"read_pj": 1.5}
    assert (tmp_path / "cache" / "crisp-hw" / "cacti" / "ab" / f"{KEY}.json").exists()


@pytest.mark.parametrize("given", [None, "relative/folder", ""])
def test_without_an_absolute_xdg_folder_it_is_the_home(monkeypatch, given):
    monkeypatch.delenv("XDG_CACHE_HOME")
    if given is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert store.cache_folder() == Path.home() / ".cache" / "crisp-hw"


@pytest.mark.parametrize("content", ["", '{"read_pj": 1', "[1]", "\x00"])
def test_a_damaged_record_is_none(content):
    store.save("cacti", KEY, {})
    path = store.cache_folder() / "cacti" / "ab" / f"{KEY}.json"
    path.write_text(content)
    assert store.load("cacti", KEY) is None


def test_many_writers_and_readers_see_whole_records_only():
    records = [{"numbers": [n] * 500} for n in range(20)]

    def write_and_read(record):
        store.save("cacti", KEY, record)
        return store.load("cacti", KEY)

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(write_and_read, records))
    assert all(each in records for each in seen)
    assert [path.name for path in (store.cache_folder() / "cacti" / "ab").iterdir()] == [f"{KEY}.json"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    store.save("cacti", KEY, {"read_pj": 1.5})
    assert store.load("cacti", KEY) is None
