"""NSGA-II and TPE against random points of equal number: the volume that each front dominates, of that of all points.

`python benchmarks/hypervolume.py [--seeds 20] [--trials 200] [--store FOLDER]`: every point is judged once and
kept, so that each study after that costs what its sampler thinks.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

import crisp_hw
from crisp_hw.exploration.fronts import Costs, hypervolume
from crisp_hw.exploration.study import Study
from crisp_hw.spec.layer import Layer, Workload

TABLE = Workload("one", (Layer("a", "linear", 128, 256, tokens=16),))
SPACE = {
    "smem_bandwidth": [4, 8, 16, 32, 64],
    "smem_kb": [16, 32, 64, 128, 256],
    "rf_kb": [0.5, 1, 2, 4],
    "cores": [1, 2, 4, 8, 16],
    "nm": ["1:4", "2:4", "3:4", None],
}
OBJECTIVES = ("cycles", "energy_uj", "area_mm2")
METHODS = ("random", "nsga2", "tpe")


def costs(study: Study) -> Costs:
    """The objectives of the feasible points."""
    frame = study.to_frame().dropna(subset=["cycles"])
    return np.asarray(frame[list(OBJECTIVES)], dtype=float)


def main() -> None:
    """Judge all points, then run every method with some seeds, and print the volumes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ask = {"space": SPACE, "store": asked.store or Path(folder), "objectives": OBJECTIVES}
        whole = crisp_hw.explore(TABLE, **ask)
        every = costs(whole)
        low, high = every.min(axis=0), every.max(axis=0) * 1.01
        box = [1.0] * len(OBJECTIVES)
        most = hypervolume((every - low) / (high - low), box)
        print(f"{len(whole)} points, {len(whole.pareto())} on the front, {most:.4f} of their box dominated", flush=True)
        shares: dict[str, list[float]] = {name: [] for name in METHODS}
        for seed in range(asked.seeds):
            for name, found in shares.items():
                study = crisp_hw.explore(TABLE, **ask, method=name, trials=asked.trials, seed=seed)
                found.append(hypervolume((costs(study) - low) / (high - low), box) / most)
            told = ", ".join(f"{name} {found[-1]:.4f}" for name, found in shares.items())
            print(f"seed {seed}, {asked.trials} points: {told}", flush=True)
    for name, found in shares.items():
        ahead = sum(mine > other for mine, other in zip(found, shares["random"], strict=True))
        said = f"median {median(found):.4f}, from {min(found):.4f} to {max(found):.4f}"
        print(f"{name}: {said}, ahead of random at {ahead} of {len(found)} seeds")


if __name__ == "__main__":
    main()
