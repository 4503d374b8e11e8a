"""Groups with different numbers of columns, of which some run at the same time and wait for the longest."""

from collections.abc import Sequence


def steps_of(columns: Sequence[int], at_once: int, across: int) -> int:
    """Columns that are stepped through, `across` at a time, when `at_once` groups run side by side; longest first.

    >>> steps_of([3, 1, 2, 1], at_once=2, across=1)  # 3 beside 2, then 1 beside 1
    4
    """
    whole = sorted((-(-each // across) * across for each in columns), reverse=True)
    return sum(whole[::at_once])
