"""The measured cells of a study beside what CRISP claims."""

from pathlib import Path

import pytest

from crisp_hw.errors import InputError
from crisp_hw.reproduction import Request, reproduce

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "sparsity-four-classes.json"


def test_pairs_of_the_committed_study_are_told():
    found = reproduce("crisp-accuracy", Request(results=RESULTS))
    bounds = {bound.name: bound for bound in found.bounds}
    assert len(bounds) == 12
    dense = bounds["top-1 of CRISP 2:4, block 16 below dense at 0.9, 4 classes"]
    assert dense.value == pytest.approx(-0.0035, abs=5e-5) and dense.allowed == 0.02 and dense.within
    blocks = bounds["top-1 of CRISP 2:4, block 16 below block 16 at 0.9, 4 classes"]
    assert blocks.value == pytest.approx(0.0013, abs=5e-5) and not blocks.within and not found.holds
    assert found.panels[0].places == ("0.8", "0.9", "0.94") and len(found.panels[0].series) == 5


def test_without_results_or_with_others_it_is_refused(tmp_path):
    with pytest.raises(InputError, match="needs the results of a study; give --results"):
        reproduce("crisp-accuracy")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"is no results\.json of a study"):
        reproduce("crisp-accuracy", Request(results=tmp_path / "other.json"))
    with pytest.raises(InputError, match="results has no effect on the reproduction eie"):
        reproduce("eie", Request(results=RESULTS))
