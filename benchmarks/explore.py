"""Studies of ResNet-50 by one process, two of loky and two workers of Dask: equal frames, and how long each takes.

`python benchmarks/explore.py [--layers GLOB] [--methods grid tpe nsga2] [--trials 200] [--out FILE.json]`; every engine
begins without any search that is kept. Times on the clock are worth what the load of the machine lets them be, so that
processor time stands beside them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

SPACE = {
    "smem_bandwidth": [8, 16, 32],
    "smem_kb": [64, 128, 256],
    "rf_kb": [1, 2, 4],
    "nm": ["1:4", "2:4", "3:4", None],
}
ENGINES = ("one", "loky", "dask")


@dataclass(frozen=True)
class Took:
    """What a study took; `sha256` is that of its frame as CSV, all digits of it."""

    method: str
    engine: str
    points: int
    front: int
    seconds: float
    cpu_seconds: float
    load: float
    sha256: str


@contextmanager
def workers_of(engine: str) -> Iterator[Any]:
    """What `workers` is for an engine; a scheduler and its two workers are processes of their own."""
    if engine != "dask":
        yield 1 if engine == "one" else 2
        return
    from distributed import Client

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "scheduler.json")
        beside = ["--scheduler-file", file, "--no-dashboard", "--host", "127.0.0.1"]
        calls = (
            ["dask_scheduler", *beside, "--port", "0"],
            ["dask_worker", *beside, "--nthreads", "1", "--nworkers", "2"],
        )
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        run = [
            subprocess.Popen([sys.executable, "-m", f"distributed.cli.{call[0]}", *call[1:]], **quiet) for call in calls
        ]
        try:
            while not Path(file).exists():
                time.sleep(0.1)
            with Client(scheduler_file=file) as client:
                client.wait_for_workers(2, timeout=300)
                yield client
        finally:
            for each in reversed(run):
                each.terminate()
                each.wait()


def cpu_seconds() -> float:
    """Processor time of this process and of those it started that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(method: str, engine: str, asked: argparse.Namespace) -> Took:
    """Run one study; the processor time has that of starting the workers in it, the time on the clock has not."""
    import crisp_hw

    busy = cpu_seconds()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CRISP_HW_CACHE"] = cache
        trials = None if method == "grid" else asked.trials
        with workers_of(engine) as workers:
            start = time.perf_counter()
            study = crisp_hw.explore(
                "resnet50", space=SPACE, layers=asked.layers, method=method, trials=trials, workers=workers
            )
            seconds = time.perf_counter() - start
    text = study.to_frame().to_csv(index=False)
    return Took(
        method,
        engine,
        len(study),
        len(study.pareto()),
        round(seconds, 1),
        round(cpu_seconds() - busy, 1),
        round(os.getloadavg()[0], 1),
        sha256(text.encode()).hexdigest(),
    )


def main() -> None:
    """Run the studies and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers")
    parser.add_argument("--methods", nargs="*", default=["grid", "tpe", "nsga2"])
    parser.add_argument("--engines", nargs="*", choices=ENGINES, default=ENGINES)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    every: list[Took] = []
    for method in asked.methods:
        found = [measured(method, engine, asked) for engine in asked.engines]
        for each in found:
            print(
                f"{method}, {each.engine}: {each.points} points, {each.front} on the front, {each.seconds} s, "
                f"{each.cpu_seconds} s of processor time, {found[0].seconds / each.seconds:.2f} times as fast as "
                f"{found[0].engine}; load {each.load}",
                flush=True,
            )
        print(f"{method}: frames equal byte by byte as CSV: {len({each.sha256 for each in found}) == 1}", flush=True)
        every += found
    if asked.out:
        asked.out.write_text("[\n" + ",\n".join(json.dumps(asdict(each)) for each in every) + "\n]\n")


if __name__ == "__main__":
    main()
