"""One row of the mapper's table: limits in processor time, what is claimed, and the opponents."""

import time
from dataclasses import replace

import pytest
import yaml
from judged import Watch, interrupted_after, judged
from problems import Convolution
from random_mappings import best_of_random
from rows import ROWS, Asked, Row

from crisp_hw.mapper.found import SearchStatus


def test_a_limit_in_processor_seconds_interrupts():
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.05):
        while True:
            time.process_time()


def test_without_a_limit_nothing_interrupts():
    with interrupted_after(0):
        assert sum(range(1000)) == 499500


def test_the_best_at_a_moment_is_remembered():
    watch = Watch(start=0.0, steps=[(1.0, 50.0), (7.0, 40.0)])
    assert (watch.after(0.5), watch.after(5), watch.after(8)) == (None, 50.0, 40.0)
    watch(SearchStatus(1, 2))
    watch(SearchStatus(1, 2, 10, 5.0))  # no better than what was there
    assert watch.after(float("inf")) == 40.0


def test_an_option_that_the_search_does_not_have_is_named():
    assert judged(Row("new", "new", "g512", Asked(), options=("no_such",)), 1, 0) == {
        "claim": "not run: no option no_such"
    }


@pytest.mark.slow
def test_a_small_layer_is_judged_with_its_opponents():
    """8 channels of 7 x 7 pixels: gone through by the search; random mappings find nothing better."""
    row = replace(ROWS["weight-stationary-3x3"], name="small", layer=Convolution(8, 8, 1, 1, 2, 2))
    said = judged(row, 0, 0.2)
    assert said["claim"] == "proven" and said["gap"] == 0
    assert said["edp"] == pytest.approx(said["cycles"] * said["energy_pj"])
    assert said["random"]["valid"] > 0 and said["edp"] <= said["random"]["edp"]
    assert said["hand"] is None


@pytest.mark.slow
def test_random_mappings_end_in_time(tmp_path):
    (tmp_path / "design.yaml").write_text(yaml.safe_dump(ROWS["g512"].documents()))
    found = best_of_random(tmp_path / "design.yaml", 0.2)
    assert found["valid"] > 0 and found["edp"] >= 3.157e15
