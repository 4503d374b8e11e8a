"""No accelerator is code: the program does not know the names of those that are packaged."""

import ast
import re
from pathlib import Path

import pytest

import crisp_hw
from crisp_hw.accelerators import list_arch

ROOT = Path(crisp_hw.__file__).parent
PUBLICATIONS = ("reproduction", "validation", "imbalance")  # what they hold is called as the publication is
WORDS = {"dense"}  # a word of the field: weights, loops and runs are dense, too
NAMES = "|".join(map(re.escape, sorted({*list_arch(), "eie"} - WORDS)))


def code_of(path):
    """String constants and identifiers of a module, with their lines; documentation and its examples aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value
        for field in ("id", "attr", "arg", "name"):
            if isinstance(name := getattr(node, field, None), str):
                yield getattr(node, "lineno", 0), name.replace("_", " ")


@pytest.mark.parametrize("room", sorted(path.name for path in ROOT.iterdir() if path.name != "__pycache__"))
def test_no_code_knows_the_name_of_a_packaged_accelerator(room):
    if room in PUBLICATIONS or room == "data":
        return
    files = sorted((ROOT / room).rglob("*.py")) if (ROOT / room).is_dir() else [ROOT / room]
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]}"
        for path in files
        if path.suffix == ".py"
        for line, text in code_of(path)
        if not re.search("reproduc|publication", text)
        and re.search(rf"(?<![\w-])({NAMES})(?![\w-])", text, re.IGNORECASE)
    ]
    assert not found
