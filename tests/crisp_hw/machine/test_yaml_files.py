"""A YAML file to a schema: every fault has its line, and no error repeats what was given whole."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_files import checked, did_you_mean, read_mapping, read_yaml_file


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    name: str
    size: Annotated[int, Field(gt=0, le=100)]


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    kind: Literal["a"]
    parts: list[_Part] = []
    sizes: list[int] = []
    sides: tuple[int, int] = (1, 1)


def read(folder, text):
    path = folder / "f.yaml"
    path.write_text(text)
    return checked(_File, read_mapping(path, "see g.yaml"), "thing")


def test_a_right_file_is_read(tmp_path):
    found = read(tmp_path, "kind: a\nparts: [{name: x, size: 3}]")
    assert found == _File(kind="a", parts=[_Part(name="x", size=3)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: a\nparts:\n- {name: x, size: 3}\n- name: y\n  size: 0", "f.yaml:5: thing of y.size: should be greater"),
        ("kind: a\nparts:\n- {name: x}", "f.yaml:3: thing of x.size: is missing; add it"),
        ("sizes: []", "f.yaml:1: thing.kind: is missing; write kind: a"),
        ("kind: a\nparts:\n- size: 3", r"f.yaml:3: thing.parts\[0\].name: is missing"),
        ("kind: a\nsizes: 3", r"f.yaml:2: thing.sizes: should be a list, found 3; write \[3\]"),
        ("kind: a\nsides: 3", r"f.yaml:2: thing.sides: should be a list, found 3; write \[3, 3\]"),
        ("kind: a\n\nprats: []", "f.yaml:3: thing.prats: is not known here; did you mean parts"),
        ("kind: a\nsizes:\n- 1\n- x", r"f.yaml:4: thing.sizes\[1\]: should be a whole number, found 'x'"),
        ("kind: a\nsizes:\n- 010", "found '010'; write a whole number in decimal digits only"),
        ("kind: a\nsizes: [4:16]", "found '4:16'; write a whole number"),
        ("kind: a\nsizes: [0x10]", "found '0x10'; write a whole number"),
        ("kind: a\nsizes: [1_000]", "found '1_000'; write a whole number"),
        ("kind: a\nsizes: [true]", "found True"),
        ("kind: 2024-99-99", "f.yaml:1: thing.kind: should be a, found '2024-99-99'"),
        ("kind: a\nkind: a", "f.yaml:2: the key 'kind' is there already, in line 1"),
        ("- 1", "f.yaml:1: is not a mapping of fields, but a list of 1 values; see g.yaml"),
        ("# nothing", "f.yaml: the file is empty; see g.yaml"),
        ("kind: a\n---\nkind: a", "f.yaml:3: the file holds 2 YAML documents where one is read"),
        ("kind: [1", r"f.yaml:\d: not YAML"),
    ],
)
def test_a_fault_has_its_line(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "kind: " + "x" * 5000,
        "kind: a\nsizes: [" + "9" * 250 + "x]",
        "kind: a\nparts: {" + ", ".join(f"k{i}: {i}" for i in range(900)) + "}",
        "kind: a\n" + "k" * 900 + ": 1",
        "&" + "a" * 900 + " kind: *" + "b" * 900,
        "kind: !" + "t" * 900 + " a",
    ],
)
def test_no_error_repeats_a_whole_value(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 300


def test_aliases_are_counted_in_full(tmp_path):
    levels = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    (tmp_path / "f.yaml").write_text(f"a0: &a0 [{'x, ' * 10}]\n{levels}")
    with pytest.raises(InputError, match="more than 300,000 values, aliases counted in full"):
        read_yaml_file(tmp_path / "f.yaml")


def test_aliases_of_a_long_text_are_counted_by_its_length(tmp_path):
    (tmp_path / "f.yaml").write_text(f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]")
    with pytest.raises(InputError, match="more than 300,000 values"):
        read_yaml_file(tmp_path / "f.yaml")


def test_an_unknown_name_meets_its_neighbour_or_all():
    assert did_you_mean("SMEN", ["SMEM", "RF"]) == "did you mean SMEM?"
    assert did_you_mean("qqqq", ["SMEM", "RF"]) == "known are SMEM, RF"
    assert did_you_mean("qqqq", [f"x{i}" for i in range(18)]).endswith("x14, x15 and 2 more")
