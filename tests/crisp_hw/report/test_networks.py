"""The documents of workloads."""

import json

from crisp_hw.documents.document import json_text, markdown_text
from crisp_hw.report.networks import workload_document, workload_list
from crisp_hw.spec.layer import Layer, Skipped, Workload

NET = Workload(
    "net",
    (
        Layer("c", "conv2d", 8, 4, (3, 3), (2, 2), (1, 1), input_size=(8, 8), groups=2),
        Layer("fc", "linear", 10, 128, tokens=3),
    ),
    (Skipped("relu", "elementwise"),),
    "made up",
)


def test_a_record_per_layer():
    conv, fc = workload_document(NET).records
    assert (conv["rows"], conv["columns"], conv["positions"], conv["kernel"], conv["stride"]) == (
        8,
        18,
        16,
        "3x3",
        "2x2",
    )
    assert (fc["positions"], fc["kernel"], fc["macs"]) == (3, None, 3840)


def test_sums_source_and_skipped_are_said():
    document = workload_document(NET)
    assert document.summary["totals"] == ("2 layers, 1,424 weights, 6,144 MACs for one sample",)
    assert document.remarks["skipped"] == ("relu: elementwise",)
    content = json.loads(json_text(document))
    assert (content["weights"], content["macs"], content["source"]) == (8 * 18 + 1280, 8 * 18 * 16 + 3840, "made up")
    assert "| fc | linear | 10 | 128 | 3 | – | – | 1 | 1,280 | 3,840 |" in markdown_text(document)


def test_the_list_has_one_row_per_workload():
    assert [(r["name"], r["layers"], r["weights"]) for r in workload_list([NET, NET]).records] == [("net", 2, 1424)] * 2
