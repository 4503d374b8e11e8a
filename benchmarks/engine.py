"""How fast the engine is: one evaluation, one command, and a batch of 10,000 mappings; prints, asserts nothing.

Run it on an idle machine: `python benchmarks/engine.py`. Cases are those committed under tests/golden.
"""

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from crisp_hw.engine.evaluate import evaluate, evaluate_batch
from crisp_hw.spec.design import DesignPoint
from crisp_hw.timeloop.read.point import read_point

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
BATCH = 10_000
REPEATS = 5


def cases() -> list[dict[str, Any]]:
    """Every committed case that is valid."""
    found = [json.loads(line) for line in (GOLDEN / "crisp-small.jsonl").read_text().splitlines()]
    for path in sorted((GOLDEN / "cases").glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            found += [json.loads(line) for line in lines]
    return [case for case in found if case["output"]["valid"]]


def median_seconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median of several runs, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def batch_of(point: DesignPoint) -> np.ndarray[Any, np.dtype[np.int64]]:
    """10,000 rows of bounds: the mapping itself and, over and over, those that move a factor of N between levels."""
    loops, bounds = point.mapping.nest.loops, np.array(point.mapping.bounds)
    places = [j for j, loop in enumerate(loops) if loop.dim == "N" and loop.kind == "temporal"]
    total = int(np.prod(bounds[places]))
    rows = [
        (a, b, total // (a * b))
        for a in range(1, 65)
        for b in range(1, total + 1)
        if total % a == 0 and total // a % b == 0
    ]
    out = np.tile(bounds, (len(rows), 1))
    chosen = [places[0], places[-2], places[-1]]
    out[:, places] = 1
    out[:, chosen] = np.array(rows)
    return np.resize(out, (BATCH, len(bounds)))


def command_seconds(case: dict[str, Any]) -> float:
    """One `crisp-hw model` process from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.yaml"
        path.write_text(json.dumps(case["input"]))
        words = [sys.executable, "-m", "crisp_hw.cli", "model", str(path), "-o", folder]
        return median_seconds(lambda: subprocess.run(words, check=True, capture_output=True))


def main() -> None:
    """Print the table."""
    every = cases()
    points = {case["id"]: read_point(case["input"]) for case in every}
    singles = {name: median_seconds(lambda p=point: evaluate(p)) for name, point in points.items()}
    stc = next(name for name in points if "stc-bw" in name)
    print(f"one evaluation, documents already read, {len(singles)} cases:")
    print(f"  median {statistics.median(singles.values()) * 1e3:.2f} ms, worst {max(singles.values()) * 1e3:.2f} ms")
    point = points[stc]
    bounds = batch_of(point)
    seconds = median_seconds(lambda: evaluate_batch(point.design, point.mapping.nest, bounds))
    print(f"a batch of {len(bounds):,} mappings of {stc}: {seconds:.3f} s")
    print(f"one command, `crisp-hw model`: {command_seconds(every[0]):.2f} s")


if __name__ == "__main__":
    main()
