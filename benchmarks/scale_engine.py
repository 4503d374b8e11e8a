"""A study of many points of networks of 20 layers with the real engine: memory over its points, store, searches.

`python benchmarks/scale_engine.py [--points 10000] [--networks 500] [--store FOLDER]`: networks of layers from one pool
(as a search over architectures has them), times N:M and a bandwidth; the store is filled, resumed from and asked by
other methods. A run that is killed goes on from FOLDER.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from scale import STORAGE, timed

import crisp_hw
from crisp_hw.exploration.stores import Kept
from crisp_hw.spec.layer import Layer, Workload

POOL = tuple([(64 + 32 * (place % 4), 64 + 64 * (place // 4), 4 * (1 + place % 3)) for place in range(24)])
"""Inputs, outputs and tokens of the layers that there are."""
LAYERS, KINDS = 20, 4
"""Layers of a network, and different ones among them."""


def networks(many: int) -> list[Workload]:
    """Networks of 20 layers of four shapes of the pool, the same ones each time."""
    draw = random.Random(0)
    found = []
    for number in range(many):
        kinds = draw.sample(POOL, KINDS)
        shapes = [draw.choice(kinds) for _ in range(LAYERS)]
        layers = (Layer(f"layer{n}", "linear", i, o, tokens=t) for n, (i, o, t) in enumerate(shapes))
        found.append(Workload(f"net{number:03}", tuple(layers)))
    return found


def resident_mib() -> float:
    """What this process has in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--methods", nargs="*", default=["grid", "random", "nsga2", "tpe"])
    asked = parser.parse_args()
    space = {
        "smem_bandwidth": [8, 16, 24, 32, 64],
        "nm": ["1:4", "2:4", "3:4", None],
        "network": networks(asked.networks),
    }
    fresh = [0]

    def seen(done: int, many: int, judged: object) -> None:
        fresh[0] += 1
        if fresh[0] % asked.every == 0:
            told = f"{done:,} points, {fresh[0]:,} judged: {resident_mib():.1f} MiB, {time.process_time():.1f} s worked"
            kept = sum(1 for path in Path(os.environ["CRISP_HW_CACHE"]).rglob("*") if path.is_file())
            print(f"{told}, {kept:,} files of searches, load {os.getloadavg()[0]:.1f}", flush=True)

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(Kept, "__init__", STORAGE.counted(Kept.__init__)),
        mock.patch.object(Kept, "keep", STORAGE.counted(Kept.keep)),
    ):
        os.environ["CRISP_HW_CACHE"] = str((asked.store or Path(folder)) / "searches")
        store = (asked.store or Path(folder)) / "store"
        ask = {"space": space, "method": "grid", "trials": asked.points, "store": store, "progress": seen}
        print(f"begin: {resident_mib():.1f} MiB", flush=True)
        with timed(f"judge and keep {asked.points:,} points", asked.points):
            study = crisp_hw.explore(None, **ask)
        frame = study.to_frame()
        same = len(frame.drop_duplicates(["cycles", "energy_uj", "area_mm2"]))
        print(f"{len(study)} points, {same} of them different, {len(study.pareto())} on the front", flush=True)
        size = sum(path.stat().st_size for path in store.iterdir()) / 2**20
        print(f"the store: {size:.1f} MiB, {size * 2**20 / asked.points:.0f} bytes a point")
        for method in asked.methods:
            many = asked.points if method in ("grid", "random") else min(asked.points, 2000)
            before = fresh[0]
            with timed(f"{method}, {many:,} points, from the store as far as they are there", many):
                crisp_hw.explore(None, **{**ask, "method": method, "trials": many})
            print(f"{method}: {fresh[0] - before} judged", flush=True)


if __name__ == "__main__":
    sys.exit(main())
