"""Files that were damaged, or made to harm: no code runs, nothing grows, one error."""

import io
import json
import os
import pickle
import random
import zipfile

import numpy as np
import pytest
import torch
from pruned_files import CONTAINERS, MASK, as_pt, both, entries, refuse, write

from crisp_hw.errors import InputError
from crisp_hw.io import load_pruned


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
