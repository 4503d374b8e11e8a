"""Orders that are taken for one cost the same in the engine; all others are there."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.mapper.orders import arrangements, most_arrangements, nests, visible
from crisp_hw.mapper.space import LoopBlock, enumerate_space
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

pytestmark = pytest.mark.slow

DIMS = ("M", "N", "K")
RANKS = (Rank("CP", 3, 2), Rank("UOP", 0, 5), Rank("RLE", 4, 0), Rank("B")) * 3
# a level that hands tiles on ready-made holds them in the ranks of the level below, and needs more for its own loops
COUNTS = {("LRF", "A"): 3, ("SMEM", "A"): 8, ("DRAM", "A"): 12, ("SMEM", "B"): 8, ("DRAM", "B"): 12}
FORMATS = tuple(TensorFormat(level, tensor, RANKS[:n], True) for (level, tensor), n in COUNTS.items())


def action(kind, target, leader):
    return ActionOptimization("SMEM", kind, (Condition(target, (leader,)),))


SPECS = {
    "dense": SparseSpec(),
    "formats": SparseSpec(FORMATS),
    "lanes": SparseSpec(FORMATS, (action("skipping_spatial", "A", "B"), action("skipping_spatial", "Z", "A"))),
    "gated": SparseSpec((), (action("gating", "A", "B"),), ("gating",)),
}
KEEPS = {"LRF": frozenset("A"), "RF": frozenset("Z"), "SMEM": frozenset("AB"), "DRAM": frozenset("ABZ")}


def space_of(bounds, spec, macs=1, scattered=False, unlinked=""):
    """The keeps of a tensor core: weight latches, accumulators, a shared buffer over four cores, DRAM."""
    density = Hypergeometric if scattered else FixedStructured
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),)), density=density(0.2)),
        Tensor("B", ((Term("K"),), (Term("N"),)), density=density(0.15)),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    chain = Architecture(
        (
            StorageLevel("LRF", instances=4, mesh_x=4, metadata_width_bits=8),
            StorageLevel("RF", instances=4, mesh_x=4, metadata_width_bits=8),
            StorageLevel("SMEM", read_bandwidth=3, metadata_width_bits=64),
            StorageLevel("DRAM", "DRAM", metadata_width_bits=64),
        ),
        ComputeLevel(instances=4 * macs, mesh_x=4 * macs),
    )
    actions = ("read", "write", "update", "metadata_read", "metadata_write", "metadata_update")
    table = {level.name: {a: 3.0**i + j for j, a in enumerate(actions)} for i, level in enumerate(chain.levels)}
    closed = (LevelConstraint("LRF", "spatial", order_free=True, no_link_transfer=frozenset(unlinked)),)
    constraints = Constraints(closed if macs > 1 else (), KEEPS)
    return enumerate_space(Design(chain, Problem("gemm", DIMS, bounds, tensors), spec, EnergyTable(table)), constraints)


def cost(space, row, arrangement):
    """(cycles, energy) of one mapping, None when it is not valid."""
    nest = LoopNest(tuple(loop for block in arrangement for loop in block), space.keeps, space.no_link_transfer)
    columns = [i * 3 + DIMS.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
    batch = evaluate_batch(space.design, nest, row.reshape(1, -1)[:, columns])
    return (int(batch.cycles[0]), round(float(batch.energy_pj[0]), 6)) if batch.valid[0] else None


def every_order(space, active):
    """All orders of the active loops of each block, idle ones first; spatial loops all along x."""
    for orders in product(*(permutations([d for d, on in zip(DIMS, row, strict=True) if on]) for row in active)):
        arrangement = []
        for block, order in zip(space.blocks, orders, strict=True):
            kind = "x" if block.kind == "spatial" else "temporal"
            idle = [dim for dim in DIMS if dim not in order]
            arrangement.append(tuple(Loop(block.level, dim, kind) for dim in (*idle, *order)))
        yield tuple(arrangement)


def block_rows(most, largest=3):
    """Factors of one block: up to `most` dimensions do something."""
    chosen = st.lists(st.sampled_from(range(3)), max_size=most, unique=True)
    return st.tuples(chosen, st.lists(st.integers(2, largest), min_size=3, max_size=3)).map(
        lambda drawn: [drawn[1][dim] if dim in drawn[0] else 1 for dim in range(3)]
    )


core = st.tuples(block_rows(2), block_rows(1), block_rows(2, largest=2), block_rows(2), block_rows(2))


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=60)
@given(
    rows=core,
    macs=st.none() | block_rows(2, largest=2),
    scattered=st.booleans(),
    unlinked=st.sampled_from(["", "B", "AB"]),
)
@example(
    rows=([1, 1, 1], [1, 1, 2], [1, 1, 2], [2, 2, 1], [1, 1, 1]), macs=None, scattered=True, unlinked=""
)  # what lanes hold
@example(
    rows=([1, 1, 2], [1, 1, 1], [1, 2, 2], [3, 1, 3], [3, 1, 1]), macs=None, scattered=True, unlinked=""
)  # ineffective leader
@example(
    rows=([2, 2, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]), macs=[2, 1, 2], scattered=False, unlinked=""
)  # neighbours
def test_the_representatives_cover_every_cost_that_an_order_can_have(spec, rows, macs, scattered, unlinked):
    """With `macs`, four MACs hang below every LRF: neighbours may hand operands on."""
    values = np.array([*([macs] if macs else []), *rows], dtype=np.int64)[None]
    sizes = tuple(int(n) for n in values[0].prod(axis=0))
    space = space_of(sizes, SPECS[spec], 4 if macs else 1, scattered, unlinked)
    active = values[0] > 1
    seen = visible(space)
    chosen = list(nests(space, tuple(replace(see, ranked=False) for see in seen), active))
    assert len(set(chosen)) == len(chosen)
    along_x = [one for one in chosen if runs_along_x(one, active)]
    representatives = {cost(space, values, one) for one in along_x}
    assert {cost(space, values, one) for one in every_order(space, active)} == representatives
    best = set(nests(space, seen, active))
    assert best <= set(chosen)
    kept = [found for one in best if runs_along_x(one, active) and (found := cost(space, values, one))]
    for cycles, energy in filter(None, representatives):
        assert any(c <= cycles and e <= energy for c, e in kept)


def runs_along_x(arrangement, active):
    """No active loop runs along y."""
    loops = [loop for block, on in zip(arrangement, active, strict=True) for loop in block if on[DIMS.index(loop.dim)]]
    return all(loop.kind != "y" for loop in loops)


def test_only_the_innermost_loop_of_a_dense_block_matters():
    """Each dimension of a GEMM misses one tensor: three deliveries can stay still, and only the first loop decides."""
    space = space_of((8, 8, 8), SPECS["dense"])
    active = np.zeros((5, 3), dtype=bool)
    active[4] = True  # DRAM, M N K
    inner = {block[4][0].dim for block in nests(space, visible(space), active)}
    assert inner == {"M", "N", "K"}
    assert len(list(nests(space, visible(space), active))) == 3
    active[0] = True  # LRF: nothing is kept below it
    assert len(list(nests(space, visible(space), active))) == 3


def test_sliding_windows_keep_all_orders():
    window = Tensor("I", ((Term("P"), Term("R")),))
    chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    space = enumerate_space(Design(chain, Problem("conv", ("P", "R"), (4, 4), (window,))), Constraints())
    assert len(list(nests(space, visible(space), np.ones((2, 2), dtype=bool)))) == 4


def test_prefix_and_split_are_obeyed():
    gemm = space_of((8, 8, 8), SPECS["gated"])
    fixed = Constraints(
        (
            LevelConstraint("DRAM", "temporal", permutation=("K",), order_free=True),
            LevelConstraint("SMEM", "spatial", permutation=("K", "M", "N"), split=1),
            LevelConstraint("SMEM", "temporal", permutation=("N", "M", "K")),
        ),
        KEEPS,
    )
    space = enumerate_space(gemm.design, fixed)
    found = list(nests(space, visible(space), np.ones((5, 3), dtype=bool)))
    assert {tuple((loop.dim, loop.kind) for loop in one[2]) for one in found} == {(("K", "x"), ("M", "y"), ("N", "y"))}
    assert {tuple(loop.dim for loop in one[3]) for one in found} == {("N", "M", "K")}
    assert {one[4][0].dim for one in found} == {"K"}


def test_a_free_split_tries_every_assignment_to_x_and_y():
    space = space_of((8, 8, 8), SPECS["dense"])
    active = np.zeros((5, 3), dtype=bool)
    active[2, :2] = True  # M and N across the cores
    kinds = {frozenset((loop.dim, loop.kind) for loop in one[2] if loop.dim != "K") for one in
             nests(space, visible(space), active)}  # fmt: skip
    assert kinds == {frozenset({("M", m), ("N", n)}) for m in "xy" for n in "xy"}


def test_networks_that_take_energy_see_every_order():
    space = space_of((4, 4, 4), SPECS["dense"])
    arch = space.design.architecture
    far = tuple(replace(level, wires=Wires(hop_pj=1.0)) for level in arch.levels)
    wired = replace(space, design=replace(space.design, architecture=replace(arch, levels=far)))
    assert not any(see.everything for see in visible(space))
    assert all(see.everything for see in visible(wired))
    lanes = next(index for index, block in enumerate(space.blocks) if block.level == 2 and block.kind == "spatial")
    row = np.ones((len(space.blocks), 3), dtype=np.int64)
    row[lanes] = (2, 2, 1)
    row[-1] = (2, 2, 4)
    ways = {cost(wired, row, found) for found in nests(wired, visible(wired), row > 1)}
    assert len(ways) > len({cost(space, row, found) for found in nests(space, visible(space), row > 1)})


BLOCKS = st.tuples(
    st.sampled_from(["temporal", "spatial"]), st.permutations("MNKPQ"), st.integers(0, 2), st.integers(0, 2)
)


@given(BLOCKS, st.none() | st.integers(0, 5), st.sets(st.sampled_from("MNKPQ")))
def test_no_pattern_of_loops_has_more_arrangements_than_all_of_them(parts, split, active):
    kind, dims, fixed, last = parts
    block = LoopBlock(1, kind, tuple(dims[:fixed]), tuple(dims[fixed : 5 - last]), split, tuple(dims[5 - last :]))
    most = most_arrangements(block)
    assert len(list(arrangements(block, frozenset("MNKPQ")))) == most
    assert len(set(arrangements(block, frozenset(active)))) <= most
