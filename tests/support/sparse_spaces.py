"""Random small mapspaces of sparse designs, and of three levels that fan out: see `small_spaces`."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import NM, Actual, FixedStructured, Hybrid, HybridBlocks, Hypergeometric
from crisp_hw.spec.problem import FULL, Density, Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

Draw = np.random.Generator
KINDS = ("read", "write", "update", "gated_read", "gated_update", "skipped_read", "metadata_read", "metadata_write")


def matrices(sizes: tuple[int, ...], a: Density = FULL, b: Density = FULL) -> Problem:
    """Z[m, n] += A[m, k] * B[k, n]."""
    tensors = tuple(
        Tensor(name, tuple((Term(dim),) for dim in dims), is_output=name == "Z", density=density)
        for name, dims, density in (("A", "MK", a), ("B", "KN", b), ("Z", "MN", FULL))
    )
    return Problem("gemm", ("M", "K", "N"), sizes, tensors)


def sparse_design(rng: Draw) -> Design:
    """A matrix product with one SAF to three, some on one target, in time, formats, and any density but bands."""
    m, k, n = (int(rng.choice(sizes)) for sizes in ([2, 4], [4, 8], [2, 4]))
    chain = _chain(rng)
    problem = matrices((m, k, n), _density(rng, (m, k)), Hypergeometric(float(rng.choice([0.25, 0.5, 0.8]))))
    names = [level.name for level in chain.levels]
    formats = () if rng.integers(2) else tuple(_format(rng, name) for name in _stored(rng, names))
    compute = ((), ("gating",), ("skipping",), ("gating", "skipping"))[int(rng.integers(4))]
    actions = tuple(_action(rng, names) for _ in range(1 + int(rng.integers(3))))
    return Design(chain, problem, SparseSpec(formats, actions, compute), _prices(rng, chain))


def skipped_lanes(rng: Draw) -> Design:
    """A matrix product of which spatial skipping squeezes empty lanes out, as in sparse tensor cores."""
    m, k, n = (int(rng.choice(sizes)) for sizes in ([2, 4], [4, 8], [2, 4]))
    lanes = ((2, 1), (4, 1), (2, 2), (1, 2))[int(rng.integers(4))]
    outer = ((1, 1), (2, 1))[int(rng.integers(2))]
    macs = lanes[0] * outer[0], lanes[1] * outer[1]
    levels = [_level(rng, "LRF", [8, None], macs)] if rng.integers(2) else []
    levels += [_level(rng, "RF", [16, 40, None], outer)]
    dram = StorageLevel("DRAM", "DRAM", metadata_width_bits=8, read_bandwidth=float(rng.choice([1, 4])))
    compute = ComputeLevel(instances=macs[0] * macs[1], mesh_x=macs[0], mesh_y=macs[1])
    chain = Architecture((*levels, dram), compute)
    density = FixedStructured(0.5) if rng.integers(2) else _density(rng, (m, k))
    problem = matrices((m, k, n), density, Hypergeometric(float(rng.choice([0.5, 0.8]))))
    names = [level.name for level in chain.levels]
    at = str(rng.choice(names[:-1]))
    targets = [t for t in ("B", "Z") if rng.integers(5)] or ["B"]
    actions = [ActionOptimization(at, "skipping_spatial", (Condition(t, ("A",)),)) for t in targets]
    if not rng.integers(3):
        where = str(rng.choice([name for name in names if name != at]))
        actions.append(ActionOptimization(where, "skipping", (Condition("B", ("A",)),)))
    formats = tuple(_format(rng, name) for name in names[int(rng.integers(2)) :])
    compute_kind = ((), ("gating",), ("skipping",))[int(rng.integers(3))]
    return Design(chain, problem, SparseSpec(formats, tuple(actions), compute_kind), _prices(rng, chain))


def wired(rng: Draw, chain: Architecture) -> Architecture:
    """The same with networks that take energy, by the hop, the router or the word."""

    def some(pj: float) -> float | None:
        return pj * float(rng.uniform(0.3, 2.0)) if rng.integers(2) else None

    return replace(
        chain,
        levels=tuple(
            replace(level, wires=Wires(hop_pj=some(2.0), router_pj=some(1.0), ingress_pj=some(0.5)))
            if rng.integers(2)
            else level
            for level in chain.levels
        ),
    )


def three_fanouts(rng: Draw) -> Design:
    """A matrix product on three levels that each feed several instances of what lies below."""
    outer, middle, inner = ((2, 1), (1, 2), (2, 2))[int(rng.integers(3))], (2, 1), (1, 2)
    mid = outer[0] * middle[0], outer[1] * middle[1]
    macs = mid[0] * inner[0], mid[1] * inner[1]
    levels = (
        _level(rng, "RF", [8, 20, None], mid),
        _level(rng, "L1", [24, None], outer),
        StorageLevel("DRAM", "DRAM", read_bandwidth=float(rng.choice([1, 4])), write_bandwidth=2.0),
    )
    chain = Architecture(levels, ComputeLevel(instances=macs[0] * macs[1], mesh_x=macs[0], mesh_y=macs[1]))
    return Design(chain, matrices((2, int(rng.choice([2, 4])), 2)), energy=_prices(rng, chain))


def apart(design: Design) -> Constraints:
    """MACs that hand nothing on, and lanes in any order."""
    names = frozenset(tensor.name for tensor in design.problem.tensors)
    wide = [
        level.name
        for level, fanout in zip(design.architecture.levels, design.architecture.fanouts, strict=True)
        if max(fanout) > 1
    ]
    return Constraints(
        tuple(LevelConstraint(name, "spatial", order_free=True, no_link_transfer=names) for name in wide)
    )


def _density(rng: Draw, shape: tuple[int, int]) -> Density:
    kind = int(rng.integers(4))
    if kind == 0:
        return FixedStructured(float(rng.choice([0.25, 0.5])))
    if kind == 1:
        return Hypergeometric(float(rng.choice([0.25, 0.5])))
    if kind == 2 or shape[1] < 8:
        mask: NDArray[np.bool_] = rng.random(shape) < 0.4
        mask[0, 0] = True
        return Actual(mask)
    return HybridBlocks(Hybrid(NM(2, 4), 4, kept=1, total=shape[1] // 4), shape, (0,) * shape[0], shape[1])


def _stored(rng: Draw, names: list[str]) -> list[str]:
    """Some of the outer levels: what lies packed must come out of a packed level."""
    return names[int(rng.integers(len(names))) :]


def _format(rng: Draw, level: str) -> TensorFormat:
    inner = Rank(("CP", "B", "RLE")[int(rng.integers(3))], 3, 0)
    return TensorFormat(level, "A", (inner, *(Rank("UOP", 0, 0),) * 8), inner_to_outer=True)


def _action(rng: Draw, names: list[str]) -> ActionOptimization:
    target = str(rng.choice(["A", "B", "Z"]))
    leaders = {"A": [("B",)], "B": [("A",)], "Z": [("A",), ("B",), ("A", "B")]}[target]
    kind = ("gating", "skipping")[int(rng.integers(2))]
    return ActionOptimization(
        str(rng.choice(names)), kind, (Condition(target, leaders[int(rng.integers(len(leaders)))]),)
    )


def _level(rng: Draw, name: str, sizes: list[int | None], lanes: tuple[int, int] = (1, 1)) -> StorageLevel:
    return StorageLevel(
        name,
        instances=lanes[0] * lanes[1],
        mesh_x=lanes[0],
        mesh_y=lanes[1],
        size_words=sizes[int(rng.integers(len(sizes)))],
        block_size=int(rng.choice([1, 1, 4])),
        read_bandwidth=float(rng.choice([0.5, 1, 3])) if rng.integers(2) else None,
        write_bandwidth=float(rng.choice([0.5, 1, 3])) if rng.integers(2) else None,
        metadata_width_bits=8,
        metadata_depth=64,
        decompression_supported=True,
        compression_supported=True,
    )


def _chain(rng: Draw) -> Architecture:
    lanes = ((1, 1), (2, 1), (1, 2), (2, 2))[int(rng.integers(4))]
    levels = [_level(rng, "RF", [16, 40, None], lanes)]
    if not rng.integers(3):
        levels.append(_level(rng, "GLB", [24, 80, None]))
    dram = StorageLevel("DRAM", "DRAM", metadata_width_bits=8, read_bandwidth=float(rng.choice([1, 4])))
    return Architecture((*levels, dram), ComputeLevel(instances=lanes[0] * lanes[1], mesh_x=lanes[0], mesh_y=lanes[1]))


def _prices(rng: Draw, chain: Architecture) -> EnergyTable:
    """Energies that grow outwards tenfold a level; what is gated or skipped costs something sometimes."""
    actions = [name for name in KINDS if not name.startswith(("gated", "skipped")) or not rng.integers(3)]
    shares = {name: 0.1 if "_" in name else 1.0 for name in actions}
    leaks = {"leak": 0.01} if rng.integers(2) else {}
    table = {
        level.name: {
            name: 10.0**place * share * float(rng.uniform(0.3, 2.0)) for name, share in {**shares, **leaks}.items()
        }
        for place, level in enumerate(chain.levels)
    }
    computes = {"compute": float(rng.uniform(0.0, 3.0))}
    more = {} if rng.integers(2) else {"gated_compute": 0.2, "skipped_compute": 0.0}
    return EnergyTable({**table, "MAC": {**computes, **more}})
