"""The document of a characterization holds every number once, each with its source."""

from crisp_hw import api
from crisp_hw.documents.document import json_text, markdown_text
from crisp_hw.report.characterization import characterization_document

FOUND = api.characterize("crisp-stc")
EVERY = (*FOUND.components, *FOUND.listed)
DOCUMENT = characterization_document("crisp-stc", FOUND)


def test_every_energy_and_area_is_a_record_with_its_source():
    energies = {(r["part"], r["field"]): r["value"] for r in DOCUMENT.records if r["unit"] == "pJ"}
    assert energies == {(c.name, action): cost.pj for c in EVERY for action, cost in c.actions.items()}
    areas = {r["part"]: r["value"] for r in DOCUMENT.records if r["unit"] == "um2"}
    assert areas == {c.name: c.area_um2 for c in EVERY if c.area_um2 is not None}
    assert all(r["source"] for r in DOCUMENT.records)


def test_the_tables_hold_what_the_records_hold():
    components, actions, sources = DOCUMENT.tables
    assert [row[0] for row in components.rows] == [c.name for c in EVERY]
    assert ("SMEM", "read", "124.61") in actions.rows
    assert len(actions.rows) == sum(len(c.actions) for c in EVERY)
    fields = [(row[0], field) for row in sources.rows for field in row[1].split(", ")]
    assert sorted(fields) == sorted((r["part"], r["field"]) for r in DOCUMENT.records)


def test_the_texts_name_method_and_node():
    assert DOCUMENT.title == "crisp-stc at 45 nm by table"
    assert '"method": "table"' in json_text(DOCUMENT)
    assert "## Assumptions" in markdown_text(DOCUMENT)


def test_the_node_is_that_of_the_accelerator():
    """As `evaluate` takes it: eyeriss-v1 is a chip of 65 nm."""
    own, asked, small = (api.characterize("eyeriss-v1", **given) for given in ({}, {"node_nm": 65}, {"node_nm": 45}))
    assert own.node_nm == 65 and own.table == asked.table != small.table
