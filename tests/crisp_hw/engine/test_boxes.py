"""Boxes of words against sets of points."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.boxes import Held, arrive, minus, projected_box, shift_between, words
from crisp_hw.spec.problem import Problem, Tensor, Term

sides = st.tuples(st.integers(-3, 4), st.integers(1, 4)).map(lambda pair: (pair[0], pair[0] + pair[1]))
boxes = st.lists(sides, min_size=2, max_size=2).map(tuple)


def points(*found):
    return [point for box in found for point in product(*(range(first, after) for first, after in box))]


@settings(max_examples=200)
@given(boxes, boxes)
def test_a_difference_is_a_set_difference_without_overlap(one, other):
    left = minus(one, other)
    assert sorted(points(*left)) == sorted(set(points(one)) - set(points(other)))
    assert words(left) == len(points(*left))


@settings(max_examples=60)
@given(st.tuples(*[st.integers(0, 3)] * 3), st.tuples(*[st.integers(0, 2)] * 3), st.integers(-2, 3), st.integers(1, 2))
def test_a_projection_is_the_box_around_all_indices(low, more, first, second):
    tensor = Tensor("I", ((Term("P", first), Term("R", second)), (Term("C"),)))
    high = tuple(a + b for a, b in zip(low, more, strict=True))
    reached = [
        (first * p + second * r, c) for p, r, c in product(*(range(a, b + 1) for a, b in zip(low, high, strict=True)))
    ]
    box = projected_box(Problem("p", ("P", "R", "C"), (9, 9, 9), (tensor,)), tensor, low, high)
    assert box == tuple((min(axis), max(axis) + 1) for axis in zip(*reached, strict=True))


@settings(max_examples=60)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 6))
def test_a_window_that_keeps_its_stride_fetches_its_rim_only(width, step, count):
    held, seen = Held(), set()
    for i in range(count):
        box = ((i * step, i * step + width),)
        fresh = arrive(held, box)
        assert set(points(*fresh)) == set(points(box)) - seen
        seen = set(points(box))


def test_another_move_fetches_everything_and_a_new_pattern_begins():
    held = Held()
    fetched = [words(arrive(held, ((start, start + 4),))) for start in (0, 1, 2, 4, 6, 8)]
    assert fetched == [4, 1, 1, 4, 2, 2]
    assert words(arrive(held, ((8, 12),))) == 0  # it stays
    assert words(arrive(held, ((10, 14),))) == 2  # staying does not break the pattern


@settings(max_examples=60)
@given(st.lists(boxes, min_size=1, max_size=2, unique=True), st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
def test_a_shift_is_found_where_there_is_one(old, move):
    new = tuple(tuple((a + m, b + m) for (a, b), m in zip(box, move, strict=True)) for box in reversed(old))
    assert shift_between(tuple(old), new) == move


def test_sets_of_other_shapes_are_no_shift():
    assert shift_between((), ()) is None
    assert shift_between((((0, 2),),), (((0, 3),),)) is None
    assert shift_between((((0, 2),),), (((0, 1),), ((1, 2),))) is None
    assert shift_between((((0, 1),), ((5, 6),)), (((1, 2),), ((7, 8),))) is None
