"""Random small mapspaces of the kinds that are hardest to search: `drawn(kind, seed)`.

Hardware, prices, sizes and constraints are random; orders of loops are free, so that brute force needs to know nothing
of how constraints narrow them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crisp_hw.errors import CrispError
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.tally import OBJECTIVES
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import NM, Actual, Hybrid, HybridBlocks, Hypergeometric
from crisp_hw.spec.problem import FULL, Density, Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

Draw = np.random.Generator
DRAWN_ANEW = 1000  # spaces of one seed before the kind itself must be wrong


@dataclass(frozen=True)
class Case:
    """One mapspace, and what to minimise in it."""

    kind: str
    seed: int
    design: Design
    constraints: Constraints
    objective: str

    @property
    def spaces(self) -> tuple[Space, ...]:
        """One space per choice of keep and bypass."""
        return choices(self.design, self.constraints).spaces


def drawn(kind: str, seed: int, right: Callable[[Case], bool] = lambda case: True) -> Case:
    """The space of a kind and a seed: the first of its draws that is `right` and that the hardware can run."""
    rng = np.random.default_rng([list(KINDS).index(kind), seed])
    for _ in range(DRAWN_ANEW):
        objective = list(OBJECTIVES)[seed % len(OBJECTIVES)]
        design = KINDS[kind](rng)
        case = Case(kind, seed, design, _constraints(rng, design), objective)
        try:
            if case.spaces and right(case):
                return case
        except CrispError:
            continue
    raise ValueError(f"no space of kind {kind} is right with seed {seed}")


def one_term(name: str, dims: str, density: Density = FULL, *, output: bool = False) -> Tensor:
    """A tensor with one dimension per rank."""
    return Tensor(name, tuple((Term(dim),) for dim in dims), is_output=output, density=density)


def _pick(rng: Draw, *values: float) -> float:
    return values[int(rng.integers(len(values)))]


def _size(rng: Draw, *values: int | None) -> int | None:
    return values[int(rng.integers(len(values)))]


def _matrices(rng: Draw, sizes: tuple[int, ...], a: Density = FULL, b: Density = FULL) -> Problem:
    tensors = (one_term("A", "MK", a), one_term("B", "KN", b), one_term("Z", "MN", output=True))
    return Problem("gemm", ("M", "K", "N"), sizes, tensors)


def _level(rng: Draw, name: str, words: int | None, lanes: tuple[int, int] = (1, 1)) -> StorageLevel:
    return StorageLevel(
        name,
        instances=lanes[0] * lanes[1],
        mesh_x=lanes[0],
        mesh_y=lanes[1],
        size_words=words,
        block_size=int(_pick(rng, 1, 1, 4)),
        read_bandwidth=_pick(rng, 0.5, 1, 3) if rng.integers(2) else None,
        write_bandwidth=_pick(rng, 0.5, 1, 3) if rng.integers(2) else None,
        metadata_width_bits=8,
        metadata_depth=64,
    )


def _chain(rng: Draw, *, deep: bool) -> Architecture:
    lanes = ((1, 1), (2, 1), (1, 3), (2, 2), (4, 2))[int(rng.integers(5))]
    levels = [_level(rng, "RF", _size(rng, 16, 40, None), lanes)]
    if deep:
        levels.append(_level(rng, "GLB", _size(rng, 24, 80, None)))
    dram = StorageLevel("DRAM", "DRAM", metadata_width_bits=8, read_bandwidth=_pick(rng, 1, 4), write_bandwidth=2.0)
    return Architecture((*levels, dram), ComputeLevel(instances=lanes[0] * lanes[1], mesh_x=lanes[0], mesh_y=lanes[1]))


def _prices(rng: Draw, chain: Architecture) -> EnergyTable:
    """Energies that grow outwards tenfold a level, as in hardware, and metadata at a tenth of data."""
    base = {level.name: 10.0**place for place, level in enumerate(chain.levels)}
    actions = {"read": 1.0, "write": 1.0, "update": 1.0, "metadata_read": 0.1, "metadata_write": 0.1}
    table = {
        name: {action: pj * share * float(rng.uniform(0.3, 2.0)) for action, share in actions.items()}
        for name, pj in base.items()
    }
    return EnergyTable({**table, "MAC": {"compute": float(rng.uniform(0.0, 3.0))}})


def _constraints(rng: Draw, design: Design) -> Constraints:
    """Sometimes a choice of keep or bypass, neighbours that pass nothing on, and a share of lanes to use."""
    tensors = [tensor.name for tensor in design.problem.tensors]
    levels = design.architecture.levels
    apart = frozenset(tensors) if rng.integers(2) else frozenset[str]()
    blocks = tuple(
        LevelConstraint(level.name, "spatial", order_free=True, no_link_transfer=apart)
        for level, fanout in zip(levels, design.architecture.fanouts, strict=True)
        if max(fanout) > 1
    )
    either = {levels[0].name: frozenset(name for name in tensors if not rng.integers(3))}
    return Constraints(blocks, {}, either, _pick(rng, 0.0, 0.0, 0.0, 0.0, 0.5))


def dense(rng: Draw) -> Design:
    """A matrix product on two or three levels."""
    chain = _chain(rng, deep=bool(rng.integers(2)))
    sizes = tuple(int(rng.choice([2, 3, 4, 6])) for _ in range(3))
    return Design(chain, _matrices(rng, sizes), energy=_prices(rng, chain))


def windows(rng: Draw) -> Design:
    """A convolution with a stride or a dilation of 2 or 3, along one rank or two."""
    sizes = {"P": (2, 4, 6), "R": (2, 3), "M": (2, 4), "C": (2, 3), "Q": (2, 3), "S": (2,)}
    dims = ["P", "R", *(["Q", "S"] if not rng.integers(3) else [str(rng.choice(["M", "C"]))])]
    stride, dilation = ((2, 1), (3, 1), (1, 2), (2, 2), (2, 3), (1, 3))[int(rng.integers(6))]
    ranks = [(Term("P", stride), Term("R", dilation))]
    if "Q" in dims:
        ranks.append((Term("Q", stride), Term("S", dilation)))
    tensors = (
        one_term("W", "".join(dim for dim in dims if dim in "MCRS")),
        Tensor("I", (*((Term(dim),) for dim in dims if dim == "C"), *ranks)),
        one_term("O", "".join(dim for dim in dims if dim in "MPQ"), output=True),
    )
    order = tuple(str(dim) for dim in rng.permutation(dims))
    bounds = tuple(int(rng.choice(sizes[dim])) for dim in order)
    chain = _chain(rng, deep=not rng.integers(3))
    return Design(chain, Problem("conv", order, bounds, tensors), energy=_prices(rng, chain))


def two_safs(rng: Draw) -> Design:
    """Two optimizations of one tensor, both of which skip or gate, at one level or at two."""
    chain = _chain(rng, deep=bool(rng.integers(2)))
    a, b = (Hypergeometric(_pick(rng, 0.25, 0.5, 0.8)) for _ in "AB")
    problem = _matrices(rng, tuple(int(rng.choice([2, 3, 4])) for _ in range(3)), a, b)
    target = str(rng.choice(["A", "B", "Z"]))
    leaders = {"A": [("B",)], "B": [("A",)], "Z": [("A",), ("B",), ("A", "B")]}[target]
    names = [level.name for level in chain.levels]
    actions = tuple(
        ActionOptimization(
            str(rng.choice(names)),
            ("gating", "skipping")[int(rng.integers(2))],
            (Condition(target, leaders[int(rng.integers(len(leaders)))]),),
        )
        for _ in "12"
    )
    compute = ((), ("gating",), ("skipping",))[int(rng.integers(3))]
    return Design(chain, problem, SparseSpec((), actions, compute), _prices(rng, chain))


def by_shape(rng: Draw) -> Design:
    """Weights whose own mask, or blocks with N:M inside, say what a tile holds, packed or skipped by."""
    chain = _chain(rng, deep=bool(rng.integers(2)))
    m, k, n = int(rng.choice([2, 4])), int(rng.choice([8, 16])), int(rng.choice([3, 4]))
    mask = rng.random((m, k)) < _pick(rng, 0.3, 0.6)
    mask[0, 0] = True  # a tensor without any word is no case
    blocks = HybridBlocks(Hybrid(NM(2, 4), 4, kept=1, total=k // 4), (m, k), (0,) * m, k)
    density: Density = Actual(mask) if rng.integers(2) or k < 8 else blocks
    problem = _matrices(rng, (m, k, n), density, Hypergeometric(0.5))
    formats = tuple(
        TensorFormat(level.name, "A", (Rank("CP", 3, 0), *(Rank("UOP", 0, 0),) * 8), inner_to_outer=True)
        for level in chain.levels
    )
    where = str(rng.choice([level.name for level in chain.levels]))
    skip = ActionOptimization(where, "skipping", (Condition("B", ("A",)),))
    some = bool(rng.integers(2))
    return Design(
        chain, problem, SparseSpec(formats if some else (), (skip,), ("skipping",) if some else ()), _prices(rng, chain)
    )


def three_fanouts(rng: Draw) -> Design:
    """A matrix product on three levels that each feed several instances of what lies below."""
    wide = ((2, 1), (1, 2), (2, 2), (3, 1))
    outer, middle, inner = (wide[int(rng.integers(len(wide)))] for _ in range(3))
    mid = (outer[0] * middle[0], outer[1] * middle[1])
    macs = (mid[0] * inner[0], mid[1] * inner[1])
    levels = (
        _level(rng, "RF", _size(rng, 8, 20, None), mid),
        _level(rng, "L1", _size(rng, 24, None), outer),
        StorageLevel("DRAM", "DRAM", read_bandwidth=_pick(rng, 1, 4), write_bandwidth=2.0),
    )
    chain = Architecture(levels, ComputeLevel(instances=macs[0] * macs[1], mesh_x=macs[0], mesh_y=macs[1]))
    sizes = tuple(int(size) for size in rng.permutation([2, 3, 4]))
    return Design(chain, _matrices(rng, sizes), energy=_prices(rng, chain))


def product_with_a_vector(rng: Draw) -> Design:
    """Z[m] += A[m, k] * B[k] on a 2 x 2 array under memories that hold some of it; `compare.py` times these."""
    words, reads, writes = (int(rng.integers(*span)) for span in ((2, 16), (1, 5), (1, 5)))
    levels = (
        StorageLevel("RF", instances=4, mesh_x=2, mesh_y=2, size_words=words),
        StorageLevel("DRAM", "DRAM", read_bandwidth=reads, write_bandwidth=writes),
    )
    tensors = (one_term("A", "MK"), one_term("B", "K"), one_term("Z", "M", output=True))
    costs = rng.uniform(0.5, 80, 4)
    energy = EnergyTable({"RF": {"read": costs[0], "write": costs[1]}, "DRAM": {"read": costs[2], "write": costs[3]}})
    bounds = (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    array = ComputeLevel(instances=4, mesh_x=2, mesh_y=2)
    return Design(Architecture(levels, array), Problem("mv", ("M", "K"), bounds, tensors), energy=energy)


KINDS: dict[str, Callable[[Draw], Design]] = {
    "dense": dense,
    "windows": windows,
    "two SAFs": two_safs,
    "by shape": by_shape,
    "three fanouts": three_fanouts,
}
