"""Reads exported programs of PyTorch (.pt2) from the data of their archive, JSON and bytes, without a loader."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import DAMAGE
from crisp_hw.machine.files import FileKind, check_file, opened
from crisp_hw.machine.foreign import Unfit, in_our_words

EXPORTED = FileKind("an exported program", 2**40, "give a .pt2 file that torch.export.save wrote")
MODEL, WEIGHTS, CONSTANTS = "models/model.json", "data/weights/", "data/constants/"
DTYPES = {1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 6: "f2", 7: "f4", 8: "f8", 10: "c8", 11: "c16", 12: "?"}
DTYPES |= {13: "u2", 28: "u2"}
"""Types of elements by the number that torch._export.serde.schema.ScalarType gives them; 13 is bfloat16."""
BFLOAT16 = 13


@dataclass(frozen=True)
class Stored:
    """Where the bytes of a tensor lie in the archive, and how they are read."""

    record: str
    meta: Mapping[str, Any]
    pickled: bool


class ExportedProgram:
    """The graph of a program as JSON, with the sizes of its values and its parameters by their names in the graph."""

    def __init__(self, path: Path, graph: Mapping[str, Any], stored: Mapping[str, Stored]) -> None:
        self.path = path
        self.nodes: list[Any] = list(graph["graph"]["nodes"])
        self.shapes = {name: _extents(each["sizes"]) for name, each in graph["graph"]["tensor_values"].items()}
        self.parameters = dict(_parameters(graph["signature"]["input_specs"]))
        self.inputs = [each["user_input"]["arg"] for each in graph["signature"]["input_specs"] if "user_input" in each]
        self._stored = stored

    def values(self, name: str) -> NDArray[Any] | None:
        """The values of a parameter by its name in the graph; None where it is none."""
        key = self.parameters.get(name)
        stored = None if key is None else self._stored.get(key)
        if stored is None:
            return None
        if stored.pickled:
            said = f"'{key}' is kept in a form that only a loader which runs code could read"
            raise InputError(said, Where(mark=Mark(str(self.path))), "export the model with plain tensors")
        if stored.meta["dtype"] not in DTYPES:
            said = f"'{key}' is kept as numbers of a type that is not read here (ScalarType {stored.meta['dtype']})"
            raise InputError(said, Where(mark=Mark(str(self.path))), "export the model with floats of 16 or 32 bits")
        with opened(self.path, EXPORTED) as stream, zipfile.ZipFile(stream) as archive:
            return _array(archive.read(stored.record), stored.meta)


def read_exported(path: Path) -> ExportedProgram:
    """The program of a .pt2 archive; InputError when the file is none, or of an older form."""
    check_file(path, EXPORTED)
    try:
        with opened(path, EXPORTED) as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            root = next((name.removesuffix(MODEL) for name in names if name.endswith(f"/{MODEL}")), None)
            if root is None:
                raise Unfit("no models/model.json in it, as archives since PyTorch 2.8 have")
            graph = json.loads(archive.read(root + MODEL))["graph_module"]
            stored = {
                **_stored(archive, root, WEIGHTS, "model_weights"),
                **_stored(archive, root, CONSTANTS, "model_constants"),
            }
        return ExportedProgram(path, graph, stored)
    except DAMAGE as error:
        said = f"is not an exported program that is read here ({in_our_words(error)})"
        raise InputError(said, Where(mark=Mark(str(path))), "write it again with torch.export.save") from error


def _stored(archive: zipfile.ZipFile, root: str, folder: str, stem: str) -> dict[str, Stored]:
    """The tensors that one folder of an archive keeps, by name."""
    listing = f"{root}{folder}{stem}_config.json"
    if listing not in archive.namelist():
        return {}
    config = json.loads(archive.read(listing))["config"]
    return {
        name: Stored(f"{root}{folder}{each['path_name']}", each["tensor_meta"], bool(each["use_pickle"]))
        for name, each in config.items()
        if each.get("tensor_meta")
    }


def _parameters(specs: Any) -> Any:
    """Names in the graph, and names of what is kept."""
    for spec in specs:
        for kind, field in (
            ("parameter", "parameter_name"),
            ("buffer", "buffer_name"),
            ("tensor_constant", "tensor_constant_name"),
        ):
            if kind in spec:
                yield spec[kind]["arg"]["name"], spec[kind][field]


def _extents(sizes: Any) -> tuple[int, ...]:
    """Sizes of a value; of one that may vary, what the example had."""
    return tuple(each["as_int"] if "as_int" in each else each["as_expr"]["hint"]["as_int"] for each in sizes)


def _array(content: bytes, meta: Mapping[str, Any]) -> NDArray[Any]:
    flat = np.frombuffer(content, dtype="<" + DTYPES[meta["dtype"]])
    if meta["dtype"] == BFLOAT16:
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    shape, strides = _extents(meta["sizes"]), _extents(meta["strides"])
    offset = meta["storage_offset"]["as_int"]
    last = offset + sum((extent - 1) * step for extent, step in zip(shape, strides, strict=True))
    if min(shape, default=1) < 1 or min(strides, default=0) < 0 or offset < 0 or last >= flat.size:
        raise Unfit("sizes that its bytes do not have")
    return np.lib.stride_tricks.as_strided(flat[offset:], shape, [step * flat.itemsize for step in strides]).copy()
