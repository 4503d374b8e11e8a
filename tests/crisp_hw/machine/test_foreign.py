"""What libraries say becomes a sentence of ours, whatever it was."""

import ast
import io
import json
import zipfile
import zlib
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from crisp_hw.machine.foreign import Unfit, in_our_words

ROOT = Path(__file__).parents[3]


def caught(run):
    try:
        run()
    except Exception as error:  # noqa: BLE001 - whatever the library has
        return in_our_words(error)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb\n", "a colon is missing after a key"),
        ("a: b: 1\n", "a colon stands where no key can stand"),
        ("a: [1, 2\n", "a comma or ] is missing"),
        ("a: {b: 1\n", "a comma or } is missing"),
        ("a: 1\n b: 2\n", "a colon stands where no key can stand"),
        ("a: 'x\n", "a text in quotes or a bracket does not end"),
        ("a: @x\n", "a character stands where no value can begin"),
        ('a: "\\q"\n', "a backslash in double quotes means nothing"),
        ("a:\n\t- 1\n", "a character stands where no value can begin"),
        ("- 1\nb: 2\n", "a list is not indented evenly, or stands where none can"),
    ],
)
def test_yaml(text, said):
    assert caught(lambda: list(yaml.parse(text, Loader=yaml.CSafeLoader))) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ size }}", "size is not set"),
        ("{{ a.b }}", "there is no b in it"),
        ("{% fro x %}", "fro is no statement of templates"),
        ("{{ 1|half }}", "there is no filter half"),
        ("{% if 1 %}", "a statement has no end"),
        ("{{ ) }}", ") stands where it means nothing"),
        ("{{ a[ }}", "} stands where it means nothing"),
        ("{{ 1 + 'x' }}", "values of two kinds do not mix"),
        ("{{ 1 / 0 }}", "it divides by zero"),
        ("{{ a.__class__ }}", "__class__ may not be used in templates"),
        ("{{ 1() }}", "what is called is no function"),
    ],
)
def test_templates(text, said):
    kind = SandboxedEnvironment if "__" in text else Environment
    assert caught(lambda: kind(undefined=StrictUndefined).from_string(text).render(a={"c": 1})) == said


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: json.loads("{"), "it is not JSON"),
        (lambda: zipfile.ZipFile(io.BytesIO(b"no")), "it is no whole zip archive"),
        (lambda: zlib.decompress(b"no"), "what it packs is damaged"),
        (lambda: b"\xff".decode(), "it is not UTF-8 text"),
        (lambda: open("/no/such/file"), "no such file or directory"),  # noqa: PTH123, SIM115 - the error is what counts
        (lambda: {}["key"], "'key' is missing in it"),
        (lambda: [][3], "it has no such entry"),
        (lambda: float("x"), "'x' is no number"),
        (lambda: int("x"), "'x' is no whole number"),
        (lambda: int("9" * 5000), "a whole number has thousands of digits"),
        (lambda: None.x, "there is no x in it"),
        (lambda: 1 / 0, "it divides by zero"),
        (lambda: list(3), "a single value stands where a list or a mapping must"),
    ],
)
def test_python_and_its_library(run, said):
    assert caught(run) == said


def test_our_own_words_stay():
    assert in_our_words(Unfit("two records, not one")) == "two records, not one"


def test_errors_of_unknown_kinds_are_not_quoted():
    class Strange(Exception):
        pass

    assert in_our_words(Strange("<class 'pydantic.Odd'>")) == "it is damaged"


OWN = {
    "Unwritable",
    "InputError",
    "CrispError",
    "MappingError",
    "ToolError",
    "Unmappable",
    "_Unknown",
    "Refused",
    "Unfit",
}
LET_THROUGH = {
    "crisp_hw/machine/ending.py": "names a defect of the program, and what the system says",
    "crisp_hw/machine/foreign.py": "the one place that reads what libraries say",
    "crisp_hw/machine/store.py": "what the system says of a folder",
    "crisp_hw/machine/writing.py": "what the system says of a folder",
    "crisp_hw/machine/files.py": "what the system says of a file",
    "crisp_hw/extract/record.py": "what the user's own model raised, in its words",
    "crisp_hw/machine/objects.py": "what the user's own function raised, in its words",
    "crisp_hw/explanation/arithmetic.py": "a defect, which no user sees",
    "crisp_hw/backends/timeloop/wires.py": "the name of what is missing",
}
"""Files that put the words of an exception into a sentence, and why they may."""


def foreign_handlers(tree):
    """Handlers of errors that are not ours, whose name is put into a text."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler) or node.name is None or node.type is None:
            continue
        kinds = {each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in ast.walk(node.type)}
        if kinds & OWN:
            continue
        for inner in ast.walk(node):
            texts = isinstance(inner, ast.FormattedValue) and any(
                isinstance(each, ast.Name) and each.id == node.name for each in [inner.value]
            )
            called = (
                isinstance(inner, ast.Call)
                and isinstance(inner.func, ast.Name)
                and inner.func.id in ("str", "repr")
                and any(isinstance(each, ast.Name) and each.id == node.name for each in inner.args)
            )
            if texts or called:
                yield inner.lineno


@pytest.mark.slow
@pytest.mark.parametrize("package", ["crisp_hw", "crisp_prune"])
def test_no_sentence_repeats_what_a_library_says(package):
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in (ROOT / package).rglob("*.py")
        if str(path.relative_to(ROOT)) not in LET_THROUGH
        for line in foreign_handlers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not found
