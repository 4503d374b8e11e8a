"""A pruned-model file comes back exactly or as one InputError: files are built here by hand, not by the writer."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from pruned_files import CONTAINERS, MASK, both, entries, header, refuse, write

from crisp_hw.io import load_pruned

torch.set_num_threads(1)


@both
def test_reads_what_the_format_says(tmp_path, suffix):
    model = load_pruned(write(tmp_path, suffix, *entries()))
    conv, fc = model.layers
    assert (conv.role, conv.mask, conv.layer.kernel, conv.layer.macs) == ("dense", None, (3, 3), 4 * 27 * 64)
    assert (fc.nm.n, fc.nm.m, fc.block, fc.layer.tokens) == (2, 4, 4, 2)
    assert np.array_equal(fc.mask, MASK)
    assert (model.name, model.classes, model.provenance) == ("tiny", (3,), {"seed": 1})


def change(path, value):
    """The header with one entry replaced (None removes it)."""
    head = header()
    *way, last = path
    place = head
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return head


GEOMETRY = ("layers", 1, "geometry")
CONV = ("layers", 0, "geometry")
LIES = [
    (change((*GEOMETRY, "out_channels"), bad), "layers.1.geometry.out_channels")
    for bad in (0, -5, True, 5.0, "5", 2**40, [5], 1e400)
]
LIES += [
    (change((*CONV, "stride"), [1, 0]), "layers.0.geometry.stride"),
    (change((*CONV, "stride"), [1]), "layers.0.geometry.stride"),
    (change((*CONV, "stride"), [1, 1, 1]), "layers.0.geometry.stride"),
    (change((*CONV, "padding"), [-1, 0]), "layers.0.geometry.padding"),
    (change((*CONV, "groups"), 2), "2 groups do not divide 3 -> 4 channels"),
    (change((*CONV, "input_size"), [0, 8]), "layers.0.geometry.input_size"),
    (change((*CONV, "dilation"), [9, 9]), "the output would be"),
    (change((*CONV, "tokens"), 0), "layers.0.geometry.tokens"),
    (change((*CONV, "kernel"), [2**20, 2**20]), "exceed the limit"),
    (change((*CONV, "kind"), "conv3d"), "layers.0.geometry.kind"),
    (change((*CONV, "name"), "fc"), "two layers are named 'fc'"),
    (change((*CONV, "name"), ""), "layers.0.geometry.name"),
    (change((*CONV, "colour"), 1), "layers.0.geometry.colour"),
    (change((*CONV, "stride"), None), "layers.0.geometry.stride"),
    (change((*GEOMETRY, "kernel"), [1, 7]), "a linear layer has no kernel"),
    (change(("layers", 1, "pattern", "nm"), [5, 4]), "5:4 keeps more than a group holds"),
    (change(("layers", 1, "pattern", "nm"), [0, 4]), "layers.1.pattern.nm"),
    (change(("layers", 1, "pattern", "block"), 0), "layers.1.pattern.block"),
    (change(("layers", 1, "pattern", "axis"), "S x (C,kh,kw)"), "layers.1.pattern.axis"),
    (change(("layers", 1, "role"), "sparse"), "layers.1.role"),
    (change(("layers", 1, "role"), "dense"), "the role is dense but a mask is stored"),
    (change(("layers", 1, "role"), "nm"), "a layer of role nm claims blocks"),
    (change(("layers", 0, "role"), "nm"), "the role is nm but no mask is stored"),
    (change(("layers", 0, "pattern", "block"), 4), "a dense layer claims a pattern"),
    (change(("layers",), {}), "layers"),
    (change(("classes",), [-1]), "classes.0"),
    (change(("classes",), None), "classes"),
    (change(("extra",), 1), "extra"),
    (change(("provenance",), []), "provenance"),
    (change(("provenance", "loss"), float("nan")), "provenance"),
    (json.dumps([1]), "the top"),
    ("not json", "the top is not JSON"),
    ("[" * 100_000, "the top is not JSON"),
]


@both
@pytest.mark.parametrize(("head", "message"), LIES)
def test_a_lying_header_is_refused(tmp_path, suffix, head, message):
    refuse(write(tmp_path, suffix, *entries(head)), message)


@both
def test_masks_that_do_not_fit(tmp_path, suffix):
    packed = np.packbits(MASK)
    refuse(
        write(tmp_path, suffix, *entries(masks={"fc.mask": packed[:-1]})), "5 x 7 = 35 weights .* 4 bytes instead of 5"
    )
    refuse(write(tmp_path, suffix, *entries(masks={"fc.mask": packed | 1})), "bits set beyond")
    refuse(write(tmp_path, suffix, *entries(masks={})), "layer 'fc' has no mask tensor")
    two = {"fc.mask": packed, "c.mask": packed}
    texts, _ = entries()
    refuse(write(tmp_path, suffix, texts, two), "'c.mask' belongs to no masked layer")
    refuse(write(tmp_path, suffix, texts, {"fc.mask": packed.reshape(1, 5)}), "not a plain uint8 vector")
    refuse(write(tmp_path, suffix, texts, {"fc.mask": packed.astype(np.int8)}), "foreign type|not a plain uint8 vector")


@both
def test_schema_version_checksum(tmp_path, suffix):
    texts, masks = entries()
    refuse(write(tmp_path, suffix, texts | {"version": "2"}, masks), "version 2 .* reads version 1")
    refuse(write(tmp_path, suffix, texts | {"schema": "other"}, masks), "schema 'other'")
    refuse(write(tmp_path, suffix, texts | {"checksum": "0" * 64}, masks), "checksum")
    flipped = masks["fc.mask"].copy()
    flipped[0] ^= 128
    refuse(write(tmp_path, suffix, texts, {"fc.mask": flipped}), "checksum")
    refuse(write(tmp_path, suffix, texts | {"more": "x"}, masks), "the entries are not")
    refuse(write(tmp_path, suffix, {"schema": texts["schema"]}, masks), "the entries are not")
    refuse(write(tmp_path, suffix, texts | {"version": 1}, masks), "an entry is not text")


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # every import of torch now fails
import crisp_hw.io
from crisp_hw.errors import InputError
print(crisp_hw.io.load_pruned(sys.argv[1] + "/run.safetensors").layers[1].mask.sum())
for load in (crisp_hw.io.load_pruned, crisp_hw.io.load_checkpoint):
    try:
        load(sys.argv[1] + "/run.pt")
    except InputError as error:
        print(error)
"""


def test_works_without_torch(tmp_path):
    for suffix in CONTAINERS:
        write(tmp_path, suffix, *entries())
    run = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    lines = subprocess.run(run, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    assert lines[0] == str(MASK.sum())
    assert all('pip install "crisp-hw[torch]"' in line for line in lines[1:]) and len(lines) == 3
    assert ".safetensors" in lines[1]


def test_importing_io_does_not_import_torch():
    code = "import crisp_hw.io, sys; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
