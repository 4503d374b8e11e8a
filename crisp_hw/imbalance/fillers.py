"""Fillers to expect where a relative index is too short for a gap, in closed form."""

from math import comb

from crisp_hw.errors import InputError


def expected_fillers(rows: int, density: float, longest_gap: int) -> float:
    """Fillers of a column of so many rows of one PE, whose weights are there independently of each other.

    A weight takes its j-th filler when the `j * longest_gap` rows in front of it are all empty, and there are so many.
    Summed over j and over the rows behind them:

        E = density * sum over j >= 1 of max(0, rows - j * longest_gap) * (1 - density) ** (j * longest_gap)

    >>> expected_fillers(4, 0.5, 2)  # the third row has one with chance 1/8, the fourth with 1/8
    0.25
    """
    if not 0 <= density <= 1:
        raise InputError(f"density {density} is not between 0 and 1")
    gaps = range(longest_gap, rows, longest_gap)
    return density * sum((rows - gap) * (1 - density) ** gap for gap in gaps)


def expected_fillers_of(rows: int, weights: int, longest_gap: int) -> float:
    """The same where exactly so many weights stand in the column, in any rows with equal chance.

    Of C(rows, weights) columns, C(rows - gap - 1, weights - 1) have a weight in a given row and none in the `gap` rows
    in front of it.

    >>> expected_fillers_of(4, 1, 2)  # in the third or the fourth row
    0.5
    """
    if not 0 <= weights <= rows:
        raise InputError(f"{weights} weights do not fit {rows} rows")
    if weights == 0:
        return 0.0
    gaps = range(longest_gap, rows, longest_gap)
    return sum((rows - gap) * comb(rows - gap - 1, weights - 1) for gap in gaps) / comb(rows, weights)
