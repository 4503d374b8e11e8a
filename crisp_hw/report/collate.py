"""An evaluation as tidy data frames."""

from typing import TYPE_CHECKING

from crisp_hw.report.records import Record, layer_records, total_records
from crisp_hw.spec.evaluation import NetworkEvaluation

if TYPE_CHECKING:
    import pandas as pd


def layer_rows(network: NetworkEvaluation) -> "pd.DataFrame":
    """One row per layer and accelerator; the columns are the keys of `records.layer_records`, units in their names.

    >>> layer_rows(NetworkEvaluation("nothing", ())).empty
    True
    """
    return _frame(layer_records(network))


def totals(network: NetworkEvaluation) -> "pd.DataFrame":
    """One row per accelerator, summed over its layers; the columns are the keys of `records.total_records`.

    >>> totals(NetworkEvaluation("nothing", ())).empty
    True
    """
    return _frame(total_records(network))


def _frame(records: list[Record]) -> "pd.DataFrame":
    import pandas as pd  # slow to import, and only frames need it

    return pd.DataFrame(records)
