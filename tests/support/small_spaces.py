"""Random small mapspaces, and every mapping of one judged by the engine: what exact searches are held against."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod

import numpy as np
from sparse_spaces import apart, skipped_lanes, sparse_design, three_fanouts, wired

from crisp_hw.errors import MappingError
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.fits import shrinking_levels
from crisp_hw.mapper.nests import evaluated
from crisp_hw.mapper.orders import arrangements
from crisp_hw.mapper.space import Space, loop_nest
from crisp_hw.mapper.tally import OBJECTIVES, Tally
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.problem import Problem, Tensor, Term

LEAST_ROWS, MOST_NESTS = 2000, 900  # other spaces are drawn anew: they show little, or take seconds by brute force


@dataclass(frozen=True)
class Case:
    """One space with the choices of keep and bypass, and what to minimise."""

    design: Design
    constraints: Constraints
    objective: str

    @property
    def spaces(self) -> tuple[Space, ...]:
        """A space per choice."""
        return choices(self.design, self.constraints).spaces


def found_by_templates(case: Case) -> tuple[float, float] | None:
    """The scores that the exact search proves to be the best; None where it says that there is no mapping."""
    tally = Tally(case.objective)
    assert Exact(case.spaces, tally, lambda *_: None).run()
    return None if tally.leader is None else tally.leader.scores


@dataclass(frozen=True)
class Judged:
    """Mappings with the engine's word: their space, factors int64[b, blocks, dims], cycles and pJ."""

    space: Space
    rows: np.ndarray
    cycles: np.ndarray
    energy_pj: np.ndarray


def tensor(name: str, dims: str, output: bool = False) -> Tensor:
    """A tensor with one dimension per rank."""
    return Tensor(name, tuple((Term(dim),) for dim in dims), is_output=output)


def dense_case(seed: int) -> Case:
    """A small GEMM or matrix-vector product on random hardware under random constraints."""
    rng = np.random.default_rng(seed)
    while True:
        case = Case(_dense(rng), Constraints(), str(rng.choice(list(OBJECTIVES))))
        case = Case(case.design, _constraints(rng, case.design), case.objective)
        if _right_size(case):
            return case


def _right_size(case: Case, least_rows: int = LEAST_ROWS, most_nests: int = MOST_NESTS) -> bool:
    try:
        nests = [len(rows) for space in case.spaces for rows, _ in islice(nests_of(space), most_nests + 1)]
    except MappingError:
        return False
    return sum(nests) >= least_rows and len(nests) <= most_nests


def _dense(rng: np.random.Generator) -> Design:
    three = bool(rng.integers(2))
    sizes = tuple(int(rng.choice([1, 2, 3, 4, 6] if three else [4, 8, 9, 12, 16])) for _ in range(3 if three else 2))
    gemm = (tensor("A", "MK"), tensor("B", "KN"), tensor("Z", "MN", True))
    vector = (tensor("A", "MK"), tensor("B", "K"), tensor("Z", "M", True))
    problem = Problem("small", tuple("MKN" if three else "MK"), sizes, gemm if three else vector)
    return Design(_chain(rng), problem, energy=_prices(rng))


def window_case(seed: int) -> Case:
    """A small convolution: strides, dilations and both, one or two ranks that slide, on random hardware."""
    rng = np.random.default_rng(10_000 + seed)
    while True:
        design = Design(_chain(rng), _windows(rng), energy=_prices(rng))
        constraints = _constraints(rng, design) if rng.integers(2) else Constraints()
        case = Case(design, constraints, str(rng.choice(list(OBJECTIVES))))
        if _right_size(case, 300, 1500):
            return case


def _windows(rng: np.random.Generator) -> Problem:
    sizes = {"P": [2, 4, 6, 8], "R": [2, 3, 4], "M": [1, 2, 4], "C": [1, 2], "Q": [2, 3], "S": [2]}
    two = not rng.integers(4)
    dims = [*rng.permutation(["P", "R", *(["Q", "S"] if two else rng.permutation(["M", "C"])[: 1 + rng.integers(2)])])]
    stride, dilation = (int(rng.choice([1, 1, 2, 3])) for _ in "sd")
    ranks = [(Term("P", stride), Term("R", dilation))]
    ranks += [(Term("Q"), Term("S"))] if two else []
    plain = {name: tuple((Term(dim),) for dim in dims if dim in here) for name, here in (("W", "MCRS"), ("O", "MPQ"))}
    inputs = tuple((Term(dim),) for dim in dims if dim == "C")
    tensors = (
        Tensor("W", plain["W"]),
        Tensor("I", (*inputs, *ranks)),
        Tensor("O", plain["O"], is_output=True),
    )
    bounds = tuple(int(rng.choice(sizes[dim])) for dim in dims)
    return Problem("conv", tuple(str(dim) for dim in dims), bounds, tensors)


def _chain(rng: np.random.Generator) -> Architecture:
    x, y = (int(n) for n in rng.choice([(1, 1), (2, 1), (1, 3), (2, 2), (4, 2)]))
    lanes = {"instances": x * y, "mesh_x": x, "mesh_y": y}

    def level(name: str, sizes: list[int | None], **lanes: int) -> StorageLevel:
        ports = [None if rng.integers(2) else float(rng.choice([0.5, 1, 3])) for _ in "rwb"]
        return StorageLevel(
            name,
            size_words=sizes[rng.integers(len(sizes))],
            block_size=int(rng.choice([1, 1, 4])),
            multiple_buffering=float(rng.choice([1.0, 2.0])),
            min_utilization=float(rng.choice([0.0] * 7 + [0.3])),
            read_bandwidth=ports[0],
            write_bandwidth=ports[1],
            shared_bandwidth=None if rng.integers(3) else 2.0,
            **lanes,
        )

    inner = [level("RF", [6, 16, 40, None, None], **lanes)]
    if rng.integers(2):
        inner.append(level("GLB", [24, 80, None, None]))
    dram = StorageLevel("DRAM", "DRAM", read_bandwidth=float(rng.choice([1, 4])), write_bandwidth=2.0)
    return Architecture((*inner, dram), ComputeLevel(**lanes))


def _prices(rng: np.random.Generator) -> EnergyTable:
    actions = ("read", "write", "update", "leak")
    base = {"RF": 1.0, "GLB": 8.0, "DRAM": 90.0}
    leaks = bool(rng.integers(2))
    table = {
        name: {action: pj * float(rng.uniform(0.3, 2.0)) * (0.01 * leaks if action == "leak" else 1.0)
               for action in actions}
        for name, pj in base.items()
    }  # fmt: skip
    return EnergyTable({**table, "MAC": {"compute": float(rng.uniform(0.0, 3.0))}})


def _constraints(rng: np.random.Generator, design: Design) -> Constraints:
    names, dims = [level.name for level in design.architecture.levels], design.problem.dims
    blocks = []
    for name, fanout in zip(names, design.architecture.fanouts, strict=True):
        for kind in ("temporal", "spatial") if prod(fanout) > 1 else ("temporal",):
            if rng.integers(4):
                continue
            order = tuple(str(dim) for dim in rng.permutation(dims)[: rng.integers(len(dims) + 1)])
            cut = int(rng.integers(len(order) + 1))
            factor = Factor(str(rng.choice(["<=", ">="])), int(rng.choice([1, 2])))
            split = int(rng.integers(len(dims) + 1)) if kind == "spatial" and rng.integers(2) else None
            blocks.append(
                LevelConstraint(
                    name,
                    kind,
                    {str(rng.choice(dims)): factor} if rng.integers(2) else {},
                    order[:cut],
                    bool(rng.integers(2)),
                    split,
                    outermost=order[cut:],
                )
            )
    tensors = [each.name for each in design.problem.tensors]
    either = {name: frozenset(t for t in tensors if not rng.integers(4)) for name in names[:-1]}
    return Constraints(tuple(blocks), {}, either, float(rng.choice([0.0, 0.0, 0.5])))


def nests_of(space: Space) -> Iterator[tuple[np.ndarray, tuple[object, ...]]]:
    """Rows of factors that loop over the same places, and an arrangement of the blocks."""
    dims = space.design.problem.dims
    rows = np.array([np.stack(each, axis=1) for each in product(*(space.factors[dim] for dim in dims))])
    patterns, which = np.unique((rows > 1).reshape(len(rows), -1), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        active = pattern.reshape(rows.shape[1:])
        names = [frozenset(dim for dim, on in zip(dims, each, strict=True) if on) for each in active]
        options = []
        for block, here in zip(space.blocks, names, strict=True):
            seen = {}
            for loops in arrangements(block, here):
                seen.setdefault(tuple((loop.dim, loop.kind) for loop in loops if loop.dim in here), loops)
            options.append(list(seen.values()))
        for arrangement in product(*options):
            yield rows[which.ravel() == number], arrangement


def every_mapping(case: Case) -> list[Judged]:
    """Every factorization in every order with everything that may be kept, as far as it is valid."""
    found = []
    for space in case.spaces:
        dims, parts, factors = space.design.problem.dims, [], []
        for rows, arrangement in nests_of(space):
            rows = rows[admitted(space, rows)]
            loops = tuple(loop for block in arrangement for loop in block)
            columns = [i * len(dims) + dims.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
            for index, block in enumerate(space.blocks):
                if block.kind == "spatial" and block.level not in shrinking_levels(space):
                    # the fanout along each axis (Timeloop: AssignSpatialTilingDirections)
                    for axis, lanes in zip("xy", space.design.architecture.fanouts[block.level], strict=True):
                        on = [dims.index(loop.dim) for loop in arrangement[index] if loop.kind == axis]
                        rows = rows[rows[:, index, on].prod(axis=1) <= lanes]
            if len(rows):
                parts.append((loop_nest(space, loops), rows.reshape(len(rows), -1)[:, columns]))
                factors.append(rows)
        if parts:
            batch, every = evaluated(space, parts), np.concatenate(factors)
            good = batch.valid & (batch.cycles > 0)
            if good.any():
                found.append(Judged(space, every[good], batch.cycles[good].astype(float), batch.energy_pj[good]))
    return found


def best_scores(case: Case, every: list[Judged]) -> tuple[float, float] | None:
    """The least scores of all mappings; None where there is none."""
    scores = [OBJECTIVES[case.objective](each.cycles, each.energy_pj) for each in every]
    pairs = [(float(a), float(b)) for first, second in scores for a, b in zip(first, second, strict=True)]
    return min(pairs, default=None)


def sparse_case(seed: int) -> Case:
    """A small matrix product with SAFs, often two on one target, formats, and densities by size and by shape."""
    return _free_case(20_000 + seed, sparse_design, 600, 2500)


def fanned_case(seed: int) -> Case:
    """A small matrix product on three levels that fan out."""
    return _free_case(30_000 + seed, three_fanouts, 100, 1500)


def passed_case(seed: int) -> Case:
    """A small matrix product whose MACs take from their neighbours what stands still."""
    case = _free_case(60_000 + seed, three_fanouts, 100, 1000)
    some = frozenset(tensor.name for tensor in case.design.problem.tensors[: seed % 3])
    blocks = tuple(replace(each, no_link_transfer=some) for each in case.constraints.levels)
    return Case(case.design, replace(case.constraints, levels=blocks), case.objective)


def lanes_case(seed: int) -> Case:
    """A small matrix product whose lanes shrink, because empty ones are skipped."""
    return _free_case(40_000 + seed, skipped_lanes, 300, 2500)


def wires_case(seed: int) -> Case:
    """A dense or sliding case whose networks take energy, or whose constraints forbid reuse, or both."""
    rng = np.random.default_rng(50_000 + seed)
    case = (dense_case, window_case)[int(rng.integers(4) == 0)](seed)
    design = replace(case.design, architecture=wired(rng, case.design.architecture))
    names = [t.name for t in design.problem.tensors]
    blocks = tuple(replace(each, **_forbidden(rng, each.kind, names)) for each in case.constraints.levels)
    return Case(design, replace(case.constraints, levels=blocks), case.objective)


def ragged_case(seed: int) -> Case:
    """A small product whose factors need not divide, on one to three fanouts; MACs may hand words on."""
    rng = np.random.default_rng(70_000 + seed)
    while True:
        plain = Design(_chain(rng), _ragged(rng), energy=_prices(rng))
        design = replace(three_fanouts(rng), problem=plain.problem) if rng.integers(2) else plain
        constraints = replace(_constraints(rng, design) if rng.integers(2) else apart(design), imperfect=True)
        case = Case(design, constraints, str(rng.choice(list(OBJECTIVES))))
        if _right_size(case, 150, 700):
            return case


def _ragged(rng: np.random.Generator) -> Problem:
    sizes = tuple(int(rng.choice([2, 3, 5, 7])) for _ in "MK")
    return Problem("small", ("M", "K"), sizes, (tensor("A", "MK"), tensor("B", "K"), tensor("Z", "M", True)))


def _forbidden(rng: np.random.Generator, kind: str, names: list[str]) -> dict[str, frozenset[str]]:
    some = frozenset(name for name in names if not rng.integers(3))
    flags = ("no_multicast",) if kind == "spatial" else ("no_temporal_reuse", "rmw_first_update")
    return {flag: some for flag in flags if not rng.integers(3)}


def _free_case(seed: int, drawn: Callable[[np.random.Generator], Design], least_rows: int, most_nests: int) -> Case:
    rng = np.random.default_rng(seed)
    while True:
        design = drawn(rng)
        case = Case(design, apart(design), str(rng.choice(list(OBJECTIVES))))
        if _right_size(case, least_rows, most_nests):
            return case


KINDS = {
    "dense": dense_case,
    "windows": window_case,
    "sparse": sparse_case,
    "fanned": fanned_case,
    "lanes": lanes_case,
    "wires": wires_case,
    "passed": passed_case,
    "ragged": ragged_case,
}
"""Kinds of cases, each by its seed."""
