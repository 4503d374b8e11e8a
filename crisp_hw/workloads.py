"""Layer tables of networks: the packaged ones by name, a user's by path."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crisp_hw.data_files import data_folder, read_yaml
from crisp_hw.errors import InputError
from crisp_hw.spec.layer import Layer, Skipped, Workload

Positive = Annotated[int, Field(gt=0)]
Pair = Annotated[tuple[Positive, Positive], Field(strict=False)]  # a YAML list; its numbers stay strict
Pads = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], Field(strict=False)]
Name = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


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


class _SkippedEntry(_Strict):
    name: Name
    reason: Name


class _Totals(_Strict):
    layers: int
    weights: int
    macs: int


class _WorkloadFile(_Strict):
    schema_: Literal["crisp-hw/workload/1"] = Field(alias="schema")
    name: Name
    source: Name
    layers: Annotated[list[Annotated[_ConvEntry | _LinearEntry, Field(discriminator="kind")]], Field(min_length=1)]
    skipped: list[_SkippedEntry] = []
    totals: _Totals | None = None


def list_workloads() -> tuple[str, ...]:
    """Names of the packaged workloads, sorted.

    >>> list_workloads()
    ('mobilenetv2', 'resnet50', 'vgg16')
    """
    return tuple(sorted(path.stem for path in data_folder("workloads").glob("*.yaml")))


def load_workload(name_or_path: str | Path) -> Workload:
    """A packaged workload by name, or a user's own YAML by path (a Path, or text ending in .yaml or .yml).

    Raises InputError for an unknown name (listing the valid ones), a missing file, a wrong field (naming file, layer
    and field), and layers that contradict the file's own totals.

    >>> network = load_workload("resnet50")
    >>> len(network.layers), sum(layer.weights for layer in network.layers)
    (54, 25502912)
    """
    path = _locate(name_or_path)
    document = read_yaml(path)
    try:
        content = _WorkloadFile.model_validate(document)
    except ValidationError as error:
        raise InputError(_explain(path, document, error)) from error
    layers = tuple(Layer(**entry.model_dump()) for entry in content.layers)
    _check_layers(path, layers)
    _check_totals(path, layers, content.totals)
    skipped = tuple(Skipped(entry.name, entry.reason) for entry in content.skipped)
    return Workload(content.name, layers, skipped, content.source)


def _locate(name_or_path: str | Path) -> Path:
    """The file meant; a bare word is a packaged name."""
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if name_or_path in list_workloads():
        return data_folder("workloads") / f"{name_or_path}.yaml"
    raise InputError(
        f"no workload named {name_or_path!r}; the packaged ones are {', '.join(list_workloads())}; "
        "give a path ending in .yaml for your own"
    )


def _explain(path: Path, document: object, error: ValidationError) -> str:
    """The first fault as one sentence: file, layer, field, what is wrong."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("conv2d", "linear")]
    if where[:1] == ["layers"] and len(where) > 1 and isinstance(document, dict):
        entry = document["layers"][int(where[1])]
        name = entry.get("name") if isinstance(entry, dict) else None
        where[:2] = [f"layer {name!r}" if name else f"layer number {int(where[1]) + 1}"]
    return f"{path}: {', '.join(where) or 'document'}: {first['msg']} (found {first['input']!r:.80})"


def _check_layers(path: Path, layers: tuple[Layer, ...]) -> None:
    """Names are unique, groups divide channels, and every output has at least one position."""
    for name, count in Counter(layer.name for layer in layers).items():
        if count > 1:
            raise InputError(f"{path}: layer {name!r} appears {count} times; layer names must be unique")
    for layer in layers:
        if layer.in_channels % layer.groups or layer.out_channels % layer.groups:
            channels = f"in_channels {layer.in_channels} and out_channels {layer.out_channels}"
            raise InputError(f"{path}: layer {layer.name!r}: groups {layer.groups} must divide {channels}")
        if min(layer.output_size) < 1:
            sizes = f"kernel {layer.kernel}, dilation {layer.dilation} and padding {layer.padding}"
            raise InputError(f"{path}: layer {layer.name!r}: input_size {layer.input_size} is too small for {sizes}")


def _check_totals(path: Path, layers: tuple[Layer, ...], totals: _Totals | None) -> None:
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
            raise InputError(
                f"{path}: totals.{field} says {stated} but the layers add up to {found}; correct one of them"
            )
