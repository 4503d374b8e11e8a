"""Parameters that nothing names are told, wherever they were written."""

import pytest

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.accelerators.rules import unheard

EXTENDED = """\
schema: crisp-hw/arch/2
extends: stc
name: mine
parameters:
  {name}: {{value: 3, source: "a guess of this test"}}
"""


def written(tmp_path, name):
    path = tmp_path / "mine.yaml"
    path.write_text(EXTENDED.format(name=name))
    return load_arch(path)


@pytest.mark.parametrize("name", list_arch())
def test_every_parameter_of_a_packaged_file_has_an_effect(name):
    assert not [note for note in load_arch(name).notes if "no effect" in note]


def test_a_parameter_that_no_formula_names_is_told(tmp_path):
    (note,) = [note for note in written(tmp_path, "tile_row").notes if "no effect" in note]
    assert note == "mine: a parameter has no effect, because no formula of the file names tile_row"


def test_one_that_a_formula_names_is_not(tmp_path):
    assert not [note for note in written(tmp_path, "tile_rows").notes if "no effect" in note]


def test_names_are_looked_for_in_words_and_not_in_parts_of_them():
    document = {"name": "x", "parameters": {"half": 1, "hal": 2}, "runs": [{"each": {"to": "half // 2"}}]}
    assert list(unheard(document)) == ["x: a parameter has no effect, because no formula of the file names hal"]
