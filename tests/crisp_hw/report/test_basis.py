"""Five lines at most, the weightiest first, every one of them said in full below --notes."""

from dataclasses import replace
from pathlib import Path

import pytest

import crisp_hw
from crisp_hw.data_files import data_folder
from crisp_hw.documents.screen import screen_text
from crisp_hw.report.basis import LINES, WEIGHTY, basis
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.report.notes import Note
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.patterns import NM

PACKAGE = Path(crisp_hw.__file__).parent
FILES = (*PACKAGE.rglob("*.py"), *data_folder("arch").glob("*.yaml"))
SAID = "".join(path.read_text(encoding="utf-8") for path in FILES if path.name != "basis.py")


@pytest.mark.parametrize("words", WEIGHTY)
def test_every_weighty_word_is_in_a_sentence_of_the_program(words):
    assert words in SAID.replace('"\n            f"', "").replace('"\n    "', "")


def test_weighty_assumptions_come_first_then_those_of_more_layers(row):
    network = NetworkEvaluation("net", tuple(row(layer=f"c{i}") for i in range(3)))
    found = [
        Note("few are padded; by 3", ("a",), ("c1",)),
        Note("all are padded", ("a",), ("c0", "c1", "c2")),
        Note("one sample at a time"),
        Note("DSTC packs, so its cycles are a lower bound", ("b",), ("c0",)),
    ]
    assert basis(network, found, ("a", "b")) == (
        "DSTC packs, so its cycles are a lower bound [b]",
        "one sample at a time",
        "all are padded [a]",
        "few are padded [a]",
    )


def test_what_was_skipped_is_counted_and_always_there(row):
    network = NetworkEvaluation("net", (row(),), tuple(Skipped(f"relu{i}", "elementwise") for i in range(4)))
    found = basis(network, [Note(f"assumption {i}") for i in range(9)], ("a",))
    assert len(found) == LINES and found[-1] == "4 skipped: relu0, relu1, relu2 and 1 more; at no cost here"
    assert len(basis(replace(network, skipped=()), [Note(f"{i}") for i in range(9)], ("a",))) == LINES


@pytest.fixture(scope="module")
def resnet():
    source = crisp_hw.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    return crisp_hw.evaluate(source, ["dense", "stc", "dstc", "crisp-stc"]).network


@pytest.mark.slow
def test_a_screen_of_80_by_24_shows_the_answer(resnet):
    document = evaluation_document(resnet, per_layer=False, with_notes=False)
    lines = screen_text(replace(document, more="more: --per-layer, --notes, --wide"), 80).splitlines()
    assert len(lines) <= 23 and max(map(len, lines)) <= 80  # and one for the prompt
    totals = {line.split()[0]: line.split() for line in lines if line.startswith(" ") and "x" in line}
    assert totals["crisp-stc"][2] == "7.62x" and totals["dstc"][2] == "5.65x"
    start = lines.index("rests on:") + 1
    assert all(line.startswith("  - ") for line in lines[start : start + LINES])  # none is folded
    assert lines[start + LINES].startswith("more: ")


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 120, 240])
def test_nothing_is_wider_than_the_screen(resnet, width):
    lines = screen_text(evaluation_document(resnet), width).splitlines()
    assert max(map(len, lines)) <= width
    left_out = [line for line in lines if line.startswith("not shown")]
    assert bool(left_out) == (width < 240)


@pytest.mark.slow
def test_every_line_is_the_head_of_a_note(resnet):
    document = evaluation_document(resnet)
    for line in document.summary["rests on"][:-1]:
        head = line.partition(" [")[0]
        assert any(note.startswith(head) for note in document.remarks["assumptions"])


def test_a_way_that_no_mapping_fits_and_actions_without_a_price_are_weighty():
    found = [
        *(Note(f"assumption {i}", ("a",), ("c0", "c1")) for i in range(LINES)),
        Note("another way to run it is left out, because no mapping of it is valid; level L: full", ("a",), ("c0",)),
        Note("level L: the energy table has no gated_read; these accesses happen", ("a",), ("c0",)),
    ]
    lines = basis(NetworkEvaluation("net", ()), found, ("a",))
    assert lines[:2] == (
        "another way to run it is left out, because no mapping of it is valid",
        "level L: the energy table has no gated_read",
    )
