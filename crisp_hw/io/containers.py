"""The two containers of a pruned model, `.pt` and `.safetensors`, opened without trusting them."""

import io
import json
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import FileKind, check_file, read_bytes
from crisp_hw.machine.foreign import Unfit, in_our_words
from crisp_hw.meanings import FOREIGN, file_hint

CONTAINERS = (".pt", ".safetensors")

# 1 GiB of packed masks are 8.6e9 weights.
PRUNED = FileKind("a pruned model", 2**30, "give a pruned-model file that crisp-prune wrote")

# Every error that a damaged zip, pickle or tensor record was seen, or is documented, to end in: a file from outside
# must come back as one sentence, and the readers below do not promise a narrower set.
DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
)

# All that torch.save writes for a dict of text and uint8 tensors.
PT_GLOBALS = frozenset({"torch._utils _rebuild_tensor_v2", "torch ByteStorage", "collections OrderedDict"})
TEXTS = {"schema", "version", "header", "checksum"}


@dataclass(frozen=True)
class Envelope:
    """The raw entries of a container, not yet validated; `masks` are 1-D uint8."""

    schema: str
    version: str
    header: str
    checksum: str
    masks: Mapping[str, NDArray[np.uint8]]


def open_envelope(path: Path) -> Envelope:
    """The entries of `path`, by its suffix; InputError when it is no intact container of that kind."""
    if path.suffix not in CONTAINERS:
        said = f"a pruned model ends in {' or '.join(CONTAINERS)}, not '{path.suffix}'"
        raise InputError(said, Where(mark=Mark(str(path))), file_hint(path.suffix))
    if not check_file(path, PRUNED):
        raise InputError("is empty", Where(mark=Mark(str(path))), PRUNED.advice)
    return _open_pt(path) if path.suffix == ".pt" else _open_safetensors(path)


def _open_pt(path: Path) -> Envelope:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            "reading .pt needs PyTorch",
            Where(mark=Mark(str(path))),
            'pip install "crisp-hw[torch]" or save the model as .safetensors',
        ) from error
    try:
        content = read_bytes(path, PRUNED)
        _check_zip(content)
        entries = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return _pt_envelope(entries)
    except DAMAGE as error:
        raise _not_a_container(path, error) from error


def _check_zip(content: bytes) -> None:
    """Refuse what torch.load would unpack larger than the file, or build from any type but ours."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise Unfit("compressed records")
        if sum(entry.file_size for entry in entries) > len(content):
            raise Unfit("records larger than the file")
        pickles = [entry for entry in entries if entry.filename.endswith("data.pkl")]
        if len(pickles) != 1:
            raise Unfit(f"{len(pickles)} data.pkl records")
        for opcode, argument, _ in pickletools.genops(archive.read(pickles[0])):
            if opcode.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"):
                raise Unfit(f"pickle opcode {opcode.name}")
            if opcode.name == "GLOBAL" and argument not in PT_GLOBALS:
                raise Unfit(f"foreign type {argument}")


def _pt_envelope(entries: Any) -> Envelope:
    if not isinstance(entries, dict) or not isinstance(entries.get("masks"), dict):
        raise Unfit("no masks in it")
    masks = entries.pop("masks")
    return Envelope(masks={str(key): _pt_bits(key, tensor) for key, tensor in masks.items()}, **_texts(entries))


def _texts(entries: Any) -> dict[str, str]:
    """The four texts that stand beside the masks."""
    if not isinstance(entries, dict) or set(entries) != TEXTS:
        raise Unfit(f"the entries are not {', '.join(sorted(TEXTS))}")
    if not all(isinstance(text, str) for text in entries.values()):
        raise Unfit("an entry is not text")
    return entries


def _pt_bits(key: Any, tensor: Any) -> NDArray[np.uint8]:
    import torch

    if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
        raise Unfit("masks is not a map from text to tensors")
    # A stride of zero would let a short record claim a huge tensor.
    if tensor.dtype != torch.uint8 or tensor.dim() != 1 or not tensor.is_contiguous():
        raise Unfit(f"{key} is not a plain uint8 vector")
    bits: NDArray[np.uint8] = tensor.numpy()
    return bits


def _open_safetensors(path: Path) -> Envelope:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise InputError(
            "reading .safetensors needs that package", Where(mark=Mark(str(path))), "pip install safetensors"
        ) from error
    try:
        with safe_open(path, framework="numpy") as archive:
            entries = _texts(json.loads((archive.metadata() or {}).get("crisp-hw", "{}")))
            masks = {key: archive.get_tensor(key) for key in archive.keys()}  # noqa: SIM118 - not a dict
        wrong = [key for key, bits in masks.items() if bits.dtype != np.uint8 or bits.ndim != 1]
        if wrong:
            raise Unfit(f"{wrong[0]} is not a plain uint8 vector")
        return Envelope(masks=masks, **entries)
    except (*DAMAGE, SafetensorError) as error:
        raise _not_a_container(path, error) from error


def _not_a_container(path: Path, error: BaseException) -> InputError:
    return InputError(
        f"is not an intact pruned-model file ({in_our_words(error)})",
        Where(mark=Mark(str(path))),
        f"write it again with crisp-prune; {FOREIGN}",
    )
