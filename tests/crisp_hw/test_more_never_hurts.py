"""More of anything never hurts: random small layers on every packaged accelerator, whatever the objective.

A subset of the mask, a wider bandwidth and more cores never cost more of what the mapper minimises; larger memories
never more cycles, nor more energy at equal energies per access (which follow the sizes: that is physics). Fewer
weights cost more energy for two reasons alone, and then their result names the one: it was not the energy that was
asked for, or Timeloop's rounding of small compressed tiles, whose share is known and does not count here. More cores
cost more energy for one reason, which their result names: each of them is charged for the part of an access that
Timeloop's whole numbers of skipped accesses leave. That share is known, too, and without it they cost no more. More
PEs of EIE may cost a cycle a vector: as many inputs as PEs are looked through at once, and the last of them, if it is
no zero, is left at once, where a wider row goes on for one cycle that finds nothing (docs/imbalance.md).
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from crisp_hw import NM, evaluate, list_arch, load_arch
from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.engine.rounded import remainder_pj, rounding_pj
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer

FABRIC = {
    "wider": {"smem_bandwidth": 48},
    "larger": {"smem_kb": 512, "rf_kb": 2},
    "more cores": {"cores": 8},
}
MORE = {
    "crisp-stc": FABRIC,
    "dense": FABRIC,
    "dstc": FABRIC,
    "eie": {
        "larger": {"levels.Weights.size_kb": 256},
        "longer queues": {"imbalance.queue_slots": 16},
        "more cores": {"levels.Weights.fanout_y": 128},
    },
    "eyeriss-v1": {
        "wider": {"glb_bandwidth": 32},
        "larger": {"glb_size_words": 102_400},
        "more cores": {"levels.Filters.fanout_x": 28},
    },
    "eyeriss-v2-pe": {"larger": {"sums_size_words": 64}},
    "highlight": {"wider": {"smem_bandwidth": 168}, "larger": FABRIC["larger"], "more cores": {"cores": 8}},
    "s2ta": {"wider": {"activations_bandwidth": 256}, "larger": {"weights_kb": 1024}},
    "stc": FABRIC,
    "stc-flexible": FABRIC,
    "systolic": {"wider": {"scratchpad_bandwidth": 128}, "larger": {"accumulators_kb": 128}},
    "vegeta": {"wider": {"l2_bandwidth": 512}, "larger": {"tiles_size_words": 512}},
}
CASES = tuple(product(MORE, ("cycles", "energy", "edp")))
LAYERS = 60
EXACT = 1 + 1e-9  # sums of floats in another order
FASTER = "another way to run it takes less energy"
ROUNDED = "fewer nonzeros may cost more energy here: Timeloop rounds"
SHARED = "more instances may cost more energy here: Timeloop rounds"
NAMED = [
    (38, "stc", "cycles", FASTER),
    (81, "stc", "edp", FASTER),
    (147, "crisp-stc", "cycles", FASTER),
    (195, "dstc", "energy", ROUNDED),
]


def pruned_pair(seed):
    """A random layer with blocks and N:M inside, and the same layer with a subset of that mask."""
    rng = np.random.default_rng(seed)
    block, total = int(rng.choice([4, 16, 32])), int(rng.integers(2, 6))
    rows, columns = int(rng.integers(1, 5)) * int(rng.choice([4, 8, 16])), total * block
    layer = Layer(f"layer{seed}", "linear", rows, columns, tokens=int(rng.integers(1, 50)))
    n, kept = int(rng.integers(1, 4)), int(rng.integers(1, total + 1))
    fewer_n, fewer = int(rng.integers(1, n + 1)), int(rng.integers(1, kept + 1))
    whole, subset = np.zeros((2, rows, columns), dtype=bool)
    for top in range(0, rows, block):
        chosen = rng.permutation(total)[:kept]
        for place, row in product(range(kept), range(top, min(rows, top + block))):
            for start in range(chosen[place] * block, (chosen[place] + 1) * block, 4):
                columns_of_group = start + rng.permutation(4)
                whole[row, columns_of_group[:n]] = True
                subset[row, columns_of_group[: fewer_n if place < fewer else 0]] = True
    assert not (subset & ~whole).any()
    return tuple(
        PrunedModel("net", (PrunedLayer(layer, "hybrid", mask, NM(least, 4), block),))
        for mask, least in ((whole, n), (subset, fewer_n))
    )


def costs(model, accelerators, objective):
    """A row of each accelerator, by name."""
    found = evaluate(model, accelerators, objective=objective, jobs=1)
    return {row.arch: Cost.of(row) for row in found.network.rows}


@dataclass(frozen=True)
class Cost:
    """Cycles, energy with what stands beside the model, what either rounding of Timeloop's adds, and what is named."""

    cycles: int
    energy: float
    vectors: float
    instances: float
    named: str

    @classmethod
    def of(cls, row):
        beside = sum(line.energy_pj for line in row.overheads) + sum(row.index.energy_pj.values() if row.index else ())
        counted, table = evaluate_point(row.point), row.point.design.energy
        roundings = (sum(each(counted, table).values()) for each in (rounding_pj, remainder_pj))
        return cls(row.cycles, row.result.energy_pj + beside, *roundings, " ".join(row.result.assumptions))

    def cycles_less(self, cycles):
        """The same with so many cycles less."""
        return replace(self, cycles=self.cycles - cycles)

    @property
    def edp(self):
        return self.energy * self.cycles

    def without(self, reason):
        """The same without what the rounding of this reason adds."""
        return replace(self, energy=self.energy - {ROUNDED: self.vectors, SHARED: self.instances}[reason])


def is_no_more(one, other, what, reason):
    """Is the cost of one no more than the other's, but for the rounding of this reason where its result names it?"""
    if reason in one.named and getattr(one, what) > getattr(other, what) * EXACT:
        one, other = one.without(reason), other.without(reason)
    return getattr(one, what) <= getattr(other, what) * EXACT


def check(seed, name, objective, kinds=None):
    whole, subset = pruned_pair(seed)
    base, kinds = load_arch(name), tuple(MORE[name]) if kinds is None else kinds
    more = [base.replace(name=each, **MORE[name][each]) for each in kinds]
    if objective != "cycles":  # an access to a larger memory costs more: energies as if it did not
        more = [replace(each, energy=base.energy) if each.name == "larger" else each for each in more]
    found = costs(whole, [base, *more], objective)
    sparser = costs(subset, [base], objective)[name]
    if "more cores" in kinds and base.machine is not None:
        found["more cores"] = found["more cores"].cycles_less(whole.layers[0].layer.positions)
    for each in kinds:
        if each == "more cores":
            assert is_no_more(found[each], found[name], objective, SHARED), each
        else:
            assert getattr(found[each], objective) <= getattr(found[name], objective) * EXACT, each
    assert is_no_more(sparser, found[name], objective, ROUNDED)
    assert is_no_more(sparser, found[name], "energy", ROUNDED) or (objective != "energy" and FASTER in sparser.named)


def test_these_are_the_packaged_accelerators():
    assert set(MORE) == set(list_arch())


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: "-".join(CASES[number]))
def test_more_never_hurts(number):
    name, objective = CASES[number]
    for turn, seed in enumerate(range(number, LAYERS, len(CASES))):  # one kind of more each
        kinds = tuple(MORE[name])
        check(seed, name, objective, kinds[(number + turn) % len(kinds) :][:1])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(300))
def test_more_never_hurts_on_every_accelerator(seed):
    for case in CASES:
        check(seed, *case)


@pytest.mark.parametrize(("seed", "name", "objective", "reason"), NAMED)
def test_what_makes_fewer_weights_cost_more_energy_is_named(seed, name, objective, reason):
    """These layers do cost more energy with fewer weights, for the reason that the result of the sparser one names."""
    denser, sparser = (costs(each, [load_arch(name)], objective)[name] for each in pruned_pair(seed))
    assert sparser.energy > denser.energy * EXACT
    assert reason in sparser.named
    check(seed, name, objective, kinds=())


def test_what_makes_more_cores_cost_more_energy_is_named():
    """940 skipped reads of a PE are 939.9999999999999 in doubles, of which Timeloop takes 939 (64 x 48, 49 vectors)."""
    whole, base = pruned_pair(258)[0], load_arch("eie")
    found = costs(whole, [base, base.replace(name="more", **MORE["eie"]["more cores"])], "energy")
    assert found["more"].energy > found["eie"].energy * EXACT
    assert SHARED in found["more"].named
    assert found["more"].without(SHARED).energy < found["eie"].without(SHARED).energy
    check(258, "eie", "energy")
