"""No test reads or writes what a user's own searches found: suite, doctests and their processes share a folder."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

FOLDER = pytest.StashKey[TemporaryDirectory[str]]()
VARIABLE = "CRISP_HW_CACHE"


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected."""
    config.stash[FOLDER] = TemporaryDirectory(prefix="crisp-hw-tests-")
    os.environ[VARIABLE] = config.stash[FOLDER].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """After the last test."""
    if FOLDER in config.stash:
        os.environ.pop(VARIABLE, None)
        config.stash[FOLDER].cleanup()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of searches for one test alone."""
    folder = tmp_path / "searches"
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder
