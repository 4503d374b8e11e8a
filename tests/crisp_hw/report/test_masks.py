"""The document of masks shows what `describe` found."""

import json
from dataclasses import replace

import numpy as np

from crisp_hw.descriptors import describe
from crisp_hw.documents.document import json_text
from crisp_hw.report.masks import descriptor_document, descriptor_records
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer

DENSE = describe(PrunedLayer(Layer("stem", "linear", 4, 8), "dense"))


def test_a_balanced_hybrid_layer(pruned):
    found = describe(pruned)
    dense, hybrid = descriptor_records([DENSE, found])
    assert list(dense) == list(hybrid)
    assert (hybrid["nm"], hybrid["kept_blocks"], hybrid["total_blocks"], hybrid["kept_ratio"]) == ("2:4", 3, 8, 3 / 8)
    assert (hybrid["nonzeros"], hybrid["density"], hybrid["balanced"]) == (64 * 24, 24 / 128, True)
    assert hybrid["crisp_bits"] == found.metadata_bits["crisp"] == 4 * 3 * 3 + 64 * 24 * 2
    assert (dense["balanced"], dense["crisp_bits"], dense["csr_bits"]) == (None, None, DENSE.metadata_bits["csr"])


def test_the_table_shows_blocks_and_kilobits(pruned):
    (row,) = descriptor_document("net", [describe(pruned)]).tables[0].rows
    assert row[:9] == ("fc", "hybrid", "64 x 128", "18.8 %", "2:4", "3/8 B16", "37.5 %", "4:8 of 2:4", "3.11")
    assert row[11] == "8.19"  # a bit per weight: 8192 bits


def test_broken_claims_are_notes_of_their_layers(pruned):
    mask = pruned.mask.copy()
    mask[0, :4] = True
    broken = [describe(replace(pruned, mask=mask, layer=replace(pruned.layer, name=name))) for name in ("x", "y")]
    document = descriptor_document("net", [*broken, DENSE])
    assert document.remarks["notes"] == (
        "claims 2:4 but group 0 of row 0 holds 4 [x, y]",
        "claims blocks of 16 but block rows keep 3 to 4 of 8 blocks, so CRISP's format cannot hold it [x, y]",
    )
    assert document.tables[0].rows[0][4] == "uneven/8 B16"  # no N:M column: no layer has one
    content = json.loads(json_text(document))
    assert content["layers"][0]["notes"] == list(broken[0].notes) and content["layers"][2]["notes"] == []


def test_the_summary_counts_all_weights(pruned):
    document = descriptor_document("net", [describe(pruned), DENSE])
    kept = int(np.sum(pruned.mask)) + 32
    assert document.summary["totals"][0] == f"2 layers keep {kept:,} of 8,224 weights ({kept / 8224:.2%})"
