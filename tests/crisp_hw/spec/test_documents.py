"""The columns of the other tables: the same words, every one with a meaning, and tables that fit 80 columns."""

import re

import pytest

from crisp_hw import api
from crisp_hw.documents.screen import screen_text
from crisp_hw.report.hardware import accelerator_document
from crisp_hw.report.masks import descriptor_document
from crisp_hw.report.networks import workload_document, workload_list
from crisp_hw.spec.documents import DOCUMENTS
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.vocabulary import SECTIONS

OF_EVALUATIONS = {column.key: column for section in SECTIONS.values() for column in section.columns}
EVERY = [(section.title, column) for section in DOCUMENTS for column in section.columns]


@pytest.mark.parametrize(("title", "column"), EVERY, ids=lambda each: getattr(each, "key", each))
def test_a_meaning_is_told(title, column):
    assert re.match(r"[A-Za-z`]", column.meaning) and column.meaning.endswith(".")
    assert column.heading and column.priority <= 6


@pytest.mark.parametrize("words", ["cycles", "utilization", "density", "kept_ratio", "bound_by", "rows", "positions"])
def test_a_word_of_evaluations_is_the_same_everywhere(words):
    for _, column in EVERY:
        if column.key == words:
            known = OF_EVALUATIONS[words]
            assert (column.heading, column.style, column.meaning) == (known.heading, known.style, known.meaning)


def test_every_energy_has_its_unit_in_the_key():
    for _, column in EVERY:
        if "nergy of" in column.meaning and column.style == "number":
            assert column.unit in ("uJ", "pJ"), column


DOCUMENTS_OF_NETWORKS = {
    "describe": lambda: descriptor_document(
        "resnet50", api.describe(api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9))
    ),
    "workload show": lambda: workload_document(api.load_workload("resnet50")),
    "workload list": lambda: workload_list([api.load_workload(name) for name in api.list_workloads()]),
    "arch show": lambda: accelerator_document(api.load_arch("crisp-stc")),
}


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", DOCUMENTS_OF_NETWORKS)
def test_tables_are_not_wider_than_the_screen(name, width):
    document = DOCUMENTS_OF_NETWORKS[name]()
    lines = screen_text(document, width).splitlines()
    assert max(map(len, lines)) <= width
    everything = {column.heading for table in document.tables for column in table.columns}
    shown = screen_text(document, width, wide=True)
    assert "not shown" not in shown and all(heading.split()[0] in shown for heading in everything)
