"""What imperfect factors count of a dimension, against its numbers one by one."""

from itertools import chain, combinations

import numpy as np
import pytest

from crisp_hw.mapper.exact.layout import Group, Layout, Slot
from crisp_hw.mapper.exact.ragged import Counted, Loops
from crisp_hw.mapper.imperfect import digits_of, ragged_factorizations

SIZE = 11
ROWS = ragged_factorizations(SIZE, [np.arange(1, SIZE + 1)] * 4)
LOOPS = Loops(ROWS, (True, False, True, True), SIZE)
SETS = tuple(chain.from_iterable(combinations(range(4), many) for many in range(5)))
NUMBERS = [digits_of(np.arange(SIZE), np.repeat(row[None], SIZE, axis=0)) for row in ROWS]


@pytest.mark.parametrize("places", SETS)
def test_numbers_without_other_digits_are_as_many_as_steps(places):
    mine, other = list(places), [slot for slot in range(4) if slot not in places]
    expected = [(numbers[:, other] == 0).all(axis=1).sum() for numbers in NUMBERS]
    assert LOOPS.numbers(mine, whole=True).tolist() == expected
    assert expected == [len({tuple(digits[mine]) for digits in numbers}) for numbers in NUMBERS]  # all steps there are


@pytest.mark.parametrize("places", SETS)
def test_last_runs_of_one_iteration_are_left_out(places):
    mine, other = list(places), [slot for slot in range(4) if slot not in places]
    expected = []
    for row, numbers in zip(ROWS, NUMBERS, strict=True):
        once = [s for s in (0, 2, 3) if row[s] > 1 and numbers[-1, s] == 0]
        outside = range(once[-1] + 1, 4) if once else range(0)
        last = (numbers[:, outside] == numbers[-1, outside]).all(axis=1) if once else np.zeros(SIZE, dtype=bool)
        expected.append((~last & (numbers[:, other] == 0).all(axis=1)).sum())
    assert LOOPS.numbers(mine, whole=False).tolist() == expected


def test_averages_are_iterations_by_those_of_the_loops_outside():
    for place, numbers in enumerate(NUMBERS):
        inner, outer = (len({tuple(digits[slots:]) for digits in numbers}) for slots in (1, 2))
        assert LOOPS.average([1])[place] == inner / outer
    assert LOOPS.ragged([1]).tolist() == [float(n[-1, 1] + 1 < row[1]) for n, row in zip(NUMBERS, ROWS, strict=True)]


def test_a_column_is_a_product_of_what_it_says():
    layout = Layout(("K",), tuple(Slot(0, kind, 0) for kind in ("temporal", "x")), (None, 4), (5,))
    group = Group((0,), np.array([[[3, 2]], [[2, 3]], [[5, 1]]]))
    said = Counted(whole=True, times=0b10, per=0b01, mean=0b10, floor=0b10)
    assert said.worth(0b11, layout, group) == pytest.approx([5 * 2 / 3 * 2 * 2, 5 * 3 / 2 * 3 * 3, 5 * 1 / 5])
    assert Counted(ragged=0b01).worth(0, layout, group).tolist() == [1.0, 1.0, 0.0]
    assert Counted(whole=True, part=((0b01, 0b11),)).worth(0b11, layout, group).tolist() == [3.0, 2.0, 5.0]
    assert Counted(ragged=0b01).within(0b10) == Counted()
