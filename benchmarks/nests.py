"""Mappings per second of the engine: of one nest in a batch, and a few of each of many nests, as a search meets them.

`python benchmarks/nests.py`: by the processor seconds of one core, the median of three runs. Four designs: a dense
GEMM, one with 2:4 operands and one with hypergeometric ones, both compressed and skipped, and a convolution, all with
every factor and order open; the rows are random factorizations in random orders.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import evaluate_batch, evaluate_nests
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

ONE_NEST, NESTS, ROWS = 20_000, 200, 8
REPEATS = 3
Ints = NDArray[np.int64]

FABRIC = Architecture(
    (
        StorageLevel("RF", instances=256, mesh_x=16, mesh_y=16, size_words=512, metadata_depth=512),
        StorageLevel("GLB", size_words=65_536, read_bandwidth=16.0, write_bandwidth=16.0, metadata_depth=65_536),
        StorageLevel("DRAM", "DRAM", read_bandwidth=8.0, write_bandwidth=8.0),
    ),
    ComputeLevel("MAC", 256, 16, 16),
)  # three levels and one array of lanes, as in public exercises
PJ = EnergyTable({"RF": {"read": 1.0, "write": 1.0}, "GLB": {"read": 6.0, "write": 6.0}, "MAC": {"compute": 1.0}})


def gemm() -> Problem:
    """512 x 512 x 512."""
    a, b = Tensor("A", ((Term("M"),), (Term("K"),))), Tensor("B", ((Term("K"),), (Term("N"),)))
    return Problem("gemm", ("M", "N", "K"), (512,) * 3, (a, b, Tensor("Z", ((Term("M"),), (Term("N"),)), True)))


def sparse(density: FixedStructured | Hypergeometric) -> Design:
    """Both operands compressed outside the lanes, the nonzeros of one skipping the other."""
    problem, every = gemm(), (frozenset("MNK"),)
    a, b, z = problem.tensors
    problem = replace(problem, tensors=(replace(a, density=density), replace(b, density=density), z))
    ranks = (Rank("CP", 4, 0, every), Rank("UOP", 0, 4, every), Rank("UOP", 0, 4, every))
    formats = [
        TensorFormat(level.name, name, ranks[: index + 1]) for index, level in enumerate(FABRIC.levels) for name in "AB"
    ]
    skip = ActionOptimization("GLB", "skipping", (Condition("A", ("B",)),))
    return Design(FABRIC, problem, SparseSpec(tuple(formats), (skip,)), PJ)


def convolution() -> Design:
    """128 x 128 channels, 28 x 28 pixels, 3 x 3 taps."""
    tensors = (
        Tensor("W", tuple((Term(dim),) for dim in "CMRS")),
        Tensor("I", ((Term("C"),), (Term("P"), Term("R")), (Term("Q"), Term("S")))),
        Tensor("O", tuple((Term(dim),) for dim in "MPQ"), True),
    )
    return Design(FABRIC, Problem("conv", tuple("CMRSPQ"), (128, 128, 3, 3, 28, 28), tensors), energy=PJ)


DESIGNS: dict[str, Callable[[], Design]] = {
    "dense": lambda: Design(FABRIC, gemm(), energy=PJ),
    "2:4": lambda: sparse(FixedStructured(0.5)),
    "hypergeometric": lambda: sparse(Hypergeometric(0.25)),
    "windows": convolution,
}


def random_nest(design: Design, rng: np.random.Generator) -> LoopNest:
    """Random orders of all loops; every level keeps everything."""
    loops: list[Loop] = []
    for level, (x, y) in enumerate(design.architecture.fanouts):
        dims = [str(dim) for dim in rng.permutation(design.problem.dims)]
        if x * y > 1:
            cut = int(rng.integers(len(dims) + 1))
            loops += [Loop(level, dim, "x" if place < cut else "y") for place, dim in enumerate(dims)]
        loops += [Loop(level, str(dim), "temporal") for dim in rng.permutation(design.problem.dims)]
    keeps = frozenset(tensor.name for tensor in design.problem.tensors)
    return LoopNest(tuple(loops), (keeps,) * len(design.architecture.levels))


def random_bounds(design: Design, nest: LoopNest, rows: int, rng: np.random.Generator) -> Ints:
    """int64[rows, loops]: prime factors thrown at random loops of their dimension, fewer of them at spatial ones."""
    bounds = np.ones((rows, len(nest.loops)), dtype=np.int64)
    every = np.arange(rows)
    for dim, size in zip(design.problem.dims, design.problem.bounds, strict=True):
        places = np.array([j for j, loop in enumerate(nest.loops) if loop.dim == dim])
        for prime in _primes(size):
            bounds[every, rng.choice(places, rows)] *= prime
    return bounds


def _primes(size: int) -> list[int]:
    found = []
    for prime in (2, 3, 5, 7):
        while size % prime == 0:
            found.append(prime)
            size //= prime
    return found


def processor_seconds(call: Callable[[], Any]) -> float:
    """The median of some runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def rates(design: Design, rng: np.random.Generator) -> tuple[float, float, float]:
    """Mappings per second: of one nest and one structure, of one nest, and of many nests with few rows each."""
    nest = random_nest(design, rng)
    bounds = random_bounds(design, nest, ONE_NEST, rng)
    _, which, count = np.unique(np.packbits(bounds > 1, axis=1), axis=0, return_inverse=True, return_counts=True)
    alike = np.resize(bounds[which.reshape(-1) == count.argmax()], bounds.shape)
    few = [(each, random_bounds(design, each, ROWS, rng)) for each in (random_nest(design, rng) for _ in range(NESTS))]
    mixed = bounds[: ONE_NEST // 10]

    return (
        len(alike) / processor_seconds(lambda: evaluate_batch(design, nest, alike)),
        len(mixed) / processor_seconds(lambda: evaluate_batch(design, nest, mixed)),
        NESTS * ROWS / processor_seconds(lambda: evaluate_nests(design, few)),
    )


def main() -> None:
    """Print the table."""
    print(f"mappings per second  one structure  one nest  {NESTS} nests of {ROWS} rows")
    for name, make in DESIGNS.items():
        one, mixed, many = rates(make(), np.random.default_rng(0))
        print(f"{name:19s} {one:14,.0f} {mixed:9,.0f} {many:12,.0f}")


if __name__ == "__main__":
    main()
