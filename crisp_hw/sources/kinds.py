"""What the name of a network means: the one owner of that question."""

from pathlib import Path
from typing import Literal

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.checkpoint import CHECKPOINTS
from crisp_hw.io.containers import CONTAINERS
from crisp_hw.io.recognise import is_ours
from crisp_hw.meanings import file_hint

Kind = Literal["table", "pruned", "weights"]
"""A layer table, a file that crisp_prune or `crisp-hw import` wrote, weights that another tool wrote."""


def kind_of(name: str) -> Kind:
    """What a name of a network stands for.

    Raises
    ------
    InputError
        When it is a file of a kind that is not read.

    Examples
    --------
    >>> kind_of("run.pt"), kind_of("resnet50"), kind_of("mine.yaml"), kind_of("weights.pth")
    ('pruned', 'table', 'table', 'weights')
    """
    path = Path(name)
    if path.suffix in ("", ".yaml", ".yml"):
        return "table"
    if path.suffix in CONTAINERS and is_ours(path):
        return "pruned"
    if path.suffix in CHECKPOINTS:
        return "weights"
    hint = file_hint(path.suffix) or "give a file of these kinds, or a name that `crisp-hw workload list` lists"
    what = f"weights are {', '.join(CHECKPOINTS)} files, layer tables are .yaml files"
    raise InputError(f"is no network that is read: {what}", Where(mark=Mark(name)), hint)
