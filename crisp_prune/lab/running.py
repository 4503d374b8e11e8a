"""A study cell by cell: what lies in its folder is done, the rest is spread over processes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.pool import WorkerPool, answer_of
from crisp_hw.machine.writing import write_text
from crisp_prune.checkpoint import make_folder
from crisp_prune.lab.cell import Measured, measure, measured_from, start
from crisp_prune.lab.study import Cell, Study, cells_of

Answer = TypeVar("Answer")
LIMIT = 2**20
"""Bytes of the largest file of a cell that is read: far above what one comes to."""


@dataclass(frozen=True)
class Reached:
    """What is known of a study: the cells that are done, and how many there are."""

    rows: tuple[Measured, ...]
    cells: int


def compare(study: Study, folder: Path, jobs: int, on_cell: Callable[[int, int], None]) -> Reached:
    """Every cell of a study; those whose result lies in `folder` are not computed again.

    `on_cell` is told how many of all cells are done. A study that was interrupted goes on where it was.
    """
    make_folder(folder / "cells")
    make_folder(folder / "dense")
    cells = list(cells_of(study))
    todo = [cell for cell in cells if not _file(folder, cell).exists()]
    starts = {cell.start: cell for cell in todo}
    _each(start, list(starts.values()), folder / "dense", jobs, lambda cell, _: None)
    done = [len(cells) - len(todo)]
    on_cell(done[0], len(cells))

    def note(cell: Cell, found: Measured) -> None:
        write_text(_file(folder, cell), json.dumps(found.as_dict()) + "\n")
        done[0] += 1
        on_cell(done[0], len(cells))

    _each(measure, todo, folder / "dense", jobs, note)
    return Reached(tuple(_read(_file(folder, cell)) for cell in cells), len(cells))


def reached(study: Study, folder: Path) -> Reached:
    """The cells that lie in a folder so far; nothing is computed."""
    cells = list(cells_of(study))
    return Reached(tuple(_read(path) for cell in cells if (path := _file(folder, cell)).exists()), len(cells))


def _each(
    work: Callable[[Cell, Path], Answer],
    cells: list[Cell],
    dense: Path,
    jobs: int,
    note: Callable[[Cell, Answer], None],
) -> None:
    """Do one thing with each cell, in this process or in several; `note` is told of each as soon as it is done."""
    if jobs == 1 or len(cells) < 2:
        for cell in cells:
            note(cell, work(cell, dense))
        return
    with WorkerPool(min(jobs, len(cells)), (torch.set_num_threads, (1,))) as pool:
        running = pool.submit_all({cell.start + cell.key: (work, (cell, dense)) for cell in cells})
        for cell in cells:
            note(cell, answer_of(running[cell.start + cell.key]))


def _file(folder: Path, cell: Cell) -> Path:
    return folder / "cells" / f"{cell.key}.json"


def _read(path: Path) -> Measured:
    """A cell that was noted; InputError where its file is damaged."""
    try:
        if path.stat().st_size > LIMIT:
            raise ValueError("too large")
        return measured_from(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        said = f"is no result of a cell ({in_our_words(error)})"
        raise InputError(said, Where(mark=Mark(str(path))), "remove it, so that it is computed again") from error
