"""The names of the layers of a pruned-model file, by its header alone: quick, and without PyTorch."""

import json
import pickletools
import zipfile
from pathlib import Path

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import DAMAGE, PRUNED
from crisp_hw.machine.files import opened

LONGEST = 2**26  # bytes of a header; ResNet-50's has 2**14


def layer_names(path: Path) -> tuple[str, ...]:
    """The names of all layers, in their order; the masks are neither read nor checked.

    Raises
    ------
    InputError
        When the file is no pruned model.
    """
    try:
        header = _pt_header(path) if path.suffix == ".pt" else _safetensors_header(path)
        return tuple(str(layer["geometry"]["name"]) for layer in json.loads(header)["layers"])
    except DAMAGE as error:
        raise InputError("has no header of a pruned model", Where(mark=Mark(str(path)))) from error


def _safetensors_header(path: Path) -> str:
    """The text of the header in the metadata, which stand at the front behind their length."""
    with opened(path, PRUNED) as stream:
        size = int.from_bytes(stream.read(8), "little")
        whole = json.loads(stream.read(min(size, LONGEST)))
    return str(json.loads(whole["__metadata__"]["crisp-hw"])["header"])


def _pt_header(path: Path) -> str:
    """The text that follows the key "header" in the pickle of the archive; nothing of it is executed."""
    with opened(path, PRUNED) as stream, zipfile.ZipFile(stream) as archive:
        name = next(each for each in archive.namelist() if each.endswith("/data.pkl"))
        texts = [value for _, value, _ in pickletools.genops(archive.read(name)) if isinstance(value, str)]
    return texts[texts.index("header") + 1]
