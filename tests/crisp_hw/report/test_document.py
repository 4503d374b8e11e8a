"""Documents as JSON and markdown."""

import json
from dataclasses import replace

import pytest

from crisp_hw.documents.document import Document, json_text, markdown_text
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.report.moved import level_records
from crisp_hw.report.records import layer_records, total_records


def test_json_holds_everything(network):
    content = json.loads(json_text(evaluation_document(network)))
    assert content["schema"] == "crisp-hw/result/2"
    assert content["layers"] == json.loads(json.dumps(layer_records(network)))
    assert content["levels"] == json.loads(json.dumps(level_records(network)))
    assert content["totals"] == json.loads(json.dumps(total_records(network)))
    assert content["skipped"][0] == {"name": "relu", "reason": "elementwise"}
    assert content["provenance"] == {"seed": 3}
    assert {"text": "padded", "archs": ["a", "b"], "layers": ["c1", "c2"]} in content["assumptions"]
    assert set(content["versions"]) == {"crisp-hw", "numpy", "python"}


def test_json_never_holds_nan():
    with pytest.raises(ValueError, match="Out of range"):
        json_text(Document("t", (), content={"x": float("nan")}))


def test_markdown_has_tables_pictures_and_remarks(network):
    text = markdown_text(evaluation_document(network), ("speedup.png",))
    assert "![speedup](speedup.png)" in text
    for line in ("# net, 2:4, blocks of 64", "## Assumptions", "- one sample", "## Skipped", "- relu: elementwise"):
        assert line in text.splitlines()
    assert text.count("| c1 | 2:4 B64 | 33.3 % |") == 2


def test_markdown_escapes_names(network):
    text = markdown_text(evaluation_document(replace(network, name="<script>*x*", assumptions=("a_b <i>",))))
    assert "# \\<script>\\*x\\*, 2:4" in text and "- a\\_b \\<i>" in text
