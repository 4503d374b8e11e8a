"""How fast mappings are found: the engine on batches, a whole network, recorded spaces; parts of benchmarks/mapper.py.

Times are medians of five (fewer where one takes many seconds), each measured in a process of its own with its peak of
resident memory; nothing is asserted about them. FOLDER/mapper.jsonl.gz holds mapspaces and what timeloop-mapper found
in them; with --timeloop-mapper PATH one of them is searched by it again, for its own mappings per second.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from crisp_hw import api
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import encode
from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.errors import MappingError
from crisp_hw.mapper.found import Found
from crisp_hw.mapper.search import search
from crisp_hw.mapper.space import Space, enumerate_space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.options import EvaluateOptions, SearchOptions
from crisp_hw.spec.patterns import NM, Hybrid
from crisp_hw.timeloop.read.constraints import read_mapspace
from crisp_hw.timeloop.read.point import read_design

ARCHS = ("dense", "stc", "dstc", "crisp-stc")
NETWORK = ["--workload", "resnet50", "--nm", "2:4", "--block", "64", "--sparsity", "0.9"]
GEMM = pattern_descriptor(
    Layer("gemm", "linear", 2_880, 5_760, tokens=5_040), Hybrid(NM(2, 4), 64, kept=9, total=90), "hybrid"
)  # sides with many divisors
ROWS = 131_072  # of a batch, or fewer where the engine would take more than BATCH_S
BATCH_S, FEW = 1.0, 8_192
REPEATS = 5
ENOUGH_S = 5.0  # no further repeat after that
ASKED_AGAIN = "layer1.1.conv1-2of4-loose"  # the recorded space that is given to timeloop-mapper again

Ints = NDArray[np.int64]


def seconds_of(call: Callable[[], object], enough_s: float = ENOUGH_S) -> float:
    """Median of five runs, or of as many as fit into some seconds."""
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < enough_s:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def alone(function: Callable[..., Any], *arguments: object) -> tuple[Any, float]:
    """What a function returns in a process of its own, and the most memory that this took, in MB."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        value = pool.submit(function, *arguments).result()
        return value, pool.submit(_peak_mb).result()


def _peak_mb() -> float:
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


# the engine on batches ------------------------------------------------------------------------------------------------


def batch(arch: str, device: str) -> tuple[Design, LoopNest, Ints]:
    """Different mappings of one GEMM, from the space without its temporal constraints, in one loop order."""
    encoded = encode(GEMM, api.load_arch(arch), EvaluateOptions())
    nest = search(encoded.design, encoded.constraints, options=SearchOptions(device=device)).mapping.nest
    spatial = tuple(each for each in encoded.constraints.levels if each.kind == "spatial")
    space = enumerate_space(encoded.design, Constraints(spatial, encoded.constraints.keeps))
    found: list[Ints] = []
    for chunk in factorizations(space, 65_536):
        found.append(chunk.rows)
        if sum(map(len, found)) >= 4 * ROWS:
            break
    return encoded.design, nest, _bounds(space, nest, np.concatenate(found))


def _bounds(space: Space, nest: LoopNest, rows: Ints) -> Ints:
    """Rows [b, blocks, dims] as bounds of the loops of a nest [b, loops]."""
    places = {(block.level, block.kind == "temporal"): index for index, block in enumerate(space.blocks)}
    dims = space.design.problem.dims
    columns = [places[loop.level, loop.kind == "temporal"] * len(dims) + dims.index(loop.dim) for loop in nest.loops]
    return rows.reshape(len(rows), -1)[:, columns]


def same_structure(bounds: Ints) -> Ints:
    """Rows that loop over the same places: the most frequent ones, ROWS of them at most."""
    _, places, count = np.unique(np.packbits(bounds > 1, axis=1), axis=0, return_inverse=True, return_counts=True)
    return bounds[places.reshape(-1) == count.argmax()][:ROWS]


def batch_rate(arch: str, device: str, barrier: Any = None) -> tuple[float, int]:
    """Mappings per second where a batch has one structure, and how many it holds; all at a barrier start together."""
    design, nest, bounds = batch(arch, device)
    rows = same_structure(bounds)
    start = time.perf_counter()
    evaluate_batch(design, nest, rows[:FEW], device=device)
    rows = rows[: max(FEW, int(FEW * BATCH_S / (time.perf_counter() - start)))]

    def together() -> None:
        if barrier is not None:
            barrier.wait(300)
        evaluate_batch(design, nest, rows, device=device)

    return len(rows) / seconds_of(together, float("inf")), len(rows)


def mixed_rate(arch: str, device: str) -> tuple[float, int, int, float]:
    """The same for neighbours in the space; with how many rows, how many structures, and how much of it is valid."""
    design, nest, bounds = batch(arch, device)
    rows = bounds[-FEW:]
    valid = float(evaluate_batch(design, nest, rows, device=device).valid.mean())
    rate = len(rows) / seconds_of(lambda: evaluate_batch(design, nest, rows, device=device))
    return rate, len(rows), len(np.unique(np.packbits(rows > 1, axis=1), axis=0)), valid


def engine(given: argparse.Namespace) -> None:
    """Mappings per second of the batched engine on one core and on two."""
    print("engine: different mappings of a GEMM (2880 x 5760, 5040 columns), thousands per second, in batches of one")
    print("  structure (the same loops at work); mixed: neighbours in the space, of how many structures")
    heads = f"{'one core':>9s} {'two':>9s} {'mixed':>9s} {'batch':>9s} {'structures':>14s} {'valid':>7s} {'MB':>5s}"
    print(f"  {'':10s} {heads}")
    for arch in ARCHS:
        (one, rows), peak = alone(batch_rate, arch, given.device)
        with get_context("spawn").Manager() as manager, ProcessPoolExecutor(2, get_context("spawn")) as pool:
            barrier = manager.Barrier(2)
            two = sum(run.result()[0] for run in [pool.submit(batch_rate, arch, given.device, barrier) for _ in "12"])
        mixed, few, structures, valid = alone(mixed_rate, arch, given.device)[0]
        rates = f"{one / 1e3:9,.0f} {two / 1e3:9,.0f} {mixed / 1e3:9,.1f}"
        print(f"  {arch:10s} {rates} {rows:9,d} {f'{structures:,} in {few:,}':>14s} {valid:7.0%} {peak:5.0f}")


# a whole network ------------------------------------------------------------------------------------------------------


def command(*words: str, cache: str) -> tuple[float, float]:
    """Seconds and peak MB (of its largest process) of one `crisp-hw evaluate` of the network."""
    archs = [word for arch in ARCHS for word in ("--arch", arch)]
    line = [sys.executable, "-m", "crisp_hw.cli", "evaluate", *NETWORK, *archs, *words]
    start = time.perf_counter()
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "CRISP_HW_CACHE": cache}
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(line)}: ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def network(given: argparse.Namespace) -> None:
    """ResNet-50 on four accelerators, the process from start to end, with an empty cache and with a full one."""
    print("ResNet-50, 54 layers on 4 accelerators, `crisp-hw evaluate`, seconds from start to end of the process")
    print(f"  {'':34s} {'seconds':>8s} {'peak MB':>8s}")
    with tempfile.TemporaryDirectory() as folder:
        cases: dict[str, Callable[[int], tuple[float, float]]] = {
            "no cache, --jobs 1": lambda _: command("--no-cache", "--jobs", "1", cache=folder),
            "empty cache, jobs by default": lambda number: command(cache=f"{folder}/{number}"),
            "full cache": lambda _: command(cache=f"{folder}/0"),
            "full cache, files and no pictures": lambda _: command(
                "-o", f"{folder}/o", "--no-plot", cache=f"{folder}/0"
            ),
            "full cache, files and pictures": lambda _: command("-o", f"{folder}/o", "--plot", cache=f"{folder}/0"),
        }
        for name, case in cases.items():
            runs = [case(number) for number in range(REPEATS)]
            print(f"  {name:34s} {median(run[0] for run in runs):8.2f} {max(run[1] for run in runs):8.0f}")


# recorded spaces ------------------------------------------------------------------------------------------------------


def recorded(folder: Path) -> list[dict[str, Any]]:
    """The cases of mapper.jsonl.gz."""
    with gzip.open(folder / "mapper.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def ours(case: dict[str, Any], device: str) -> tuple[Found | str, float]:
    """What this mapper finds in a recorded space (or why nothing), and in how many seconds."""
    design = read_design(case["input"])
    constraints = read_mapspace(case["input"], design).constraints
    found: list[Found | str] = []

    def run() -> None:
        try:
            found.append(search(design, constraints, options=SearchOptions(device=device)))
        except MappingError as error:
            found.append(str(error))

    return found[-1] if (seconds := seconds_of(run)) and found else "", seconds


def golden(given: argparse.Namespace) -> None:
    """Every recorded space: cycles, energy, seconds and mappings per second, this mapper's and timeloop-mapper's."""
    if given.golden is None:
        print("recorded spaces: left out; name a folder with --golden")
        return
    cases = recorded(given.golden)
    print(
        "recorded spaces, objective cycles; timeloop-mapper with two threads, stopped after 60 s (*: ended by itself)"
    )
    print(f"  {'':26s} {'ours':>11s} {'theirs':>11s} {'ours':>11s} {'theirs':>11s} {'ours':>8s} {'theirs':>8s}", end="")
    print(f" {'mappings':>11s} {'tried':>9s} {'tried/s':>9s} {'MB':>5s}")
    print(f"  {'':26s} {'cycles':>11s} {'cycles':>11s} {'uJ':>11s} {'uJ':>11s} {'s':>8s} {'s':>8s}")
    for case in cases:
        (found, seconds), peak = alone(ours, case, given.device)
        theirs = case["output"]
        cycles = f"{theirs['cycles']:11,d}" if theirs["valid"] else f"{'none':>11s}"
        energy = f"{theirs['energy_pJ'] / 1e6:11,.2f}" if theirs["valid"] else f"{'none':>11s}"
        wall = f"{theirs['wall_s']:7.2f}{'*' if theirs['finished'] else ' '}"
        if isinstance(found, str):
            print(f"  {case['id']:26s} {'none':>11s} {cycles} {'none':>11s} {energy} {seconds:8.3f} {wall}{peak:38.0f}")
            continue
        figures = f"{found.cycles:11,d} {cycles} {found.energy_pj / 1e6:11,.2f} {energy} {seconds:8.3f} {wall}"
        counts = f"{found.candidates:11,d} {found.tried:9,d} {found.tried / seconds:9,.0f} {peak:5.0f}"
        print(f"  {case['id']:26s} {figures} {counts}")
    if given.timeloop_mapper:
        case = next(each for each in cases if each["id"] == ASKED_AGAIN)
        rate = their_rate(case["input"], given.timeloop_mapper)
        print(f"  timeloop-mapper again on {ASKED_AGAIN}: {rate:,.0f} valid mappings per second")


def their_rate(documents: dict[str, Any], program: Path) -> float:
    """Valid mappings per second of timeloop-mapper: two searches of other length, so that its start does not count."""
    few, many = 400, 1_600
    times = []
    for size in (few, many):
        asked = {**documents, "mapper": {**documents["mapper"], "search_size": size}}
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "case.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(asked))))
            start = time.perf_counter()
            subprocess.run([program, "case.yaml"], cwd=folder, check=True, capture_output=True, timeout=600)
            times.append(time.perf_counter() - start)
    return (many - few) / (times[1] - times[0])


SECTIONS = {"engine": engine, "network": network, "golden": golden}
