"""Sums of energies against a loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.report.energies import Energies, summed

parts = st.dictionaries(st.sampled_from(["dram", "smem", "rf"]), st.floats(0, 1e6))


@pytest.mark.slow
@given(st.lists(st.builds(Energies, parts, parts, st.none() | parts, parts, parts), min_size=1, max_size=5))
def test_every_part_is_the_sum_of_its_parts(every):
    total = summed(every)
    for kind in ("this", "dense", "index", "beside"):
        dicts = [getattr(each, kind) for each in every]
        names = {name for each in dicts for name in each}
        assert getattr(total, kind) == {name: pytest.approx(sum(d.get(name, 0.0) for d in dicts)) for name in names}
    if any(each.metadata is None for each in every):
        assert total.metadata is None
    else:
        assert sum(total.metadata.values()) == pytest.approx(sum(sum(each.metadata.values()) for each in every))
