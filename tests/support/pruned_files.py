"""Pruned-model files as their format says, written without the writer."""

import hashlib
import io
import json

import numpy as np
import pytest
import safetensors.numpy
import torch

from crisp_hw.errors import InputError
from crisp_hw.io import load_pruned

MASK = np.random.default_rng(3).random((5, 7)) < 0.5


LINEAR = {"kernel": [1, 1], "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1, "input_size": [1, 1]}


def header():
    conv = {"name": "c", "kind": "conv2d", "out_channels": 4, "in_channels": 3, "tokens": 1}
    fc = {"name": "fc", "kind": "linear", "out_channels": 5, "in_channels": 7, "tokens": 2}
    sizes = {"kernel": [3, 3], "padding": [1, 1], "input_size": [8, 8]}
    axis = "S x (kh,kw,C)"
    dense = {"role": "dense", "pattern": {"nm": None, "block": None, "axis": axis}, "masked": False}
    hybrid = {"role": "hybrid", "pattern": {"nm": [2, 4], "block": 4, "axis": axis}, "masked": True}
    layers = [{"geometry": LINEAR | conv | sizes} | dense, {"geometry": LINEAR | fc} | hybrid]
    return {"name": "tiny", "layers": layers, "classes": [3], "skipped": [], "provenance": {"seed": 1}}


def entries(head=None, masks=None):
    """The content of a file, its checksum right whatever the rest says."""
    text = head if isinstance(head, str) else json.dumps(header() if head is None else head)
    masks = {"fc.mask": np.packbits(MASK)} if masks is None else masks
    digest = hashlib.sha256(text.encode() + b"".join(bits.tobytes() for bits in masks.values())).hexdigest()
    return {"schema": "crisp-hw/pruned-model", "version": "1", "header": text, "checksum": digest}, masks


def as_pt(texts, masks):
    buffer = io.BytesIO()
    torch.save(texts | {"masks": {key: torch.from_numpy(bits) for key, bits in masks.items()}}, buffer)
    return buffer.getvalue()


def as_safetensors(texts, masks):
    return safetensors.numpy.save(masks, {"crisp-hw": json.dumps(texts)})


CONTAINERS = {"pt": as_pt, "safetensors": as_safetensors}


both = pytest.mark.parametrize("suffix", CONTAINERS)


def write(folder, suffix, *content):
    path = folder / f"run.{suffix}"
    path.write_bytes(CONTAINERS[suffix](*content))
    return path


def refuse(path, message):
    """One sentence that names the file."""
    with pytest.raises(InputError, match=message) as caught:
        load_pruned(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
