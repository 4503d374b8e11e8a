"""timeloop-mapper on the same documents, where it is installed."""

import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

PROGRAM = "timeloop-mapper"
STATS = "timeloop-mapper.stats.txt"
THREADS = 2
ENDING_S = 60  # it finishes the mapping at hand and writes its files


def installed() -> bool:
    """Is the program on PATH?"""
    return shutil.which(PROGRAM) is not None


def edp_of(documents: dict[str, Any], wall_s: float) -> float | None:
    """EDP of the best mapping that its random search finds in so many seconds on two threads; None without any.

    It takes one Ctrl-C for the end of the search, and writes what it found.
    """
    settings = {"num_threads": THREADS, "algorithm": "random_pruned", "timeout": 0, "victory_condition": 0}
    asked = {**documents, "mapper": {**documents["mapper"], **settings}}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "design.yaml").write_text(yaml.safe_dump(asked, sort_keys=False), encoding="utf-8")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([PROGRAM, "design.yaml"], cwd=folder, **quiet)
        try:
            process.wait(wall_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(ENDING_S)
        finally:
            process.kill()
        stats = Path(folder) / STATS
        return edp_in(stats.read_text(encoding="utf-8")) if stats.exists() else None


def edp_in(stats: str) -> float | None:
    """Cycles x pJ in the summary of its statistics.

    >>> edp_in("Cycles: 20\\nEnergy: 1.50 uJ\\n")
    30000000.0
    """
    cycles = re.search(r"^Cycles: (\d+)$", stats, re.MULTILINE)
    energy = re.search(r"^Energy: ([\d.]+) uJ$", stats, re.MULTILINE)
    return int(cycles[1]) * float(energy[1]) * 1e6 if cycles and energy else None
