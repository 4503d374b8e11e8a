"""Two hundred documents with one mistake each: the error names the line where the mistake was made.

A mistake is a row of MISTAKES: a kind, the file, a pattern, and what takes the place of each match of it, with a § in
front of what is wrong. So the right line is known from how the document was made, and not from the program. Of each
kind at most MOST_OF_A_KIND are taken, spread evenly over all that the patterns find.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mistakes_of_files import ARCH, ENERGY, LAYERS, MAIN, MISTAKES, PARTS, SPACE

from crisp_hw.accelerators.load import load_arch
from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import CrispError
from crisp_hw.workloads import load_workload

FOLDER = Path(__file__).with_name("wrong_lines")
MOST_OF_A_KIND = 22


@dataclass(frozen=True)
class Mutant:
    """One document with a mistake: the file that has it, its text, and the line."""

    kind: str
    file: str
    text: str
    line: int


def mutants() -> Iterator[Mutant]:
    """All documents that the rows make, kind by kind."""
    for kind in dict.fromkeys(kind for kind, *_ in MISTAKES):
        found = [made for row in MISTAKES if row[0] == kind for made in made_by(*row)]
        step = max(1.0, len(found) / MOST_OF_A_KIND)
        yield from (found[int(step * number)] for number in range(int(len(found) / step)))


def made_by(kind: str, file: str, pattern: str, replacement: str) -> list[Mutant]:
    """One mutant per match of the pattern in the file."""
    text, found = (FOLDER / file).read_text(), []
    for match in re.finditer(pattern, text, re.MULTILINE):
        made = text[: match.start()] + match.expand(replacement) + text[match.end() :]
        before, wrong, after = made.partition("§")
        found.append(Mutant(kind, file, before + after, before.count("\n") + 1))
        assert wrong, (kind, pattern)
    assert found, (kind, pattern)
    return found


ALL = list(mutants())


def test_there_are_two_hundred_of_fifteen_kinds():
    kinds = Counter(mutant.kind for mutant in ALL)
    assert len(ALL) >= 200
    assert len(kinds) >= 15
    assert max(kinds.values()) <= 25


def read(file, folder):
    """What the command does to which the file is given."""
    match file:
        case "arch.yaml" | "energy.yaml":
            load_arch(folder / ARCH, energy=str(folder / ENERGY))
        case "workload.yaml":
            load_workload(folder / LAYERS)
        case "space.yaml":
            map_files([folder / SPACE])
        case "main.yaml.j2" | "parts.yaml":
            evaluate_files([folder / MAIN])
        case _:
            evaluate_files([folder / file])


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: f"{mutant.kind}-{mutant.file}-{mutant.line}")
def test_the_line_of_the_mistake_is_named(mutant, tmp_path):
    for other in (MAIN, PARTS, ARCH, ENERGY):
        (tmp_path / other).write_text((FOLDER / other).read_text())
    (tmp_path / mutant.file).write_text(mutant.text)
    with pytest.raises(CrispError) as caught:
        read(mutant.file, tmp_path)
    at = caught.value.at
    assert at is not None
    assert at.mark is not None, caught.value
    assert (Path(at.mark.file).name, at.mark.line) == (mutant.file, mutant.line), str(caught.value)
