"""Every end of crisp-prune is one sentence: interrupts, places that cannot be written or read, too few handles."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import crisp_prune
from crisp_hw.machine.alone import alone_in
from crisp_prune.cli.start import run

pytestmark = pytest.mark.process

TREE = Path(crisp_prune.__file__).parents[1]
CODE = "from crisp_prune.cli import main; main()"
TINY = """
import os, time
import torch
from torch import nn


def model():
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))


def data():
    made = torch.Generator().manual_seed(0)
    return [(torch.randn(16, generator=made), index % 4) for index in range(32)]


class Slow(torch.utils.data.Dataset):
    def __init__(self):
        self.items, self.targets = data(), [label for _, label in data()]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        if os.path.exists("trainer-run/checkpoint.pt"):
            open("training", "w").close()
            for _ in range(600):  # in steps, since Python obeys no signal that comes in the last moment before a sleep
                time.sleep(0.1)
        return self.items[index]


def broken():
    raise ValueError("no such\\nlayer")
"""
OPTIONS = ("--model", "tiny:model", "--data", "tiny:data", "--block", "8", "--sparsity", "0.5", "--epochs", "1")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.py").write_text(TINY)
    return tmp_path


def asked(words):
    """The words of a run: those of every run, where they are not given again, and these."""
    pairs = zip(OPTIONS[::2], OPTIONS[1::2], strict=True)
    return ("run", *(item for pair in pairs for item in pair if pair[0] not in words), *map(str, words))


def start(folder, *words, **how):
    environment = {**os.environ, "PYTHONPATH": str(TREE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CODE, *map(str, words)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **streams)


def prune(folder, *words, **how):
    """A run in a process of its own."""
    child = start(folder, *asked(words), **how)
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


@pytest.fixture
def here(folder, monkeypatch, capsys):
    """A run in this process, which is faster."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])

    def here(*words):
        monkeypatch.setattr(sys, "argv", ["crisp-prune", *asked(words)])
        with pytest.raises(SystemExit) as left:
            run()
        return left.value.code, *capsys.readouterr()

    yield here
    sys.modules.pop("tiny", None)


def refused(ending, *words, code=2):
    """One sentence that holds every word, and nothing else on stderr."""
    returned, _, err = ending
    assert returned == code, err
    assert err.startswith("crisp-prune: ") and err.count("\n") == 1
    assert all(word in err for word in words), err


def test_places_that_cannot_be_written_are_found_before_training(folder, here):
    (folder / "file").write_text("plain")
    (folder / "taken.pt").mkdir()
    os.mkfifo(folder / "pipe.pt")
    for words in (
        ("--out", "file/run.pt"),
        ("--out", "file/deeper/run.pt"),
        ("--out", "run.pt", "--run-dir", "file"),
        ("--out", "run.pt", "--run-dir", "file/run"),
    ):
        refused(here(*words), "cannot be written", "choose another")
    refused(here("--out", "taken.pt"), "taken.pt: is no regular file")
    refused(here("--out", "pipe.pt"), "pipe.pt: is no regular file")
    refused(here("--out", ""), "must end in .pt")
    refused(here("--out", "run/checkpoint.pt", "--run-dir", "run"), "is a file of the run directory")
    refused(here("--out", f"{'long' * 70}.pt"), "File name too long")
    left = {entry.name for entry in folder.iterdir()} - {"__pycache__"}
    assert left == {"tiny.py", "file", "taken.pt", "pipe.pt"}


@pytest.mark.parametrize("words", [(), ("--resume",)])
def test_two_runs_at_once_in_one_folder_are_one_too_many(folder, here, words):
    """The second wrote its checkpoints over those of the first."""
    assert here("--out", "run.pt")[0] == 0 if words else True
    with alone_in(folder / "run-run"):
        refused(here("--out", "run.pt", *words), "run-run: another process is at work in it; wait for it")
    assert here("--out", "run.pt", *words)[0] == 0


def test_what_cannot_be_read_is_named(folder, here):
    os.mkfifo(folder / "pipe")
    refused(here("--out", "a.pt", "--data", "pipe"), "pipe: is no folder")
    refused(here("--out", "a.pt", "--weights", "pipe"), "pipe: is no regular file")
    (folder / "images" / "0").mkdir(parents=True)
    for name in "0123":
        os.mkfifo(folder / "images" / "0" / f"{name}.png")
    refused(here("--out", "a.pt", "--data", "images"), ".png: is no regular file")
    refused(here("--out", "b.pt", "--model", "tiny:broken"), "tiny:broken failed (ValueError: no such layer)")


def test_a_damaged_run_directory_is_named(folder, here):
    noted = folder / "run-run" / "config.json"
    noted.parent.mkdir()
    for content, word in (("{", "is damaged"), ("[]", "no named values"), ("\0" * 9, "is damaged"), ("[" * 9999, "is")):
        noted.write_text(content)
        refused(here("--out", "run.pt", "--resume"), "config.json", word)
    noted.unlink()
    assert here("--out", "run.pt")[0] == 0
    assert json.loads(noted.read_text())["model"] == "tiny:model"
    checkpoint = noted.with_name("checkpoint.pt")
    whole = checkpoint.read_bytes()
    for content in (b"", whole[:500], b"not a checkpoint"):
        checkpoint.write_bytes(content)
        refused(here("--out", "run.pt", "--resume"), "checkpoint.pt", "not a readable file")
    import torch

    torch.save({"version": 1}, checkpoint)
    refused(here("--out", "run.pt", "--resume"), "checkpoint.pt", "no checkpoint of a run")


def test_output_that_goes_nowhere(folder):
    with Path("/dev/full").open("w") as full:
        refused(prune(folder, "--out", "run.pt", stdout=full), "No space left on device")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        code, _, err = prune(folder, "--out", "other.pt", stdout=writer)
    finally:
        os.close(writer)
    assert (code, err) == (141, "")


def test_too_few_file_handles(folder):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))

    child = start(folder, "run", *OPTIONS, "--out", "run.pt", preexec_fn=few)
    _, err = child.communicate(timeout=120)
    if child.returncode:
        assert err.count("\n") == 1 and err.startswith("crisp-prune: "), err


EARLY = {
    "choose_classes": ("before anything was kept", "say the same again to start over"),
    "accuracy": ("before the first checkpoint", "say the same with --resume to start over"),
}
"""What an interrupt says in a function of a run that comes before its first checkpoint."""


@pytest.mark.parametrize("moment", EARLY)
def test_an_early_interrupt_says_how_to_start_over(folder, here, monkeypatch, moment):
    from crisp_prune import job

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, moment, interrupt)
        refused(here("--out", "run.pt"), "run-run: interrupted", *EARLY[moment], code=130)
    again = ["--resume"] if "--resume" in EARLY[moment][1] else []
    assert here("--out", "run.pt", *again)[0] == 0 and (folder / "run.pt").exists()


def test_an_interrupt_of_a_calibration_says_that_nothing_was_kept(folder, monkeypatch, capsys):
    from crisp_prune import once

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(once, "prune_once", interrupt)
    words = ("one-shot", "--model", "tiny:model", "--data", "tiny:data", "--out", "run.pt")
    monkeypatch.setattr(sys, "argv", ["crisp-prune", *words])
    with pytest.raises(SystemExit) as left:
        run()
    refused((left.value.code, *capsys.readouterr()), "run.pt: interrupted: nothing was kept", code=130)


@pytest.mark.parametrize("moment", ["importing", "training"])
def test_an_interrupt_is_one_sentence(folder, moment):
    child = start(folder, *asked(("--data", "tiny:Slow", "--out", "trainer.pt")))
    if moment == "training":
        while not (folder / "training").exists() and child.poll() is None:
            os.sched_yield()
    else:  # torch is being loaded: its library is mapped long before its modules are all there
        while "libtorch" not in Path(f"/proc/{child.pid}/maps").read_text() and child.poll() is None:
            os.sched_yield()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.startswith("crisp-prune: ") and "interrupted" in err and err.count("\n") == 1
    assert moment != "training" or "continue with --resume" in err
    assert not list(folder.rglob(".crisp-hw-*"))
