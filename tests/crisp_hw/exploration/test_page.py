"""The page of a study: whole in one file, every point in it, and of use in a browser."""

import pytest
from browser import browse
from exploring import SPACE, TABLE

import crisp_hw
from crisp_hw.exploration.page import MOST_DRAWN, MOST_ROWS, study_page
from crisp_hw.exploration.study import Study
from crisp_hw.report.page.page import page_text
from crisp_hw.spec.study import Axis, Judged, Objective, Space, Trial


@pytest.fixture(scope="module")
def study():
    return crisp_hw.explore(TABLE, space=SPACE, conditions=["smem_bandwidth > 8 or rf_kb > 1"])


def test_every_point_stands_in_tables_and_charts(study):
    page = study_page(study, "crisp-hw explore 'my space.yaml'")
    front, points = page.grids
    assert len(points.rows) == 12 and len(front.rows) == len(study.pareto())
    drawn = [each.spec["data"]["values"] for each in page.charts]
    assert [len(each) for each in drawn] == [10, 10, 10, 9]
    assert {each["trial"] for each in drawn[0] if each["place"] == "on the front"} == set(study.pareto()["trial"])
    assert page.folded["Why points are infeasible"] == [
        "2 points: the condition smem_bandwidth > 8 or rf_kb > 1 does not hold"
    ]
    text = page_text(page)
    assert "crisp-hw explore &#39;my space.yaml&#39;" in text and len(text.encode()) < 1_500_000


@pytest.mark.slow
def test_a_study_of_ten_thousand_points_is_one_small_page():
    axes = Space((Axis("levels.SMEM.size", low=1, high=9), Axis("nm", ("2:4", None))))
    record = {"cycles": 1.25, "energy_uj": 2.5, "area_mm2": 0.125, "binds": "MAC"}
    trials = tuple(
        Trial(
            number,
            {"levels.SMEM.size": number / 7, "nm": "2:4"},
            Judged({**record, "cycles": number * 1.1, "energy_uj": 1e4 - number}),
        )
        for number in range(10_000)
    )
    two = (Objective("cycles"), Objective("energy_uj"))
    page = study_page(Study("many", axes, two, trials))
    assert len(page.grids[1].rows) == MOST_ROWS and "points.csv has all" in page.grids[1].title
    assert len(page.charts[0].spec["data"]["values"]) <= 2 * MOST_DRAWN
    assert len(page_text(page).encode()) < 1_500_000


@pytest.mark.slow
@pytest.mark.process
def test_a_browser_shows_it_on_a_phone_and_complains_of_nothing(study, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(page_text(study_page(study)), encoding="utf-8")
    found = {}

    async def story(tab):
        await tab.until("document.documentElement.dataset.drawn === 'yes'")
        found["marks"] = await tab.say(
            "document.querySelectorAll('#chart-of-cycles-energy_uj .mark-symbol path').length"
        )
        found["bars"] = await tab.say("document.querySelectorAll('#chart-matter .mark-rect path').length")
        found["width"] = await tab.say("document.documentElement.scrollWidth")
        found["sorted"] = await tab.say(
            "document.querySelectorAll('th button')[0].click(), document.querySelector('th').getAttribute('aria-sort')"
        )

    assert browse(file, tmp_path / "browser", story, 390, True) == []
    assert found["marks"] >= 10 and found["bars"] == 9 and found["width"] <= 390 and found["sorted"] == "ascending"
