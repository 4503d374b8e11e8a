"""The JSON schema of architecture files takes what is right, and marks what an editor can know to be wrong."""

import pytest
import yaml
from jsonschema import Draft202012Validator

from crisp_hw.accelerators.editor_schema import editor_schema
from crisp_hw.accelerators.files import arch_path, list_arch
from crisp_hw.accelerators.templates import full_text, short_text

VALIDATOR = Draft202012Validator(editor_schema())


def wrong(text):
    return list(VALIDATOR.iter_errors(yaml.safe_load(text)))


@pytest.mark.parametrize("name", list_arch())
def test_packaged_files_are_right(name):
    assert not wrong(arch_path(name).read_text(encoding="utf-8"))
    assert not wrong(full_text(name, "mine")) and not wrong(short_text("mine", name))


def test_bare_numbers_are_right():
    assert not wrong("schema: crisp-hw/arch/2\nname: a\nextends: stc\nlevels: {SMEM: {read_bandwidth: 32}}\n")


MISTAKES = {
    "a key": lambda document: document["levels"]["SMEM"].update(read_bandwith=32),
    "a problem": lambda document: document["runs"][0].update(problem="matmul"),
    "a tensor": lambda document: document["constraints"]["RF"].update(keep=["C"]),
    "a number": lambda document: document["levels"]["SMEM"].update(size_kb={"value": -1, "source": "a mistake"}),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_what_an_editor_can_know_is_marked(kind):
    document = yaml.safe_load(full_text("crisp-stc", "mine"))
    MISTAKES[kind](document)
    assert list(VALIDATOR.iter_errors(document))
