"""The folder of past searches: whole entries or none, whatever writers, kills and disks do to it."""

import json
import logging
import math
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_hw.machine import store as store_module
from crisp_hw.machine.store import Store, cache_folder, check_folder, claimed, clear, info, open_store, read, write

KEY = "0123456789abcdef" * 4
OTHER = "f" * 64


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "kept", "searches", "1.0-0123456789abcdef")


@pytest.fixture(autouse=True)
def afresh():
    """Every test hears what is said once a process."""
    store_module._say_once.cache_clear()


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_what_is_written_is_read_to_the_last_bit(store, content):
    write(store, KEY, content)
    assert repr(read(store, KEY)) == repr(content)


def test_what_was_never_written_is_none_without_a_word(store, caplog):
    assert read(store, KEY) is None
    assert warnings(caplog) == []


def test_an_entry_is_one_json_file_that_says_what_it_is(store):
    write(store, KEY, {"a": 0.1})
    entry = json.loads(store.path(KEY).read_text())
    assert (entry["format"], entry["key"], entry["content"]) == ("crisp-hw/searches/1", KEY, {"a": 0.1})
    assert [path.name for path in store.path(KEY).parent.iterdir()] == [f"{KEY}.json"]


def test_every_cut_and_every_changed_byte_is_noticed(store, caplog):
    write(store, KEY, {"cycles": 12, "energy": 0.25})
    path = store.path(KEY)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # the last byte is the line's end, which holds nothing
        path.write_bytes(whole[:length])
        assert read(store, KEY) is None, length
    for place in range(len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = read(store, KEY)
        assert found is None or found == {"cycles": 12, "energy": 0.25}, place
    assert set(warnings(caplog)) == {f"{path}: is damaged; not used"}
    path.write_bytes(whole)
    assert read(store, KEY) == {"cycles": 12, "energy": 0.25}


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{}", '{"content": 1}', "\x00" * 4096, "[" * 100_000])
def test_foreign_content_is_noticed(store, text, caplog):
    store.path(KEY).parent.mkdir(parents=True)
    store.path(KEY).write_text(text)
    assert read(store, KEY) is None
    assert warnings(caplog) == [f"{store.path(KEY)}: is damaged; not used"]


def test_a_pipe_in_place_of_an_entry_is_not_waited_for(store, caplog):
    path = store.path(KEY)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert read(store, KEY) is None
    assert warnings(caplog) == [f"{path}: cannot be read (it is a pipe, not a regular file); not used"]
    write(store, KEY, {"a": 1})
    assert read(store, KEY) == {"a": 1}


def test_an_entry_under_another_name_is_noticed(store, caplog):
    write(store, KEY, 1)
    store.path(KEY).rename(store.path(OTHER))
    assert read(store, OTHER) is None
    assert len(warnings(caplog)) == 1


def test_infinity_and_minus_zero_come_back(store):
    write(store, KEY, [math.inf, -0.0])
    found = read(store, KEY)
    assert found == [math.inf, 0.0] and math.copysign(1, found[1]) == -1


def test_a_folder_that_cannot_be_written_costs_nothing_but_a_line(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file", "searches", "1.0-0123456789abcdef")
    for key in (KEY, OTHER):
        write(store, key, 1)
    (said,) = warnings(caplog)
    assert "cannot be written (Not a directory); results are not kept, see CRISP_HW_CACHE" in said
    assert read(store, KEY) is None


def test_a_write_that_fails_leaves_the_old_entry_and_no_rest(store, monkeypatch, caplog):
    write(store, KEY, 1)

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    write(store, KEY, 2)
    assert read(store, KEY) == 1
    assert [path for path in store.folder.rglob("*") if path.is_file()] == [store.path(KEY)]
    assert len(warnings(caplog)) == 1


HAMMER = """
import os, sys
from pathlib import Path
from crisp_hw.machine.store import Store, read, write
store = Store(Path(sys.argv[1]), "searches", "1.0-0123456789abcdef")
for number in range(150):
    write(store, sys.argv[2], {"writer": os.getpid(), "number": number, "pad": "x" * 5000})
    assert read(store, sys.argv[2]) is not None
"""


@pytest.mark.process
def test_writers_at_once_leave_one_whole_entry(store, caplog):
    writers = [subprocess.Popen([sys.executable, "-c", HAMMER, store.folder, KEY]) for _ in range(3)]
    while any(writer.poll() is None for writer in writers):
        entry = read(store, KEY)
        assert entry is None or len(entry["pad"]) == 5000
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert read(store, KEY)["number"] == 149
    assert warnings(caplog) == []
    assert len(list(store.path(KEY).parent.iterdir())) == 1


WRITER = """
import sys
from pathlib import Path
from crisp_hw.machine.store import Store, write
store = Store(Path(sys.argv[1]), "searches", "1.0-0123456789abcdef")
print("ready", flush=True)
while True:
    write(store, sys.argv[2], {"pad": "x" * 500_000})
"""


def test_killed_writers_leave_nothing_that_is_believed(store, caplog):
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, store.folder, KEY], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.05)
        process.kill()
        process.wait()
        process.stdout.close()
        entry = read(store, KEY)
        assert entry is None or entry == {"pad": "x" * 500_000}
    assert warnings(caplog) == []
    clear([store])
    assert info(store).size_bytes == 0


def test_info_counts_entries_and_those_of_other_engines(store):
    assert (info(store).entries, info(store).stale, info(store).size_bytes) == (0, 0, 0)
    write(store, KEY, 1)
    write(store, OTHER, 2)
    write(Store(store.folder, "searches", "0.9-0000000000000000"), KEY, 3)
    found = info(store)
    assert (found.folder, found.entries, found.stale) == (store.folder, 2, 1)
    assert found.size_bytes == sum(path.stat().st_size for path in store.folder.rglob("*.json"))


def test_clear_deletes_entries_and_rests_and_nothing_else(store):
    write(store, KEY, 1)
    write(Store(store.folder, "searches", "0.9-0000000000000000"), KEY, 3)
    rest = store.path(KEY).parent / f".{KEY[:16]}.abc.tmp"
    mine = [store.folder / "notes.txt", store.folder / "photos" / "a.json", store.path(KEY).parent / "mine.json"]
    mine[1].parent.mkdir()
    for path in (rest, *mine):
        path.write_text("")
    assert clear([store]) == 3
    assert sorted(path for path in store.folder.rglob("*") if path.is_file()) == sorted(mine)
    assert not (store.folder / "searches" / "0.9-0000000000000000").exists()
    assert clear([store]) == 0


def test_clear_says_what_it_cannot_delete(store, monkeypatch):
    write(store, KEY, 1)

    def refuse(*_, **__):
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InputError, match=rf"{KEY}\.json: cannot be deleted \(not yours\)"):
        clear([store])


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CRISP_HW_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"CRISP_HW_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/crisp-hw"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/crisp-hw"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/somebody/.cache/crisp-hw"),
        ({"XDG_CACHE_HOME": ""}, "/home/somebody/.cache/crisp-hw"),
        ({}, "/home/somebody/.cache/crisp-hw"),
    ],
)
def test_where_the_folder_is(variables, expected, monkeypatch):
    for name in ("CRISP_HW_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_without_a_home_the_variable_is_named(monkeypatch, caplog):
    for name in ("CRISP_HW_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(InputError, match="no home folder to keep results in; set CRISP_HW_CACHE"):
        cache_folder()
    assert open_store("searches", "1") is None
    (said,) = warnings(caplog)
    assert said.endswith("set CRISP_HW_CACHE to a folder, or HOME; results are not kept")


def test_the_suite_uses_a_folder_of_its_own(own_cache):
    assert cache_folder() == own_cache


@pytest.mark.parametrize("place", ["file", "file/deeper", "/proc/none/deeper", "x" * 300])
def test_a_folder_that_cannot_be_is_one_line_for_a_command(tmp_path, monkeypatch, caplog, place):
    (tmp_path / "file").write_text("")
    folder = tmp_path / place
    monkeypatch.setattr(store_module, "cache_folder", lambda: folder)
    assert [open_store("searches", "1") for _ in range(3)] == [None] * 3
    (said,) = warnings(caplog)
    assert "cannot be the folder of kept results: " in said and said.endswith("; results are not kept")
    with pytest.raises(InputError, match="set CRISP_HW_CACHE to another"):
        check_folder(folder)


def test_kinds_lie_side_by_side(tmp_path):
    stores = [Store(tmp_path, kind, "1") for kind in ("searches", "cacti")]
    for number, store in enumerate(stores):
        write(store, KEY, number)
    assert [read(store, KEY) for store in stores] == [0, 1]
    assert [info(store).entries for store in stores] == [1, 1]
    assert clear(stores[1:]) == 1
    assert [info(store).entries for store in stores] == [1, 0]


def test_an_entry_of_another_kind_is_noticed(tmp_path, caplog):
    stores = [Store(tmp_path, kind, "1") for kind in ("searches", "cacti")]
    write(stores[0], KEY, 1)
    stores[1].path(KEY).parent.mkdir(parents=True)
    stores[0].path(KEY).rename(stores[1].path(KEY))
    assert read(stores[1], KEY) is None
    assert len(warnings(caplog)) == 1


def test_entries_of_earlier_releases_are_counted_and_cleared(tmp_path):
    """Searches lay directly under the folder, CACTI's answers under the first two digits of their keys."""
    old = [tmp_path / "0.1-0123456789abcdef" / f"{KEY}.json", tmp_path / "cacti" / KEY[:2] / f"{KEY}.json"]
    for path in old:
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    stores = [Store(tmp_path, kind, "1") for kind in ("searches", "cacti")]
    assert [(info(store).entries, info(store).stale) for store in stores] == [(0, 1), (0, 1)]
    assert clear(stores) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_claim_becomes_the_entry(store):
    with claimed(store, KEY) as claim:
        (place,) = store.path(KEY).parent.iterdir()
        place.write_text("what a writer that was killed has left, which is longer than the entry" * 9)
        write(store, KEY, {"a": 1}, claim)
        assert read(store, KEY) == {"a": 1}
    assert list(store.path(KEY).parent.iterdir()) == [store.path(KEY)]


def test_a_claim_of_which_nothing_came_leaves_nothing(store):
    with claimed(store, KEY):
        assert len(list(store.path(KEY).parent.iterdir())) == 1
    assert list(store.path(KEY).parent.iterdir()) == []


def test_the_next_claim_is_not_taken_away_with_one_that_became_an_entry(store):
    with ExitStack() as first:
        write(store, KEY, 1, first.enter_context(claimed(store, KEY)))
        with claimed(store, KEY) as following:
            first.close()
            assert following is not None and Path(following.name).exists()
            write(store, KEY, 2, following)
    assert read(store, KEY) == 2


def test_where_nothing_can_be_written_a_claim_is_free(tmp_path):
    (tmp_path / "file").write_text("")
    with claimed(Store(tmp_path / "file", "searches", "1"), KEY) as claim:
        assert claim is None
