"""Costs of hardware reach crisp_prune by the name of an entry point alone."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from crisp_hw import evaluate
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM
from crisp_prune import hardware

ROOT = Path(__file__).parents[2]


@pytest.fixture
def registered(monkeypatch):
    """The entries of pyproject.toml, whatever an older installation of this tree has."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][hardware.GROUP]
    entries = [EntryPoint(name, value, hardware.GROUP) for name, value in named.items()]
    monkeypatch.setattr(hardware, "entry_points", lambda group: entries if group == hardware.GROUP else [])
    hardware.find_budget.cache_clear()


def layers():
    layer = Layer("a", "conv2d", 16, 16, (3, 3), padding=(1, 1), input_size=(7, 7))
    mask = np.zeros((16, 144), dtype=bool)
    mask[:, :64] = True
    mask[:, 2::4] = mask[:, 3::4] = False
    return PrunedLayer(layer, "hybrid", mask, NM(2, 4), 16), PrunedLayer(layer, "dense")


@pytest.mark.parametrize("metric", ["cycles", "energy_uj"])
def test_costs_are_those_of_an_evaluation(registered, metric):
    found = hardware.find_budget("crisp-stc", metric)
    pruned, dense = layers()
    costs = found.costs([pruned, dense, pruned])
    assert costs[0] == costs[2] < costs[1]
    row = evaluate(PrunedModel("one", (pruned,)), arch="crisp-stc").to_frame().iloc[0]
    assert costs[0] == pytest.approx(row[metric])


def test_unknown_metrics_and_accelerators_are_refused(registered):
    with pytest.raises(InputError, match="'edp' is no cost of layers; there are cycles, ms"):
        hardware.find_budget("crisp-stc", "edp")
    with pytest.raises(InputError):
        hardware.find_budget("nobody", "cycles")


def test_without_an_entry_it_is_said(monkeypatch):
    monkeypatch.setattr(hardware, "entry_points", lambda group: [])
    hardware.find_budget.cache_clear()
    with pytest.raises(InputError, match="no installed program offers costs of hardware"):
        hardware.find_budget("crisp-stc", "cycles")
