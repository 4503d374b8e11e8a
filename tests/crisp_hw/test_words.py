"""One word, one thing: the glossary has a line a word, and words that were given up name nothing in the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "crisp_hw").rglob("*.py"))
GIVEN_UP = {
    "part",
    "verdict",
    "outcome",
    "spread",
    "some",
    "most",
    "bench",
    "crew",
    "door",
    "common",
    "utils",
    "helpers",
}
NEURAL = {"networks": "report", "network": "descriptors"}  # modules about neural networks
WIRED = ("engine", "timeloop", "spec", "backends")  # rooms in which Timeloop's "network" is called wires
NAMED_IN_DOCS = re.compile(r"`((?:\w+\.)*\w+):\s+([^`]+)`")


def words(name):
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def defined(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node.name for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_words_that_were_given_up_name_nothing(path):
    names = {path.stem, *defined(path)}
    assert not {name for name in names if name.strip("_").lower() in GIVEN_UP}
    if path.relative_to(ROOT).parts[1] in WIRED:
        allowed = {"NetworkEvaluation"}  # of a neural network
        assert not {name for name in names - allowed if {"network", "networks"} & set(words(name))}


def test_the_glossary_has_one_line_a_word():
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    entries = [line.split("|")[1].strip() for line in lines if line.startswith("| ") and not line.startswith("| word")]
    terms = [term.strip() for entry in entries for term in entry.split(",")]
    assert len(terms) == len(set(terms)) >= 60
    assert not GIVEN_UP & set(terms)
    assert {"density", "tile", "wires", "residual", "position skipping", "golden case"} <= set(terms)


def test_what_the_model_page_names_is_there():
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    engine = {path.stem: path.read_text(encoding="utf-8") for path in SOURCES if path.parts[-2] in ("engine", "safs")}
    named = [(one[1].removeprefix("safs."), one[2]) for one in NAMED_IN_DOCS.finditer(text)]
    checked = [(module, name) for module, names in named for name in re.findall(r"[A-Za-z_]\w+", names)]
    checked = [(module, name) for module, name in checked if module in engine]
    assert len(checked) > 50
    assert [pair for pair in checked if not re.search(rf"\b{pair[1]}\b", engine[pair[0]])] == []
