"""The site builds without a warning and without the network, and its links lead where those of the repository do."""

import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")
pytest.importorskip("nbconvert")

from docs_site.links import linked_folders, listing, rewritten
from docs_site.notebook_pages import notebook_files
from docs_site.reference import python_page, yaml_page
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r"<(?:script|img|link rel=.stylesheet)[^>]* (?:src|href)=.?(?:https?:)?//[^>]*>")


def carried(path):
    return f"files/{path}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built strictly."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "CRISP_HW_URL": ""},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr  # with --quiet warnings would not count
    return folder


@pytest.mark.slow
@pytest.mark.process
class TestBuilt:
    def test_every_page_of_docs_is_there(self, site):
        missing = [
            page.stem
            for page in (ROOT / "docs").glob("**/*.md")
            if not (site / page.relative_to(ROOT / "docs").with_suffix("") / "index.html").exists()
            and page.stem != "index"
        ]
        assert missing == []

    def test_nothing_is_loaded_from_elsewhere(self, site):
        pages = list(site.rglob("*.html"))
        assert len(pages) > 20
        assert [found for page in pages for found in LOADED.findall(page.read_text(encoding="utf-8"))] == []

    def test_a_file_outside_docs_is_carried_along(self, site):
        carried_along = site / "files" / "tests" / "golden" / "verified-layers.json"
        assert carried_along.read_bytes() == (ROOT / "tests" / "golden" / "verified-layers.json").read_bytes()
        assert 'href="../files/tests/golden/verified-layers.json"' in (site / "backends" / "index.html").read_text()


class TestLinks:
    @pytest.mark.parametrize(
        ("link", "source", "page", "expected"),
        [
            ("docs/model.md#x", "README.md", "index.md", "model.md#x"),
            ("model.md", "docs/energy.md", "energy.md", "model.md"),
            ("../CONTRIBUTING.md", "docs/layout.md", "layout.md", "contributing.md"),
            ("../../LICENSE", "docs/how-to/own.md", "how-to/own.md", "../files/LICENSE"),
            ("https://arxiv.org/abs/2311.14272", "README.md", "index.md", "https://arxiv.org/abs/2311.14272"),
            ("nowhere.md", "docs/energy.md", "energy.md", "nowhere.md"),
        ],
    )
    def test_they_lead_to_the_same_file(self, link, source, page, expected, monkeypatch):
        monkeypatch.delenv("CRISP_HW_URL", raising=False)
        shown = {"CONTRIBUTING.md": "contributing.md"}
        assert rewritten(f"[a]({link})", source, page, shown, carried) == f"[a]({expected})"

    def test_a_folder_has_a_page_that_lists_its_files(self):
        assert linked_folders({"docs/energy.md": "[a](../arch) [b](model.md) [c](../arch/fabric.yaml)"}) == ["arch"]
        assert "- [fabric.yaml](../../arch/fabric.yaml)" in listing("arch")
        assert rewritten("[a](../arch)", "docs/energy.md", "energy.md", {}, carried) == "[a](files/arch.md)"

    def test_with_an_address_files_are_there(self, monkeypatch):
        monkeypatch.setenv("CRISP_HW_URL", "https://example.org/crisp-hw/")
        text = rewritten("[a](../LICENSE)", "docs/energy.md", "energy.md", {}, carried)
        assert text == "[a](https://example.org/crisp-hw/blob/HEAD/LICENSE)"


class TestReference:
    def test_yaml_files_have_their_keys(self):
        page = yaml_page()
        assert "| `metadata_depth` | number, or number with its source: `{value, source}` | `1048576` |" in page
        assert "| `kind` | `conv2d` | refused |" in page and "| `groups` | whole number (> 0, ≤ " in page

    def test_every_public_name_stands_there_once(self):
        pytest.importorskip("torch")
        named = re.findall(r"^::: (\S+)$", python_page(), re.MULTILINE)
        assert len(named) == len(set(named)) > 20 and any(name.endswith(".evaluate") for name in named)


def test_examples_of_public_names_stand_under_their_heading():
    pytest.importorskip("torch")
    bare = []
    for name in re.findall(r"^::: (\S+)$", python_page(), re.MULTILINE):
        value = pkgutil.resolve_name(name)
        members = vars(value).items() if inspect.isclass(value) else ()
        for each in (value, *(getattr(value, key) for key, _ in members if not key.startswith("_"))):
            text = inspect.getdoc(each) or ""
            ours = inspect.isroutine(each) or inspect.isclass(each) or isinstance(each, property)
            if ours and ">>>" in text and "Examples\n--------\n" not in text:
                bare.append(f"{name}: {text.splitlines()[0]}")
    assert bare == []


def test_a_notebook_becomes_a_page_with_its_output(tmp_path):
    cell = new_code_cell("1 + 1", outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=1)])
    write(new_notebook(cells=[cell]), tmp_path / "small.ipynb")
    (page,) = notebook_files(tmp_path / "small.ipynb", "notebooks/small.ipynb").items()
    assert page[0] == "notebooks/small.md" and "1 + 1" in page[1] and "    2\n" in page[1]
