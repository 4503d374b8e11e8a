"""NSGA-II and TPE against random points of equal number: the volume that each front dominates, as a share of their box.

`python benchmarks/hypervolume.py [--seeds 5] [--trials 200]`; the last line has the median of each over the seeds.
"""

import argparse
from statistics import median

import numpy as np

import crisp_hw
from crisp_hw.exploration.fronts import Costs, hypervolume
from crisp_hw.exploration.study import Study
from crisp_hw.spec.layer import Layer, Workload

TABLE = Workload("two", (Layer("a", "linear", 128, 256, tokens=16), Layer("b", "linear", 64, 512, tokens=4)))
SPACE = {
    "smem_bandwidth": {"low": 2, "high": 64, "step": 2},
    "rf_bandwidth": {"low": 4, "high": 64, "step": 4},
    "smem_kb": {"low": 16, "high": 256, "step": 16},
    "rf_kb": [0.5, 1, 2, 4],
    "cores": [1, 2, 4, 8, 16],
}


def costs(study: Study) -> Costs:
    """The objectives of the feasible points."""
    frame = study.to_frame().dropna(subset=["cycles"])
    return np.asarray(frame[[each.name for each in study.objectives]], dtype=float)


def main() -> None:
    """Run both with some seeds and print the volumes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=200)
    asked = parser.parse_args()
    every_volume: dict[str, list[float]] = {}
    for seed in range(asked.seeds):
        found = {
            method: costs(crisp_hw.explore(TABLE, space=SPACE, nm="2:4", method=method, trials=asked.trials, seed=seed))
            for method in ("random", "nsga2", "tpe")
        }
        every = np.concatenate(list(found.values()))
        low, high = every.min(axis=0), every.max(axis=0) * 1.01
        volumes = {name: hypervolume((each - low) / (high - low), [1.0] * 3) for name, each in found.items()}
        for name, volume in volumes.items():
            every_volume.setdefault(name, []).append(volume)
        told = ", ".join(f"{name} {volume:.4f}" for name, volume in volumes.items())
        print(f"seed {seed}, {asked.trials} points: {told}", flush=True)
    print("median:", ", ".join(f"{name} {median(volumes):.4f}" for name, volumes in every_volume.items()))


if __name__ == "__main__":
    main()
