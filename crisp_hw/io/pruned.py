"""Reads the pruned-model file that crisp_prune writes."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import Envelope, open_envelope
from crisp_hw.io.schema import SCHEMA, VERSION, Header, LayerEntry
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.violations import violation
from crisp_hw.spec.wrapped import by_plain_name, plain_name


def load_pruned(path: str | os.PathLike[str]) -> PrunedModel:
    """Load a pruned-model file as crisp_prune writes it (docs/pruned-model-file.md); no code in it is ever run.

    Parameters
    ----------
    path
        A `.pt` file, for which PyTorch is needed, or a `.safetensors` file.

    Returns
    -------
    PrunedModel
        Layers in the order of execution, with masks bool[rows, columns]: rows are output channels, columns run over
        kernel height, kernel width and input channels, the channels fastest.

    Raises
    ------
    InputError
        When the file is missing, of another kind or version, damaged, or contradicts itself.

    Examples
    --------
    >>> load_pruned("no-such-run.pt")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no-such-run.pt: cannot be read (no such file or directory); give a ...
    """
    if not isinstance(path, str | os.PathLike):
        raise wrong_kind("the pruned-model file", path, "the path of a .pt or .safetensors file")
    source = Path(path)
    envelope = open_envelope(source)
    if envelope.schema != SCHEMA:
        raise InputError(
            f"has schema '{envelope.schema[:80]}', not '{SCHEMA}'",
            Where(mark=Mark(str(source))),
            "give a pruned-model file",
        )
    if envelope.version != str(VERSION):
        raise InputError(
            f"is version {envelope.version[:20]} of the pruned-model file and this program reads version {VERSION}",
            Where(mark=Mark(str(source))),
            "use the same release for both",
        )
    header = _header(source, envelope)
    masks = {entry.geometry.name: _unpacked(source, entry, envelope) for entry in header.layers if entry.masked}
    foreign = set(envelope.masks) - {f"{name}.mask" for name in masks}
    if foreign:
        raise InputError(
            f"tensor '{min(foreign)[:80]}' belongs to no masked layer",
            Where(mark=Mark(str(source))),
            "write the file again",
        )
    # Files of releases before have words of wrappers in their names.
    named = by_plain_name({entry.geometry.name: entry for entry in header.layers})
    return PrunedModel(
        header.name,
        tuple(_pruned_layer(name, entry, masks.get(entry.geometry.name)) for name, entry in named.items()),
        header.classes,
        tuple(Skipped(plain_name(entry.name), entry.reason) for entry in header.skipped),
        dict(header.provenance),
    )


def _header(source: Path, envelope: Envelope) -> Header:
    """The header once the checksum, over header and masks, says that nothing was altered."""
    try:
        header = Header.model_validate_json(envelope.header)
        digest = hashlib.sha256(envelope.header.encode())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = _place(first["loc"])
        raise InputError(
            f"the header is wrong: {place} {violation(first)}", Where(mark=Mark(str(source))), "write the file again"
        ) from error
    except UnicodeEncodeError as error:
        raise InputError("the header is not text", Where(mark=Mark(str(source))), "write the file again") from error
    for entry in header.layers:
        if entry.masked:
            digest.update(_bits(source, entry, envelope).tobytes())
    if digest.hexdigest() != envelope.checksum:
        raise InputError(
            "the checksum does not match the content, so it was altered",
            Where(mark=Mark(str(source))),
            "write the file again",
        )
    return header


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the top"


def _bits(source: Path, entry: LayerEntry, envelope: Envelope) -> NDArray[np.uint8]:
    """The packed mask of a layer, of the length that its geometry needs."""
    layer = entry.geometry.layer()
    bits = envelope.masks.get(f"{layer.name}.mask")
    if bits is None:
        raise InputError(
            f"layer '{layer.name}' has no mask tensor", Where(mark=Mark(str(source))), "write the file again"
        )
    if bits.size != -(-layer.weights // 8):
        raise InputError(
            (
                f"layer '{layer.name}' is {layer.rows} x {layer.columns} = {layer.weights} weights but its "
                f"mask holds {bits.size} bytes instead of {-(-layer.weights // 8)}"
            ),
            Where(mark=Mark(str(source))),
            "write the file again",
        )
    return bits


def _unpacked(source: Path, entry: LayerEntry, envelope: Envelope) -> NDArray[np.bool_]:
    """bool[rows, columns]; the bits that fill up the last byte must be zero."""
    layer = entry.geometry.layer()
    flat = np.unpackbits(_bits(source, entry, envelope)).view(np.bool_)
    if flat[layer.weights :].any():
        raise InputError(
            f"layer '{layer.name}' is {layer.rows} x {layer.columns} weights but its mask has bits set beyond them",
            Where(mark=Mark(str(source))),
            "write the file again",
        )
    return flat[: layer.weights].reshape(layer.rows, layer.columns)


def _pruned_layer(name: str, entry: LayerEntry, mask: NDArray[np.bool_] | None) -> PrunedLayer:
    nm = None if entry.pattern.nm is None else NM(*entry.pattern.nm)
    return PrunedLayer(replace(entry.geometry.layer(), name=name), entry.role, mask, nm, entry.pattern.block)
