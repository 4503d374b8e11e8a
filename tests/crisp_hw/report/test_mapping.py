"""The best mapping as a document: counts, reasons, and a front of so many points."""

from dataclasses import replace

import pytest
import yaml

from crisp_hw.dropin.map_files import Mapped, map_files
from crisp_hw.mapper.tally import FrontPoint
from crisp_hw.report.mapping import content, front_records, map_document

DOCUMENTS = {
    "architecture": {
        "version": "0.4",
        "subtree": [
            {
                "name": "system",
                "local": [
                    {"name": "DRAM[1..1]", "class": "DRAM", "attributes": {"width": 16, "word_bits": 16}},
                    {"name": "RF[1..1]", "class": "SRAM", "attributes": {"depth": 8, "width": 16, "word_bits": 16}},
                    {"name": "MAC[1..2]", "class": "intmac", "attributes": {"datawidth": 16, "meshX": 2}},
                ],
            }
        ],
    },
    "problem": {
        "shape": {
            "name": "dot",
            "dimensions": ["K"],
            "data_spaces": [
                {"name": "A", "projection": [[["K"]]]},
                {"name": "Z", "projection": [], "read_write": True},
            ],
        },
        "instance": {"K": 8},
    },
}


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "all.yaml"
    path.write_text(yaml.safe_dump(DOCUMENTS))
    return map_files([path], "cycles")


def with_front(mapped, figures):
    front = tuple(FrontPoint(cycles, energy, mapped.found.mapping) for cycles, energy in figures)
    return replace(mapped, found=replace(mapped.found, front=front))


def test_the_front_holds_the_best_and_others_spread_evenly(mapped):
    best = (mapped.found.cycles, mapped.found.energy_pj)
    others = [(best[0] + i, best[1] - i) for i in range(1, 11)]
    wide = with_front(mapped, [best, *others])
    found = [(record["cycles"], record["energy_pj"]) for record in front_records(wide, 4)]
    assert found == [best, others[0], others[4], others[9]]
    assert len(front_records(wide, 100)) == 11
    assert [record["cycles"] for record in front_records(wide, 1)] == [best[0]]


def test_more_than_one_point_is_a_table(mapped):
    assert "dot: mappings that none beats in both cycles and energy" not in [
        t.title for t in map_document(mapped).answer
    ]
    wide = with_front(mapped, [(mapped.found.cycles + 1, 1.0)])
    titles = [table.title for table in map_document(wide, 5).answer]
    assert "dot: mappings that none beats in both cycles and energy" in titles
    assert len(map_document(wide, 5).records) == 2


def test_what_was_dropped_has_a_line_per_rule(mapped):
    dropped = replace(mapped.found, pruned={"lanes of RF": 12})
    seen = Mapped(mapped.evaluated, dropped, 2, {"RF cannot decompress A from DRAM": 2})
    tables = {table.title: table.rows for table in map_document(seen).tables}
    assert tables["dot: factorizations dropped"] == (("lanes of RF", "12"),)
    assert tables["dot: choices of keep and bypass left out"] == (("RF cannot decompress A from DRAM", "2"),)
    assert content(seen)["search"]["pruned"] == {"lanes of RF": 12}


def test_the_certificate_is_told(mapped):
    assert map_document(mapped).summary["search"] == (mapped.found.certificate,)
