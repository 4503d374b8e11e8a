"""EIE's times: the mean deviation over nine layers, and that the packaged machine is what they rest on."""

from dataclasses import replace

import pytest

from crisp_hw.reproduction import Request, eie, reproduce
from crisp_hw.reproduction.eie import Published
from crisp_hw.reproduction.published import published


@pytest.fixture(scope="module")
def found():
    return reproduce("eie")


@pytest.mark.slow
def test_nine_layers_deviate_by_less_than_ten_percent_on_average(found):
    assert found.holds
    assert [round(bound.value, 3) for bound in found.bounds] == [0.092, 0.098]
    assert [claim.claim for claim in found.claims][:3] == ["Alex-6", "Alex-7", "Alex-8"]


@pytest.mark.slow
def test_the_two_that_are_far_are_explained(found):
    by_name = {claim.claim: claim for claim in found.claims}
    far = [name for name, claim in by_name.items() if abs(claim.deviation) > 0.15]
    assert far == ["Alex-8", "VGG-6"]
    assert all("take an input with" in by_name[name].why for name in far)
    assert abs(by_name["Alex-8, densities of the authors' file"].deviation) < 0.05


def test_the_packaged_machine_is_what_runs(monkeypatch):
    paper = published("eie", Published)
    one = paper.model_copy(update={"layers": paper.layers[7:8], "measured": []})
    monkeypatch.setattr(eie, "published", lambda name, schema: one)
    usual = eie.eie(Request()).claims[0].ours
    half = replace(eie.read_queued_pes(), pes=32)
    monkeypatch.setattr(eie, "read_queued_pes", lambda: half)
    assert eie.eie(Request()).claims[0].ours > 1.8 * usual
