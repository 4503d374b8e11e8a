"""The table of kinds of checkpoints: what its docs say, and every kind whose writer is installed here."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="writes weights")
import checkpoints

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "foreign-checkpoint.md"
NEEDS = {
    "checkpoint of a Trainer": "pytorch_lightning",
    "folder with an index": "transformers",
    "2:4 as a bitmask": "compressed_tensors.compressors.sparse_compressors",
    "ONNX": "onnx",
}
SLOW = ("ONNX", "exported program", "sparsifier with its masks")


def test_the_page_has_a_row_per_kind():
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| ") and "| yes |" in line]
    assert [cells[1].strip() for cells in rows] == list(checkpoints.KINDS) and len(rows) == 15
    assert all("all" in cells[4] for cells in rows)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in checkpoints.KINDS]
)
def test_a_kind_is_read_and_its_zeros_are_right(kind):
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind], reason="writes this kind")
    row = checkpoints.row_of(kind)
    assert "| yes | all" in row, row
