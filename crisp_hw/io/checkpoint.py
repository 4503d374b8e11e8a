"""Reads a checkpoint of weights that some other tool wrote."""

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import DAMAGE
from crisp_hw.io.state_dict import plain_weights, without_prefix
from crisp_hw.machine.files import FileKind, check_file
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.spec.shown import listed

if TYPE_CHECKING:
    import torch

CHECKPOINT = FileKind("a checkpoint", 2**40, "give a checkpoint of weights")  # 2^38 weights of 32 bits
CHECKPOINTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "weights", "params", "net", "network")
"""Keys under which training scripts commonly keep the state dict (Lightning, torchvision references, DeepSpeed)."""
AVERAGES = ("state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema", "ema_model")
"""Keys of weights that are averaged over training (timm, torchvision references, BasicSR)."""
CURRENT = "current_model_state"
"""Where Lightning's WeightAveraging keeps the weights of the last step, once the averaged ones are its state_dict."""
AVERAGE_PREFIXES = ("model_ema.", "ema_model.", "ema.")


@dataclass(frozen=True)
class StateDict:
    """Plain tensors by name, and what was chosen or left out on the way to them."""

    tensors: "Mapping[str, torch.Tensor]"
    notes: tuple[str, ...] = ()


def load_checkpoint(path: str | os.PathLike[str]) -> "dict[str, torch.Tensor]":
    """Load the state dict of a checkpoint that some other tool wrote; no code in it is ever run.

    Parameters
    ----------
    path
        A `.pt`, `.pth`, `.bin`, `.ckpt` or `.safetensors` file. PyTorch is needed.

    Returns
    -------
    dict of str to torch.Tensor
        Tensors on the CPU by name. One wrapping level ("state_dict", "model", ...) and the prefixes of DataParallel,
        torch.compile and FSDP are taken off, and masks beside the weights are multiplied in.

    Raises
    ------
    InputError
        When the file is missing or holds no tensors, or PyTorch is not installed.

    Examples
    --------
    >>> load_checkpoint("no-such-weights.pth")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no-such-weights.pth: cannot be read (no such file or directory); give ...
    """
    return dict(read_state_dict(Path(path)).tensors)


def read_state_dict(source: Path) -> StateDict:
    """The state dict of a checkpoint, and in words which of several was taken; raises as `load_checkpoint` does."""
    return as_state_dict(read_tensors(source), source)


def as_state_dict(content: Any, source: Path) -> StateDict:
    """The state dict in what a file, or all files of an index, hold; `source` names them in an error."""
    chosen, notes = _chosen(content)
    try:
        tensors = plain_weights({**_masks_of_sparsifier(content), **chosen})
    except InputError as error:
        raise error.within(str(source)) from error
    if not tensors:
        raise InputError(
            "holds no map from names to tensors",
            Where(mark=Mark(str(source))),
            "save model.state_dict() and give that file",
        )
    live, more = _live(tensors)
    return StateDict(without_prefix(live, "module."), (*notes, *more))


def read_tensors(source: Path) -> Any:
    """What a file holds, read by PyTorch's weights-only loader or by safetensors."""
    check_file(source, CHECKPOINT)
    try:
        import safetensors
        import safetensors.torch
        import torch
    except ImportError as error:
        raise InputError(
            "reading a checkpoint needs PyTorch", Where(mark=Mark(str(source))), 'pip install "crisp-hw[torch]"'
        ) from error
    try:
        if source.suffix == ".safetensors":
            return safetensors.torch.load_file(source, device="cpu")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # PyTorch tells how new some of its tensors are
            return torch.load(source, map_location="cpu", weights_only=True)
    except (*DAMAGE, safetensors.SafetensorError) as error:
        raise InputError(
            f"cannot be read as plain weights ({in_our_words(error)})",
            Where(mark=Mark(str(source))),
            "save model.state_dict()",
        ) from error


def _chosen(content: Any) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The state dict in what a file holds, one wrapping level taken off, whatever else stands beside it."""
    if not isinstance(content, Mapping):
        return {}, ()
    there = [key for key in (*WRAPPERS, *AVERAGES) if isinstance(content.get(key), Mapping) and content[key]]
    there.sort(key=lambda key: not _holds_tensors(content[key]))
    if not there or (_holds_tensors(content) and not _holds_tensors(content[there[0]])):
        return (content if _holds_tensors(content) else {}), ()
    averages = [key for key in there[1:] if key in AVERAGES]
    others = [key for key in there[1:] if key not in AVERAGES and _holds_tensors(content[key])]
    notes = [f"the weights are those under '{there[0]}' of the file"]
    notes += [f"its averaged weights under {listed(averages)} are left aside"] if averages else []
    notes += [f"its weights under {listed(others)} are left aside"] if others else []
    if CURRENT in content:
        notes.append(f"they are averaged over training, and the last ones under '{CURRENT}' are left aside")
    return content[there[0]], tuple(notes)


def _holds_tensors(content: Any) -> bool:
    import torch

    return isinstance(content, Mapping) and any(isinstance(value, torch.Tensor) for value in content.values())


def _live(tensors: "Mapping[str, torch.Tensor]") -> "tuple[dict[str, torch.Tensor], tuple[str, ...]]":
    """The weights without copies that are averaged over training, where both stand beside each other."""
    copies = {name for name in tensors if name.startswith(AVERAGE_PREFIXES)}
    live = {name: tensor for name, tensor in tensors.items() if name not in copies and name != "n_averaged"}
    if not copies or not any(tensor.ndim > 1 for tensor in live.values()):
        return {name: tensor for name, tensor in tensors.items() if name != "n_averaged"}, ()
    return live, (f"{len(copies)} averaged tensors such as '{min(copies)}' are left aside",)


def _masks_of_sparsifier(content: Any) -> dict[str, Any]:
    """Masks that a sparsifier of torch.ao keeps in its own state, by the names that the parametrization gives them."""
    return dict(_sparsified(content)) if isinstance(content, Mapping) else {}


def _sparsified(content: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for entry in content.values():
        state = entry.get("state") if isinstance(entry, Mapping) else None
        for name, kept in state.items() if isinstance(state, Mapping) else ():
            if isinstance(name, str) and isinstance(kept, Mapping) and "mask" in kept:
                module, _, weight = name.rpartition(".")
                yield f"{module}.parametrizations.{weight}.0.mask".lstrip("."), kept["mask"]
