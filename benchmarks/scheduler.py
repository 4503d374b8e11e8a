"""What a scheduler of Dask sees of a study: points a second, with a stub and workers as threads."""

import argparse
import time

from distributed import Client, LocalCluster
from scale import TABLE

from crisp_hw.exploration.workers import crowd
from crisp_hw.spec.study import Judged, Point


def stub(subject: object, point: Point) -> Judged:
    """A point that takes no time."""
    return Judged({"cycles": 1.0})


def main() -> None:
    """Let many workers of one process judge points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--points", type=int, default=2048)
    asked = parser.parse_args()
    quiet = {"processes": False, "dashboard_address": None, "threads_per_worker": 1}
    with (
        LocalCluster(n_workers=asked.workers, **quiet) as cluster,
        Client(cluster) as client,
        crowd(client, TABLE, stub) as judges,  # type: ignore[arg-type]  # the stub takes any subject
    ):
        start, busy = time.perf_counter(), time.process_time()
        many = sum(1 for _ in judges([{"cores": number} for number in range(asked.points)]))
        took, worked = time.perf_counter() - start, time.process_time() - busy
    print(
        f"{many} points over {asked.workers} workers: {took:.1f} s, {worked:.1f} s of work, "
        f"{1000 * worked / many:.2f} ms each"
    )


if __name__ == "__main__":
    main()
