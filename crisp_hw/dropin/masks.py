"""Densities that are data: `{distribution: actual_data, data_file_path: FILE}` in a problem, with the mask read."""

from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, read_bytes
from crisp_hw.machine.foreign import Unfit, in_our_words
from crisp_hw.machine.positions import derived
from crisp_hw.spec.patterns import Actual
from crisp_hw.timeloop.yaml.fields import inside, key_at, known, required, text, value_at

MASK = FileKind("a mask", 256 * MIB, "give 0/1 text, an .npy file, or RUN.pt#LAYER")
DISTRIBUTION, PATH = "actual_data", "data_file_path"
_PRUNED = (".pt", ".safetensors")
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def with_masks(documents: Any) -> Any:
    """Documents whose densities by file are masks; InputError, with file and line, for a file that holds none.

    A path is relative to the file of the document that names it.
    """
    problem = documents.get("problem")
    instance = problem.get("instance", problem) if isinstance(problem, dict) else None
    if not isinstance(instance, dict):
        return documents
    kept = dict(instance)
    for key in ("commonDensity", "densities"):
        held = instance.get(key)
        if _is_data(held):
            kept[key] = _density(held, "")
        elif isinstance(held, dict) and any(_is_data(each) for each in held.values()):
            found = {name: _density(each, name) if _is_data(each) else each for name, each in held.items()}
            kept[key] = derived(held, found)
    if all(kept[key] is instance[key] for key in kept):
        return documents
    made = derived(instance, kept)
    whole = derived(problem, {**problem, "instance": made}) if "instance" in problem else made
    return derived(documents, {**documents, "problem": whole})


def _is_data(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("distribution")).replace("-", "_") == DISTRIBUTION


def _density(node: Any, tensor: str) -> Actual:
    at = Where("problem", tensor, "density")
    known(node, ("distribution", PATH, "density"), at)
    if node.get("density") is not None:
        what = f"the data say the density, not {node['density']}"
        raise InputError(what, key_at(at, node, "density"), "leave it out")
    name = text(required(node, PATH, at), inside(at, node, PATH))
    place = value_at(at.under(PATH), node, PATH)
    beside = Path(place.mark.file).parent if place.mark else Path()
    mask = _mask(beside, name, place)
    if not mask.size:
        raise InputError(f"{name[:80]} holds no values", place, MASK.advice)
    return Actual(mask)


def _mask(folder: Path, name: str, place: Where) -> NDArray[np.bool_]:
    file, _, layer = name.partition("#")
    path = folder / file
    if path.suffix in _PRUNED:
        return _of_layer(path, layer, place)
    if layer:
        raise InputError(f"{name[:80]}: only a pruned model has layers", place, MASK.advice)
    content = read_bytes(path, MASK)
    return _of_npy(path, content) if path.suffix == ".npy" else _of_text(path, content)


def _of_layer(path: Path, name: str, place: Where) -> NDArray[np.bool_]:
    from crisp_hw.io.pruned import load_pruned  # takes a while to load, and most runs do without it

    layers = {each.layer.name: each for each in load_pruned(path).layers}
    if name not in layers:
        what = f"{path} has no layer {name[:80]!r}" if name else f"{path} is a pruned model, and no layer is named"
        raise InputError(what, place, f"write {path.name}#LAYER; it has {', '.join(layers)}")
    found = layers[name]
    return np.ones((found.layer.rows, found.layer.columns), bool) if found.mask is None else found.mask


def _of_npy(path: Path, content: bytes) -> NDArray[np.bool_]:
    """An array of numbers or truth values; what is not 0 is kept. Nothing in it is ever run."""
    stream = BytesIO(content)
    try:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise Unfit(f"version {version} of the format")
        shape, _, kind = _HEADERS[version](stream)
        if kind.hasobject or kind.kind not in "biuf":
            raise Unfit(f"values of the kind {kind}")
        if prod(shape) * kind.itemsize > len(content):
            raise Unfit(f"a shape of {' x '.join(map(str, shape))} and {len(content):,} bytes")
        found = np.load(BytesIO(content), allow_pickle=False)
    except (ValueError, TypeError, OSError, EOFError, SyntaxError, MemoryError) as error:
        raise InputError(
            f"is no .npy array of numbers ({in_our_words(error)})", Where(mark=Mark(str(path))), MASK.advice
        ) from error
    return np.asarray(found != 0)


def _of_text(path: Path, content: bytes) -> NDArray[np.bool_]:
    """A row of 0 and 1 a line, with or without blanks and commas between; one line is a vector."""
    rows: list[list[bool]] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        digits = line.split("#")[0].replace(",", "").replace(" ", "").replace("\t", "")
        at = Where(mark=Mark(str(path), number))
        if set(digits) - {"0", "1"}:
            raise InputError("a mask holds 0 and 1 only", at, MASK.advice)
        if digits and rows and len(rows[0]) != len(digits):
            raise InputError(f"a row of {len(digits)} values, the first has {len(rows[0])}", at, "make them equal")
        if digits:
            rows.append([digit == "1" for digit in digits])
    found = np.array(rows, dtype=bool)
    return found[0] if len(found) == 1 else found
