"""Random small mapspaces: what the search proves to be the best is the best of every mapping, one by one."""

from itertools import compress, permutations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.errors import MappingError
from crisp_hw.mapper.bounds import lower
from crisp_hw.mapper.search import search
from crisp_hw.mapper.space import enumerate_space, loop_nest
from crisp_hw.mapper.tally import OBJECTIVES
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import FULL, Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

pytestmark = pytest.mark.slow

DIMS = ("M", "N", "K")
FLATTENED = (frozenset(DIMS),)
FORMATS = (
    TensorFormat("RF", "A", (Rank("CP", 3, 0), *(Rank("UOP", 0, 0),) * 5), inner_to_outer=True),
    TensorFormat("DRAM", "A", (Rank("CP", 3, 0), *(Rank("UOP", 0, 0),) * 8), inner_to_outer=True),
)


def action(kind, target, *leaders):
    return ActionOptimization("RF" if kind == "gating" else "DRAM", kind, (Condition(target, leaders),))


SPECS = {
    "dense": SparseSpec(),
    "lanes": SparseSpec(FORMATS, (action("skipping_spatial", "B", "A"), action("skipping_spatial", "Z", "A"))),
    "skip": SparseSpec(FORMATS, (action("skipping", "B", "A"),), ("skipping",)),
    "gate": SparseSpec((), (action("gating", "A", "B"), action("gating", "Z", "A", "B")), ("gating",)),
    "formats": SparseSpec(FORMATS),
}


@st.composite
def mapspaces(draw, sizes=(1, 2, 3, 4)):
    """A GEMM of a few words on a buffer over four MACs below DRAM, with random sizes, prices, ports and densities."""
    spec = SPECS[draw(st.sampled_from(sorted(SPECS)))]
    density = draw(st.sampled_from([FixedStructured, Hypergeometric]))
    densities = [density(draw(st.sampled_from([0.25, 0.5, 1.0]))) if spec.active else FULL for _ in "AB"]
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),)), density=densities[0]),
        Tensor("B", ((Term("K"),), (Term("N"),)), density=densities[1]),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    extents = tuple(draw(st.sampled_from(sizes)) for _ in DIMS)
    port = st.sampled_from([None, 1, 3])
    chain = Architecture(
        (
            StorageLevel(
                "RF", size_words=draw(st.sampled_from([4, 8, 20])), metadata_width_bits=8, metadata_depth=64,
                read_bandwidth=draw(port), write_bandwidth=draw(port),
            ),
            StorageLevel("DRAM", "DRAM", metadata_width_bits=8, read_bandwidth=draw(port)),
        ),
        ComputeLevel(instances=4, mesh_x=2, mesh_y=2) if draw(st.booleans()) else ComputeLevel(),
    )  # fmt: skip
    prices = {
        level: {name: draw(st.sampled_from([0.0, 1.0, 7.5, 60.0])) for name in ("read", "write", "metadata_read")}
        for level in ("RF", "DRAM")
    }
    keeps = draw(st.sampled_from([{}, {"RF": frozenset("A")}, {"RF": frozenset("ABZ")}]))
    spatial = (
        ()
        if chain.compute.instances == 1
        else (LevelConstraint("RF", "spatial", {}, (), True, draw(st.integers(0, 3))),)
    )
    return Design(chain, Problem("gemm", DIMS, extents, tensors), spec, EnergyTable(prices)), Constraints(
        spatial, keeps
    )


def every_mapping(space, every_order=False):
    """(cycles, energy, row) of every valid mapping: every factorization in every order of its loops.

    Orders that differ in loops of bound 1 alone are the same mapping and evaluated once, unless `every_order`.
    """
    rows = np.array([np.stack(row, axis=1) for row in product(*(space.factors[dim] for dim in DIMS))])
    patterns, which = np.unique((rows > 1).reshape(len(rows), -1), axis=0, return_inverse=True)
    seen = set()
    for orders in product(*(permutations(DIMS) for _ in space.blocks)):
        loops = []
        for block, order in zip(space.blocks, orders, strict=True):
            sides = ["x" if place < (block.split or 0) else "y" for place in range(3)]
            kinds = sides if block.kind == "spatial" else ["temporal"] * 3
            loops += [Loop(block.level, dim, kind) for dim, kind in zip(order, kinds, strict=True)]
        columns = [i * 3 + DIMS.index(dim) for i, order in enumerate(orders) for dim in order]
        nests = [tuple(compress(loops, pattern[columns])) for pattern in patterns]
        fresh = [number for number, nest in enumerate(nests) if every_order or (number, nest) not in seen]
        seen.update(enumerate(nests))
        chosen = rows[np.isin(which.ravel(), fresh)]
        if not len(chosen):
            continue
        bounds = chosen.reshape(len(chosen), -1)[:, columns]
        batch = evaluate_batch(space.design, loop_nest(space, tuple(loops)), bounds)
        for index in np.flatnonzero(batch.valid & (batch.cycles > 0)):
            yield float(batch.cycles[index]), float(batch.energy_pj[index]), chosen[index]


@settings(max_examples=3)
@given(mapspaces(sizes=(1, 2)))
def test_loops_of_bound_one_make_no_other_mapping_where_nothing_is_skipped_in_time(mapspace):
    design, constraints = mapspace
    assume(not any(action.kind in ("gating", "skipping") for action in design.sparse.actions))
    space = enumerate_space(design, constraints)
    assert {found[:2] for found in every_mapping(space)} == {found[:2] for found in every_mapping(space, True)}


def test_loops_of_bound_one_decide_along_which_dimension_a_leader_fills_a_block():
    """Next to the MACs the first loop does, whatever its bound; the mapspace has it where timeloop-mapper has it."""
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),), (Term("N"),)), density=Hypergeometric(0.5)),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    chain = Architecture((StorageLevel("RF", block_size=4), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    skipping = SparseSpec((), (ActionOptimization("RF", "skipping", (Condition("A", ("B",)),)),))
    prices = EnergyTable({level: {"read": 1.0, "write": 1.0, "update": 1.0} for level in ("RF", "DRAM")})
    design = Design(chain, Problem("gemm", DIMS, (1, 2, 4), tensors), skipping, prices)
    rest = LevelConstraint("DRAM", "temporal", {"K": Factor("=", 4)}, order_free=True)
    space = enumerate_space(design, Constraints((rest,)))
    mine, every = ({found[:2] for found in every_mapping(space, each)} for each in (False, True))
    assert mine < every
    found = search(design, space.constraints, "energy")
    assert found.mapping.nest.loops[0].dim == "M"  # bound 1, so that no tile of B grows
    assert (float(found.cycles), found.energy_pj) == min(mine, key=lambda each: each[::-1])


@settings(max_examples=25)
@given(mapspaces(), st.sampled_from(sorted(OBJECTIVES)))
def test_the_proven_best_is_the_best_of_every_mapping(mapspace, objective):
    design, constraints = mapspace
    space = enumerate_space(design, constraints)
    every = list(every_mapping(space))
    if not every:
        with pytest.raises(MappingError):
            search(design, constraints, objective)
        return
    found = search(design, constraints, objective)
    assert found.proven
    scores = [OBJECTIVES[objective](np.array([c]), np.array([e])) for c, e, _ in every]
    best = min((float(first[0]), float(second[0])) for first, second in scores)
    mine = OBJECTIVES[objective](np.array([float(found.cycles)]), np.array([found.energy_pj]))
    assert [float(score[0]) for score in mine] == pytest.approx(best)
    bound = lower(space, np.stack([row for *_, row in every]), DIMS)
    assert (bound.cycles <= [c for c, *_ in every]).all()
    assert (bound.energy_pj <= [e * (1 + 1e-12) for _, e, _ in every]).all()
    for known in range(3):
        part = lower(space, np.stack([row[:, :known] for *_, row in every]), DIMS[:known])
        assert (part.cycles <= bound.cycles).all()


def test_bounds_prune_and_say_how_much():
    """A dense GEMM whose lanes decide: most factorizations are dropped before any order of theirs is tried."""
    levels = (
        StorageLevel("RF", instances=1, size_words=64),
        StorageLevel("DRAM", "DRAM"),
    )
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),))),
        Tensor("B", ((Term("K"),), (Term("N"),))),
        Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True),
    )
    prices = EnergyTable({"RF": {"read": 1.0, "write": 1.0}, "DRAM": {"read": 100.0, "write": 100.0}})
    chain = Architecture(levels, ComputeLevel(instances=16, mesh_x=4, mesh_y=4))
    design = Design(chain, Problem("gemm", DIMS, (16, 16, 16), tensors), SparseSpec(), prices)
    found = search(design, Constraints())
    whole = search(design, Constraints(), options=SearchOptions(front=True))
    assert (found.cycles, found.energy_pj) == (whole.cycles, whole.energy_pj) == (256, pytest.approx(found.energy_pj))
    assert found.tried < whole.tried / 2
    bound = next(count for rule, count in found.pruned.items() if rule.startswith("cannot beat"))
    too_large = next(count for rule, count in found.pruned.items() if rule.startswith("does not fit"))
    assert bound > (found.candidates - too_large) / 3
