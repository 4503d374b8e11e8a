"""What a walk through the steps of fabrics found, as a document."""

from collections.abc import Iterable, Sequence

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.verdicts import CHECK, CHECK_COUNTS
from crisp_hw.spec.layer import Skipped
from crisp_hw.verification.counts import Count
from crisp_hw.verification.steps import Checked


def steps_document(found: Sequence[Checked], skipped: Sequence[Skipped], integers: str) -> Document:
    """One row per layer and fabric, then one per figure that was counted; `integers` says what was multiplied.

    >>> steps_document([Checked("fc", "mine", "all", True, ())], (), "drawn").content["layers"][0]["agrees"]
    'yes'
    """
    layers = [_layer(each) for each in found]
    counts = [record for each in found for record in _counts(each, (*each.counts, *each.levels))]
    shown = [
        record
        for each in found
        for record in _counts(each, (*each.counts, *(count for count in each.levels if not count.agrees)))
    ]
    every = [count for each in found for count in (*each.counts, *each.levels)]
    left = len(counts) - len(shown)
    remarks = {
        "integers": (integers,),
        "not checked": tuple(f"{each.name}: {each.reason}" for each in skipped),
        "not compared": tuple(dict.fromkeys(f"{count.name}: {count.why}" for count in every if count.why)),
        "not shown": (f"{left} figures of levels, which agree; --format csv or json lists all",) if left else (),
    }
    content = {"schema": "crisp-hw/check/1", "layers": layers, "counts": counts}
    tables = (table("steps on data", CHECK.columns, layers), table("counts", CHECK_COUNTS.columns, shown))
    return Document("check", tables, remarks, counts, content)


def _layer(found: Checked) -> Record:
    return {
        "layer": found.layer,
        "fabric": found.fabric,
        "product": "equal" if found.exact else "different",
        "agrees": "yes" if found.agrees else "no",
        "compared": sum(each.compared for each in (*found.counts, *found.levels)),
        "steps": found.steps,
    }


def _counts(found: Checked, counts: Iterable[Count]) -> list[Record]:
    return [
        {"layer": found.layer, "fabric": found.fabric, "count": each.name, "walked": each.walked, "model": each.model}
        for each in counts
    ]
