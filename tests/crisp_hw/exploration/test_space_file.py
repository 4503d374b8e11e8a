"""Space files with something wrong in them: each is refused in a sentence with the file, and says what there is."""

import json
import random
import re

import pytest
import yaml
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.errors import InputError
from crisp_hw.exploration.space_file import read_space

FILE = {
    "schema": "crisp-hw/space/1",
    "source": "resnet50",
    "base": "crisp-stc",
    "layers": "fc",
    "nm": "2:4",
    "method": "random",
    "trials": 4,
    "seed": 1,
    "space": {
        "smem_bandwidth": [8, 16],
        "rf_kb": {"low": 1, "high": 3, "step": 1},
        "block": {"values": [16, 32], "when": "rf_kb > 1"},
        "arch": ["crisp-stc", "stc"],
        "objective": ["cycles", "edp"],
        "sparsity": [0.8],
    },
    "conditions": ["rf_kb * smem_bandwidth <= 32"],
    "objectives": ["cycles", "energy_uj"],
    "accuracy": [{"sparsity": 0.5, "accuracy": 0.7}, {"sparsity": 0.9, "accuracy": 0.6}],
    "options": {"overheads": True},
}
WRONG = (None, "smem", "", -1, 0.5, True, [], {}, [[]], {"low": 1}, "2:", float("inf"), "\x00", ["a", "a"], 10**30)


def places(value, path=()):
    """Every place in a document, its own names included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def wronged(generator):
    """The file with one key misspelt or one value of another kind, and whether it still says the same."""
    made = json.loads(json.dumps(FILE))
    *way, last = generator.choice([each for each in places(made) if each])
    inner = made
    for key in way:
        inner = inner[key]
    if isinstance(last, str) and generator.random() < 0.4:
        inner[last[:-1] + generator.choice("xq_")] = inner.pop(last)
    else:
        inner[last] = generator.choice([each for each in WRONG if each != inner[last]])
    return made


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(50))
def test_a_wrong_file_is_refused_in_a_sentence_or_explored(seed, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(yaml.safe_dump(wronged(random.Random(seed)), sort_keys=False))
    shown = CliRunner().invoke(app, ["explore", str(path), "-f", "json"])
    if shown.exit_code == 0:  # some changes leave a file that says something else
        assert json.loads(shown.stdout)["points"]
        return
    assert shown.exit_code == 2 and re.match(r"crisp-hw: [^\n]*space\.yaml(:\d+)?: [^\n]{10,1500}\n\Z", shown.stderr)


@pytest.mark.parametrize(
    ("line", "said", "words"),
    [
        ("space: {cores: {lwo: 4}}", "space.yaml:3", "low"),
        ("objektives: [cycles]", "space.yaml:3", "objectives"),
        ("trials: many", "space.yaml:3", "whole number"),
        ("options: {densitty: model}", "space.yaml:3", "density"),
        ("accuracy: [{sparsity: 0.5}]", "space.yaml:3", "accuracy"),
        ("accuracy: {study: r.json}", "space.yaml:3", "method"),
    ],
)
def test_the_line_and_the_valid_words_are_told(tmp_path, line, said, words):
    path = tmp_path / "space.yaml"
    path.write_text(
        f"schema: crisp-hw/space/1\nsource: resnet50\n{line}\n" + "space: {cores: [4]}\n" * ("space" not in line)
    )
    with pytest.raises(InputError) as told:
        read_space(path)
    assert said in str(told.value) and words in str(told.value)


def test_a_file_without_a_network_is_told(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("schema: crisp-hw/space/1\nspace: {cores: [4]}\n")
    with pytest.raises(InputError, match="names no network"):
        read_space(path)


def test_the_old_word_for_the_source_is_read_with_a_note(tmp_path, capsys):
    path = tmp_path / "space.yaml"
    path.write_text("schema: crisp-hw/space/1\nnetwork: resnet50\nspace: {cores: [4]}\n")
    assert read_space(path)["source"] == "resnet50"
    assert "space.yaml:2: network is called source now" in capsys.readouterr().err


def test_a_source_under_both_words_is_refused(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("schema: crisp-hw/space/1\nsource: vgg16\nnetwork: resnet50\nspace: {cores: [4]}\n")
    with pytest.raises(InputError, match=r"space\.yaml:3.*names its source twice"):
        read_space(path)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ("space: {smem_ports: [1]}", 3, "did you mean smem_"),
        ("space: {cores: [four]}", 3, "cores must be a positive number"),
        ("space: {cores: [4]}\noptions:\n  overheads: perhaps", 5, "True or False"),
        ("space: {cores: [4]}\nobjectives: [cycels]", 4, "cycles"),
        ("space: {cores: [4]}\nconditions: [core > 2]", 4, "it may read cores"),
        ("space: {cores: [4], energy: [tables]}", 3, "valid names"),
        ("space: {cores: [4], network: [vgg16]}", 3, "no effect beside axis network"),
        ("space: {cores: [4]}\nbase: crisp", 4, "crisp-stc"),
        ("space: {cores: [4]}\naccuracy: [{sparsity: 0.5, accuracy: 0.5}]\nobjectives: [accurcy]", 5, "accuracy"),
    ],
)
def test_what_a_study_refuses_is_told_with_the_line(tmp_path, lines, line, said):
    path = tmp_path / "space.yaml"
    path.write_text(f"schema: crisp-hw/space/1\nsource: resnet50\n{lines}\n")
    shown = CliRunner().invoke(app, ["explore", str(path)])
    assert shown.exit_code == 2 and f"space.yaml:{line}: " in shown.stderr and said in shown.stderr, shown.stderr
