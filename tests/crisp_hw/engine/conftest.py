"""Small designs to test the engine on, and random ones."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st

from crisp_hw.engine.tiling import Tiling
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import FULL, Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

DIMS = "MNK"
SPACES = {"A": "MK", "B": "NK", "Z": "MN"}


def gemm(m, n, k, **densities):
    """Z[M, N] = sum over K of A[M, K] B[N, K]."""
    tensors = tuple(
        Tensor(name, tuple((Term(dim),) for dim in dims), name == "Z", densities.get(name, FULL))
        for name, dims in SPACES.items()
    )
    return Problem("gemm", tuple(DIMS), (m, n, k), tensors)


def fabric(*fanouts, **attributes):
    """Levels L0 (innermost), L1, .. with the fanout (x, y) that each has inwards; attributes hold for all of them."""
    x = y = 1
    meshes = []
    for fan_x, fan_y in reversed(fanouts):
        meshes.insert(0, (x, y))
        x, y = x * fan_x, y * fan_y
    levels = tuple(
        StorageLevel(f"L{i}", instances=a * b, mesh_x=a, mesh_y=b, **attributes) for i, (a, b) in enumerate(meshes)
    )
    return Architecture(levels, ComputeLevel("MAC", x * y, x, y))


def nest(fanouts, plan, keeps=None):
    """A complete mapping from `plan`: per level, innermost first, loops ("t", "x" or "y", dim, bound), inner first.

    Dimensions that a level does not name get trivial loops, spatial ones only where there is a fanout.
    """
    kinds = {"t": "temporal", "x": "x", "y": "y"}
    loops, bounds = [], []
    for level, (fanout, entries) in enumerate(zip(fanouts, plan, strict=True)):
        for group in (("x", "y"), ("t",)) if fanout != (1, 1) else (("t",),):
            named = [entry for entry in entries if entry[0] in group]
            filled = named + [(group[0], dim, 1) for dim in DIMS if dim not in [entry[1] for entry in named]]
            loops += [Loop(level, dim, kinds[kind]) for kind, dim, _ in filled]
            bounds += [bound for *_, bound in filled]
    everything = frozenset(SPACES)
    kept = [frozenset(names) for names in keeps] if keeps else [everything] * len(plan)
    return LoopMapping(LoopNest(tuple(loops), (*kept[:-1], everything)), tuple(bounds))


def bounds_of(plan):
    """M, N, K of the problem that a plan computes."""
    size = dict.fromkeys(DIMS, 1)
    for entries in plan:
        for _, dim, bound in entries:
            size[dim] *= bound
    return tuple(size.values())


def point(plan, fanouts=None, keeps=None, densities=None, sparse=SparseSpec(), energy=EnergyTable(), **attributes):  # noqa: B008
    """A design point of a plan as `nest` takes it, on a fabric that fits."""
    fanouts = fanouts or [(1, 1)] * len(plan)
    problem = gemm(*bounds_of(plan), **(densities or {}))
    return DesignPoint(Design(fabric(*fanouts, **attributes), problem, sparse, energy), nest(fanouts, plan, keeps))


def tiling(one):
    """The tiling of a design point."""
    bounds = np.array([one.mapping.bounds], dtype=np.int64).T
    return Tiling(one.design.problem, one.design.architecture, one.mapping.nest, bounds)


def tiling_of(problem, other):
    """The same mapping of another problem of the same dimensions."""
    return Tiling(problem, other.architecture, other.nest, other.bounds)


@st.composite
def plans(draw, levels=3, most=3, spatial=True):
    """(plan, fanouts, keeps): a random tiny mapping; every spatial loop is the whole fanout of its level."""
    plan, fanouts = [], []
    for _ in range(levels):
        kinds = {"t": DIMS}
        if spatial and draw(st.booleans()):
            split = draw(st.integers(0, 3))
            order = draw(st.permutations(DIMS))
            kinds = {"x": order[:split], "y": order[split:], "t": DIMS}
        entries = []
        for kind, dims in kinds.items():
            order = draw(st.permutations(dims))
            few = st.sampled_from([1, 1, 2, most] if kind == "t" else [1, 1, 1, 2, most])
            entries += [(kind, dim, draw(few)) for dim in order]
        plan.append(entries)
        width = {axis: int(np.prod([b for kind, _, b in entries if kind == axis], dtype=int)) for axis in "xy"}
        fanouts.append((width["x"], width["y"]))
    keeps = [draw(st.sets(st.sampled_from("ABZ"))) for _ in range(levels - 1)] + [set("ABZ")]
    return plan, fanouts, keeps


DENSITIES = st.builds(
    lambda kind, density: kind(density),
    st.sampled_from([FixedStructured, Hypergeometric]),
    st.sampled_from([0.25, 0.5, 0.8, 1.0]),
)


@st.composite
def sparse_specs(draw, keeps):
    """A random sparse specification whose ranks always suffice: flattened over both dimensions of the tensor."""
    formats = []
    for name, dims in SPACES.items():
        inner = draw(st.sampled_from(["B", "CP", "RLE", "UOP", None]))
        ranks = [Rank(inner, 2, 0, (frozenset(dims),))] if inner else []
        for level, names in enumerate(keeps):
            if name in names and inner:
                formats.append(TensorFormat(f"L{level}", name, tuple(ranks)))
                ranks = [*ranks, Rank("UOP", 0, draw(st.sampled_from([0, 4])), (frozenset(dims),))]
    actions = draw(st.lists(saf(len(keeps)), max_size=2))
    compute = tuple(draw(st.sets(st.sampled_from(["gating", "skipping"]))))
    return SparseSpec(tuple(formats), tuple(actions), compute)


@st.composite
def saf(draw, levels):
    """A storage SAF with one or two options."""
    options = [Condition("A", ("B",)), Condition("B", ("A",)), Condition("Z", ("A", "B"))]
    chosen = draw(st.lists(st.sampled_from(options), min_size=1, max_size=2, unique=True))
    level = f"L{draw(st.integers(0, levels - 1))}"
    return ActionOptimization(level, draw(st.sampled_from(["gating", "skipping"])), tuple(chosen))


@pytest.fixture(scope="session")
def build():
    """The builders above, by name."""
    names = (gemm, fabric, nest, bounds_of, point, tiling, tiling_of, plans, sparse_specs)
    return SimpleNamespace(**{function.__name__: function for function in names}, densities=DENSITIES)
