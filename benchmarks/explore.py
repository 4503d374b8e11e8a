"""Studies of ResNet-50 by one process, two of loky and two workers of Dask: equal frames, and how long each takes.

`python benchmarks/explore.py [--layers GLOB] [--method grid|tpe|nsga2|random] [--only one|loky|dask] [--fresh]`
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SPACE = {
    "smem_bandwidth": [8, 16, 32],
    "smem_kb": [64, 128, 256],
    "rf_kb": [1, 2, 4],
    "nm": ["1:4", "2:4", "3:4", None],
}
ENGINES = ("one", "loky", "dask")


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


def main() -> None:
    """Run the studies and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers")
    parser.add_argument("--method", default="grid")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--only", choices=ENGINES)
    parser.add_argument("--fresh", action="store_true", help="begin each engine without any search that is kept")
    asked = parser.parse_args()
    import crisp_hw

    frames, seconds = {}, {}
    for engine in (asked.only,) if asked.only else ENGINES:
        with tempfile.TemporaryDirectory() as cache:
            if asked.fresh:
                os.environ["CRISP_HW_CACHE"] = cache
            with workers_of(engine) as workers:
                start = time.perf_counter()
                study = crisp_hw.explore(
                    "resnet50",
                    space=SPACE,
                    layers=asked.layers,
                    method=asked.method,
                    trials=asked.trials,
                    block=None,
                    workers=workers,
                )
                seconds[engine], frames[engine] = time.perf_counter() - start, study.to_frame()
        print(f"{engine}: {seconds[engine]:.1f} s, {len(study)} points, {len(study.pareto())} on the front", flush=True)
    first, *others = frames.values()
    print(f"frames equal: {all(first.equals(each) for each in others)}; load {os.getloadavg()[0]:.1f}")
    for engine, took in seconds.items():
        print(f"  one process over {engine}: {seconds[next(iter(seconds))] / took:.2f}")


if __name__ == "__main__":
    main()
