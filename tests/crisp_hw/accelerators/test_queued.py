"""The file of an accelerator with queues: what it says, mistakes in it, and that everything rests on it."""

import shutil
from pathlib import Path

import pytest

import crisp_hw
from crisp_hw.accelerators import queued
from crisp_hw.accelerators.queued import read_queued_pes
from crisp_hw.data_files import data_folder, packaged
from crisp_hw.errors import InputError
from crisp_hw.imbalance.drawn import drawn_masks
from crisp_hw.reproduction import Request, eie
from crisp_hw.reproduction.eie import Published
from crisp_hw.reproduction.published import published
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.imbalance import QueuedPes
from crisp_hw.spec.layer import Layer
from crisp_hw.validation import queued as recorded
from crisp_hw.validation import read_cases

RECORDED = Path(__file__).parents[2] / "golden" / "queued" / "eie.jsonl.gz"
FILE = f"{packaged().queued}.yaml"
ROWS, COLUMNS, DENSITY, SEED = 600, 4096, 0.1, 106  # NT-We of the paper, which has no zeros among its inputs


def changed(tmp_path, old, new):
    text = (data_folder("arch") / FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path / "mine.yaml"


def cycles_on(arch):
    drawn = drawn_masks((ROWS, COLUMNS), DENSITY, 1.0, SEED)
    layer = PrunedLayer(Layer("We", "linear", ROWS, COLUMNS), "nm", drawn.weights)
    return crisp_hw.evaluate(PrunedModel("NT", (layer,)), arch, activation_density=1.0, cache=False).rows[0].cycles


def test_the_packaged_file_is_the_machine_of_the_paper():
    assert read_queued_pes() == QueuedPes(64, 8, 4, 8, 800.0)


def test_a_file_without_queues_says_so():
    with pytest.raises(InputError, match="has no queues"):
        read_queued_pes("crisp-stc")


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("fanout_y: {value: 64", "fanout_y: {value: 32", "pes", 32),
        ("queue_slots: {value: 8", "queue_slots: {value: 2", "queue_slots", 2),
        ("index_bits: {value: 4", "index_bits: {value: 2", "index_bits", 2),
        ("clock_ghz: {value: 0.8", "clock_ghz: {value: 0.4", "clock_mhz", 400),
    ],
)
def test_another_number_changes_what_is_validated_evaluated_and_reproduced(
    tmp_path, monkeypatch, old, new, field, value
):
    mine = changed(tmp_path, old, new)
    machine = read_queued_pes(mine)
    assert getattr(machine, field) == value
    evaluated = (cycles_on(packaged().queued), cycles_on(mine))
    usual = reproduced(monkeypatch), recorded_differences()
    shutil.copytree(data_folder("arch"), tmp_path / "arch")
    shutil.copy(mine, tmp_path / "arch" / FILE)
    monkeypatch.setattr("crisp_hw.accelerators.files.data_folder", lambda kind: tmp_path / kind)
    recorded._packaged.cache_clear()
    other = reproduced(monkeypatch), recorded_differences()
    recorded._packaged.cache_clear()
    assert queued.read_queued_pes() == machine and other[0] != usual[0]
    if field != "clock_mhz":  # which is no matter of cycles
        assert evaluated[0] != evaluated[1] and not usual[1] and other[1]


def reproduced(monkeypatch):
    """The time of the layer in the reproduction, which takes only this one here."""
    paper = published("eie", Published)
    one = paper.model_copy(update={"layers": [each for each in paper.layers if each.layer == "NT-We"], "measured": []})
    monkeypatch.setattr(eie, "published", lambda name, schema: one)
    return eie.eie(Request()).claims[0].ours


def recorded_differences():
    """What differs in a recorded run of the paper's machine."""
    (case,) = (each for each in read_cases(RECORDED) if each["id"] == "eie-m-000")
    return recorded.compare_queued(case)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("queue_slots: {value: 8", "queue_slots: {value: 1", "greater than or equal to 2"),
        ("kind: queued-columns", "kind: systolic", "queued-columns"),
        ("index_bits: {value: 4", "index_bits: {value: few", "whole number"),
        ("  line_entries: {value: 8", "  lines: {value: 8, source: none}\n  line_entries: {value: 8", "line_entries"),
    ],
)
def test_mistakes_name_their_line(tmp_path, old, new, said):
    path = changed(tmp_path, old, new)
    line = 1 + path.read_text(encoding="utf-8")[: path.read_text(encoding="utf-8").index(new)].count("\n")
    with pytest.raises(InputError) as error:
        read_queued_pes(path)
    assert f"{path}:{line}" in str(error.value) and said in str(error.value)
