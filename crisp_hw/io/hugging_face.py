"""Folders as Hugging Face's libraries write them: config.json beside weights in one file or several, read as data."""

import json
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.checkpoint import StateDict, as_state_dict, read_state_dict, read_tensors
from crisp_hw.io.recognise import refuse_others
from crisp_hw.machine.files import FileKind, is_file, read_bytes
from crisp_hw.spec.shown import counted

CONFIG = "config.json"
SINGLE = ("model.safetensors", "pytorch_model.bin", "diffusion_pytorch_model.safetensors")
"""The names under which transformers and diffusers write weights, the safer first; each may be an index."""
ELSEWHERE = ("tf_model.h5", "flax_model.msgpack", "saved_model.pb", "rust_model.ot", "model.onnx")
"""Names under which the same libraries write weights for others than PyTorch."""
SAVE = "; load them into the model of PyTorch and save_pretrained() it"
JSON = FileKind("a JSON file", 2**26, "give a folder that save_pretrained wrote")
PREFIX = "hf:"
USUAL_CLASSES = 2  # transformers, configuration_utils.py: PretrainedConfig without labels has two


def is_saved_model(path: Path) -> bool:
    """Is it a folder with config.json?

    >>> is_saved_model(Path("/"))
    False
    """
    return is_file(path / CONFIG)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds a map; InputError where it does not."""
    try:
        found = json.loads(read_bytes(path, JSON))
    except ValueError as error:
        raise InputError("is not JSON", Where(mark=Mark(str(path))), JSON.advice) from error
    if not isinstance(found, dict):
        raise InputError("holds no map", Where(mark=Mark(str(path))), JSON.advice)
    return found


def read_config(folder: Path) -> dict[str, Any]:
    """The numbers of config.json, and how many classes its labels are, which is not saved as a number."""
    config = read_json(folder / CONFIG)
    labels = config.get("id2label")
    classes = len(labels) if isinstance(labels, dict) else USUAL_CLASSES
    return {**config, "num_labels": config.get("num_labels") or classes}


def read_folder(folder: Path) -> StateDict:
    """The weights of a folder, of all its files; raises InputError as `read_state_dict` does."""
    read_json(folder / CONFIG)
    for name in SINGLE:
        if (folder / name).is_file():
            refuse_others(folder / name)
            return read_state_dict(folder / name)
        if (folder / f"{name}.index.json").is_file():
            return _sharded(folder / f"{name}.index.json")
    other = [name for name in ELSEWHERE if (folder / name).exists()]
    there = f", but those of another library in {other[0]}" if other else ""
    raise InputError(
        f"has {CONFIG} and no weights{there}",
        Where(mark=Mark(str(folder))),
        f"weights are {', '.join(SINGLE)}, or their index{SAVE if other else ''}",
    )


def _sharded(index: Path) -> StateDict:
    """The weights of the files that an index names."""
    listed = read_json(index).get("weight_map")
    if not isinstance(listed, dict) or not all(isinstance(name, str) for name in listed.values()):
        raise InputError("has no weight_map from names to files", Where(mark=Mark(str(index))), JSON.advice)
    files = list(dict.fromkeys(listed.values()))
    outside = [name for name in files if Path(name).name != name]
    if outside:
        raise InputError(f"names a file outside of its folder, {outside[0]}", Where(mark=Mark(str(index))), JSON.advice)
    gone = [name for name in files if not (index.parent / name).exists()]
    if gone:
        said = f"names {len(files)} files of weights, and {len(gone)} of them are missing: {', '.join(gone[:3])}"
        raise InputError(said, Where(mark=Mark(str(index))), "fetch the rest of the folder")
    for name in files:
        refuse_others(index.parent / name)
    read = {name: read_tensors(index.parent / name) for name in files}
    held = {name: content if isinstance(content, dict) else {} for name, content in read.items()}
    there = {tensor: held[name][tensor] for tensor, name in listed.items() if tensor in held[name]}
    lacking = [(tensor, name) for tensor, name in listed.items() if tensor not in there and "weight" in tensor]
    if lacking:
        tensor, name = lacking[0]
        said = f"names {len(listed)} tensors, and {len(lacking)} of them are not in their files: {tensor} not in {name}"
        raise InputError(said, Where(mark=Mark(str(index))), "fetch the folder again")
    more = sum(len(each) for each in held.values()) - len(there)
    found = as_state_dict(there, index)
    aside = (f"{counted(more, 'tensor')} of the files that the index does not name left aside",) if more else ()
    return StateDict(found.tensors, (*found.notes, *aside))
