"""Drivers against a cost that is easy to know, and the same signature for all of them."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.hardware import Target, target_from
from crisp_prune.ratios.amc import amc
from crisp_prune.ratios.drivers import DRIVERS, choose, netadapt
from crisp_prune.ratios.settle import problem_of, settle

torch.set_num_threads(1)


class Weights:
    """A budget of kept weights x positions."""

    def costs(self, layers):
        kept = [layer.layer.macs if layer.mask is None else layer.layer.macs * layer.mask.mean() for layer in layers]
        return tuple(float(each) for each in kept)


class Dense:
    """Hardware that masks save nothing on."""

    def costs(self, layers):
        return tuple(float(layer.layer.macs) for layer in layers)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip


def batches():
    torch.manual_seed(1)
    labels = torch.arange(32) % 4
    images = torch.rand(32, 1, 6, 6) + labels.reshape(-1, 1, 1, 1) * 0.5
    return list(DataLoader(TensorDataset(images, labels), batch_size=8))


@pytest.fixture(scope="module")
def problem():
    config = CrispConfig(pattern="block", block=4, sparsity=0.5, epochs=1)
    found = problem_of(network(), config, batches(), Weights(), Target("cycles", 0.4, relative=True))
    vars(found.judge)["evaluations"] = 6  # a frozen value; few, so that every driver is quick
    return found


def test_costs_are_those_of_exported_masks(problem):
    dense = 36 * 8 * 9 + 36 * 16 * 72 + 9 * 16 * 144 + 64
    assert problem.dense == dense
    half = {"2": 9, "5": 18}
    assert problem.cost(half) == 36 * 8 * 9 + 36 * 16 * 36 + 9 * 16 * 72 + 64
    assert problem.cost(problem.most) == dense and problem.limit == pytest.approx(0.4 * dense)


@pytest.mark.train
@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_every_driver_meets_the_budget_and_crisp_ends_there(problem, driver):
    if driver == "tpe":
        pytest.importorskip("optuna", reason="TPE is Optuna's")
    found = settle(problem, driver)
    assert 0.98 * problem.limit < found.cost <= problem.limit
    pruner = Crisp(network(), found.config, sample=torch.zeros(1, 1, 6, 6))
    while not pruner.done:
        pruner.step(batches())
    kept = {name: int(pruner.masks[name].blocks[0].sum()) for name in problem.layers}
    assert problem.cost(kept) == pytest.approx(found.cost)
    assert {name: kept[name] / most for name, most in problem.most.items()} == pytest.approx(found.shares)


def test_judging_leaves_the_network_alone(problem):
    before = {name: value.clone() for name, value in problem.pruner.model.state_dict().items()}
    kept = problem.fit(dict.fromkeys(problem.layers, 1.0))
    problem.judged.clear()
    assert problem.score(kept) == problem._judge(kept)
    assert all(torch.equal(value, before[name]) for name, value in problem.pruner.model.state_dict().items())


def test_a_choice_whose_steps_blow_up_is_worth_nothing(problem, monkeypatch):
    monkeypatch.setattr(problem, "config", replace(problem.config, lr=1e30))
    assert problem._judge(problem.fit(dict.fromkeys(problem.layers, 1.0))) == 0.0


def test_netadapt_takes_the_choice_that_keeps_most_accuracy(problem, monkeypatch):
    """With a judge that values layer 5 alone, layer 2 pays until one block a row is left."""
    monkeypatch.setattr(problem, "score", lambda kept: kept["5"] / problem.most["5"])
    kept = netadapt(problem)
    uniform = choose(problem, "uniform")
    assert kept["5"] > uniform["5"] and kept["2"] < uniform["2"]


def test_the_agent_learns_which_layer_matters(problem, monkeypatch):
    monkeypatch.setattr(problem, "score", lambda kept: kept["5"] / problem.most["5"])
    vars(problem.judge)["evaluations"] = 60
    walked = amc(problem)
    vars(problem.judge)["evaluations"] = 6
    assert len(walked.rewards) == 60 and max(walked.rewards) == walked.best["5"] / problem.most["5"]
    assert walked.best["5"] > choose(problem, "uniform")["5"] and problem.allowed(walked.best)


def test_what_cannot_be_met_is_refused():
    config = CrispConfig(pattern="block", block=4, sparsity=0.5, epochs=1)
    with pytest.raises(
        InputError, match=r"a cost of .* cycles is out of reach: with one block a row in every layer it is"
    ):
        problem_of(network(), config, batches(), Weights(), Target("cycles", 0.01, relative=True))
    with pytest.raises(InputError, match=r"10 cycles is out of reach.* gains nothing from these masks"):
        problem_of(network(), config, batches(), Dense(), Target("cycles", 10))
    with pytest.raises(InputError, match="the pattern filter has no budget; block and hybrid have"):
        problem_of(network(), CrispConfig(pattern="filter"), batches(), Weights(), Target("cycles", 0.5, relative=True))


def test_unknown_drivers_are_named(problem):
    with pytest.raises(InputError, match="unknown driver 'best'; there are uniform, global"):
        choose(problem, "best")


@pytest.mark.parametrize("text", ["0.25", "cycles", "cycles=", "=3", "cycles=-1", "cycles=nan", "x", ""])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(InputError, match="is no budget; write METRIC=AMOUNT"):
        target_from(text)


def test_budgets_are_read():
    assert target_from("energy_uj=0.5x") == Target("energy_uj", 0.5, relative=True)
    assert target_from("cycles=2e6").amount(1.0) == 2e6
