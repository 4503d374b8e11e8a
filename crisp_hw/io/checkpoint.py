"""Reads a checkpoint of weights that some other tool wrote."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import DAMAGE
from crisp_hw.machine.files import FileKind, check_file
from crisp_hw.machine.foreign import in_our_words

if TYPE_CHECKING:
    import torch

CHECKPOINT = FileKind("a checkpoint", 2**40, "give a checkpoint of weights")  # 2^38 weights of 32 bits
WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "weights")
"""Keys under which training scripts commonly keep the state dict (Lightning, torchvision references, DeepSpeed)."""


def load_checkpoint(path: str | os.PathLike[str]) -> "dict[str, torch.Tensor]":
    """Load the state dict of a checkpoint that some other tool wrote; no code in it is ever run.

    Parameters
    ----------
    path
        A `.pt`, `.pth`, `.bin`, `.ckpt` or `.safetensors` file. PyTorch is needed.

    Returns
    -------
    dict of str to torch.Tensor
        Tensors on the CPU by name. One wrapping level ("state_dict", "model", ...) and the prefix "module." of
        DataParallel are taken off.

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
    source = Path(path)
    check_file(source, CHECKPOINT)
    tensors = _tensors(_read(source))
    if not tensors:
        raise InputError(
            "holds no map from names to tensors",
            Where(mark=Mark(str(source))),
            "save model.state_dict() and give that file",
        )
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _read(source: Path) -> Any:
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
        return torch.load(source, map_location="cpu", weights_only=True)
    except (*DAMAGE, safetensors.SafetensorError) as error:
        raise InputError(
            f"cannot be read as plain weights ({in_our_words(error)})",
            Where(mark=Mark(str(source))),
            "save model.state_dict()",
        ) from error


def _tensors(content: Any) -> "dict[str, torch.Tensor]":
    """The named tensors of a state dict, one wrapping level taken off."""
    import torch

    if not isinstance(content, Mapping):
        return {}
    found = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}
    if found:
        return found
    wrapped: Mapping[Any, Any] = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), {})
    return {key: value for key, value in wrapped.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}
