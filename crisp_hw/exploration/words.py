"""What a figure or an axis of a study is called, in tables and on pages."""

from collections.abc import Sequence
from dataclasses import replace

from crisp_hw.documents.columns import Column
from crisp_hw.spec.columns import Record, heading
from crisp_hw.spec.documents.studies import POINTS
from crisp_hw.spec.vocabulary import columns


def column_of(key: str, records: Sequence[Record]) -> Column:
    """A figure as its column has it; an axis as what its values are.

    >>> column_of("cycles", []).heading, column_of("smem_kb", [{"smem_kb": 8}]).style
    ('cycles', 'whole')
    """
    for each in POINTS.columns:
        if each.key == key:
            return each
    values = [each[key] for each in records if each.get(key) is not None]
    try:
        (found,) = columns([key])
    except KeyError:
        found = Column(key, heading(key), "text" if any(isinstance(each, str) for each in values) else "number")
    whole = found.style == "number" and values and all(isinstance(each, int) for each in values)
    return replace(found, style="whole") if whole else found
