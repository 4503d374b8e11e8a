"""Sets of documents: files together, folders each for themselves."""

from dataclasses import replace

import pytest

from crisp_hw.errors import InputError
from crisp_hw.timeloop.yaml import texts
from crisp_hw.timeloop.yaml.texts import find_documents, merged


@pytest.fixture
def tree(tmp_path):
    for name in ("crisp/a/problem.yaml", "crisp/a/mapping.yml", "crisp/b/problem.yaml", "crisp/b/note.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.stem}: []")
    return tmp_path


def test_files_together_are_one_set(tree):
    found = find_documents([tree / "crisp/a/problem.yaml", tree / "crisp/a/mapping.yml"])
    assert found == {"problem.yaml mapping.yml": {"problem.yaml": "problem: []", "mapping.yml": "mapping: []"}}


def test_a_folder_stands_for_those_inside(tree):
    found = find_documents([tree / "crisp"])
    assert [name.removeprefix(f"{tree}/") for name in found] == ["crisp/a", "crisp/b"]
    assert list(found[f"{tree}/crisp/b"]) == ["problem.yaml"]


def test_a_folder_with_documents_is_one_set(tree):
    assert list(find_documents([tree / "crisp/a"])) == [f"{tree}/crisp/a"]


def test_a_link_is_not_followed(tree):
    (tree / "crisp" / "loop").symlink_to(tree)
    assert len(find_documents([tree / "crisp"])) == 2


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"holds no \.yaml documents"):
        find_documents([tmp_path])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.yaml: cannot be read"):
        find_documents([tmp_path / "gone.yaml"])


def test_two_files_of_one_name_are_refused(tree):
    with pytest.raises(InputError, match=r"two files are called problem\.yaml"):
        find_documents([tree / "crisp/a/problem.yaml", tree / "crisp/b/problem.yaml"])


def test_a_file_that_is_too_long_is_refused(tree, monkeypatch):
    monkeypatch.setattr(texts, "DOCUMENT", replace(texts.DOCUMENT, largest=5))
    with pytest.raises(InputError, match="is larger than"):
        find_documents([tree / "crisp/a"])


def test_bytes_that_are_no_text_are_refused(tree):
    (tree / "crisp/a/problem.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        find_documents([tree / "crisp/a"])


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ({"a.yaml": "mapping: []", "b.yaml": "mapping: []"}, "b.yaml: 'mapping' is there a second time"),
        ({"a.yaml": "- a"}, r"a\.yaml: must hold one mapping of documents"),
        ({"a.yaml": ""}, r"a\.yaml: must hold one mapping of documents"),
        ({"a.yaml": "a: [b"}, r"a\.yaml.*not YAML"),
        ({"a.yaml": "a: &a [*a]"}, "contains itself"),
    ],
)
def test_documents_that_cannot_be_joined(documents, words):
    with pytest.raises(InputError, match=words):
        merged(documents)


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="aliases counted in full"):
        merged({"bomb.yaml": "\n".join(lines)})
