"""Random mappings of a mapspace for some time: the opponent that every search has to beat.

Every draw takes a random choice of keep and bypass, random orders and splits, and random factorizations of every
dimension, as timeloop-mapper's random search does. What certainly does not fit is not evaluated; the engine judges the
rest.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from brute_force import on_the_mesh
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.fits import fits
from crisp_hw.mapper.space import LoopBlock, Space, loop_nest
from crisp_hw.spec.mapping import Loop
from crisp_hw.timeloop.read.constraints import read_mapspace
from crisp_hw.timeloop.read.point import read_design
from crisp_hw.timeloop.yaml.documents import input_files, load_documents

DRAWN = 16_384  # factorizations at a time, of which few fit
NOT_THE_DESIGN = ("mapspace_constraints", "mapper")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Best:
    """The least EDP of so many valid mappings among those drawn; infinite while none was valid."""

    edp: float = float("inf")
    valid: int = 0


def best_of_random(path: Path, cpu_s: float, seed: int = 0) -> dict[str, float]:
    """The best of what can be drawn and evaluated in so many processor seconds."""
    documents = load_documents(input_files([path], None))
    design = read_design({key: value for key, value in documents.items() if key not in NOT_THE_DESIGN})
    spaces = choices(design, read_mapspace(documents, design).constraints).spaces
    rng, best, start = np.random.default_rng(seed), Best(), time.process_time()
    while time.process_time() - start < cpu_s:
        best = better(spaces[int(rng.integers(len(spaces)))], rng, best)
    return {"edp": best.edp, "valid": best.valid}


def better(space: Space, rng: np.random.Generator, best: Best) -> Best:
    """One arrangement of the loops with DRAWN factorizations."""
    dims = space.design.problem.dims
    rows: Ints = np.stack([space.factors[d][rng.integers(0, len(space.factors[d]), DRAWN)] for d in dims], axis=2)
    rows = rows[fits(space, rows, dims)]
    rows = rows[admitted(space, rows)]
    arrangement = [ordered(block, rng) for block in space.blocks]
    rows = rows[on_the_mesh(space, rows, arrangement)]
    if not len(rows):
        return best
    loops = tuple(loop for block in arrangement for loop in block)
    columns = [i * len(dims) + dims.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
    done = evaluate_batch(space.design, loop_nest(space, loops), rows.reshape(len(rows), -1)[:, columns])
    good = done.valid & (done.cycles > 0)
    edp = (done.cycles[good] * done.energy_pj[good]).min(initial=best.edp)
    return Best(float(edp), best.valid + int(good.sum()))


def ordered(block: LoopBlock, rng: np.random.Generator) -> tuple[Loop, ...]:
    """A random order, and a random split where the constraints leave it open."""
    free = [block.free[place] for place in rng.permutation(len(block.free))]
    order = (*block.fixed, *free, *block.last)
    if block.kind == "temporal":
        return tuple(Loop(block.level, dim, "temporal") for dim in order)
    split = int(rng.integers(len(order) + 1)) if block.split is None else block.split
    return tuple(Loop(block.level, dim, "x" if place < split else "y") for place, dim in enumerate(order))
