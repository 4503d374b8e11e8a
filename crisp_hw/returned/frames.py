"""Records as what a user asks for: a pandas DataFrame, CSV as text, or a CSV file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError
from crisp_hw.spec.columns import Record
from crisp_hw.spec.kinds import check_path, wrong_kind

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[str, Callable[[], Sequence[Record]]]
"""The records of every table of a result, by the name by which it is asked for."""


def records_of(tables: Tables, table: str) -> Sequence[Record]:
    """The records of one table; InputError, naming those there are, for any other.

    >>> records_of({"layers": lambda: [{"layer": "fc"}]}, "total")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no table 'total'; there is layers
    """
    there = f"there {'are' if len(tables) > 1 else 'is'} {', '.join(tables)}"
    if not isinstance(table, str):
        raise wrong_kind("the table", table, " or ".join(tables))
    if table not in tables:
        raise InputError(f"no table {table[:40]!r}", hint=there)
    return tables[table]()


def frame(tables: Tables, table: str) -> "pd.DataFrame":
    """One table as a pandas DataFrame."""
    import pandas as pd  # slow to import, and only frames need it

    return pd.DataFrame(list(records_of(tables, table)))


def csv(tables: Tables, path: str | Path | None, table: str) -> str | None:
    """One table as CSV: its text, or None once it is written to a path."""
    from crisp_hw.documents.tables import csv_text
    from crisp_hw.machine.writing import write_text

    if path is not None:
        check_path("the path", path)
    text = csv_text(records_of(tables, table))
    if path is None:
        return text
    write_text(Path(path), text)
    return None
