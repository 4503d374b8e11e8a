"""A pruned-model file comes back exactly or as one InputError: files are built here by hand, not by the writer."""

import hashlib
import io
import json
import os
import pickle
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import torch

from crisp_hw.errors import InputError
from crisp_hw.io import load_pruned

torch.set_num_threads(1)

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


@both
def test_what_is_no_such_file(tmp_path, suffix):
    path = tmp_path / f"run.{suffix}"
    refuse(path, "no such file")
    path.write_text("masks: 12\n" * 50)
    refuse(path, "is not an intact pruned-model file")
    path.write_bytes(b"")
    refuse(path, "is empty")
    path.unlink()
    path.mkdir()
    refuse(path, "not a regular file")
    path.rmdir()
    os.mkfifo(path)
    refuse(path, "not a regular file")
    refuse(tmp_path, "ends in .pt or .safetensors")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "run.pt"
    with path.open("wb") as sparse:
        sparse.truncate(2**30 + 1)
    refuse(path, "is larger than 1,024 MiB, which a pruned model never is")


class Bomb:
    """Unpickling it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_pickle_never_runs(tmp_path):
    path, proof = tmp_path / "run.pt", tmp_path / "proof"
    path.write_bytes(pickle.dumps(Bomb(proof)))
    refuse(path, "no whole zip archive")
    texts, _ = entries()
    torch.save(texts | {"masks": Bomb(proof)}, path)
    refuse(path, "foreign type")
    assert not proof.exists()
    pickle.loads(pickle.dumps(Bomb(proof)))
    assert proof.exists(), "the bomb itself must work, else this test shows nothing"


def repacked(data, edit, compression=zipfile.ZIP_STORED):
    """The zip with its pickle passed through `edit`, all check sums right again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", compression) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, edit(content) if entry.filename.endswith("data.pkl") else content)
    return out.getvalue()


def test_what_would_grow_in_memory_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    valid = as_pt(*entries())
    path.write_bytes(repacked(valid, bytes, zipfile.ZIP_DEFLATED))
    refuse(path, "compressed records")
    texts, _ = entries()
    torch.save(texts | {"masks": {"fc.mask": torch.zeros(1, dtype=torch.uint8).expand(2**40)}}, path)
    refuse(path, "not a plain uint8 vector")
    torch.save(texts | {"masks": bytearray(8)}, path)
    refuse(path, "foreign type __builtin__ bytearray")
    path.write_bytes(repacked(valid, bytes))
    assert np.array_equal(load_pruned(path).layers[1].mask, MASK), "repacking alone must not be what is refused"


def test_a_record_that_claims_more_than_the_file(tmp_path):
    path, valid = tmp_path / "run.pt", bytearray(as_pt(*entries()))
    at = valid.rindex(b"PK\x01\x02", 0, valid.index(b"archive/data/0", valid.index(b"PK\x01\x02")))
    valid[at + 20 : at + 28] = (2**31 - 1).to_bytes(4, "little") * 2  # compressed and plain size in the directory
    path.write_bytes(valid)
    refuse(path, "records larger than the file")


def test_torch_itself_is_told_to_run_no_code(tmp_path, monkeypatch):
    path, load, seen = write(tmp_path, "pt", *entries()), torch.load, []

    def spy(*args, **kwargs):
        seen.append(kwargs["weights_only"])
        return load(*args, **kwargs)

    monkeypatch.setattr(torch, "load", spy)
    load_pruned(path)
    assert seen == [True]


def test_safetensors_that_claims_more_than_it_holds(tmp_path):
    path = tmp_path / "run.safetensors"
    claim = {"fc.mask": {"dtype": "U8", "shape": [2**45], "data_offsets": [0, 2**45]}}
    for text in (json.dumps(claim).encode(), b"{}"):
        path.write_bytes(len(text).to_bytes(8, "little") + text)
        refuse(path, "is not an intact")
    path.write_bytes((2**63).to_bytes(8, "little") + b"{}")
    refuse(path, "is not an intact")


def damaged(data, seed):
    """Truncations and byte flips all over `data`."""
    rng = random.Random(seed)
    yield from (data[:cut] for cut in range(0, len(data), 7))
    for at in range(0, len(data), 2):
        yield data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :]
    for _ in range(300):
        mess = bytearray(data)
        for _ in range(rng.randrange(2, 8)):
            mess[rng.randrange(len(mess))] = rng.randrange(256)
        yield bytes(mess)


def exact_or_refused(path, data):
    path.write_bytes(data)
    try:
        model = load_pruned(path)
    except InputError:
        return "refused"
    assert np.array_equal(model.layers[1].mask, MASK)
    assert model.layers[0].layer.macs == 4 * 27 * 64 and model.provenance == {"seed": 1} and model.classes == (3,)
    return "exact"


@pytest.mark.slow
@both
def test_damage_gives_the_same_content_or_one_error(tmp_path, suffix):
    path = tmp_path / f"run.{suffix}"
    outcomes = [exact_or_refused(path, data) for data in damaged(CONTAINERS[suffix](*entries()), 5)]
    assert outcomes.count("refused") > 500


def test_a_damaged_pickle_inside_an_intact_zip(tmp_path):
    path = tmp_path / "run.pt"
    valid = as_pt(*entries())
    with zipfile.ZipFile(io.BytesIO(valid)) as archive:
        inner = archive.read("archive/data.pkl")
    outcomes = [exact_or_refused(path, repacked(valid, lambda _, d=data: d)) for data in damaged(inner, 6)]
    assert outcomes.count("refused") > 500


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
