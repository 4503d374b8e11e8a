"""Zip files of our own, and of those who wish us ill."""

import io
import stat
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.bundles import archive
from crisp_hw.bundles.archive import read_files, write_files
from crisp_hw.errors import InputError

NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9.]{1,8}x){0,2}", fullmatch=True)


@pytest.fixture
def zipped(tmp_path):
    """A zip file made by hand; `entries` are (ZipInfo or name, content)."""

    def put(*entries):
        path = tmp_path / "b.zip"
        with zipfile.ZipFile(path, "w") as whole:
            for info, content in entries:
                whole.writestr(info, content)
        return path

    return put


@given(contents=st.dictionaries(NAMES, st.binary(max_size=300), max_size=6))
@settings(max_examples=40)
def test_what_was_written_comes_back(contents, tmp_path):
    path = tmp_path / "b.zip"
    path.write_bytes(write_files(contents))
    assert read_files(path) == contents


def test_the_bytes_do_not_depend_on_the_time(monkeypatch):
    before = write_files({"a": b"1", "b/c": b"2"})
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert write_files({"b/c": b"2", "a": b"1"}) == before


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a\\b", "c:a", "./a", "a//b", "a/", "..", "a/."])
def test_names_that_leave_the_folder(name, zipped):
    with pytest.raises(InputError, match="is not a plain file inside of the bundle"):
        read_files(zipped((zipfile.ZipInfo(name), b"")))


def test_links_are_refused(zipped):
    link = zipfile.ZipInfo("a")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match="is not a plain file"):
        read_files(zipped((link, "/etc/passwd")))


def test_other_compressions_are_refused(zipped):
    info = zipfile.ZipInfo("a")
    info.compress_type = zipfile.ZIP_LZMA
    with pytest.raises(InputError, match="is not a plain file"):
        read_files(zipped((info, b"x" * 100)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(zipped):
    with pytest.raises(InputError, match="holds 'a' twice"):
        read_files(zipped(("a", b"1"), ("a", b"2")))


def test_too_many_entries(zipped, monkeypatch):
    monkeypatch.setattr(archive, "ENTRIES", 2)
    with pytest.raises(InputError, match="holds 3 entries, more than 2"):
        read_files(zipped(("a", b""), ("b", b""), ("c", b"")))


def test_an_entry_that_unpacks_to_too_much(zipped, monkeypatch):
    monkeypatch.setattr(archive, "ENTRY_BYTES", 1000)
    info = zipfile.ZipInfo("a")
    info.compress_type = zipfile.ZIP_DEFLATED
    path = zipped((info, b"0" * 100_000))
    assert path.stat().st_size < 1000
    with pytest.raises(InputError, match="'a' unpacks to more than"):
        read_files(path)


def test_entries_that_claim_too_much_together(zipped, monkeypatch):
    monkeypatch.setattr(archive, "TOTAL_BYTES", 1500)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_files(zipped(("a", b"0" * 1000), ("b", b"0" * 1000)))


def test_a_size_that_lies(zipped, monkeypatch):
    monkeypatch.setattr(archive, "ENTRY_BYTES", 500)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a", b"0" * 100_000)
    content = whole.getvalue().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path = zipped()
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_files(path)


def test_a_file_that_is_too_large(zipped, monkeypatch):
    monkeypatch.setattr(archive, "BUNDLE", replace(archive.BUNDLE, largest=10))
    with pytest.raises(InputError, match="is larger than"):
        read_files(zipped(("a", b"0")))


@given(data=st.data())
@settings(max_examples=60)
def test_cut_or_changed_it_is_refused_or_the_same(data, tmp_path):
    """Names and entries may get lost (the manifest tells), but what is read was written."""
    contents = {"a": b"1" * 50, "b": b"2" * 50}
    content = bytearray(write_files(contents))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    try:
        found = read_files(path)
    except InputError:
        return
    assert set(found.values()) <= set(contents.values())


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "b.zip").write_bytes(b"no zip file")
    with pytest.raises(InputError, match="is no whole zip file"):
        read_files(tmp_path / "b.zip")
    with pytest.raises(InputError, match="cannot be read"):
        read_files(tmp_path / "gone.zip")
    with pytest.raises(InputError, match="cannot be read"):
        read_files(tmp_path)
