"""The tables that hold the model against the masks, with numbers that can be worked out by hand."""

from dataclasses import replace

import pytest

from crisp_hw.documents.document import json_text, markdown_text
from crisp_hw.report.density import LEGEND, density_records, density_tables, tile_records
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.spec.evaluation import DensityCheck, NetworkEvaluation, TileCheck, TileContent

MEGA = 1_000_000
TILE = TileCheck("RF", (1, 16, 4), TileContent(8.0, 10, 0.25), TileContent(8.0, 15, 0.0))


@pytest.fixture
def checked(row):
    """100 cycles and 16 uJ by the masks, 120 cycles and 20 uJ (8 on chip, not 6) by the model."""
    found = row(pj=(10 * MEGA, 4 * MEGA, 2 * MEGA))
    model = row(cycles=120, pj=(12 * MEGA, 5 * MEGA, 3 * MEGA)).result
    return replace(found, check=DensityCheck("actual", model, (TILE,)))


def test_a_layer_by_hand(checked):
    (record,) = density_records(NetworkEvaluation("net", (checked,)))
    assert record == {
        "arch": "a",
        "layer": "conv",
        "density_model": "actual",
        "cycles": 100,
        "statistical_cycles": 120,
        "cycles_error": pytest.approx(0.2),
        "model_on_chip_uj": 6.0,
        "statistical_on_chip_uj": 8.0,
        "on_chip_error": pytest.approx(1 / 3),
        "model_energy_uj": 16.0,
        "statistical_energy_uj": 20.0,
        "energy_error": pytest.approx(0.25),
        "statistical_invalid": None,
    }


def test_a_tile_by_hand(checked):
    (record,) = tile_records(NetworkEvaluation("net", (checked,)))
    assert record == {
        "arch": "a",
        "layer": "conv",
        "density_model": "actual",
        "level": "RF",
        "tile": "1x16x4",
        "mean_words": 8.0,
        "statistical_mean_words": 8.0,
        "mean_error": 0.0,
        "largest_words": 10,
        "statistical_largest_words": 15,
        "largest_error": 0.5,
        "empty_share": 0.25,
        "statistical_empty_share": 0.0,
    }


def test_nothing_over_nothing_is_no_error(checked):
    empty = replace(TILE, found=TileContent(0.0, 0, 1.0))
    row = replace(checked, check=replace(checked.check, tiles=(empty,)))
    (record,) = tile_records(NetworkEvaluation("net", (row,)))
    assert (record["mean_error"], record["largest_error"]) == (None, None)


def test_why_the_model_refuses(checked):
    model = replace(checked.check.model, valid=False, reasons=("level RF: 9 words needed, 8 there",))
    row = replace(checked, check=replace(checked.check, model=model))
    network = NetworkEvaluation("net", (row,))
    assert density_records(network)[0]["statistical_invalid"] == "level RF: 9 words needed, 8 there"
    assert (
        density_tables(density_records(network), tile_records(network))[0].rows[0][-1]
        == "level RF: 9 words needed, 8 there"
    )


def test_the_document_holds_both_tables(checked, row):
    text = markdown_text(evaluation_document(NetworkEvaluation("net", (checked, row(layer="plain")))))
    assert "## the statistical model against density actual on a" in text
    assert "| conv | 100 | 120 | 20.0 % | 6.00 | 8.00 | 33.3 % | 25.0 % |" in text
    assert "| conv | RF | 1x16x4 | 8.00 | 0.0 % | 10 | 50.0 % | 25.0 % | 0.0 % |" in text
    assert LEGEND.split(";")[0] in text


def test_an_evaluation_with_the_model_says_nothing_of_it(network):
    document = evaluation_document(network)
    assert "density" not in document.content
    assert LEGEND not in document.remarks["reading"]
    assert density_tables(density_records(network), tile_records(network)) == ()


def test_json_keeps_the_numbers(checked):
    document = evaluation_document(NetworkEvaluation("net", (checked,)))
    assert '"cycles_error": 0.19999999999999996' in json_text(document)
    assert document.content["density"]["tiles"][0]["tile"] == "1x16x4"
