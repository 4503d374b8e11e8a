"""DSTC's Figure 21: what is judged holds, and what the calibration may and may not do."""

import pytest

from crisp_hw.reproduction import Request, dstc
from crisp_hw.reproduction.dstc import Calibration, Point, Run, calibrated


def run(a, b, published, ours):
    return Run(Point(a=a, b=b, latency_us=1.0), published, ours, "MAC", ours)


@pytest.mark.slow
def test_figure_21_is_within_what_is_allowed():
    found = dstc.dstc(Request())
    assert found.holds, found.bounds
    assert [bound.allowed for bound in found.bounds] == [0.18, 0.10, 0.05, None, None, None]
    assert [claim.published for claim in found.claims][:3] == [1.0, 2500 / 4600, 4160 / 4600]
    assert all("binds; calibrated" in claim.why for claim in found.claims)
    # without the calibration nothing is changed by it
    assert found.panels[0].series[1].values == tuple(claim.ours for claim in found.claims)


def test_a_machine_that_follows_the_assumption_is_found_again():
    truth = Calibration(0.2, 0.1)
    points = [Point(a=a, b=b, latency_us=1.0) for a in (1.0, 0.7, 0.3) for b in (1.0, 0.4)]
    runs = [run(each.a, each.b, truth.floor(each), each.a * each.b) for each in points]
    assert calibrated(runs) == truth


def test_a_model_that_is_right_is_not_calibrated():
    runs = [run(a, 1.0, a, a) for a in (1.0, 0.7, 0.3)]
    assert calibrated(runs) == Calibration(0.0, 0.0)


@pytest.mark.parametrize(("ours", "wanted"), [(0.9, 0.9), (0.5, 0.6)])
def test_what_binds_elsewhere_is_not_made_faster(ours, wanted):
    assert Calibration(0.2, 0.0).applied(run(0.5, 1.0, 1.0, ours)) == pytest.approx(wanted)
