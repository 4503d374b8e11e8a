"""What holds for the whole suite: a cache folder of its own, and how Hypothesis draws.

No test reads or writes what a user's own searches found: suite, doctests and their processes share a folder.
Hypothesis draws the same examples on every run, whatever the machine is doing; `make long` alone draws others, from
seeds that it states.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

# Time never decides (no deadline, no complaint about slow examples); a folder for each test is as good as one for each
# example, because every test that writes there writes the whole file anew.
_ALWAYS = settings(
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("test", _ALWAYS, derandomize=True)
settings.register_profile("quick", _ALWAYS, derandomize=True, max_examples=20)
settings.register_profile("long", _ALWAYS)  # with --hypothesis-seed
settings.load_profile("test")

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
