"""The document of an accelerator shows every number of its file, each with its source."""

import json

import pytest

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.documents.document import json_text, markdown_text
from crisp_hw.report.hardware import accelerator_document, accelerator_list

STC = accelerator_document(load_arch("stc"))


def numbers(document):
    return {(record["part"], record["field"]): record for record in document.records}


@pytest.mark.parametrize("name", list_arch())
def test_every_source_and_every_energy_is_shown(name):
    accelerator = load_arch(name)
    found = numbers(accelerator_document(accelerator))
    for key, source in accelerator.sources.items():
        assert found[tuple(key.split("."))]["source"] == source
    for part, actions in accelerator.energy.actions.items():
        for action, pj in actions.items():
            assert found[part, action]["value"] == pj
            assert found[part, action]["source"] == accelerator.energy.sources[part][action]
    assert len(found) == len(accelerator.sources) + sum(map(len, accelerator.energy.actions.values()))


@pytest.mark.parametrize(
    ("part", "field", "value", "unit"),
    [
        ("SMEM", "size", 262144, "words"),
        ("SMEM", "read_bandwidth", 24, "words/cycle"),
        ("SMEM", "vector_words", 32, "words"),
        ("RF", "fanout_y", 4, "below each parent"),
        ("LRF", "fanout_x", 4, "below each parent"),
        ("LRF", "fanout_y", 16, "below each parent"),
        ("MAC", "word_bits", 8, "bits"),
        ("parameters", "max_n", 2, None),
        ("parameters", "max_m", 4, None),
        ("MAC", "compute", 0.5608, "pJ"),
    ],
)
def test_numbers_of_the_packaged_stc(part, field, value, unit):
    record = numbers(STC)[part, field]
    assert (record["value"], record["unit"]) == (value, unit)


def test_levels_say_what_they_keep_and_which_loops_they_hold():
    levels = {level["level"]: level for level in STC.content["levels"]}
    assert list(levels) == ["DRAM", "SMEM", "RF", "LRF", "MAC"]
    assert (levels["RF"]["keeps"], levels["RF"]["temporal"], levels["RF"]["spatial"]) == ("Z", "K", "K=4 M=16")
    assert levels["SMEM"]["spatial"] == "G<=4 M<=4"
    assert levels["DRAM"]["size_words"] is None


def test_what_the_caller_sets_is_said_to_be_his():
    document = accelerator_document(load_arch("dense").replace(smem_bandwidth=None, rf_kb=2))
    assert numbers(document)["SMEM", "read_bandwidth"]["source"] == "set by the caller"
    shown = {row[:2]: row[2] for row in document.tables[0].rows}
    assert shown["SMEM", "read_bandwidth"] == "unlimited" and shown["RF", "size"] == "2,048"
    assert any("smem_bandwidth=None set by the caller" in note for note in document.summary["notes"])


def test_texts_of_the_documents():
    scheme = json.loads(json_text(STC))["scheme"]
    assert scheme["does"] == "N:M weights up to 2:4; a denser weight runs dense"
    assert [case["name"] for case in scheme["cases"]] == ["sparse", "dense"]
    assert "| SMEM | size | 262,144 | words |" in markdown_text(STC)
    listed = accelerator_list([load_arch(name) for name in ("dense", "stc-flexible")])
    assert [(r["name"], r["macs"]) for r in listed.records] == [("dense", 256), ("stc-flexible", 1024)]
