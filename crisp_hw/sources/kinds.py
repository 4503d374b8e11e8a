"""What the name of a network means: the one owner of that question."""

from pathlib import Path
from typing import Literal

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.checkpoint import CHECKPOINTS
from crisp_hw.io.containers import CONTAINERS
from crisp_hw.io.hugging_face import PREFIX, is_saved_model
from crisp_hw.io.recognise import is_ours, refuse_others
from crisp_hw.meanings import file_hint

Kind = Literal["table", "pruned", "weights", "graph"]
"""A layer table, a file that crisp_prune or `crisp-hw import` wrote, weights that another tool wrote (a file or a
folder), a graph with its weights."""
GRAPHS = (".onnx", ".pt2")
ZOO = "timm:"
"""What stands before the name of a model of timm, which becomes a layer table."""


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
    >>> kind_of("net.onnx"), kind_of("hf:folder"), kind_of("timm:resnet18")
    ('graph', 'weights', 'table')
    """
    path = Path(name)
    if name.startswith(ZOO):
        return "table"
    if path.suffix in (*CHECKPOINTS, *GRAPHS):
        refuse_others(path)
    if name.startswith(PREFIX) or is_saved_model(path):
        return "weights"
    if path.suffix in GRAPHS:
        return "graph"
    if path.suffix in ("", ".yaml", ".yml"):
        return "table"
    if path.suffix in CONTAINERS and is_ours(path):
        return "pruned"
    if path.suffix in CHECKPOINTS:
        return "weights"
    hint = file_hint(path.suffix) or "give a file of these kinds, or a name that `crisp-hw workload list` lists"
    what = f"weights are {', '.join((*CHECKPOINTS, *GRAPHS))} files, layer tables are .yaml files"
    raise InputError(f"is no network that is read: {what}", Where(mark=Mark(name)), hint)
