"""What a search has found so far."""

import numpy as np
import pytest
from small_spaces import KINDS

from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.tally import Tally


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 5])
def test_mappings_that_cannot_lead_are_counted_like_those_that_are_entered(seed, monkeypatch):
    case, tallies = KINDS["windows"](seed), []
    for looked_at in (Tally.may_lead, lambda self, batch: np.ones(len(batch.cycles), dtype=bool)):
        monkeypatch.setattr(Tally, "may_lead", looked_at)
        tallies.append(Tally(case.objective))
        assert Exact(case.spaces, tallies[-1], lambda *_: None).run()
    few, every = tallies
    assert (few.leader, few.tried, few.valid) == (every.leader, every.tried, every.valid)
    assert few.valid > 0
