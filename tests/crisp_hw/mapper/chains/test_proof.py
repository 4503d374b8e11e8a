"""Labels that meet against brute force: random small spaces of which the engine judges every single mapping."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from small_spaces import KINDS, Case, best_scores, dense_case, every_mapping, tensor
from sparse_spaces import apart

from crisp_hw.engine.evaluate import evaluate_nests
from crisp_hw.mapper.better import no_better
from crisp_hw.mapper.chains import meeting, mesh, proof
from crisp_hw.mapper.chains.proof import Levels, chain_of, seeds, thinned
from crisp_hw.mapper.chains.weights import weights_of
from crisp_hw.mapper.exact.shrunk import Together, most_together
from crisp_hw.mapper.search import search
from crisp_hw.mapper.tally import OBJECTIVES, Tally
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.options import SearchOptions
from crisp_hw.spec.patterns import FixedStructured
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

pytestmark = pytest.mark.slow  # each searches many spaces

RIVAL = 1.005  # a mapping so much worse than the best: labels that say 1 % too much of the best drop it
ROUNDING = 1e-9  # relative: what sums of floats in another order may differ by


@cache
def case_of(seed):
    """A small space, mostly with two or more choices of keep and bypass."""
    return dense_case(seed)


@cache
def best_of(seed):
    """The best of all of its mappings."""
    return best_scores(case_of(seed), every_mapping(case_of(seed)))


def levels_of(case, **more):
    chain = chain_of(case.spaces)
    return None if chain is None else Levels(chain, Tally(case.objective), lambda *_: None, **more)


def test_no_mapping_costs_less_than_the_bound_and_what_is_proven_is_the_best(small_seeds):
    proven = seen = 0
    for seed in small_seeds[::2]:
        levels = levels_of(case_of(seed))
        if levels is None:
            continue
        seen += 1
        done, best = levels.run(), best_of(seed)
        if best is None:
            assert levels.tally.leader is None, seed
            continue
        assert levels.least <= best[0] * (1 + ROUNDING), seed
        if done:
            proven += 1
            assert levels.tally.leader.scores == pytest.approx(best, rel=ROUNDING), seed
    assert seen > len(small_seeds[::2]) / 3
    assert proven > seen / 10  # where blocks are rounded, or ports of limited width decide, labels only bound


def least_met(chain, objective, best):
    """The least that labels say of any mapping, where one half a hundredth worse than the best is known."""
    rival = tuple(score * RIVAL for score in best)

    def beaten(costs):
        return no_better(OBJECTIVES[objective](costs.cycles, costs.energy_pj), rival)

    met = meeting.Meeting(chain, objective, beaten, lambda _: None).run(1)
    scores = OBJECTIVES[objective](met.cycles, met.energy_pj)
    return tuple(float(score[0]) for score in scores) if len(met.cycles) else None


def tight_case(objective, paid):
    """A space in which the best costs what labels say, whole or in part: only one level, or the MACs, takes energy."""
    free = {name: dict.fromkeys(("read", "write", "update"), 0.0) for name in ("REG", "SPAD", "BUF", "DRAM")}
    price = {"compute": 1.0} if paid == "MAC" else dict.fromkeys(("read", "write", "update"), 90.0)
    few = Constraints(either={"REG": frozenset("AB"), "BUF": frozenset("Z")})
    return Case(replace(matrix_product(2), energy=EnergyTable({**free, paid: price})), few, objective)


@cache
def all_of(paid):
    """Its mappings, whatever the objective."""
    return every_mapping(tight_case("edp", paid))


def raised(real):
    """A bound that is a hundredth too high."""

    def costs(*given):
        found = real(*given)
        return replace(found, cycles=found.cycles * 1.01, energy_pj=found.energy_pj * 1.01)

    def every(*given):
        for each in real(*given):
            yield replace(each, cycles=each.cycles * 1.01, energy_pj=each.energy_pj * 1.01)

    return every if real is meeting.pairs else costs


@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize(
    ("bound", "paid"), [("pairs", "DRAM"), ("pairs", "MAC"), ("outer_least", "MAC"), ("inner_least", "DRAM")]
)
def test_labels_that_say_a_hundredth_too_much_are_noticed(objective, bound, paid, monkeypatch):
    """Of pairs that meet, and of labels from either end, before they have met."""
    case = tight_case(objective, paid)
    best = best_scores(case, all_of(paid))
    assert least_met(chain_of(case.spaces), objective, best) == pytest.approx(best, rel=ROUNDING)
    monkeypatch.setattr(meeting, bound, raised(getattr(meeting, bound)))
    found = least_met(chain_of(case.spaces), objective, best)
    assert found is None or found[0] > best[0] * 1.001


def matrix_product(bound, ports=None):
    lanes = {"instances": 4, "mesh_x": 2, "mesh_y": 2}
    sizes = zip(("REG", "SPAD", "BUF"), (3, 12, 96), strict=True)
    inner = [StorageLevel(name, size_words=size, **(lanes if name != "BUF" else {})) for name, size in sizes]
    levels = (*inner, StorageLevel("DRAM", "DRAM", read_bandwidth=ports))
    prices = {name: dict.fromkeys(("read", "write", "update"), pj)
              for name, pj in (("REG", 0.3), ("SPAD", 2.0), ("BUF", 16.0), ("DRAM", 90.0))}  # fmt: skip
    gemm = (tensor("A", "MK"), tensor("B", "KN"), tensor("Z", "MN", output=True))
    problem = Problem("gemm", tuple("MKN"), (bound,) * 3, gemm)
    return Design(Architecture(levels, ComputeLevel(**lanes)), problem, energy=EnergyTable(prices))


OPEN = Constraints(either={name: frozenset("ABZ") for name in ("REG", "SPAD", "BUF")})


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_labels_and_templates_prove_the_same(objective, monkeypatch):
    design, few = matrix_product(4), Constraints(either={"REG": frozenset("AB"), "BUF": frozenset("Z")})
    met = search(design, few, objective)
    monkeypatch.setattr("crisp_hw.mapper.chains.proof.chain_of", lambda spaces: None)
    by_templates = search(design, few, objective)
    assert met.proven and by_templates.proven
    scores = [(each.cycles, each.energy_pj) for each in (met, by_templates)]
    assert scores[0] == pytest.approx(scores[1], rel=ROUNDING)


def test_a_gap_that_is_allowed_is_kept():
    exact, near = (search(matrix_product(32), OPEN, "edp", options=SearchOptions(gap=gap)) for gap in (0.0, 0.2))
    edp = [each.cycles * each.energy_pj for each in (exact, near)]
    assert exact.proven
    assert edp[1] <= edp[0] * 1.2
    assert near.proven or near.gap <= 0.2 + ROUNDING


def test_ctrl_c_among_labels_gives_the_best_so_far_with_its_gap():
    steps = []

    def impatient(step):
        steps.append(step)
        if step.best_cycles is not None:
            raise KeyboardInterrupt

    found = search(matrix_product(64), OPEN, "edp", progress=impatient)
    assert steps[-1].total == 3 * 3 + 2  # steps along the chain: labels were under way
    assert (found.interrupted, found.proven) == (True, False)
    assert found.cycles == steps[-1].best_cycles
    assert found.gap is None or found.gap > 0
    assert found.certificate.startswith("interrupted: best of ")


def test_ctrl_c_before_labels_have_met_is_passed_on():
    """There is no mapping to give yet: the command line says so."""

    def stopped(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(matrix_product(64), OPEN, "edp", progress=stopped)


def test_nothing_is_left_once_the_best_is_known():
    levels = levels_of(Case(matrix_product(8), OPEN, "edp"))
    assert levels.run()
    best = levels.tally.leader
    assert levels.run()
    assert levels.tally.leader is best


def test_too_many_labels_leave_the_proof_to_templates():
    case = Case(matrix_product(16), OPEN, "edp")
    levels = levels_of(case, memory_bytes=1)
    assert not levels.run()
    assert levels.least == 0.0


def test_chains_are_for_every_choice_of_plain_tensors():
    spaces = Case(matrix_product(4), OPEN, "edp").spaces
    assert [len(each) for each in chain_of(spaces).keeps] == [8, 8, 8, 1]
    assert chain_of(spaces[:1]) is None
    assert chain_of(Case(replace(matrix_product(4), sparse=SKIPPING), OPEN, "edp").spaces) is None
    assert chain_of(spaces[1:]) is None


SKIPPING = SparseSpec(actions=(ActionOptimization("BUF", "skipping", (Condition("A", ("B",)),)),))


def test_good_mappings_of_the_dense_design_are_judged_in_the_sparse_one():
    sparse = Case(replace(matrix_product(8), sparse=SKIPPING), OPEN, "edp")
    for spaces in (sparse.spaces, sparse.spaces[1:]):  # some choices may be left out
        tally = Tally("edp")
        seeds(spaces, tally, lambda *_: None, 1 << 30)
        (found,) = (space for space in spaces if space.keeps == tally.leader.mapping.nest.keeps)
        bounds = np.array([tally.leader.mapping.bounds])
        again = evaluate_nests(found.design, [(tally.leader.mapping.nest, bounds)])
        assert (tally.leader.cycles, tally.leader.energy_pj) == (again.cycles[0], again.energy_pj[0])
        assert found.design.sparse.active and tally.leader.scores[0] <= 2 * levels_best(matrix_product(8))


def levels_best(design):
    levels = levels_of(Case(design, OPEN, "edp"))
    assert levels.run()
    return levels.tally.leader.scores[0]


def test_dense_designs_and_single_choices_have_no_such_seeds():
    tally = Tally("edp")
    seeds(Case(matrix_product(4), OPEN, "edp").spaces, tally, lambda *_: None, 1 << 30)
    seeds(Case(replace(matrix_product(4), sparse=SKIPPING), OPEN, "edp").spaces[:1], tally, lambda *_: None, 1 << 30)
    assert tally.tried == 0


def test_chains_are_not_for_mappings_that_may_cost_more_than_templates_say():
    plain = matrix_product(4)
    levels, macs = plain.architecture.levels, ComputeLevel(instances=8, mesh_x=4, mesh_y=2)
    wired = Architecture((replace(levels[0], wires=Wires(hop_pj=1.0)), *levels[1:]), plain.architecture.compute)
    for architecture in (wired, Architecture(levels, macs)):
        assert chain_of(Case(replace(plain, architecture=architecture), OPEN, "edp").spaces) is None


def test_extents_and_lanes_of_a_chain():
    chain = chain_of(Case(matrix_product(4), OPEN, "edp").spaces)
    assert len(chain.extents) == 27
    assert chain.extents[-1].tolist() == [4, 4, 4]
    assert chain.lanes_inside == (1, 1, 1, 4, 4)
    both = {each for each in product((1, 2, 4), repeat=3) if np.prod(each) <= 4 and max(each) <= 2}
    assert set(chain.lanes(2)) == both


def opened(kind, seed):
    """A small case of a sparse design; one in ten has a choice of what to keep, and in half MACs may hand words on."""
    case = KINDS[kind](seed)
    constraints = case.constraints if seed % 2 else Constraints()
    if seed % 10 == 0:
        constraints = replace(constraints, either={case.design.architecture.levels[0].name: frozenset("AZ")})
    return Case(case.design, constraints, case.objective)


@cache
def thin_of(kind, seed):
    """It with its best mapping."""
    case = opened(kind, seed)
    return case, best_scores(case, every_mapping(case))


SPARSE_SEEDS = {"sparse": (*range(9), 81, 96, 123, 192), "lanes": (1, 3, 4, 5, 6, 33)}


def worst_of(kind, seeds):
    """By how much labels say too much of the best of some cases, at most (relative); inf where they drop it."""
    worst = -1.0
    for seed in seeds:
        case, best = thin_of(kind, seed)
        if best is not None:
            met = least_met(thinned(case.spaces), case.objective, best)
            worst = max(worst, np.inf if met is None else met[0] / best[0] - 1.0)
    return worst


@pytest.mark.parametrize("kind", sorted(SPARSE_SEEDS))
def test_labels_of_a_sparse_design_say_no_more_than_its_best_mapping_costs(kind):
    assert worst_of(kind, SPARSE_SEEDS[kind]) <= ROUNDING


@pytest.mark.parametrize("kind", sorted(SPARSE_SEEDS))
def test_a_best_mapping_that_labels_of_a_sparse_design_prove_is_the_best(kind):
    seen = 0
    for seed in SPARSE_SEEDS[kind]:
        case, best = thin_of(kind, seed)
        by_keeps = {space.keeps: space for space in case.spaces}
        levels = Levels(thinned(case.spaces), Tally(case.objective), lambda *_: None, judged=by_keeps)
        if levels.run() and best is not None:
            assert levels.tally.leader.scores == pytest.approx(best, rel=ROUNDING), seed
        if best is not None:
            seen += 1
            assert levels.least <= best[0] * (1 + ROUNDING), seed
    assert seen > len(SPARSE_SEEDS[kind]) / 2


def heavier(spaces, real=weights_of):
    left = real(spaces)
    return replace(left, sent=left.sent * 1.01, through=left.through * 1.01, filled=left.filled * 1.01)


def busier(spaces, real=weights_of):
    left = real(spaces)
    return replace(left, busy=left.busy * 1.01, compute_pj=left.compute_pj * 1.01)


def fewer(space, real=most_together):
    together = real(space)
    return replace(together, working=together.working / 1.01)


def narrower(self, words, density, real=Together.allowed):
    return real(self, words, density) / 1.01


@pytest.mark.parametrize(
    ("kind", "where", "wrong", "seeds"),
    [
        ("sparse", (proof, "weights_of"), heavier, (29, 81, 96, 123)),
        ("lanes", (Together, "allowed"), narrower, (66, 71)),
    ],
)
def test_a_hundredth_too_much_of_what_is_left_is_noticed(kind, where, wrong, seeds, monkeypatch):
    assert worst_of(kind, seeds) <= ROUNDING
    monkeypatch.setattr(*where, wrong)
    assert worst_of(kind, seeds) > ROUNDING


def squeezed_lanes():
    """Two MACs below four lanes, half of which are empty, and no port that takes time: the MACs alone decide."""
    packed = tuple(TensorFormat(name, "A", (Rank("CP", 3, 0),) * 8) for name in ("RF", "DRAM"))
    skips = tuple(ActionOptimization("RF", "skipping_spatial", (Condition(t, ("A",)),)) for t in "BZ")
    bits = {"metadata_width_bits": 8, "metadata_depth": 1 << 20}
    levels = (StorageLevel("RF", **bits), StorageLevel("DRAM", "DRAM", **bits))
    problem = Problem("gemm", tuple("MKN"), (4, 8, 16), (
        replace(tensor("A", "MK"), density=FixedStructured(0.5)), tensor("B", "KN"), tensor("Z", "MN", output=True)
    ))  # fmt: skip
    chain = Architecture(levels, ComputeLevel(instances=2, mesh_x=2))
    design = Design(chain, problem, SparseSpec(packed, skips), matrix_product(2).energy)
    return Case(design, apart(design), "cycles")


@pytest.mark.parametrize(("where", "wrong"), [((proof, "weights_of"), busier), ((mesh, "most_together"), fewer)])
def test_cycles_that_are_a_hundredth_too_many_of_what_macs_take_are_noticed(where, wrong, monkeypatch):
    case = squeezed_lanes()
    best = best_scores(case, every_mapping(case))
    assert best[0] == 4 * 8 * 16 / 2 / 2  # half of the products, by two MACs
    assert least_met(thinned(case.spaces), "cycles", best)[0] == best[0]
    monkeypatch.setattr(*where, wrong)
    assert least_met(thinned(case.spaces), "cycles", best) is None
