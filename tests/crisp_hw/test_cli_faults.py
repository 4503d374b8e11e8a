"""With --format json a failing command prints the fields of its error on stdout, and still its sentence on stderr."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.command_line.faults import error_record, telling
from crisp_hw.errors import CrispError, InputError, MappingError, Mark, Where
from crisp_hw.spec.rules import Failure, Rule, Unmappable

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
FIELDS = {"kind", "message", "reason", "hint", "context", "document", "entry", "key", "file", "line", "exit_code"}
WORDS = Failure(Rule.CAPACITY, "SMEM", need=300.0, have=256.0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("model", "nowhere.yaml"),
        ("map", "nowhere.yaml"),
        ("evaluate", "--workload", "resnet50", "--nm", "3:2"),
        ("describe", "nowhere.pt"),
        ("characterize", "--arch", "nothing"),
        ("validate", "nowhere.jsonl.gz"),
        ("replay", "nowhere.zip"),
        ("arch", "show", "nothing"),
        ("workload", "show", "nothing"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_that_prints_json_prints_its_errors_so(arguments):
    done = CliRunner().invoke(app, [*arguments, "--format", "json"])
    told = json.loads(done.stdout)["error"]
    assert set(told) == FIELDS | {"failures"}
    assert (told["kind"], told["exit_code"], done.exit_code) == ("InputError", 2, 2)
    assert done.stderr == f"crisp-hw: error: {told['message']}\n"


@pytest.mark.parametrize("form", ["table", "csv", "md"])
def test_other_formats_print_nothing_on_stdout(form):
    done = CliRunner().invoke(app, ["model", "nowhere.yaml", "-f", form])
    assert (done.exit_code, done.stdout) == (2, "")


def test_an_error_has_its_fields():
    error = InputError("3 factors", Where("mapping", "RF", "factors", Mark("a.yaml", 7)), "give 2").within("layer a")
    told = error_record(error)["error"]
    assert told == {
        "kind": "InputError",
        "message": "layer a: a.yaml:7: mapping of RF.factors: 3 factors; give 2",
        "reason": "3 factors",
        "hint": "give 2",
        "context": "layer a",
        "document": "mapping",
        "entry": "RF",
        "key": "factors",
        "file": "a.yaml",
        "line": 7,
        "exit_code": 2,
        "failures": [],
    }


@pytest.mark.parametrize("error", [MappingError("x", failures=(WORDS,)), Unmappable(WORDS)])
def test_a_mapping_that_does_not_fit_lists_the_rules(error):
    told = json.loads(json.dumps(error_record(error)))["error"]
    assert (told["kind"], told["exit_code"]) == ("MappingError", 3)
    assert told["failures"] == [
        {"rule": "capacity", "level": "SMEM", "tensor": None, "need": 300.0, "have": 256.0, "other": ""}
    ]


def test_telling_raises_the_error_on(capsys):
    def fails():
        raise CrispError("no")

    with pytest.raises(CrispError):
        telling(fails, lambda: False)
    assert capsys.readouterr().out == ""
    with pytest.raises(CrispError):
        telling(fails, lambda: True)
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "no"
    assert telling(lambda: 3, lambda: True) == 3


def test_the_page_lists_every_rule_and_field():
    text = DOCS.read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)`", text)) >= {*Rule, *FIELDS, "failures"}
