"""Energy and latency of networks: word by word, and as part of an evaluation."""

from dataclasses import replace
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.evaluate import evaluate, evaluate_batch
from crisp_hw.engine.traffic import dense_traffic
from crisp_hw.engine.wire_traffic import collapsed, raw_streams
from crisp_hw.engine.wires import carried_by_wires, costs, hop_energy, mean_hops, reduces, tile_widths
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.sparse import ActionOptimization, Condition, SparseSpec

COSTLY = Wires(hop_pj=0.5, router_pj=0.25, ingress_pj=0.125)
PLAN = [
    [("x", "K", 2), ("y", "M", 2), ("t", "M", 3)],
    [("x", "N", 3), ("t", "K", 2)],
    [("t", "N", 2), ("t", "M", 2)],
]
FANOUTS = [(2, 2), (3, 1), (1, 1)]
energies = st.sampled_from([None, 0.0, 0.25, 1.5])
kinds = st.builds(Wires, hop_pj=energies, router_pj=energies, ingress_pj=energies)


def with_networks(point, found, **attributes):
    """The design point with these networks, level by level."""
    design = point.design
    levels = zip(design.architecture.levels, found, strict=True)
    wired = tuple(replace(level, wires=network, **attributes) for level, network in levels)
    return replace(point, design=replace(design, architecture=replace(design.architecture, levels=wired)))


def cost(network, records, linked):
    """pJ of words one record after the other: each passes one router more than whole hops, and every link once."""
    hop, router, ingress = (pj or 0.0 for pj in (network.hop_pj, network.router_pj, network.ingress_pj))
    total = linked * (hop + 2 * router)
    for words, way in records:
        if words:
            total += words * ingress + way * hop + words * (1 + floor(way / words)) * router
    return total


@settings(max_examples=60)
@given(st.data())
def test_energy_is_that_of_every_word(build, data):
    plan, fanouts, keeps = data.draw(build.plans())
    point = with_networks(build.point(plan, fanouts, keeps), [data.draw(kinds) for _ in plan])
    tiling = build.tiling(point)
    found = carried_by_wires(tiling, dense_traffic(tiling))
    for t, (tensor, raw) in enumerate(zip(tiling.problem.tensors, raw_streams(tiling), strict=True)):
        for index, stream in enumerate(collapsed(tiling, tensor, raw)):
            level = tiling.architecture.levels[index]
            records = [(r.words[0], r.hops[0]) for r in stream.records.values()]
            assert ((index, t) in found) == costs(level)
            if costs(level):
                assert found[index, t].energy_pj[0] + found[index, t].link_pj[0] == pytest.approx(
                    cost(level.wires, records, stream.linked[0])
                )
                instances = np.prod([x * y for x, y in fanouts[index + 1 :]], dtype=int)
                assert found[index, t].instances[0] == instances


def test_nothing_is_counted_where_nothing_costs(build, monkeypatch):
    tiling = build.tiling(build.point(PLAN, FANOUTS))
    monkeypatch.setattr("crisp_hw.engine.wires.raw_streams", None)
    assert carried_by_wires(tiling, dense_traffic(tiling)) == {}


@settings(max_examples=40)
@given(st.data())
def test_networks_come_on_top_of_everything_else(build, data):
    plan, fanouts, keeps = data.draw(build.plans())
    bare = build.point(plan, fanouts, keeps, energy=EnergyTable({"L0": {"read": 1.0, "leak": 0.5}}))
    plain = evaluate(bare)
    rich = evaluate(with_networks(bare, [replace(data.draw(kinds), fill_cycles=i, drain_cycles=7) for i in range(3)]))
    assert rich.levels == plain.levels
    assert rich.energy_pj == pytest.approx(plain.energy_pj + sum(network.energy_pj for network in rich.networks))
    assert rich.cycles == plain.cycles + 0 + 1 + 2 + 3 * 7
    assert (rich.network_cycles, rich.bound_by) == (24, plain.bound_by)
    assert rich.utilization * rich.cycles == pytest.approx(plain.utilization * plain.cycles)


def test_skipped_words_still_travel(build):
    skip = SparseSpec(actions=(ActionOptimization("L1", "skipping", (Condition("B", ("A",)),)),))
    densities = {"A": FixedStructured(0.02)}
    dense = with_networks(build.point(PLAN, FANOUTS), [COSTLY] * 3)
    sparse = with_networks(build.point(PLAN, FANOUTS, densities=densities, sparse=skip), [COSTLY] * 3)
    assert evaluate(sparse).networks == evaluate(dense).networks
    assert evaluate(sparse).levels[1].tensors["B"].accesses["skipped_reads"] > 0


def test_a_level_that_cannot_add_up_sends_partial_sums_inwards_first(build):
    point = build.point(PLAN, FANOUTS)
    sums, back = (
        evaluate(with_networks(point, [Wires(), Wires(ingress_pj=1.0), Wires()], reduction_supported=flag))
        for flag in (True, False)
    )
    adds, sends = (result.networks[0].tensors["Z"] for result in (sums, back))
    ((_, _, words),), ((_, _, twice),) = adds.ingresses, sends.ingresses
    assert twice == 2 * words - sums.levels[1].tensors["Z"].partition_size
    assert (sends.hops * twice, sums.networks[0].tensors["A"]) == (adds.hops * words, back.networks[0].tensors["A"])


@pytest.mark.parametrize(
    ("level", "adds"),
    [
        (StorageLevel("S"), True),
        (StorageLevel("S", "DRAM"), False),
        (StorageLevel("S", "DRAM", reduction_supported=True), True),
        (StorageLevel("S", reduction_supported=False), False),
    ],
)
def test_dram_does_not_add_up_unless_it_says_so(level, adds):
    assert reduces(level) is adds


def test_one_hop_is_bits_times_length_unless_given():
    wires = Wires(wire_pj_per_bit_mm=0.5, tile_width_um=2000.0)
    assert hop_energy(StorageLevel("S", word_bits=8, wires=wires)) == 8 * 2 * 0.5
    assert hop_energy(StorageLevel("S", word_bits=8, wires=replace(wires, word_bits=3))) == 3 * 2 * 0.5
    assert hop_energy(StorageLevel("S", wires=replace(wires, hop_pj=0.0))) == 0
    assert not costs(StorageLevel("S", wires=replace(wires, tile_width_um=None)))


def test_a_hop_is_as_long_as_the_square_of_all_that_lies_inside():
    levels = (StorageLevel("RF", instances=8), StorageLevel("SMEM", instances=2), StorageLevel("DRAM"))
    areas = {"MAC": 2.0, "RF": 5.0, "SMEM": 64.0, "DRAM": 1e9}
    rf = 5 + 4 * 2
    assert tile_widths(Architecture(levels, ComputeLevel(instances=32)), areas) == pytest.approx(
        (2**0.5, rf**0.5, (64 + 4 * rf) ** 0.5)
    )


@pytest.mark.parametrize(
    ("receivers", "fanout", "hops"),
    [(1, 1, 0.5), (1, 4, 1), (4, 4, 3.5), (1, 16, 2), (16, 16, 15.5), (1, 64, 4), (4, 16, 8 + 1 - 2 + 0.5)],
)
def test_mean_hops_of_2022_by_hand(receivers, fanout, hops):
    assert mean_hops(receivers, np.array([fanout])).tolist() == [hops]


def test_a_batch_is_its_mappings_one_by_one(build):
    point = with_networks(build.point(PLAN, [(4, 4), (6, 1), (1, 1)]), [replace(COSTLY, drain_cycles=5)] * 3)
    bounds = np.array([point.mapping.bounds] * 2)
    bounds[1, [0, 8]] = bounds[1, [8, 0]]  # the K loops of level 0 and 1 change places
    problem = replace(point.design.problem, bounds=tuple(point.design.problem.bounds))
    batch = evaluate_batch(replace(point.design, problem=problem), point.mapping.nest, bounds)
    for row in range(2):
        alone = evaluate(replace(point, mapping=replace(point.mapping, bounds=tuple(int(n) for n in bounds[row]))))
        assert (batch.cycles[row], batch.energy_pj[row]) == (alone.cycles, pytest.approx(alone.energy_pj, rel=1e-12))
