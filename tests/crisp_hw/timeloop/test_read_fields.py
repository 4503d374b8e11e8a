"""Typed access to documents: what is accepted, and the sentence about what is not."""

import pytest

from crisp_hw.errors import InputError, Where
from crisp_hw.timeloop.yaml.fields import flag, known, mapping, number, required, sequence, text, underscored, whole

HERE = Where("here")


@pytest.mark.parametrize(
    ("read", "value"),
    [(mapping, {"a": 1}), (sequence, [1]), (text, "a"), (number, 0), (number, 1.5), (whole, 4.0), (flag, False)],
)
def test_right_types_pass(read, value):
    assert read(value, HERE) == value


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        (mapping, [1], "here: expected a mapping of keys to values, found list [1]"),
        (sequence, "ab", "here: expected a list, found str 'ab'"),
        (text, 3, "here: expected text, found int 3"),
        (number, True, "here: expected a nonnegative number, found bool True"),
        (number, float("nan"), "here: expected a nonnegative number, found float nan"),
        (number, float("inf"), "here: expected a nonnegative number, found float inf"),
        (number, "7", "here: expected a nonnegative number, found str '7'; leave the quotes out"),
        (whole, 2.5, "here: expected a whole number of at least 0, found 2.5"),
        (flag, 1, "here: expected true or false, found int 1"),
        (mapping, "x" * 99, "here: expected a mapping of keys to values, found str '" + "x" * 36 + "..."),
    ],
)
def test_wrong_types_are_shown_where_they_stand(read, value, sentence):
    with pytest.raises(InputError) as error:
        read(value, HERE)
    assert str(error.value) == sentence


def test_a_whole_number_may_have_a_least_value():
    assert whole(3, HERE, 3) == 3
    with pytest.raises(InputError, match=r"^here: expected a whole number of at least 3, found 2$"):
        whole(2, HERE, 3)


def test_keys_are_required_and_known():
    assert required({"a": 1}, "a", HERE) == 1
    with pytest.raises(InputError, match=r"^here: the key 'b' is missing; there are 'a'$"):
        required({"a": 1}, "b", HERE)
    known({"a": 1}, ("a", "b"), HERE)
    with pytest.raises(InputError, match=r"^here: unknown key 'c'; known are a, b$"):
        known({"c": 1}, ("b", "a"), HERE)


def test_hyphens_turn_into_underscores_in_keys_only():
    assert underscored({"a-b": ["c-d", {"e-f": "g-h"}]}) == {"a_b": ["c-d", {"e_f": "g-h"}]}
