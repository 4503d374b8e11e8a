"""Axes as users write them, and conditions between them."""

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import active, broken, space_of
from crisp_hw.spec.patterns import NM


def test_values_are_plain_whatever_they_were():
    space = space_of({"nm": [NM(2, 4), None, "1:4"], "smem_kb": np.array([64, 128])})
    assert [axis.listed for axis in space.axes] == [("2:4", None, "1:4"), (64, 128)]
    assert all(type(each) is int for each in space.axes[1].listed)


def test_steps_end_where_they_are_said_to():
    (axis,) = space_of({"sparsity": {"low": 0.5, "high": 0.9, "step": 0.1}}).axes
    assert axis.listed == (0.5, 0.6, 0.7, 0.8, 0.9)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "no axis"),
        ([1], "space is a list"),
        ({"a": 3}, "axis a is 3"),
        ({"a": []}, "has no values"),
        ({"a": [1, 1.0]}, "the value 1 twice"),
        ({"a": {"low": 3, "high": 1}}, "goes from 3 to 1"),
        ({"a": {"low": 0, "high": 1, "log": True}}, "goes from 0 to 1"),
        ({"a": {"low": 0}}, "high of axis a is None"),
        ({"a": {"values": [1], "step": 1}}, "step has no effect beside values"),
        ({"a": {"valeus": [1]}}, "valeus"),
        ({"a": {"values": [1], "when": "b > 1"}, "b": [1]}, "reads b, which is no axis before it"),
        ({"nm": ["2-4"]}, "2-4"),
        ({"a": [float("nan")]}, "the value nan"),
        ({"a": [1, float("inf")]}, "the value inf"),
        ({"a": {"low": 1, "high": float("inf")}}, "high of axis a is inf"),
        ({"a": {"low": 1, "high": 10**9, "step": 1}}, "has 1,000,000,000 values"),
    ],
)
def test_what_is_no_space_is_refused(space, said):
    with pytest.raises(InputError, match=said):
        space_of(space)


def test_numbers_without_steps_have_no_list():
    (axis,) = space_of({"a": {"low": 0.0, "high": 1.0}}).axes
    with pytest.raises(InputError, match="no end of values"):
        _ = axis.listed


def test_an_axis_concerns_a_point_where_its_condition_holds():
    space = space_of({"nm": [None, "2:4"], "block": {"values": [16, 32], "when": "nm != none"}})
    assert active(space, {"nm": None, "block": 16}) == {"nm": None}
    assert active(space, {"nm": "2:4", "block": 16}) == {"nm": "2:4", "block": 16}


def test_a_condition_about_what_a_point_does_not_have_holds():
    space = space_of({"nm": [None, "2:4"], "block": {"values": [16], "when": "nm != none"}}, ["block >= 32"])
    assert broken(space, {"nm": None}) == ""
    assert "block >= 32" in broken(space, {"nm": "2:4", "block": 16})


def test_conditions_read_axes_alone():
    with pytest.raises(InputError, match="reads smem, which is no axis"):
        space_of({"smem_kb": [1]}, ["smem > 1"])
