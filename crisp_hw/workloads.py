"""Layer tables of networks: the packaged ones by name, a user's by path."""

import re
from collections.abc import Iterator
from os.path import isdir
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import is_file, read_text
from crisp_hw.machine.positions import MarkedDict, mark_of, shown
from crisp_hw.machine.yaml_files import checked, faults_of, listed, read_mapping
from crisp_hw.meanings import file_hint, network_hint
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.layer import Layer, Skipped, Workload
from crisp_hw.spec.limits import MOST_MACS, MOST_PER_DIMENSION, MOST_WEIGHTS
from crisp_hw.spec.transformers import USUAL_TOKENS, Demand, transformer, transformer_step

Positive = Annotated[int, Field(gt=0, le=MOST_PER_DIMENSION)]
Pad = Annotated[int, Field(ge=0, le=MOST_PER_DIMENSION)]
Pair = Annotated[tuple[Positive, Positive], Field(strict=False)]  # a YAML list; its numbers stay strict
Pads = Annotated[tuple[Pad, Pad], Field(strict=False)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]
_SCHEMA = re.compile(r"^schema:\s*['\"]?crisp-hw/workload/", re.MULTILINE)
FORM = "see workloads/resnet50.yaml for the form"


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class _ConvEntry(_Strict):
    """Fields of a conv2d layer; pairs are [height, width], sizes in elements and pixels."""

    name: Name
    kind: Literal["conv2d"]
    in_channels: Positive
    out_channels: Positive
    kernel: Pair
    input_size: Pair
    stride: Pair = (1, 1)
    padding: Pads = (0, 0)
    dilation: Pair = (1, 1)
    groups: Positive = 1


class _LinearEntry(_Strict):
    """Fields of a linear layer; `tokens` counts the vectors of one sample."""

    name: Name
    kind: Literal["linear"]
    in_channels: Positive
    out_channels: Positive
    tokens: Positive = 1


class _ProductEntry(_Strict):
    """Fields of a product of activations: every group is one of its own, and `tokens` are the vectors of each."""

    name: Name
    kind: Literal["matmul"]
    in_channels: Positive
    out_channels: Positive
    groups: Positive = 1
    tokens: Positive = 1


class _SkippedEntry(_Strict):
    name: Name
    reason: Name


class _Totals(_Strict):
    layers: int
    weights: int
    macs: int


_Entry = Annotated[_ConvEntry | _LinearEntry | _ProductEntry, Field(discriminator="kind")]


class _WorkloadFile(_Strict):
    schema_: Literal["crisp-hw/workload/1"] = Field(alias="schema")
    name: Name
    source: Name
    layers: Annotated[list[_Entry], Field(min_length=1)] | None = None
    config: dict[str, JsonValue] | None = None
    tokens: Positive | None = None
    skipped: list[_SkippedEntry] = []
    totals: _Totals | None = None


def list_workloads() -> tuple[str, ...]:
    """Return the names of the packaged workloads (layer tables without weights), sorted.

    Examples
    --------
    >>> list_workloads()
    ('bert-base', 'gpt2', 'llama-7b', 'mobilenetv2', 'resnet50', 't5-small', 'vgg16', 'vit-base')
    """
    return tuple(sorted(path.stem for path in data_folder("workloads").glob("*.yaml")))


def load_workload(name_or_path: str | Path, demand: Demand | None = None) -> Workload:
    """Load a packaged workload by name, or one of your own from a YAML file.

    Parameters
    ----------
    name_or_path
        A name of `list_workloads()`, or a file: a Path, or text that ends in .yaml or .yml.
    demand
        Of a transformer (a file with a `config`), the phase, the new tokens and those before them.

    Raises
    ------
    InputError
        When the name is not known (the valid ones are listed), the file is missing, a field of a layer is wrong, or
        the layers contradict the totals that the file states.

    Examples
    --------
    >>> network = load_workload("resnet50")
    >>> len(network.layers), sum(layer.weights for layer in network.layers)
    (54, 25502912)
    """
    path = _locate(name_or_path)
    document = read_mapping(path, FORM)
    content = checked(_WorkloadFile, document, "workload")
    for fault in _faults(document, content):
        raise fault
    asked = demand or Demand()
    if content.config is None and asked.said:
        raise InputError(f"{asked.said}: {content.name} is no transformer with a `config`", hint="leave it out")
    layers, more = _layers(content, asked)
    skipped = tuple(Skipped(entry.name, entry.reason) for entry in content.skipped)
    return Workload(content.name, layers, (*skipped, *more), content.source)


def _layers(content: _WorkloadFile, demand: Demand) -> tuple[tuple[Layer, ...], tuple[Skipped, ...]]:
    """The layers of a file, those that it lists or those of its configuration, and what that leaves out."""
    if content.config is None:
        return tuple(Layer(**entry.model_dump()) for entry in content.layers or ()), ()
    made = transformer(content.config, transformer_step(content.config, demand, content.tokens or USUAL_TOKENS))
    return made.layers, made.tables.skipped(made.layers)


def is_workload(path: Path) -> bool:
    """Is this the name of a packaged layer table, or a file that says of itself that it is a layer table?"""
    if path.suffix not in (".yaml", ".yml"):
        return str(path) in list_workloads()
    return is_file(path) and bool(_SCHEMA.search(read_text(path)))


def packaged_text(name: str) -> str:
    """The file of a packaged layer table; InputError for a name that is none.

    >>> packaged_text("vgg16").splitlines()[3]
    'name: vgg16'
    """
    if name.endswith((".yaml", ".yml")):
        raise InputError(f"{shown(name)} is a file already", hint="copy it as any file")
    return read_text(_locate(name))


def _locate(name_or_path: str | Path) -> Path:
    """The file meant; a bare word is a packaged name."""
    if not isinstance(name_or_path, str | Path):
        raise wrong_kind("the workload", name_or_path, "a name of list_workloads(), or the path of a .yaml file")
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if name_or_path in list_workloads():
        return data_folder("workloads") / f"{name_or_path}.yaml"
    if isdir(name_or_path):  # noqa: PTH112 - Path raises for a name that no path can have
        raise InputError(
            "is a folder", Where(mark=Mark(name_or_path)), f"give a file in it{_networks_in(name_or_path)}"
        )
    raise InputError(
        f"no workload named {shown(name_or_path)}; the packaged ones are {', '.join(list_workloads())}",
        hint=network_hint(name_or_path, list_workloads()) or "give a path ending in .yaml for your own",
    )


def _networks_in(folder: str) -> str:
    """Files of a folder that may be networks, for a sentence."""
    if (Path(folder) / "saved_model.pb").exists():
        return f"; {file_hint('.pb')}"
    names = sorted(each.name for each in Path(folder).iterdir() if each.suffix in (".pt", ".safetensors", ".yaml"))
    if names:
        return f": {listed([str(Path(folder) / name) for name in names])}"
    saved = sorted({each.parent for depth in ("*", "*/*") for each in Path(folder).glob(f"{depth}/config.json")})
    return f", or one of its folders: {listed([str(each) for each in saved])}" if saved else ""


def mistakes(path: Path) -> tuple[InputError, ...]:
    """All that `load_workload` would refuse of a file: first of its form, then of what it says.

    >>> mistakes(data_folder("workloads") / "vgg16.yaml")
    ()
    """
    try:
        document = read_mapping(path, FORM)
    except InputError as error:
        return (error,)
    found = faults_of(_WorkloadFile, document, "workload")
    return found or tuple(_faults(document, checked(_WorkloadFile, document, "workload")))


def _faults(document: MarkedDict, content: _WorkloadFile) -> Iterator[InputError]:
    """Every mistake of a file whose form is right."""
    if (content.layers is None) == (content.config is None):
        at = Where("workload", mark=mark_of(document))
        yield InputError("needs either layers or a config", at, "give one of them")
        return
    if content.config is None and content.tokens is not None:
        at = Where("workload", key="tokens", mark=mark_of(document, "tokens"))
        yield InputError("tokens have no effect without a config", at, "give them to the layers")
    layers, _ = _layers(content, Demand())
    if content.config is None:
        yield from _layer_faults(document, layers)
    yield from _total_faults(document, layers, content.totals)


def _layer_faults(document: MarkedDict, layers: tuple[Layer, ...]) -> Iterator[InputError]:
    """Names are unique, groups divide channels, every output has a position, and counts stay exact."""
    first: dict[str, Mark | None] = {}
    for layer, entry in zip(layers, document["layers"], strict=True):
        at = Where("workload", layer.name[:40], mark=mark_of(entry))
        if layer.name in first:
            yield InputError(f"the name is taken, at {first[layer.name]}", at, "layer names must be unique")
        first[layer.name] = mark_of(entry)
        if layer.in_channels % layer.groups or layer.out_channels % layer.groups:
            channels = f"in_channels {layer.in_channels} and out_channels {layer.out_channels}"
            yield InputError(
                f"{layer.groups} groups must divide {channels}", at.under("groups", mark_of(entry, "groups"))
            )
        if min(layer.output_size) < 1:
            sizes = f"kernel {layer.kernel}, dilation {layer.dilation} and padding {layer.padding}"
            yield InputError(f"{layer.input_size} is too small for {sizes}", at.under("input_size"))
        for what, number, most in (("weights", layer.weights, MOST_WEIGHTS), ("MACs", layer.macs, MOST_MACS)):
            if number > most:
                yield InputError(
                    f"{number:,} {what} are more than {most:,}, the most of one layer", at, "make it smaller"
                )


def _total_faults(document: MarkedDict, layers: tuple[Layer, ...], totals: _Totals | None) -> Iterator[InputError]:
    """The file's checksums, when it has them, equal what its layers add up to."""
    if totals is None:
        return
    sums = {
        "layers": len(layers),
        "weights": sum(layer.weights for layer in layers),
        "macs": sum(layer.macs for layer in layers),
    }
    for field, found in sums.items():
        stated: int = getattr(totals, field)
        if stated != found:
            at = Where("workload", key=f"totals.{field}", mark=mark_of(document["totals"], field))
            yield InputError(f"says {shown(stated)} but the layers add up to {found}", at, "correct one of them")
