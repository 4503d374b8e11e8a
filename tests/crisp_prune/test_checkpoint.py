"""Files are whole or absent; generators come back to where they stood."""

import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from crisp_hw.errors import InputError
from crisp_prune.checkpoint import load_checkpoint, save_checkpoint
from crisp_prune.rng import capture, preserved, restore, seed_all


def test_a_write_that_fails_keeps_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"step": 1})

    def half(content, file):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(InputError, match=r"run\.ckpt: cannot be written \(disk full\)"):
        save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path) == {"step": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.ckpt"]


class Malicious:
    """Pickles to a call."""

    def __reduce__(self):
        return (print, ("ran",))


def test_missing_damaged_and_executable_files_are_refused(tmp_path, capsys):
    torch.save({"a": Malicious()}, tmp_path / "evil.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "evil.pt").read_bytes()[:40])
    for name in ("evil.pt", "cut.pt"):
        with pytest.raises(InputError, match=f"{name}: not a readable file"):
            load_checkpoint(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        load_checkpoint(tmp_path / "none.pt")
    assert "ran" not in capsys.readouterr().out


def draws(loader):
    return [random.random(), np.random.rand(), float(torch.rand(1)), [batch.tolist() for batch in loader]]


def test_generators_come_back_through_a_weights_only_file(tmp_path):
    loader = DataLoader(list(range(12)), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(2))
    random.gauss(0, 1), np.random.randn()
    save_checkpoint(tmp_path / "rng.pt", {"rng": capture(loader)})
    first = draws(loader)
    restore(load_checkpoint(tmp_path / "rng.pt")["rng"], loader)
    with preserved(loader):
        seed_all(9, loader)
        nine = draws(loader)
    assert draws(loader) == first != nine
    seed_all(9, loader)
    assert draws(loader) == nine
    with pytest.raises(InputError, match="the loader has 0 generators, the saved run's had 1"):
        restore(capture(loader), None)
