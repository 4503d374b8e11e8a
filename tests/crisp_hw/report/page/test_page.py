"""The page of an evaluation: whole in one file, without a complaint in a browser, and of use at any width."""

import json
import os
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from browser import browse
from evaluations import evaluation, masked

from crisp_hw.documents.columns import Column
from crisp_hw.report.page import page as pages
from crisp_hw.report.page.evaluation import MASKLESS, evaluation_page
from crisp_hw.report.page.masks import pictures
from crisp_hw.report.page.page import Card, Chart, Page, grid, page_text
from crisp_hw.report.records import layer_records, total_records
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer


@pytest.fixture(scope="module")
def network():
    return evaluation("variants").network


@pytest.fixture(scope="module")
def text(network):
    return page_text(evaluation_page(network))


@pytest.mark.slow
def test_it_is_small_and_fetches_nothing(text):
    assert len(text.encode()) < 1_500_000
    assert "Vega 6" in text and "licence BSD-3-Clause" in text
    own = text.replace(pages.library(), "")
    assert not re.findall(r"<(?:script|img|iframe|link|source)[^>]+(?:src|href)=(?!\"data:)", own)


def test_it_says_what_the_records_say(network, text):
    layers, totals = layer_records(network), total_records(network)
    assert all(f'data-value="{each["cycles"]}"' in text for each in (*layers, *totals))
    assert "What the totals rest on" in text and "crisp-stc[smem_bandwidth=32]" in text


def test_the_same_result_gives_the_same_page(network, text):
    assert page_text(evaluation_page(network)) == text


def test_names_of_others_are_text_and_nothing_else():
    wrong = "</script><script>alert(1)</script><b onload='x'>"
    chart = Chart("c", wrong, wrong, {"data": wrong})
    table = grid(wrong, [Column("a", wrong)], [{"a": wrong}])
    made = page_text(Page(wrong, wrong, [Card(wrong, wrong)], [chart], [table], {wrong: wrong}, {wrong: [wrong]}))
    assert "alert(1)</script><b" not in made and "<b onload" not in made


def test_without_the_library_the_page_says_so(network, monkeypatch):
    monkeypatch.setattr(pages, "library", lambda: "")
    made = page_text(evaluation_page(network))
    assert "vl-convert-python is not installed" in made and "vegaEmbed" not in made and "<table>" in made


def test_masks_and_command_stand_on_the_page():
    found = evaluation("masks").network
    page = evaluation_page(found, "crisp-hw evaluate run.pt --out 'my folder'")
    text = page_text(page)
    assert "crisp-hw evaluate run.pt --out &#39;my folder&#39;" in text and list(page.masks) == ["blocks", "nm"]
    for pruned in (each for each in masked().layers if each.mask is not None):
        told = page.masks[pruned.layer.name]
        whole, near = told["whole"], told["near"]
        cells = np.frombuffer(b64decode(whole["cells"]), dtype=np.uint8).reshape(
            -1, -(-whole["columns"] // whole["wide"])
        )
        weights = np.kron(cells, np.ones((whole["high"], whole["wide"])))[: whole["rows"], : whole["columns"]]
        assert weights.mean() / 255 == pytest.approx(pruned.mask.mean(), abs=0.003)
        part = pruned.mask[near["top"] : near["top"] + near["rows"], near["left"] : near["left"] + near["columns"]]
        assert (np.frombuffer(b64decode(near["cells"]), dtype=np.uint8).reshape(part.shape) == 255 * part).all()


@pytest.mark.slow
def test_a_page_without_masks_says_why(tmp_path):
    found = evaluation("masks")
    assert MASKLESS not in page_text(evaluation_page(found.network))
    found.save(tmp_path)
    assert MASKLESS in page_text(evaluation_page(type(found).load(tmp_path).network))
    assert MASKLESS in page_text(evaluation_page(evaluation("patterns").network))
    assert MASKLESS not in page_text(evaluation_page(evaluation("dense").network))


def test_many_large_masks_leave_the_page_small():
    layers = {
        f"layer{each}": PrunedLayer(Layer(f"layer{each}", "linear", 512, 512), "nm", np.eye(512, dtype=bool))
        for each in range(300)
    }
    assert len(json.dumps(pictures(layers))) < 450_000


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone, dark"])
def test_a_browser_sorts_hovers_and_complains_of_nothing(network, text, tmp_path, width, dark):
    totals = total_records(network)
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    found = {}

    async def story(tab):
        await tab.until("document.documentElement.dataset.drawn === 'yes'")
        table = "document.querySelectorAll('section')[1]"
        place = await tab.say(f"[...{table}.querySelectorAll('th')].findIndex(each => each.textContent === 'cycles')")
        column = f"[...{table}.querySelectorAll('tbody tr')].map(row => +row.cells[{place}].dataset.value)"
        heading = f"{table}.querySelectorAll('th')[{place}]"
        for way in ("ascending", "descending"):
            await tab.say(f"{heading}.querySelector('button').click()")
            found[way] = await tab.say(column), await tab.say(f"{heading}.getAttribute('aria-sort')")
        await tab.say("document.querySelector('#chart-totals').scrollIntoView()")
        mark = "document.querySelector('#chart-totals .mark-symbol path').getBoundingClientRect()"
        x, y = await tab.say(f"[{mark}.x + {mark}.width / 2, {mark}.y + {mark}.height / 2]")
        await tab.point(x - 40, y)
        await tab.point(x, y)
        await tab.until("!!document.querySelector('#vg-tooltip-element.visible')")
        found["told"] = await tab.say("document.querySelector('#vg-tooltip-element').textContent")
        found["mapping"] = await tab.say("document.getElementById('mapping').textContent")
        found["width"] = await tab.say("document.documentElement.scrollWidth")
        found["back"] = await tab.say("getComputedStyle(document.body).backgroundColor")
        if pictures := os.environ.get("CRISP_HW_PICTURES"):
            await tab.say("scrollTo(0, 0)")
            await tab.picture(Path(pictures) / f"page-{width}.png")

    assert browse(file, tmp_path / "browser", story, width, dark) == []
    rising, falling = found["ascending"], found["descending"]
    assert rising[0] == sorted(rising[0]) and falling[0] == sorted(falling[0], reverse=True)
    assert (rising[1], falling[1]) == ("ascending", "descending") and len(set(rising[0])) > 1
    assert "energy uJ" in found["told"] and "arch" in found["told"]
    assert any(f"cycles{each['cycles']:,}" in found["told"] for each in totals)
    assert "DRAM" in found["mapping"] and found["width"] <= width
    assert found["back"] == ("rgb(21, 24, 28)" if dark else "rgb(255, 255, 255)")


DOCUMENTED = Path(__file__).parents[4] / "docs" / "reports"


@pytest.mark.parametrize("name", ["digits.html", "study.html"])
def test_the_documented_pages_are_small_whole_and_say_how_they_came_about(name):
    text = (DOCUMENTED / name).read_text(encoding="utf-8")
    assert len(text.encode()) < 1_500_000 and re.search(r"Charts: Vega .*, licence BSD-3-Clause\.", text)
    (command,) = re.findall(r'<pre class="command">(.*)</pre>', text)
    assert command in (DOCUMENTED.parent / "reports.md").read_text(encoding="utf-8")


def test_the_documented_page_is_that_of_the_readme():
    text = (DOCUMENTED / "digits.html").read_text(encoding="utf-8")
    readme = (DOCUMENTED.parents[1] / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r'<pre class="command">(.*)</pre>', text)
    assert command in readme
    (row,) = re.findall(r"^ crisp-stc +(3,\d+) ", readme, flags=re.MULTILINE)
    assert f'data-value="{row.replace(",", "")}">{row}<' in text and '"masks": {"' in text
