"""Variables that the caller gives to templates, and files that documents include."""

from pathlib import Path

import pytest

from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.yaml.documents import InputFiles, input_files, load_documents
from crisp_hw.timeloop.yaml.variables import template_variables


def load(folder, text, variables=None, name="in.yaml"):
    (folder / name).write_text(text)
    return plain(load_documents(input_files([folder / name], variables)))


def test_a_variable_is_what_yaml_makes_of_it(tmp_path):
    given = template_variables(["n=4", "wide=true", "name=small", "list=[1, 2]", "empty=", "odd=a: b: c", "path=a=b"])
    assert given == {
        "n": 4,
        "wide": True,
        "name": "small",
        "list": [1, 2],
        "empty": "",
        "odd": "a: b: c",
        "path": "a=b",
    }
    assert load(tmp_path, "problem: {K: {{ n * 2 }}}", {"n": 4}) == {"problem": {"K": 8}}


@pytest.mark.parametrize("wrong", ["n", "=4", "a b=4", "1n=4"])
def test_no_name_and_value_is_a_sentence(wrong):
    with pytest.raises(InputError, match="is no name and value; write -D name=value"):
        template_variables([wrong])


def test_a_name_given_twice_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="-D n: is given twice"):
        template_variables(["n=1", "n=2"])
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for file in files:
        file.write_text("m: 1\nn: 2\n")
    with pytest.raises(InputError, match=r"b.yaml:1: the variable m is in another data file"):
        template_variables([], files)
    assert template_variables(["n=3"], files[:1]) == {"m": 1, "n": 3}


def test_a_data_file_holds_names(tmp_path):
    (tmp_path / "d.yaml").write_text("[1]")
    with pytest.raises(InputError, match=r"d.yaml: must hold one mapping of names"):
        template_variables([], [tmp_path / "d.yaml"])
    (tmp_path / "d.yaml").write_text("a b: 1")
    with pytest.raises(InputError, match="'a b' is no name"):
        template_variables([], [tmp_path / "d.yaml"])


def test_a_variable_that_nothing_asks_for_is_refused(tmp_path):
    with pytest.raises(InputError, match="no template asks for m; they ask for n"):
        load(tmp_path, "problem: {K: {{ n }}}", {"n": 4, "m": 5})
    with pytest.raises(InputError, match="no template asks for m; there is no template"):
        load(tmp_path, "problem: {K: 1}", {"m": 5})
    held = InputFiles((tmp_path / "t.yaml",), (), {"n": 4, "m": 5})  # as from a data file, which may hold more
    (tmp_path / "t.yaml").write_text("problem: {K: {{ n }}}")
    assert plain(load_documents(held)) == {"problem": {"K": 4}}


def test_a_missing_variable_says_how_to_give_it(tmp_path):
    with pytest.raises(InputError, match=r"in.yaml:2: .*n is not set.*-D n=VALUE or in a file with --data"):
        load(tmp_path, "problem:\n  K: {{ n }}")


def test_variables_reach_included_files_and_python(tmp_path):
    (tmp_path / "small.yaml").write_text("{K: {{ n }}}")
    text = "problem: {{ include(which ~ '.yaml') }}"
    assert load(tmp_path, text, {"n": 4, "which": "small"}) == {"problem": {"K": 4}}
    (tmp_path / "a.yaml").write_text("problem: {K: {{ n }}}")
    with pytest.raises(InputError, match="no document 'architecture'"):
        evaluate_files([tmp_path / "a.yaml"], variables={"n": 4})


def test_a_value_is_text_and_no_template(tmp_path):
    assert load(tmp_path, "problem: {K: '{{ n }}'}", {"n": "{{ 7 * 7 }}"}) == {"problem": {"K": "{{ 7 * 7 }}"}}


def test_include_puts_another_file_in(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "shape.yaml").write_text("dimensions: !include dims.yaml\n")
    (tmp_path / "parts" / "dims.yaml").write_text("[M, K]\n")
    found = load(tmp_path, "problem: {shape: !include parts/shape.yaml}")
    assert found == {"problem": {"shape": {"dimensions": ["M", "K"]}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("problem: !include none.yaml", r"in.yaml:1: !include looks for none.yaml, which is not in"),
        ("problem: !include ../secret.yaml", r"in.yaml:1: !include takes .*outside .*allow its folder with --include"),
        ("problem: !include in.yaml", "included more than 20 files deep|1000 files"),
        ("problem: !include secret.txt", "does not end in .yaml"),
        ("problem: !include empty.yaml", "empty.yaml: the file is empty"),
    ],
)
def test_what_may_not_be_included(tmp_path, text, said):
    folder = tmp_path / "run"
    folder.mkdir()
    for file in (tmp_path / "secret.yaml", folder / "secret.txt"):
        file.write_text("a: 1")
    (folder / "empty.yaml").write_text("")
    with pytest.raises(InputError, match=said):
        load(folder, text)


def test_files_that_include_files_end(tmp_path):
    for number in range(15):
        following = Path(f"{number + 1}.yaml")
        (tmp_path / f"{number}.yaml").write_text(f"a: !include {following}\nb: !include {following}\n")
    (tmp_path / "15.yaml").write_text("1")
    with pytest.raises(InputError, match="more than 1000 files included"):
        load(tmp_path, "problem: !include 0.yaml")
