"""One at a time, and nothing is left of a claim that came to nothing."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.alone import alone_in


def test_a_second_claim_is_refused_until_the_first_ends(tmp_path):
    with alone_in(tmp_path / "a" / "run"):
        said = "run: another process is at work in it; wait for it, or choose another"
        with pytest.raises(InputError, match=said), alone_in(tmp_path / "a" / "run"):
            pass
        (tmp_path / "a" / "run" / "kept").touch()
    with alone_in(tmp_path / "a" / "run"):
        pass
    assert (tmp_path / "a" / "run" / "kept").exists()


def test_a_folder_in_which_nothing_was_kept_goes_again(tmp_path):
    with pytest.raises(KeyboardInterrupt), alone_in(tmp_path / "run"):
        raise KeyboardInterrupt
    assert not (tmp_path / "run").exists()
    (tmp_path / "own").mkdir()
    with alone_in(tmp_path / "own"):
        pass
    assert (tmp_path / "own").exists()


def test_a_place_that_is_none_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: cannot be written"), alone_in(tmp_path / "file"):
        pass


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
    def none(handle, how):
        raise OSError("no locks")

    monkeypatch.setattr("fcntl.flock", none)
    with alone_in(tmp_path), alone_in(tmp_path):
        pass
