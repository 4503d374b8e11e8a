"""Whether a file is a pruned model or another tool's, by its first bytes and its header; nothing of it is executed."""

import json
import zipfile
from pathlib import Path
from typing import BinaryIO

from crisp_hw.errors import InputError
from crisp_hw.io.containers import DAMAGE
from crisp_hw.io.names import LONGEST
from crisp_hw.machine.files import FileKind, opened

MARK = b"crisp-hw/pruned-model"
"""The schema, which stands in every pruned-model file as it is: neither container packs its texts."""
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
ANY = FileKind("a file of a network", 2**40, "give the file of a network")  # as large as weights may be


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
