"""What a study of many points costs beside evaluating them: time, memory, bytes of the store; the engine is a stub.

`python benchmarks/scale.py [--points 10000]`: fill a store, resume from it, ask every method for points.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import crisp_hw
from crisp_hw.exploration import judge as judging
from crisp_hw.exploration.samplers import Listed, Proposed
from crisp_hw.exploration.stores import Kept
from crisp_hw.spec.columns import Record
from crisp_hw.spec.layer import Layer, Workload

TABLE = Workload("twenty", tuple(Layer(f"layer{n}", "linear", 32 + 16 * n, 64 + 16 * n) for n in range(20)))


def stub(subject: judging.Subject, parts: judging.Parts) -> Record:
    """Figures that follow from the numbers of a point, of as many digits as real ones."""
    seed = int.from_bytes(sha256(repr(sorted(parts.numbers.items())).encode()).digest()[:6])
    return {key: "SMEM read" if key == "binds" else seed / (7.0 + place) for place, key in enumerate(subject.kept)}


def space(points: int) -> dict[str, list[int]]:
    """Three axes with so many combinations, at least."""
    side = 1
    while side**3 < points:
        side += 1
    return {name: list(range(1, side + 1)) for name in ("smem_bandwidth", "rf_bandwidth", "dram_bandwidth")}


def memory_mib() -> float:
    """The most that this process has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Spent:
    """What some methods take of the processor: those of the storage, or those of a sampler."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method whose time is added up."""

        def timed(*given: Any) -> Any:
            start = time.process_time()
            try:
                return method(*given)
            finally:
                self.seconds += time.process_time() - start

        return timed


STORAGE = Spent()
SAMPLER = Spent()


@contextmanager
def timed(what: str, points: int) -> Iterator[None]:
    """Print what a block took, a point too."""
    start, busy, stored, asked = time.perf_counter(), time.process_time(), STORAGE.seconds, SAMPLER.seconds
    yield
    took, worked = time.perf_counter() - start, time.process_time() - busy
    storage = 1000 * (STORAGE.seconds - stored) / points
    sampler = 1000 * (SAMPLER.seconds - asked) / points
    each = f"{1000 * worked / points:.3f} ms of work a point, of them {storage:.3f} storage and {sampler:.3f} sampler"
    told = f"{took:.1f} s, {worked:.1f} s of them at work, {each}"
    print(f"{what}: {told}, {memory_mib():.0f} MiB at most", flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--methods", nargs="*", default=["grid", "random", "nsga2", "tpe"])
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(judging, "_figures", stub),
        mock.patch.object(Kept, "__init__", STORAGE.counted(Kept.__init__)),
        mock.patch.object(Kept, "keep", STORAGE.counted(Kept.keep)),
        mock.patch.object(Listed, "ask", SAMPLER.counted(Listed.ask)),
        mock.patch.object(Proposed, "ask", SAMPLER.counted(Proposed.ask)),
        mock.patch.object(Proposed, "tell", SAMPLER.counted(Proposed.tell)),
    ):
        store = asked.store or Path(folder) / "store"
        ask = {"space": space(asked.points), "method": "grid", "trials": asked.points, "store": store}
        for share in (asked.points // 10, asked.points):
            with timed(f"judge and keep up to {share:,} points", share):
                crisp_hw.explore(TABLE, **{**ask, "trials": share})
        size = sum(path.stat().st_size for path in store.iterdir()) / 2**20
        print(f"the store: {size:.1f} MiB, {size * 2**20 / asked.points:.0f} bytes a point")
        for method in asked.methods:
            many = asked.points if method in ("grid", "random") else min(asked.points, 2000)
            with timed(f"{method}, {many:,} points, from the store as far as they are there", many):
                crisp_hw.explore(TABLE, **{**ask, "method": method, "trials": many})


if __name__ == "__main__":
    sys.exit(main())
