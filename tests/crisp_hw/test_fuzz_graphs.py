"""Weights and graphs of other tools with something wrong: read, or one sentence; and nothing in them ever runs."""

import io
import json
import os
import pickle
import random
import zipfile
from copy import deepcopy

import pytest

torch = pytest.importorskip("torch", reason="writes weights")
pytest.importorskip("onnx", reason="writes a graph")
from torch import nn  # noqa: E402 - behind the checks

from crisp_hw.errors import CrispError  # noqa: E402
from crisp_hw.sources import ModelFile  # noqa: E402
from crisp_hw.sources.foreign import read_model_file  # noqa: E402

COUNT = int(os.environ.get("CRISP_HW_FUZZ", "500"))
WRONG = (None, -1, 0, 2**70, 1.5, "x", [], {}, True, [None], {"as_int": -5}, "../../x", {"as_expr": {"expr_str": "1"}})


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return os.system, (f"touch {self.proof}",)


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 4)).eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same network in five forms."""
    from safetensors.torch import save_file

    folder, model, example = tmp_path_factory.mktemp("intact"), network(), (torch.zeros(1, 3, 4, 4),)
    torch.export.save(torch.export.export(model, example), folder / "a.pt2")
    torch.onnx.export(model, example, folder / "a.onnx", dynamo=False)
    torch.save(model.state_dict(), folder / "a.pth")
    torch.save(model.state_dict(), folder / "a.bin", _use_new_zipfile_serialization=False)
    save_file(model.state_dict(), folder / "a.safetensors")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def places(value, path=()):
    """The way to everything inside of nested maps and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(document, draw):
    """One to three places of a document taken away, or something else there."""
    for _ in range(draw.randint(1, 3)):
        if not (left := list(places(document))):
            break
        *way, last = draw.choice(left)
        inner = document
        for key in way:
            inner = inner[key]
        if draw.random() < 0.3:
            del inner[last]
        else:
            inner[last] = deepcopy(draw.choice(WRONG))
    return document


def archive_with(content, draw):
    """The archive of an exported program with other JSON, parts cut short, and parts missing."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name.endswith(".json") and draw.random() < 0.7:
                part = json.dumps(changed(json.loads(part), draw)).encode()
            elif draw.random() < 0.1:
                part = part[: draw.randint(0, len(part))]
            if draw.random() > 0.03:
                new.writestr(name, part)
    return made.getvalue()


def damaged(content, draw):
    """Some bytes changed, or the end missing."""
    found = bytearray(content)
    for _ in range(draw.choice((1, 3, 20))):
        found[draw.randrange(len(found))] = draw.randrange(256)
    return bytes(found[: draw.randrange(len(found))] if draw.random() < 0.2 else found)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
def test_damaged_networks(files, tmp_path):
    for seed in range(COUNT):
        draw = random.Random(seed)
        name = draw.choice(list(files))
        made = archive_with if name == "a.pt2" and draw.random() < 0.8 else damaged
        (tmp_path / name).write_bytes(made(files[name], draw))
        try:
            read_model_file(ModelFile(tmp_path / name))
        except CrispError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}, {name}: {error!r}") from error


def bombs(proof, intact):
    """Pickles that run a command: bare, as PyTorch's old and new forms, and in the archive of an exported program."""
    yield "bare", pickle.dumps({"w": Bomb(proof)})
    for form, new in (("old form", False), ("new form", True)):
        made = io.BytesIO()
        torch.save({"w": torch.ones(2, 2), "more": Bomb(proof)}, made, _use_new_zipfile_serialization=new)
        yield form, made.getvalue()
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(intact)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            part = old.read(name).replace(b'"use_pickle": false', b'"use_pickle": true')
            new.writestr(name, part if name.endswith(".json") else pickle.dumps(Bomb(proof)))
    yield "exported program", made.getvalue()


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
def test_no_file_runs_anything(files, tmp_path):
    proof = tmp_path / "it-ran"
    for kind, content in bombs(proof, files["a.pt2"]):
        for suffix in (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx", ".pt2"):
            path = tmp_path / f"w{suffix}"
            path.write_bytes(content)
            with pytest.raises(CrispError):
                read_model_file(ModelFile(path))
            assert not proof.exists(), (kind, suffix)
    pickle.loads(next(bombs(proof, files["a.pt2"]))[1])
    assert proof.exists()  # the bomb itself is alive
