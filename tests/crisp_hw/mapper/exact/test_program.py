"""The pairs of a join are those of the whole matrix of costs that fit, with the same numbers, however few they are."""

from itertools import islice, product

import numpy as np
import pytest
from small_spaces import KINDS

from crisp_hw.mapper.exact import program
from crisp_hw.mapper.exact.program import Rest
from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.exact.setting import Node
from crisp_hw.mapper.tally import Tally

pytestmark = pytest.mark.slow

ROUNDING = 1e-12  # relative: what sums of floats in another order may differ by


def joins(kind, seed):
    """States, rows and what follows them, of some templates of a small space."""
    case = KINDS[kind](seed)
    setting = Exact(case.spaces, Tally(case.objective), lambda *_: None).setting
    groups = range(len(setting.values.groups))
    nodes = product(range(len(case.spaces)), setting.sides, product(*setting.classes))
    for index, forced, decided in islice(nodes, 12):
        one = setting.program(Node(index, forced, decided))
        values = [setting.tables.of(one, group).values for group in groups]
        if all(map(len, values)):
            later = values[2:] or [np.ones((1, len(one.columns)))]
            rest = Rest(*(np.prod([end(each, axis=0) for each in later], axis=0) for end in (np.min, np.max)))
            rows = values[1] if len(values) > 1 else np.ones((1, len(one.columns)))
            yield one, values[0], rows, rest


@pytest.mark.parametrize("few", [0, 4, 1 << 40], ids=["all are few", "as it is", "none are few"])
@pytest.mark.parametrize("kind", ["dense", "fanned", "sparse", "windows", "wires"])
def test_pairs_are_the_costs_that_fit(kind, few, monkeypatch):
    monkeypatch.setattr(program, "FEW", few)
    fitting = dropped = 0
    for seed in range(3):
        for one, states, rows, rest in joins(kind, seed):
            costs, found = one.costs(states, rows, rest), one.pairs(states, rows, rest)
            state, row = np.nonzero(costs.fits)
            assert (found.state.tolist(), found.row.tolist()) == (state.tolist(), row.tolist())
            assert found.costs.energy_pj == pytest.approx(costs.energy_pj[state, row], rel=ROUNDING)
            assert found.costs.cycles.tolist() == costs.cycles[state, row].tolist()
            assert found.costs.fits.all()
            fitting, dropped = fitting + len(state), dropped + costs.fits.size - len(state)
    assert fitting > 20
    assert dropped > 0 or kind in ("sparse", "wires")
