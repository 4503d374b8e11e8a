"""YAML to values with positions: what a value is, where it stands, and what is refused."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import mark_of, plain
from crisp_hw.machine.yaml_text import MOST, read_yaml_text

SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=4),
    max_leaves=12,
)


def value(text):
    (found,) = read_yaml_text(text, "f.yaml")
    return plain(found)


class Quoting(yaml.SafeDumper):
    """Writes every text in quotes: plain, '0E0' is text to PyYAML and a number to Timeloop."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@given(VALUES)
@example("0E0")
@example({"<<": [1e300, "1_0"]})
def test_what_was_dumped_is_read_back(given_value):
    text = yaml.dump({"a": given_value}, Dumper=Quoting, default_flow_style=None)
    assert value(text) == {"a": given_value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-9", 1e-9),
        (".5", 0.5),
        ("-3", -3),
        ("True", True),
        ("off", False),
        ("~", None),
        ("N", "N"),
        ("'3'", "3"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("!!str 3", "3"),
        ("007.5", 7.5),
    ],
)
def test_scalars(text, expected):
    found = value(f"a: {text}")["a"]
    assert found == expected
    assert type(found) is type(expected)


def test_every_value_knows_its_line():
    (found,) = read_yaml_text("a: 1\nb:\n  - x\n  - {c: 2.5}\nd: null\n", "f.yaml")
    assert str(mark_of(found["a"])) == "f.yaml:1"
    assert str(mark_of(found["b"][0])) == "f.yaml:3"
    assert str(mark_of(found["b"][1]["c"])) == "f.yaml:4"
    assert str(mark_of(found, "d")) == "f.yaml:5"


def test_merge_keys():
    base = "x: &x {a: 1, b: {c: 2, l: [1]}}\n"
    assert value(base + "y: {<<: *x, b: {d: 3}}")["y"] == {"a": 1, "b": {"d": 3}}
    assert value(base + "y: {<<<: *x, b: {d: 3, l: [2]}}")["y"] == {"a": 1, "b": {"c": 2, "d": 3, "l": [2, 1]}}
    assert value(base + "y: {<<<: *x, b: {l: !nomerge [2]}}")["y"]["b"]["l"] == [2]
    assert value("p: &p {a: 1}\nq: &q {a: 2, b: 2}\nr: {<<: [*p, *q]}")["r"] == {"a": 1, "b": 2}


def test_tags_of_nodes_are_kept():
    (found,) = read_yaml_text("- !Container {name: a}\n- !Component\n  name: b", "f.yaml")
    assert [node.tag for node in found] == ["!Container", "!Component"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "f.yaml:2: the key 'a' is there already, in line 1"),
        ("a: &x [*x]", "f.yaml:1: the alias *x contains itself"),
        ("a: *x", "there is no anchor &x above"),
        ("[" * 70, "nested more than 60 levels deep"),
        ("a: b: c", "f.yaml:1: not YAML"),
        ("a: [1", "not YAML"),
        ("a: \x00", "not YAML"),
        ("? [1]: 2", "a key must be text"),
        ("a: {<<: 3}", "merges mappings only"),
        ("a: {<<: {b: 1}, <<<: {b: 1}}", "two merge keys"),
        ("a: !python/object:os.system x", "not YAML|means nothing here"),
        ("a: !thing x", "the tag !thing means nothing here"),
        ("a: !!python/object:os.system 3", "the tag tag:yaml.org,2002:python/object:os"),
        ("a: !!binary aGk=", "the tag tag:yaml.org,2002:binary means nothing here"),
        ("a: !!int '3'", "the tag !!int stands before '3'"),
        ("a: !!int 010", "the tag !!int stands before '010'"),
        ("a: !!float true", "the tag !!float stands before True"),
        ("a: !!bool 1", "the tag !!bool stands before 1"),
        ("a: !include_loaded x", "made by templates only"),
        (f"a: {'9' * 400}", "400 digits"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(InputError, match=said.replace("*", r"\*")):
        read_yaml_text(text, "f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [("!!int 3", 3), ("!!float 3", 3), ("!!str 3", "3"), ("!!bool yes", True), ("!!null ~", None), ("! 3", "3")],
)
def test_tags_of_just_what_stands_there(text, value):
    assert read_yaml_text(f"a: {text}", "f.yaml") == [{"a": value}]


@pytest.mark.parametrize("text", ["{a: {depth:512, width: 8}}", "{depth:512}", "a: [{word-bits:8}]"])
def test_a_blank_that_is_missing_behind_a_colon_is_said(text):
    with pytest.raises(
        InputError, match=r"f\.yaml:1: the key '.*' has no value; write a blank after the colon: [a-z-]+: \d"
    ):
        read_yaml_text(text, "f.yaml")


def test_a_colon_within_a_key_is_none_of_them():
    assert value("{a:b: 1, 'c:d', e: }") == {"a:b": 1, "c:d": None, "e": None}


def test_aliases_cannot_explode():
    lines = ["a0: &a0 [" + ", ".join("1" * 10) + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match=f"more than {MOST:,} values"):
        read_yaml_text("\n".join(lines), "f.yaml")
