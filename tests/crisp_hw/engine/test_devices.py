"""Other processors than NumPy's: the same integers, and energies to 1e-12, on every committed case in closed form."""

import gzip
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import array_api_strict as strict
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.arrays import on_host
from crisp_hw.engine.counted import counted_of
from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.engine.latency import port_words
from crisp_hw.engine.safs.counts import KINDS, OPS, entry
from crisp_hw.engine.safs.sparse import temporal_reductions
from crisp_hw.engine.sliding import sliding
from crisp_hw.engine.structures import AmbiguousChoice
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.validity import broken_rules, capacity, metadata_capacity
from crisp_hw.errors import InputError, MappingError
from crisp_hw.spec.arch import Wires
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import NM, Actual, FixedStructured, Hybrid, HybridBlocks, Hypergeometric
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat
from crisp_hw.timeloop.read.point import read_point

CASES = Path(__file__).parents[2] / "golden" / "cases"
FAMILIES = ("banded", "bandwidth", "crisp", "dense", "formats", "gate", "leak", "shared", "skip", "stc")
CLOSE = 1e-12
PRICES = {"read": 3.7, "write": 2.1, "gated_read": 0.3, "metadata_read": 0.7, "decompression_count": 0.9, "leak": 0.01}
ENERGY = EnergyTable({**{f"L{i}": PRICES for i in range(3)}, "MAC": {"mac": 1.1, "mac_gated": 0.13}})


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tests share few cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def points(family):
    lines = gzip.decompress((CASES / f"{family}.jsonl.gz").read_bytes()).decode().splitlines()
    return [read_point(json.loads(line)["input"]) for line in lines]


def turned(point, count=4):
    """int64[b, L]: the mapping of a case, and others that hand the factors of every dimension round among its loops."""
    bounds = np.array(point.mapping.bounds, dtype=np.int64)
    rows = np.stack([bounds] * count)
    for dim in point.design.problem.dims:
        own = [j for j, loop in enumerate(point.mapping.nest.loops) if loop.dim == dim and bounds[j] > 1]
        for turn in range(count):
            rows[turn, own] = np.roll(bounds[own], turn)
    return rows


def figures(part):
    """Every integer of a part by name, on the host."""
    tiling, tally, traffic = part.tiling, part.sparse.tally, part.traffic
    places = list(product(range(len(tiling.architecture.levels)), range(len(tiling.problem.tensors))))
    for name in ("tile", "reads", "fills", "updates", "partition"):
        yield from ((f"{name} {place}", getattr(traffic, name)[place]) for place in places)
    yield from ((f"instances {level}", each) for level, each in enumerate(traffic.instances))
    for (kind, op), place in product(product(KINDS, OPS), places):
        yield f"{kind} {op} {place}", tally.data[kind][op][place]
        stored = part.sparse.ranks.get(place)
        ranks = len(stored.form.ranks) if stored is not None and stored.form is not None else 0
        for r, sort in product(range(ranks), range(2)):
            yield f"{kind} {op} {place} rank {r}.{sort}", entry(tally, (kind, op), place, (r, sort))
    for place in places:
        yield f"capacity {place}", capacity(part, *place)
        yield f"metadata {place}", metadata_capacity(part, *place)
        yield f"provided {place}", part.sparse.provided(place)
        yield f"reductions {place}", temporal_reductions(traffic, part.sparse, place)
    for index, level in enumerate(tiling.architecture.levels):
        yield f"cycles {level.name}", part.latency[index].cycles
        for t, words in enumerate(port_words(part.sparse, index, level, OPS)):
            yield f"port {level.name} {t}", tiling.zeros if words is None else words
    computes = {name: getattr(tally, f"{name}_computes") for name in (*KINDS, "legal")}
    yield from {**computes, "macs": part.mac_cycles, "cycles": part.cycles}.items()


def part_of(point, bounds):
    """The part of a batch, or what kind of error says that there is none."""
    design, nest = point.design, point.mapping.nest
    try:
        return counted_of(design, Tiling(design.problem, design.architecture, nest, bounds, None, design.rules))
    except (AmbiguousChoice, MappingError) as error:
        return type(error)


def check_part(point, put):
    """One batch as NumPy has it and as another library has it, figure by figure; False where there is no part."""
    bounds = turned(point).T.copy()
    ours, theirs = part_of(point, bounds), part_of(point, put(bounds))
    if isinstance(ours, type):
        assert theirs is ours
        return False
    for (name, expected), (_, found) in zip(figures(ours), figures(theirs), strict=True):
        assert type(found) is not np.ndarray, name
        assert on_host(found).tolist() == expected.tolist(), name
    np.testing.assert_allclose(on_host(theirs.energy_pj), ours.energy_pj, rtol=CLOSE)
    assert ours.energy.keys() == theirs.energy.keys()
    for place, actions in ours.energy.items():
        assert actions.keys() == theirs.energy[place].keys()
        for action, pj in actions.items():
            np.testing.assert_allclose(on_host(theirs.energy[place][action]), pj, rtol=CLOSE)
    broken, again = broken_rules(ours), broken_rules(theirs)
    assert [check.key for check in again] == [check.key for check in broken]
    for one, other in zip(broken, again, strict=True):
        assert other.failed.tolist() == one.failed.tolist()
        assert (one.need is None) == (other.need is None)
        if one.need is not None:
            np.testing.assert_allclose(other.need, one.need, rtol=CLOSE)
    return True


each_library = pytest.mark.parametrize("put", [torch.asarray, strict.asarray], ids=["torch", "strict"])


@each_library
@pytest.mark.parametrize("family", FAMILIES)
def test_committed_cases_have_the_same_figures(family, put):
    assert all(check_part(point, put) for point in points(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_on_the_cpu_of_torch_is_that_of_numpy(family):
    for point in points(family):
        check_batch(point)


def check_batch(point):
    bounds, nest = turned(point), point.mapping.nest
    ours, theirs = (evaluate_batch(point.design, nest, bounds, device=device) for device in ("numpy", "cpu"))
    assert type(theirs.cycles) is np.ndarray
    assert theirs.cycles.tolist() == ours.cycles.tolist()
    assert theirs.valid.tolist() == ours.valid.tolist()
    np.testing.assert_allclose(theirs.energy_pj, ours.energy_pj, rtol=CLOSE)
    assert [check.key for check in theirs.failures] == [check.key for check in ours.failures]


@pytest.mark.slow
@settings(max_examples=20)
@given(data=st.data())
def test_random_designs_have_the_same_figures(build, data):
    """Options that differ within the batch, several SAFs, levels that keep little, blocks that are partly filled."""
    plan, fanouts, keeps = data.draw(build.plans(levels=3))
    densities = {name: data.draw(build.densities) for name in "AB"}
    sparse = data.draw(build.sparse_specs(keeps))
    attributes = {
        "block_size": data.draw(st.sampled_from([1, 2])),
        "size_words": data.draw(st.sampled_from([20, None])),
    }
    point = build.point(plan, fanouts, keeps, densities, sparse, ENERGY, **attributes)
    for put in (torch.asarray, strict.asarray):
        check_part(point, put)
    check_batch(point)


PLAN = [[("x", "M", 2), ("y", "N", 4), ("t", "M", 4), ("t", "N", 2)], [("t", "K", 8)]]
BITMASKS = tuple(TensorFormat("L0", name, (Rank("B", 1, 0),) * 3) for name in "AB")


@each_library
@pytest.mark.parametrize("dialect", ["head", "micro22"])
def test_packed_lanes_have_the_same_figures(build, put, dialect):
    actions = tuple(ActionOptimization("L0", "position_skipping", (Condition(name, ()),)) for name in "AB")
    densities = {"A": FixedStructured(0.375), "B": Hypergeometric(0.4)}
    point = build.point(
        PLAN, [(2, 4), (1, 1)], densities=densities, sparse=SparseSpec(BITMASKS, actions), energy=ENERGY
    )
    assert check_part(replace(point, design=replace(point.design, dialect=dialect)), put)


@each_library
@pytest.mark.parametrize("kind", ["mask", "pattern"])
def test_tiles_counted_in_masks_have_the_same_figures(build, put, kind):
    mask = Actual(np.add.outer(np.arange(8), np.arange(8)) % 4 < 2)
    pattern = HybridBlocks(Hybrid(NM(2, 4), 4, 1, 2), (8, 8), (0,) * 4 + (1,) * 4, 8)
    densities = {"A": mask if kind == "mask" else pattern}
    skipping = (ActionOptimization("L0", "skipping", (Condition("B", ("A",)),)),)
    sparse = SparseSpec(BITMASKS, skipping)
    point = build.point(PLAN, [(2, 4), (1, 1)], densities=densities, sparse=sparse, energy=ENERGY)
    assert check_part(point, put)


@each_library
def test_a_tensor_that_passes_through_costs_the_same(build, put):
    """MICRO22 alone charges a level for words that it only passes on."""
    keeps = [set("ABZ"), set("BZ"), set("ABZ")]
    point = build.point([*PLAN, [("t", "M", 3)]], [(2, 4), (1, 1), (1, 1)], keeps, energy=ENERGY)
    nest = replace(point.mapping.nest, streams=(frozenset(), frozenset("A"), frozenset()))
    point = replace(point, mapping=replace(point.mapping, nest=nest), design=replace(point.design, dialect="micro22"))
    assert "streamed_reads" in part_of(point, turned(point).T).energy[1, 0]
    assert check_part(point, put)


@pytest.mark.parametrize("family", ["conv", "imperfect"])
def test_what_is_no_product_of_loops_stays_with_numpy(family):
    refused = 0
    for point in points(family):
        mapping, bounds = point.mapping, np.array([point.mapping.bounds])
        residuals = None if mapping.residuals is None else np.array([mapping.residuals])
        if residuals is None and not sliding(point.design.problem):
            continue
        with pytest.raises(InputError, match="are counted with NumPy alone; choose device numpy"):
            evaluate_batch(point.design, mapping.nest, bounds, residuals, device="cpu")
        refused += 1
    assert refused >= 4


def test_forbidden_reuse_stays_with_numpy(build):
    point = build.point(PLAN, [(2, 4), (1, 1)])
    nest = replace(point.mapping.nest, no_multicast=(frozenset("A"), frozenset()))
    with pytest.raises(InputError, match=r"forbidden reuse .* gemm has some, .*; choose device numpy"):
        evaluate_batch(point.design, nest, turned(point), device="cpu")


def wired(build, network):
    """A point of which level 1 has a network."""
    point = build.point(PLAN, [(2, 4), (1, 1)], energy=ENERGY)
    inner, outer = point.design.architecture.levels
    architecture = replace(point.design.architecture, levels=(inner, replace(outer, wires=network)))
    return replace(point, design=replace(point.design, architecture=architecture))


def test_networks_that_take_energy_stay_with_numpy(build):
    point = wired(build, Wires(hop_pj=0.5))
    with pytest.raises(InputError, match=r"networks that take energy, of which gemm has some, .*; choose device numpy"):
        evaluate_batch(point.design, point.mapping.nest, turned(point), device="cpu")


@each_library
def test_networks_that_take_time_alone_have_the_same_figures(build, put):
    point = wired(build, Wires(fill_cycles=5, drain_cycles=2))
    assert check_part(point, put)
    plain = part_of(build.point(PLAN, [(2, 4), (1, 1)]), turned(point).T)
    assert (part_of(point, turned(point).T).cycles - plain.cycles).tolist() == [7] * len(plain.cycles)
