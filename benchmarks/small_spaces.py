"""Random small mapspaces by search and by brute force; a part of benchmarks/mapper.py."""

import time
from itertools import permutations, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.errors import MappingError
from crisp_hw.mapper.search import OBJECTIVES, search
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.problem import Problem, Tensor, Term

SPACES = 200
Ints = NDArray[np.int64]


def compare_small(device: str) -> tuple[int, int, int, float, float]:
    """(equal, without a mapping, mappings, seconds of brute force, seconds of search)."""
    rng = np.random.default_rng(0)
    equal = none = mappings = 0
    brute_s = search_s = 0.0
    for _ in range(SPACES):
        design = random_design(rng)
        objective = list(OBJECTIVES)[int(rng.integers(len(OBJECTIVES)))]
        start = time.perf_counter()
        best, tried = brute_force(design, objective)
        brute_s, start = brute_s + time.perf_counter() - start, time.perf_counter()
        try:
            answer = search(design, Constraints(), objective, options=SearchOptions(device=device))
            found = _scores(objective, np.array([answer.cycles]), np.array([answer.energy_pj]))[0]
        except MappingError:
            found = None
        search_s += time.perf_counter() - start
        mappings, none = mappings + tried, none + (best is None)
        equal += best is found is None or bool(best and found and np.allclose(best, found, rtol=1e-12, atol=0))
    return equal, none, mappings, brute_s, search_s


def _scores(objective: str, cycles: Ints, energy_pj: NDArray[np.float64]) -> list[tuple[float, ...]]:
    return list(zip(*(score.tolist() for score in OBJECTIVES[objective](cycles, energy_pj)), strict=True))


def random_design(rng: np.random.Generator) -> Design:
    """Z[m] += A[m, k] * B[k] on a 2 x 2 array under memories that hold some of it."""
    words, reads, writes = (int(rng.integers(*span)) for span in ((2, 16), (1, 5), (1, 5)))
    levels = (
        StorageLevel("RF", instances=4, mesh_x=2, mesh_y=2, size_words=words),
        StorageLevel("DRAM", "DRAM", read_bandwidth=reads, write_bandwidth=writes),
    )
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),),)),
        Tensor("Z", ((Term("M"),),), is_output=True),
    )
    costs = rng.uniform(0.5, 80, 4)
    energy = EnergyTable({"RF": {"read": costs[0], "write": costs[1]}, "DRAM": {"read": costs[2], "write": costs[3]}})
    bounds = (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    array = ComputeLevel(instances=4, mesh_x=2, mesh_y=2)
    return Design(Architecture(levels, array), Problem("mv", ("M", "K"), bounds, tensors), energy=energy)


def brute_force(design: Design, objective: str) -> tuple[tuple[float, ...] | None, int]:
    """The best scores (None: no mapping is valid) of how many mappings, without any knowledge of the model."""
    dims, keeps = design.problem.dims, (frozenset("ABZ"),) * 2
    rows = product(*map(_splits, design.problem.bounds))
    factors = {dim: np.array(each) for dim, each in zip(dims, zip(*rows, strict=True), strict=True)}
    best: list[tuple[float, ...]] = []
    tried = 0
    for orders in product(permutations(dims), repeat=3):
        for along_x in range(3):
            kinds = ["x" if place < along_x else "y" for place in range(2)]
            loops = [(Loop(0, dim, "temporal"), 0) for dim in orders[0]]
            loops += [(Loop(1, dim, kind), 1) for dim, kind in zip(orders[1], kinds, strict=True)]
            loops += [(Loop(1, dim, "temporal"), 2) for dim in orders[2]]
            bounds = np.stack([factors[loop.dim][:, block] for loop, block in loops], axis=1)
            done = evaluate_batch(design, LoopNest(tuple(loop for loop, _ in loops), keeps), bounds)
            valid = done.valid & (done.cycles > 0)
            best = sorted([*best, *_scores(objective, done.cycles[valid], done.energy_pj[valid])])[:1]
            tried += len(bounds)
    return (best[0] if best else None), tried


def _splits(bound: int) -> list[tuple[int, ...]]:
    """All three factors whose product is the bound."""
    return [each for each in product(range(1, bound + 1), repeat=3) if prod(each) == bound]
