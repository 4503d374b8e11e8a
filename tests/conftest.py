"""Where the recorded Timeloop runs are, and a line at the end that says how many of them agreed."""

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "golden"
GOLDEN = "golden agreement"  # the name under which test_golden.py records (source, family, cases, equal)


def corpus_folder() -> Path | None:
    """The folder of the whole corpus: the environment variable CRISP_HW_GOLDEN, else ../shared/golden, else None."""
    named = os.environ.get("CRISP_HW_GOLDEN")
    if named:
        folder = Path(named)
        if not any(folder.glob("*.jsonl.gz")):
            raise pytest.UsageError(f"CRISP_HW_GOLDEN={named}: holds no *.jsonl.gz; name a folder of recorded cases")
        return folder
    return BESIDE if any(BESIDE.glob("*.jsonl.gz")) else None


@pytest.fixture(scope="session")
def golden_corpus() -> Path:
    """A folder with the whole corpus of recorded cases, FAMILY.jsonl.gz each; the test is skipped without one."""
    folder = corpus_folder()
    if folder is None:
        pytest.skip("no corpus of recorded runs: set CRISP_HW_GOLDEN to a folder of FAMILY.jsonl.gz files")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Per source, the cases of each family that agree in every figure."""
    found: dict[str, list[str]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == GOLDEN and getattr(report, "when", "") == "call":
                    source, family, cases, equal = value
                    found[source].append(f"{family} {equal}/{cases}")
    if not found:
        return
    ran = "the whole corpus ran" if "corpus" in found else "the committed set alone ran, without the corpus"
    terminalreporter.write_line(f"golden cases, equal to Timeloop in every figure; {ran}:")
    for source in sorted(found):
        terminalreporter.write_line(f"  {source}: {', '.join(sorted(found[source]))}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many random mapspaces exact searches are held against brute force in."""
    parser.addoption("--small-spaces", type=int, default=14, help="random small mapspaces of each kind (default: 14)")


@pytest.fixture(scope="session")
def small_seeds(request: pytest.FixtureRequest) -> list[int]:
    """Seeds of random small mapspaces."""
    return list(range(request.config.getoption("--small-spaces")))


@pytest.fixture
def signals_heard() -> Iterator[None]:
    """SIGTERM and SIGHUP end the process, whatever it was begun with: nohup has SIGHUP ignored."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)
