"""Files are written whole or not at all, and what the system refuses is one sentence."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine import writing
from crisp_hw.machine.writing import check_writable, replacing, write_all, write_bytes, write_text

ROOT = os.geteuid() == 0


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "new µ\r\n")
    assert tree(tmp_path) == {"a.txt": "new µ\r\n".encode()}


def test_a_file_has_the_usual_permissions(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    write_bytes(tmp_path / "ours", b"1", durable=True)
    assert (tmp_path / "ours").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), MemoryError()])
def test_an_error_in_the_block_changes_nothing(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert tree(tmp_path) == {"a.txt": b"old"}
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("missing/a.txt", r"missing/a.txt: cannot be written \(No such file or directory\); make its folder"),
        ("file/a.txt", r"file/a.txt: cannot be written \(Not a directory\); a file stands where a folder must be"),
        ("folder", r"folder: cannot be written \((Is a directory|.*)\); a folder stands where the file must go"),
        ("x" * 300, r"cannot be written \(File name too long\); choose a shorter name"),
    ],
)
def test_a_place_where_no_file_can_be(tmp_path, place, said):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=said):
        write_text(tmp_path / place, "x")
    assert tree(tmp_path) == {"file": b"mine"}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "write", [lambda path: write_bytes(path, b"x"), lambda path: write_all(path.parent, {path.name: b"x"})]
)
def test_no_file_takes_the_place_of_a_pipe_or_device(write, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    before = sorted(tmp_path.iterdir())
    for name, what in (("pipe", "a pipe"), ("link", "a pipe"), ("device", "a device")):
        with pytest.raises(InputError, match=f"{name}: cannot be written .it is {what}, not a regular file"):
            write(tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before and (tmp_path / "pipe").is_fifo() and (tmp_path / "link").is_symlink()


def test_a_file_system_that_is_read_only_or_none(tmp_path):
    with pytest.raises(InputError, match=r"/proc/out: cannot be written \(.*\); "):
        write_all(Path("/proc/out"), {"a": b"1"})
    with pytest.raises(InputError, match=r"/proc/out: cannot be written \(.*\); "):
        check_writable(Path("/proc/out"))


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o500)
    for refuse in (check_writable, lambda place: write_all(place, {"a": b"1"})):
        for place in ("theirs", "theirs/new/deeper"):
            with pytest.raises(InputError, match=r"Permission denied\); choose a place that is yours to write"):
                refuse(tmp_path / "theirs" / place)


def test_a_disk_that_fills_up(tmp_path, monkeypatch):
    def full(path, content):
        path.open("wb").write(content[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").write_text("old")
    monkeypatch.setattr(Path, "write_bytes", full)
    for folder in ("there", "new", "new/deep/er"):
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); free space there"):
            write_all(tmp_path / folder, {"a": b"12", "b/c": b"34"})
    with pytest.raises(InputError, match="No space left on device"):
        write_bytes(tmp_path / "there" / "a", b"12")
    assert tree(tmp_path) == {"there/a": b"old"}
    assert [each.name for each in tmp_path.rglob("*")] == ["there", "a"]


def test_a_limit_of_the_system_is_met_while_writing(tmp_path):
    """A real refusal in the middle of a file: no more than 1000 bytes may be in one."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom crisp_hw.errors import InputError\n"
        "from crisp_hw.machine.writing import write_all\n"
        f"try:\n    write_all(Path({str(tmp_path / 'new')!r}), {{'a': b'1', 'b': bytes(5000)}})\n"
        "except InputError as error:\n    sys.exit(str(error))\n"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    # -B: a limit on files must not meet Python's own
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False, timeout=120)
    hint = "raise the limit on the size of a file (`ulimit -f`), or choose another place"
    assert done.stderr == f"{tmp_path / 'new'}: cannot be written (File too large); {hint}\n"
    assert list(tmp_path.iterdir()) == []


def test_too_few_handles_are_no_fault_of_the_place(tmp_path, monkeypatch):
    def none_left(path, content):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Path, "write_bytes", none_left)
    with pytest.raises(OSError, match="Too many open files"):
        write_bytes(tmp_path / "a", b"")
    with pytest.raises(OSError, match="Too many open files"):
        write_all(tmp_path, {"a": b""})
    assert list(tmp_path.iterdir()) == []


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


def test_a_file_in_the_way_of_a_folder_is_refused_before_anything_is_replaced(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("old")
    with pytest.raises(InputError, match=r"cannot be written \((File exists|Not a directory)\)"):
        write_all(tmp_path, {"a": b"1", "b/c": b"2"})
    assert tree(tmp_path) == {"a": b"old", "b": b"old"}


@pytest.mark.parametrize("place", ["out", "out/deeper", "out/deep/er"])
def test_a_file_in_place_of_the_folder_is_refused(tmp_path, place):
    (tmp_path / "out").write_text("mine")
    for refuse in (check_writable, lambda place: write_all(place, {"a": b"1"})):
        with pytest.raises(InputError, match=r"out[^:]*: cannot be written \(Not a directory\)"):
            refuse(tmp_path / place)
    assert tree(tmp_path) == {"out": b"mine"}


def test_a_new_folder_appears_with_its_parents(tmp_path):
    write_all(tmp_path / "deep" / "out", {"a": b"1", "b/c": b"2"})
    assert tree(tmp_path) == {"deep/out/a": b"1", "deep/out/b/c": b"2"}
    assert {p.name for p in tmp_path.rglob("*")} == {"deep", "out", "a", "b", "c"}
    assert (tmp_path / "deep/out").stat().st_mode == (tmp_path / "deep").stat().st_mode


def test_the_current_folder_needs_no_writable_parent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_all(Path(), {"a": b"1"})
    check_writable(Path())
    assert tree(tmp_path) == {"a": b"1"}


def test_a_look_leaves_nothing(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_waits_until_all_files_are_in_place(tmp_path, monkeypatch):
    replace, seen = Path.replace, []

    def slow(path, target):
        seen.append(target.name)
        if len(seen) == 1:
            signal.raise_signal(signal.SIGINT)
        return replace(path, target)

    monkeypatch.setattr(writing.Path, "replace", slow)
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path, {"a": b"1", "b": b"2", "c": b"3"})
    assert tree(tmp_path) == {"a": b"1", "b": b"2", "c": b"3"}
    assert len(list(tmp_path.iterdir())) == 3
