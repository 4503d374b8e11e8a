"""What a scheduler of Dask sees of a study on many nodes: a real scheduler, as many workers, points that only wait.

`python benchmarks/scheduler.py [--workers 1000] [--points 5000] [--takes 0]`: the scheduler is a process of its own, so
that its processor time and memory are known. The workers are real ones, too (a socket and a thread each), all of them
in one process; their point is a stub that waits as long as it is told and gives figures of the size of real ones.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from distributed import Client, Worker
from distributed.comm.tcp import TCP
from scale import TABLE, space

import crisp_hw
from crisp_hw.exploration import workers as crowds
from crisp_hw.exploration.subject import Subject
from crisp_hw.spec.study import Judged, Point

AT_ONCE = 50  # workers that register at the same time
QUIET = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "60s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "300s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "300s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "None",
}
"""What would load the one process of all workers, and is nothing that the scheduler sees."""


def stub(takes: float, subject: Subject, point: Point) -> Judged:
    """A point that waits, and figures of as many digits as real ones."""
    time.sleep(takes)
    seed = sum(float(each or 0) for each in point.values())  # type: ignore[arg-type]  # all axes are numbers
    return Judged({key: "SMEM read" if key == "binds" else seed / (7.0 + at) for at, key in enumerate(subject.kept)})


@dataclass
class Sent:
    """Messages that left a process, and their bytes."""

    messages: int = 0
    size: int = 0

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is written to sockets."""
        write = TCP.write

        async def counted(comm: TCP, *given: Any, **named: Any) -> Any:
            size = await write(comm, *given, **named)
            self.messages, self.size = self.messages + 1, self.size + int(size or 0)
            return size

        with mock.patch.object(TCP, "write", counted):
            yield


def host(file: str, many: int, told: str) -> None:
    """A process of many workers; every second it writes down what they have sent so far."""

    async def run() -> None:
        sent = Sent()
        with sent.counting():
            workers: list[Worker] = []
            for start in range(0, many, AT_ONCE):
                some = range(start, min(many, start + AT_ONCE))
                workers += [Worker(scheduler_file=file, nthreads=1, dashboard=False, memory_limit=0) for _ in some]
                await asyncio.gather(*workers[start:])
            while True:
                Path(f"{told}.new").write_text(json.dumps([sent.messages, sent.size]))
                Path(f"{told}.new").replace(told)
                await asyncio.sleep(1)

    asyncio.run(run())


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process: "subprocess.Popen[bytes]") -> float:
    """What a process has in memory."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Let many workers judge points of a study with a store, and print what scheduler, store and driver saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--takes", type=float, default=0.0)
    parser.add_argument("--host", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.host:
        host(asked.host[0], asked.workers, asked.host[1])
        return
    os.environ |= QUIET
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        file, told, store = (str(Path(folder) / name) for name in ("scheduler.json", "told", "store"))
        words = ["--scheduler-file", file, "--no-dashboard", "--host", "127.0.0.1", "--port", "0"]
        calls = (
            ["-m", "distributed.cli.dask_scheduler", *words],
            [__file__, "--workers", str(asked.workers), "--host"],
        )
        run = []
        for call in (calls[0], [*calls[1], file, told]):
            run.append(subprocess.Popen([sys.executable, *call], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(run[-1].wait)
            stack.callback(run[-1].terminate)
            while not Path(file).exists():
                time.sleep(0.1)
        scheduler, hosting = run
        sent = Sent()
        stack.enter_context(sent.counting())
        client = stack.enter_context(Client(scheduler_file=file, timeout=300))
        client.wait_for_workers(asked.workers, timeout=1800)
        while not Path(told).exists():
            time.sleep(0.1)
        idle = resident_mib(scheduler)
        print(f"{asked.workers} workers are there, the scheduler has {idle:.0f} MiB", flush=True)
        before = cpu_seconds(scheduler), cpu_seconds(hosting), json.loads(Path(told).read_text())
        sent.messages = sent.size = 0
        start, busy = time.perf_counter(), time.process_time()
        crowd = partial(crowds.crowd, work=partial(stub, asked.takes))
        with mock.patch("crisp_hw.api.design_spaces.crowd", crowd):
            ask = {"space": space(asked.points), "trials": asked.points, "workers": client, "store": store}
            study = crisp_hw.explore(TABLE, **ask)
        seconds, driver = time.perf_counter() - start, time.process_time() - busy
        time.sleep(2)
        after = cpu_seconds(scheduler), cpu_seconds(hosting), json.loads(Path(told).read_text())
        many = len(study)
        print(f"{many} points in {seconds:.1f} s: {many / seconds:.0f} a second; load {os.getloadavg()[0]:.1f}")
        for name, spent in (("scheduler", after[0] - before[0]), ("driver", driver), ("workers", after[1] - before[1])):
            print(f"{name}: {spent:.1f} s of processor time, {1000 * spent / many:.2f} ms a point")
        messages, size = (after[2][place] - before[2][place] for place in (0, 1))
        for name, these, those in (("workers", messages, size), ("driver", sent.messages, sent.size)):
            print(f"from the {name}: {these / many:.2f} messages and {those / many:.0f} bytes a point")
        print(f"the scheduler has {resident_mib(scheduler):.0f} MiB after the study")
        written = sum(path.stat().st_size for path in Path(store).iterdir())
        print(f"the store: {written / many:.0f} bytes a point, {written / seconds / 2**10:.0f} KiB a second")


if __name__ == "__main__":
    main()
