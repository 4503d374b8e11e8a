"""What holds for the whole suite: a cache folder of its own, and how Hypothesis draws.

No test reads or writes what a user's own searches found: suite, doctests and their processes share a folder.
Hypothesis draws the same examples on every run, whatever the machine is doing; `make long` alone draws others, from
seeds that it states.
"""

import os
import re
import signal
from importlib.util import find_spec
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

# Read when NumPy and PyTorch are first imported. The suite's processes share the cores, and threads that wait for each
# other on busy cores spin; sums are also taken in the same order whatever the number of cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

NEEDS_TORCH = re.compile(r"^(?:import|from) (?:torch|crisp_prune)\b", re.MULTILINE)
WITH_TORCH = find_spec("torch") is not None
FOLDER = pytest.StashKey[TemporaryDirectory[str]]()
VARIABLE = "CRISP_HW_CACHE"
INSTALLED = "CRISP_HW_INSTALLED"  # set where an installed wheel is tested and not the checkout


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected.

    A shell starts background commands deaf to Ctrl-C, and what they start inherits it; tests send interrupts and want
    them heard.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[FOLDER] = TemporaryDirectory(prefix="crisp-hw-tests-")
    os.environ[VARIABLE] = config.stash[FOLDER].name
    os.environ["COLUMNS"] = "120"  # whatever the terminal, or execnet, which gives workers 80
    if not WITH_TORCH:
        config.pluginmanager.register(WithoutTorch())
    package = Path(str(getattr(find_spec("crisp_hw"), "origin", ""))).parent
    if os.environ.get(INSTALLED) and package.is_relative_to(config.rootpath):
        raise pytest.UsageError(f"{INSTALLED} is set, but crisp_hw is that of the checkout: {package}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """After the last test."""
    if FOLDER in config.stash:
        os.environ.pop(VARIABLE, None)
        config.stash[FOLDER].cleanup()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not even looked at."""
    if not WITH_TORCH:
        terminalreporter.write_line("no PyTorch here: crisp_prune and the files that import torch were left out")


class WithoutTorch:
    """What is left out where there is no PyTorch; a plugin, because installed packages lie beyond this file's reach."""

    @pytest.hookimpl
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Files that cannot even be imported: crisp_prune, and what tests it."""
        if collection_path.suffix != ".py":
            return None
        inside = "crisp_prune" in collection_path.parts
        return True if inside or NEEDS_TORCH.search(collection_path.read_text(encoding="utf-8")) else None

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Examples of docstrings that import it."""
        for item in items:
            examples = getattr(getattr(item, "dtest", None), "examples", ())
            if any(NEEDS_TORCH.search(example.source) for example in examples):
                item.add_marker(pytest.mark.skip(reason="needs PyTorch"))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of searches for one test alone."""
    folder = tmp_path / "searches"
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder
