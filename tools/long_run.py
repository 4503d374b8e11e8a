"""Everything that takes too long for `make test`, and its last result as a file: `python tools/long_run.py --out FILE`.

The suite with the share of branches it takes, ten Hypothesis seeds, 6,000 fuzzed inputs of each sort, large spaces and
many models, the recorded cases, the steps of the image, and both images built and run. The file says what ran, with
which versions and seeds, how many tests and how long; the exit code is 1 when any of it failed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
SEEDS = range(1, 11)
FUZZED = 6_000
PACKAGES = ("crisp-hw", "numpy", "pandas", "pydantic", "torch", "hypothesis", "pytest")


@dataclass(frozen=True)
class Stage:
    """One command of the run."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)


def suite(name: str, *arguments: str, **variables: str) -> Stage:
    """A stage that runs tests, side by side on all cores."""
    command = (sys.executable, "-m", "pytest", "-n", "auto", *arguments)
    return Stage(name, command, variables)


def seeded(seed: int) -> str:
    """The name of the stage that draws with a seed."""
    return f"hypothesis seed {seed}"


def recorded(corpus: Path) -> list[Stage]:
    """What `make golden` does, where there is a corpus; the suite has compared a committed part of it in any case."""
    files = [str(path) for path in sorted(corpus.glob("*.jsonl.gz")) if path.name != "mapper.jsonl.gz"]
    return [Stage("recorded cases", (sys.executable, "-m", "crisp_hw.cli", "validate", *files))] if files else []


def stages(coverage: Path) -> list[Stage]:
    """Everything, the cheapest first."""
    draws = [
        suite(seeded(seed), "-m", "hypothesis", "--hypothesis-profile=long", f"--hypothesis-seed={seed}")
        for seed in SEEDS
    ]
    return [
        suite("suite, branches counted", "--cov", f"--cov-report=json:{coverage}"),
        *draws,
        suite(f"{FUZZED} fuzzed inputs", "-m", "fuzz", CRISP_HW_FUZZ=str(FUZZED)),
        suite("large spaces, many models", "-m", "long"),
        *recorded(Path(os.environ.get("CRISP_HW_GOLDEN", ROOT.parent / "shared" / "golden"))),
        Stage("container image", (str(ROOT / "docker" / "check.sh"),)),
        Stage("container images, built and run", (str(ROOT / "docker" / "image-check.sh"),)),
    ]


def counts(report: Path) -> dict[str, int]:
    """Tests, failures, errors and skips of a JUnit report."""
    if not report.exists():
        return {}
    (found,) = ElementTree.parse(report).getroot().iter("testsuite")
    return {name: int(found.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}


def run(stage: Stage, folder: Path) -> dict[str, Any]:
    """Run one stage; what is kept of it."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    extra = (f"--junitxml={report}",) if "pytest" in stage.command else ()
    start = time.monotonic()
    done = subprocess.run([*stage.command, *extra], cwd=ROOT, env={**os.environ, **stage.variables}, check=False)
    seconds = round(time.monotonic() - start, 1)
    return {"stage": stage.name, "passed": done.returncode == 0, "seconds": seconds, **counts(report)}


def branches(coverage: Path) -> float | None:
    """Percent of statements and branches taken, as coverage counts them; None without a report."""
    if not coverage.exists():
        return None
    return round(float(json.loads(coverage.read_text())["totals"]["percent_covered"]), 2)


def installed(name: str) -> str | None:
    """The version of a package, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """Where it ran."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "versions": {name: installed(name) for name in PACKAGES},
    }


def commit() -> str:
    """The commit that was tested, and whether the tree differed from it."""
    command = ["git", "describe", "--always", "--dirty"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages whose names hold one of the given words (all without any) and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("words", nargs="*", help="run only stages whose names hold one of these [all]")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = [
            each
            for each in stages(folder / "coverage.json")
            if any(word in each.name for word in options.words or [""])
        ]
        found = {
            "commit": commit(),
            "date": datetime.now(UTC).date().isoformat(),
            **machine(),
            "hypothesis seeds": [seed for seed in SEEDS if any(each.name == seeded(seed) for each in chosen)],
            "stages": [run(stage, folder) for stage in chosen],
            "percent covered": branches(folder / "coverage.json"),
        }
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if found["stages"] and all(stage["passed"] for stage in found["stages"]) else 1


if __name__ == "__main__":
    sys.exit(main())
