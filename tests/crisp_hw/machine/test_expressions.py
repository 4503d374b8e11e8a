"""Expressions of documents: Python's values where they are arithmetic, a sentence everywhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_hw.machine.expressions import FUNCTIONS, evaluate

NUMBERS = st.integers(0, 20).map(str) | st.sampled_from(["rows", "0.5"])
TREES = st.recursive(
    NUMBERS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "//", "%", "<", "=="]), inner)
        | st.builds("max({}, {})".format, inner, inner)
        | st.builds("(-{})".format, inner)
        | st.builds("({} if {} else {})".format, inner, inner, inner)
    ),
    max_leaves=8,
)


@given(TREES)
def test_arithmetic_is_python_s(text):
    try:
        expected = eval(text, {"rows": 7, "max": max})  # the oracle; the text is made of the pieces above
    except ZeroDivisionError:
        with pytest.raises(InputError, match=r"by zero|modulo"):
            evaluate(text, {"rows": 7})
        return
    assert evaluate(text, {"rows": 7}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "().__class__",
        "[x for x in [1]]",
        "lambda: 1",
        "rows.bit_length()",
        "open('x')",
        "f'{rows}'",
        "9 ** 9 ** 9",
        "2 ** 64 * 2 ** 64 * 2 ** 64",
        "'a' * 9",
        "[1] * 9",
        "1e308 * 10",
        "sqrt(-1)",
        "(" * 300,
        "-" * 200 + "1",
        "1 +" * 200 + "1",
        "nobody",
        "max(1, key=2)",
        "rows[0]",
        "x := 1",
        "1 << 3",
        "",
        "45nm",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(InputError):
        evaluate(text, {"rows": 7})


def test_parts_of_mappings():
    names = {"buffer": {"attributes": {"width": 8}, "mesh": [2, 3]}}
    assert evaluate("buffer.attributes.width * buffer.mesh[1]", names) == 24
    with pytest.raises(InputError, match="there is no 'depth'; there are width"):
        evaluate("buffer.attributes.depth", names)


def test_no_function_reaches_outside():
    assert not {"eval", "exec", "open", "getattr", "range", "str", "map", "getcwd"} & set(FUNCTIONS)


@pytest.mark.parametrize("text", ["0x10", "1_0", "2 * 1_000", "0b11 + 1", "max(0o17, 3)"])
def test_numbers_of_python_alone_are_refused(text):
    with pytest.raises(InputError, match="a number in Python alone"):
        evaluate(text, {})


@pytest.mark.parametrize("text", ["x_1 + 10", "a0x1", "1e3", "'0x10'"])
def test_what_only_looks_like_them_is_not(text):
    assert evaluate(text, {"x_1": 1, "a0x1": 2}) in (11, 2, 1000, "0x10")
