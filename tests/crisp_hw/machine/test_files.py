"""Files that a user names: regular ones are read, everything else is one sentence and never a wait."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine import files
from crisp_hw.machine.files import YAML, check_file, opened, read_bytes, read_text, real_path


def _pipe(folder):
    os.mkfifo(folder / "x")
    return folder / "x"


def _link_to_a_pipe(folder):
    (folder / "link").symlink_to(_pipe(folder))
    return folder / "link"


def _socket(folder):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "s"))
    return folder / "s"


def _device(folder):
    (folder / "zero").symlink_to("/dev/zero")
    return folder / "zero"


def _folder(folder):
    return folder


def _dangling(folder):
    (folder / "gone").symlink_to(folder / "nowhere")
    return folder / "gone"


def _circle(folder):
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_pipe, "it is a pipe, not a regular file"),
        (_link_to_a_pipe, "it is a pipe, not a regular file"),
        (_socket, "it is a socket, not a regular file"),
        (_device, "it is a device, not a regular file"),
        (_folder, "it is a folder, not a regular file"),
        (_dangling, "no such file"),
        (_circle, "symbolic links"),
        (lambda folder: folder / "no\0name", "characters that no file has"),
        (lambda folder: folder / ("n" * 300), "too long"),
    ],
)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch, make, said):
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path)
    for reader in (check_file, read_bytes, read_text):
        with pytest.raises(InputError, match=f"cannot be read .*{said}") as caught:
            reader(path, YAML)
        assert caught.value.hint == YAML.advice and "\0" not in str(caught.value)


def test_a_pipe_that_takes_the_place_of_a_file_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_text("a: 1")
    real = files.check_file

    def swapped(*given):
        size = real(*given)
        path.unlink()
        os.mkfifo(path)
        return size

    monkeypatch.setattr(files, "check_file", swapped)
    with pytest.raises(InputError, match="it is a pipe"), opened(path, YAML):
        pass


def test_a_size_is_a_limit(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bytes(path, replace(YAML, largest=5)) == b"12345"
    assert check_file(path, YAML) == 5
    with pytest.raises(InputError, match=r"x: is larger than 0 MiB, which a YAML file never is"):
        read_bytes(path, replace(YAML, largest=4))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux has such files")  # noqa: PTH110
def test_a_file_that_does_not_know_its_size_is_limited_too(tmp_path):
    with pytest.raises(InputError, match="is larger than"):
        read_bytes(files.Path("/proc/self/status"), replace(YAML, largest=3))


def test_text_is_utf_8_with_or_without_a_mark(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf\xc2\xb5")
    assert read_text(path) == "µ"
    path.write_bytes(b"abc\xff")
    with pytest.raises(InputError, match="byte 3 is not UTF-8 text"):
        read_text(path)
    path.write_text("a", encoding="utf-16")
    with pytest.raises(InputError, match="byte 0 is not UTF-8 text"):
        read_text(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path):
    path = tmp_path / "x"
    path.write_text("a")
    path.chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        read_text(path)


@pytest.mark.parametrize("make", [_circle, lambda folder: folder / "no\0name"])
def test_a_path_that_leads_nowhere_stays_as_it_is(make, tmp_path):
    path = make(tmp_path)
    assert real_path(path).parent == path.parent  # which of the links of a circle is named is the system's to say


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert real_path(Path("a.yaml")) == Path("a.yaml")
