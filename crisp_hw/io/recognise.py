"""Whether a file is a pruned model or another tool's, by its first bytes and its header; nothing of it is executed."""

import json
import zipfile
from pathlib import Path
from typing import BinaryIO

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import DAMAGE
from crisp_hw.io.names import LONGEST
from crisp_hw.machine.files import FileKind, opened

MARK = b"crisp-hw/pruned-model"
"""The schema, which stands in every pruned-model file as it is: neither container packs its texts."""
PROGRAM = ".pt2"
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
OTHERS = {
    b"version https://git-lfs": ("is a pointer of Git LFS and not the file itself", "git lfs pull fetches the file"),
    b"GGUF": ("is a GGUF file, whose weights are packed in blocks", "give the folder that it was converted from"),
    b"\x89HDF": ("is an HDF5 file, as Keras writes it", "write the weights as .safetensors by their names in PyTorch"),
}
"""What stands first in files that bear a name of ours and are something else: what to say, and the next step."""
ANY = FileKind("a file of a network", 2**40, "give the file of a network")  # as large as weights may be


def refuse_others(path: Path) -> None:
    """InputError for a file that is of another kind than its name says; nothing for what cannot be read at all.

    >>> refuse_others(Path("no-such-weights.bin"))
    """
    try:
        with opened(path, ANY) as stream:
            start = stream.read(max(map(len, OTHERS)))
    except InputError:
        return
    for mark, (said, hint) in OTHERS.items():
        if start.startswith(mark):
            raise InputError(said, Where(mark=Mark(str(path))), hint)
    if start.startswith(ZIP) and path.suffix != PROGRAM and _is_program(path):
        raise InputError("is an exported program of PyTorch", Where(mark=Mark(str(path))), f"name it *{PROGRAM}")


def _is_program(path: Path) -> bool:
    try:
        with opened(path, ANY) as stream, zipfile.ZipFile(stream) as archive:
            return any(name.endswith("/models/model.json") for name in archive.namelist())
    except (InputError, *DAMAGE):
        return False


def is_ours(path: Path) -> bool:
    """Is it a pruned-model file, or damaged or missing, so that reading it as one says why?

    >>> is_ours(Path("no-such-run.pt"))
    True
    """
    try:
        with opened(path, ANY) as stream:
            return _safetensors(stream) if path.suffix == ".safetensors" else _torch(stream)
    except (InputError, *DAMAGE):
        return True


def _safetensors(stream: BinaryIO) -> bool:
    size = int.from_bytes(stream.read(8), "little")
    header = json.loads(stream.read(min(size, LONGEST)))
    return "crisp-hw" in header.get("__metadata__", {})


def _torch(stream: BinaryIO) -> bool:
    start = stream.read(len(ZIP))
    if start[:1] == PICKLE:
        return False  # torch.save's older form, which this project never wrote
    if start != ZIP:
        return True
    with zipfile.ZipFile(stream) as archive:
        pickles = [entry for entry in archive.infolist() if entry.filename.endswith("data.pkl")]
        return len(pickles) != 1 or pickles[0].file_size > LONGEST or MARK in archive.read(pickles[0])
