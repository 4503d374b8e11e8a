"""Writes the pruned-model file: the one file that joins the two packages, and what any network is imported into.

Container `.pt` (torch) or `.safetensors` (texts as JSON under one metadata key), the same entries in both: the texts
`schema`, `version`, `header` (JSON) and `checksum` (SHA-256 of the header and the masks), and one uint8 tensor
`<layer>.mask` per masked layer (`numpy.packbits` of the matrix view, row-major).
"""

import hashlib
import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.writing import write_bytes
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel

SCHEMA = "crisp-hw/pruned-model"
VERSION = 1
AXIS = "S x (kh,kw,C)"
"""The matrix view: rows are output channels, columns run kernel height, kernel width, input channel (fastest)."""


def save_pruned(path: str | os.PathLike[str], model: PrunedModel) -> None:
    """Write a pruned model as a file, atomically: the old file stays until the new one is whole.

    Parameters
    ----------
    path
        The file to write: `.pt`, for which PyTorch is needed, or `.safetensors`.
    model
        What to write, such as `import_model` or `pruner.export()` returns.

    Raises
    ------
    InputError
        When the suffix is unknown, a mask is not bool[rows, columns], two layers share a name, or the provenance is not
        JSON (finite numbers, text, lists, maps).

    Examples
    --------
    >>> import tempfile
    >>> from crisp_hw.spec.layer import Layer
    >>> fc = PrunedLayer(Layer("fc", "linear", 2, 4), "dense")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_pruned(Path(folder) / "run.safetensors", PrunedModel("mlp", (fc,)))
    ...     sorted(entry.name for entry in Path(folder).iterdir())
    ['run.safetensors']
    """
    target = Path(path)
    masks = _packed(target, model)
    header = _header(target, model)
    digest = hashlib.sha256(header.encode())
    for packed in masks.values():
        digest.update(packed.tobytes())
    entries = {"schema": SCHEMA, "version": str(VERSION), "header": header, "checksum": digest.hexdigest()}
    match target.suffix:
        case ".pt":
            content = _torch_bytes(entries, masks)
        case ".safetensors":
            content = _safetensors_bytes(entries, masks)
        case suffix:
            raise InputError(
                f"cannot write a pruned model as '{suffix}'",
                Where(mark=Mark(str(target))),
                "name it .pt or .safetensors",
            )
    write_bytes(target, content)


def _torch_bytes(entries: dict[str, str], masks: dict[str, NDArray[np.uint8]]) -> bytes:
    import torch  # an extra, which the other container does not need

    buffer = io.BytesIO()
    torch.save(entries | {"masks": {key: torch.from_numpy(bits) for key, bits in masks.items()}}, buffer)
    return buffer.getvalue()


def _safetensors_bytes(entries: dict[str, str], masks: dict[str, NDArray[np.uint8]]) -> bytes:
    import safetensors.numpy

    # One metadata key, because safetensors writes several in an order that changes from run to run.
    return safetensors.numpy.save(masks, metadata={"crisp-hw": json.dumps(entries)})


def _packed(target: Path, model: PrunedModel) -> dict[str, NDArray[np.uint8]]:
    """The packed mask of every masked layer, in layer order."""
    names = [pruned.layer.name for pruned in model.layers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"two layers are named '{twice}'", Where(mark=Mark(str(target))), "give every layer its own name"
        )
    masks = {}
    for pruned in model.layers:
        _check_role(target, pruned)
        if pruned.mask is None:
            continue
        shape = (pruned.layer.rows, pruned.layer.columns)
        if pruned.mask.dtype != np.bool_ or pruned.mask.shape != shape:
            raise InputError(
                f"layer '{pruned.layer.name}' needs a mask of bool{list(shape)} in the matrix view {AXIS}, "
                f"not {pruned.mask.dtype}{list(pruned.mask.shape)}",
                Where(mark=Mark(str(target))),
            )
        masks[f"{pruned.layer.name}.mask"] = np.packbits(pruned.mask, axis=None)
    return masks


def _check_role(target: Path, pruned: PrunedLayer) -> None:
    """A dense layer carries nothing, a pruned one its mask, and only a hybrid one blocks."""
    claims = (pruned.mask is not None, pruned.nm is not None, pruned.block is not None)
    match (pruned.role, *claims):
        case ("dense", False, False, False) | ("nm", True, _, False) | ("hybrid", True, _, _):
            return
    mask, nm, block = ("yes" if claim else "no" for claim in claims)
    raise InputError(
        f"layer '{pruned.layer.name}' has role {pruned.role} but mask: {mask}, n:m: {nm}, block: {block}",
        Where(mark=Mark(str(target))),
        "dense takes none, nm a mask, hybrid a mask and a block",
    )


def _header(target: Path, model: PrunedModel) -> str:
    """Everything but the masks, as JSON text."""
    content = {
        "name": model.name,
        "layers": [_layer_entry(pruned) for pruned in model.layers],
        "classes": [int(c) for c in model.classes],
        "skipped": [asdict(skipped) for skipped in model.skipped],
        "provenance": dict(model.provenance),
    }
    try:
        return json.dumps(content, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            "the provenance cannot be written as JSON", Where(mark=Mark(str(target))), "use plain values"
        ) from error


def _layer_entry(pruned: PrunedLayer) -> dict[str, Any]:
    """One layer of the header: geometry, role and claimed pattern."""
    nm = None if pruned.nm is None else [pruned.nm.n, pruned.nm.m]
    geometry = asdict(pruned.layer)
    if not pruned.layer.masked_macs:
        del geometry["masked_macs"]  # so that an older release reads every file that needs nothing newer
    return {
        "geometry": geometry,
        "role": pruned.role,
        "pattern": {"nm": nm, "block": pruned.block, "axis": AXIS},
        "masked": pruned.mask is not None,
    }
