"""Layers timed on a GPU as a document."""

from collections.abc import Sequence

from crisp_hw.documents.columns import plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.verdicts import TIMED
from crisp_hw.spec.gpu import TimedLayer
from crisp_hw.spec.layer import Skipped

SCHEMA = "crisp-hw/measurement/1"
NOTES = (
    "measured: dense time over the time with 2:4 weights, medians of torch.utils.benchmark; predicted: dense cycles "
    "over cycles of the accelerator in the model, which is another machine than the GPU",
)


def timed_document(name: str, arch: str, layers: Sequence[TimedLayer], skipped: Sequence[Skipped]) -> Document:
    """One row per layer that was timed.

    >>> timed_document("mlp", "a", [], []).records
    []
    """
    records: list[Record] = [
        {
            "layer": each.layer,
            "rows": each.rows,
            "columns": each.columns,
            "tokens": each.tokens,
            "dense_ms": each.times.dense_ms,
            "sparse_ms": each.times.sparse_ms,
            "measured": each.measured,
            "predicted": each.predicted,
            "agrees": "yes" if each.agrees else "no",
        }
        for each in layers
    ]
    left_out = [{"name": each.name, "reason": each.reason} for each in skipped]
    content = {
        "schema": SCHEMA,
        "name": name,
        "arch": arch,
        "versions": versions(),
        "layers": records,
        "skipped": left_out,
    }
    agreeing = sum(each.agrees for each in layers)
    says = f"the model on {arch} and the GPU agree about whether 2:4 pays in {agreeing} of {len(layers)} layers"
    remarks = {"notes": NOTES, "skipped": tuple(plain(f"{each.name}: {each.reason}") for each in skipped)}
    return Document(
        name,
        (table(f"{name}: 2:4 on the GPU", TIMED.columns, records),),
        remarks,
        records,
        content,
        summary={"verdict": (says,)},
    )
