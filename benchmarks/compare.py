"""A few figures of speed, measured again and compared with those kept: `python benchmarks/compare.py [--keep NAME]`.

Times are processor seconds, so that what else the machine does hardly matters; results kept on another machine are
shown, but say little about this one. The exit code is 1 when a figure is more than --factor times as slow as one that
was kept on a machine of the same description.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from drawn_spaces import product_with_a_vector
from engine import batch_of, cases
from rows import ROWS

from crisp_hw.engine.evaluate import evaluate, evaluate_batch
from crisp_hw.errors import MappingError
from crisp_hw.mapper.search import search
from crisp_hw.spec.constraints import Constraints
from crisp_hw.timeloop.read.point import read_design, read_point

RESULTS = Path(__file__).with_name("results")
REPEATS = 5
SEARCHES = 20


def own_seconds(call: Callable[[], object]) -> float:
    """Processor seconds of this process: the median of some runs, after one to warm up."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def child_seconds(words: list[str]) -> float:
    """Processor seconds of a process and its children: the median of some runs, after one to warm up."""
    times = []
    for _ in range(REPEATS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times[1:])


def searched() -> None:
    """Some random small mapspaces, gone through."""
    rng = np.random.default_rng(0)
    for _ in range(SEARCHES):
        try:
            search(product_with_a_vector(rng), Constraints())
        except MappingError:
            continue


def proven() -> None:
    """A matrix product of 512 x 512 x 512, searched to the end."""
    documents = ROWS["g512"].documents()
    design = read_design({key: value for key, value in documents.items() if key != "mapper"})
    if not search(design, Constraints(), "edp").proven:
        raise SystemExit("g512: not proven")


def figures() -> dict[str, float]:
    """Name -> processor seconds."""
    every = cases()
    points = [read_point(case["input"]) for case in every[::10]]
    batch = next(read_point(case["input"]) for case in every if "stc-bw" in case["id"])
    bounds = batch_of(batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.yaml"
        path.write_text(json.dumps(every[0]["input"]))
        command = [sys.executable, "-m", "crisp_hw.cli", "model", str(path), "-o", folder]
        return {
            f"{len(points)} single evaluations": own_seconds(lambda: [evaluate(point) for point in points]),
            f"a batch of {len(bounds)} mappings": own_seconds(
                lambda: evaluate_batch(batch.design, batch.mapping.nest, bounds)
            ),
            f"{SEARCHES} small searches": own_seconds(searched),
            "g512, proven": own_seconds(proven),
            "crisp-hw model": child_seconds(command),
            "crisp-hw --version": child_seconds([sys.executable, "-m", "crisp_hw.cli", "--version"]),
        }


def machine() -> dict[str, Any]:
    """What the times depend on."""
    model = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "processor": model[0] if model else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def slower(now: dict[str, Any], kept: dict[str, Any], name: str) -> float:
    """Prints one comparison; the worst ratio, 0 where the machines differ."""
    same = now["machine"] == kept["machine"]
    print(f"\n{name} ({'the same machine' if same else 'another machine: ' + kept['machine']['processor']}):")
    worst = 0.0
    for figure, seconds in now["seconds"].items():
        before = kept["seconds"].get(figure)
        ratio = seconds / before if before else float("nan")
        print(f"  {figure:40} {seconds:8.4f} s, was {before} s: x {ratio:.2f}")
        worst = max(worst, ratio if same and before else 0.0)
    return worst


def main() -> int:
    """Measure, compare, and keep the result if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", metavar="NAME", help="write benchmarks/results/NAME.json")
    parser.add_argument("--factor", type=float, default=1.5, help="how many times as slow is too slow [1.5]")
    options = parser.parse_args()
    now = {"machine": machine(), "seconds": {name: round(seconds, 5) for name, seconds in figures().items()}}
    worst = max(
        (slower(now, json.loads(path.read_text()), path.name) for path in sorted(RESULTS.glob("*.json"))), default=0
    )
    if options.keep:
        (RESULTS / f"{options.keep}.json").write_text(json.dumps(now, indent=2) + "\n")
    return int(worst > options.factor)


if __name__ == "__main__":
    sys.exit(main())
