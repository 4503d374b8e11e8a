"""Files to one set of documents: order, streams, templates, and what is refused."""

from dataclasses import replace

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.timeloop.yaml import documents as module
from crisp_hw.timeloop.yaml.documents import load_documents


@pytest.fixture
def load(tmp_path):
    def load_files(**texts):
        """Files of these texts (`a="..."` is a.yaml), read in this order."""
        paths = [tmp_path / f"{name}.yaml" for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text)
        return load_documents(paths)

    load_files.folder = tmp_path
    return load_files


def test_files_and_streams_add_up(load):
    assert plain(load(a="problem: 1\n---\nmapping: 2", b="ERT: 3")) == {"problem": 1, "mapping": 2, "ERT": 3}


def test_component_classes_of_several_files_add_up(load):
    found = load(a="components: {version: 0.4, classes: [1]}", b="components: {version: 0.4, classes: [2, 3]}")
    assert plain(found)["components"]["classes"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"a": ""}, "a.yaml: the file is empty"),
        ({"a": "# nothing"}, "the file is empty"),
        ({"a": "- 1"}, "a.yaml:1: expected documents by name"),
        ({"a": "problem: 1", "b": "\nproblem: 2"}, "b.yaml:2: the document 'problem' is there already, at .*a.yaml:1"),
        ({"a": "word-bits: 1\nword_bits: 2"}, "twice, once with a hyphen"),
        ({"a": "problem: {{ size }}"}, "size is not set"),
        ({"a": "problem: {{ size"}, "a.yaml:1: the template cannot be filled in"),
        ({"a": "problem: {{ ''.__class__ }}"}, "__class__ may not be used in templates"),
        ({"a": "problem: {{ include('a.yaml') }}"}, "does a file include itself"),
        ({"a": "problem: {{ include_text('b.yaml') }}"}, "looks for b.yaml, which is not in"),
        ({"a": "{% for i in range(10 ** 9) %}{% endfor %}"}, "Range too big"),
    ],
)
def test_what_is_refused(load, texts, said):
    with pytest.raises(InputError, match=said):
        load(**texts)


def test_files_that_are_none(tmp_path):
    for path, said in (
        (tmp_path, "no YAML file in this folder"),
        (tmp_path / "no.yaml", "cannot be read .no such file"),
    ):
        with pytest.raises(InputError, match=said):
            load_documents([path])
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8 text"):
        load_documents([binary])
    with pytest.raises(InputError, match="given twice"):
        load_documents([binary, tmp_path / "x" / ".." / "b.yaml"])
    with pytest.raises(InputError, match="no files given"):
        load_documents([])


def test_huge_files_are_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "YAML", replace(module.YAML, largest=10))
    (tmp_path / "a.yaml").write_text("problem: 123456789")
    with pytest.raises(InputError, match="larger than"):
        load_documents([tmp_path / "a.yaml"])


def test_templates_compute_and_include(load):
    (load.folder / "part.yaml").write_text("problem: {sizes: {M: {{ 3 * 2 }} } }")
    (load.folder / "text.yaml").write_text("N: 4")
    found = load(
        a="{% set size = 5 %}\nK: {{ size }}\nM: {{ include('part.yaml', 'problem.sizes.M') }}\n"
        "{{ include_text('text.yaml') }}",
        b="all: {{ include_all('t*.yaml') }}\nhere: {{ path_exists('part.yaml') }}",
    )
    assert plain(found) == {"K": 5, "M": 6, "N": 4, "all": [{"N": 4}], "here": True}


def test_what_was_included_keeps_its_own_lines(load):
    (load.folder / "part.yaml").write_text("\n\nproblem: {a: 1}")
    found = load(a="problem: {{ include('part.yaml', 'problem') }}")
    assert str(found["problem"]["a"].mark).endswith("part.yaml:3")


def test_jinja_includes_look_beside_every_given_file(load):
    (load.folder / "deep").mkdir()
    (load.folder / "deep" / "c.yaml").write_text("C: 1")
    (load.folder / "deep" / "d.yaml").write_text("D: 2")
    (load.folder / "a.yaml").write_text("{% include 'd.yaml' %}")
    assert plain(load_documents([load.folder / "a.yaml", load.folder / "deep" / "c.yaml"])) == {"D": 2, "C": 1}
