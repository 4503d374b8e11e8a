"""Networks over points: their tables, their maps on a scan, and their matrix products as an ordinary workload."""

from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of
from crisp_hw.machine.yaml_files import checked, read_mapping
from crisp_hw.points.gather import traffic_of
from crisp_hw.points.grouping import grouped
from crisp_hw.points.kernel_maps import map_by_hash
from crisp_hw.points.voxels import downsampled
from crisp_hw.spec.layer import Layer, Skipped, Workload
from crisp_hw.spec.limits import MOST_PER_DIMENSION
from crisp_hw.spec.points import Integers, KernelMap, PointConvolution, PointLayer

Positive = Annotated[int, Field(gt=0, le=MOST_PER_DIMENSION)]
FORM = "see workloads/points/minkunet.yaml for the form"
SIDE = 7
"""Largest side of a kernel; 343 offsets are more than any published network has."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Entry(_Strict):
    """Fields of a convolution over points."""

    name: Annotated[str, Field(min_length=1, max_length=4096)]
    in_channels: Positive
    out_channels: Positive
    kernel: Annotated[int, Field(ge=1, le=SIDE)] = 3
    stride: Annotated[int, Field(ge=1, le=SIDE)] = 1
    transposed: bool = False


class _PointNetworkFile(_Strict):
    schema_: Literal["crisp-hw/point-network/1"] = Field(alias="schema")
    name: str
    source: str
    layers: Annotated[list[_Entry], Field(min_length=1)]


def list_networks() -> tuple[str, ...]:
    """The names of the packaged networks over points, sorted.

    >>> list_networks()
    ('minkunet',)
    """
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def load_network(name_or_path: str) -> tuple[PointConvolution, ...]:
    """The convolutions of a network over points, in order: a packaged one by name, or a .yaml file.

    Raises
    ------
    InputError
        When there is none of the name, or the file is not of the form.

    Examples
    --------
    >>> load_network("minkunet")[0]
    PointConvolution(name='stem.0', in_channels=4, out_channels=32, kernel=3, stride=1, transposed=False)
    """
    own = Path(name_or_path).suffix in (".yaml", ".yml")
    if not own and name_or_path not in list_networks():
        listing = ", ".join(list_networks())
        raise InputError(
            f"no network over points named {name_or_path}; there is {listing}", hint="or give a .yaml file"
        )
    document = read_mapping(Path(name_or_path) if own else _folder() / f"{name_or_path}.yaml", FORM)
    content = checked(_PointNetworkFile, document, "point network")
    convolutions = tuple(PointConvolution(**entry.model_dump()) for entry in content.layers)
    _check(document, convolutions)
    return convolutions


def point_layers(
    convolutions: Sequence[PointConvolution], voxels: Integers, epsilon: float = 0.0, mm_thresh: float = inf
) -> tuple[PointLayer, ...]:
    """Every convolution with its map over the voxels of a scan, and its groups.

    Parameters
    ----------
    convolutions
        In the order in which they run; a stride changes the voxels of those that follow.
    voxels
        Those of the scan, as `voxelized` makes them.
    epsilon, mm_thresh
        As in `grouped`.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[0, 0, 0], [0, 0, 1]])
    >>> [layer.map.pairs for layer in point_layers([PointConvolution("c", 4, 8)], row)]
    [4]
    """
    maps = list(_maps(convolutions, voxels))
    made = []
    for convolution, kernel_map in zip(convolutions, maps, strict=True):
        same = convolution.stride == 1 and convolution.kernel % 2 == 1
        groups = grouped(kernel_map.sizes, epsilon, mm_thresh, same)
        made.append(PointLayer(convolution, kernel_map, groups, traffic_of(convolution, kernel_map, groups)))
    return tuple(made)


def workload_of(name: str, layers: Sequence[PointLayer]) -> Workload:
    """The matrix products of all groups: a linear layer per offset, applied to the rows of its group.

    A batch of k products is k layers of equal size, which take k times what one of them takes.

    >>> import numpy as np
    >>> row = np.array([[0, 0, 0], [0, 0, 1]])
    >>> print(workload_of("two", point_layers([PointConvolution("c", 4, 8)], row)))
    <Workload two: 3 layers, 96 weights, 128 MACs>
    """
    made = tuple(_products(layers))
    left_out = [Skipped(each.convolution.name, "no pair of voxels") for each in layers if not each.map.pairs]
    return Workload(name, made, tuple(left_out), "kernel maps of a scan; rows are padded as the groups need it")


def _products(layers: Sequence[PointLayer]) -> Iterator[Layer]:
    for layer in layers:
        ours = layer.convolution
        for group in layer.groups:
            for offset, rows in zip(group.offsets, group.rows, strict=True):
                at = ",".join(map(str, layer.map.offsets[offset]))
                yield Layer(f"{ours.name}[{at}]", "linear", ours.out_channels, ours.in_channels, tokens=rows)


def _maps(convolutions: Sequence[PointConvolution], voxels: Integers) -> Iterator[KernelMap]:
    """The map of each; equal ones are made once, and transposed ones are those of the way down, swapped."""
    at, known = 1, {1: voxels}
    made: dict[tuple[int, int, int], KernelMap] = {}
    for each in convolutions:
        low = at // each.stride if each.transposed else at
        high = low * each.stride
        if high not in known:
            known[high] = downsampled(known[low], each.stride)
        key = (low, high, each.kernel)
        if key not in made:
            made[key] = map_by_hash(known[low], known[high], each.kernel, each.stride)
        yield made[key].swapped if each.transposed else made[key]
        at = low if each.transposed else high


def _check(document: MarkedDict, convolutions: Sequence[PointConvolution]) -> None:
    """Names are unique, and transposed convolutions go back on a way that was gone."""
    names: set[str] = set()
    at, down = 1, {1}
    for each, entry in zip(convolutions, document["layers"], strict=True):
        where = Where("point network", each.name[:40], mark=mark_of(entry))
        if each.name in names:
            raise InputError("the name is taken", where, "names must be unique")
        names.add(each.name)
        if each.transposed and (at % each.stride or at // each.stride not in down):
            raise InputError(
                f"goes back by {each.stride} from voxels of side {at}, and none of side {at / each.stride:g} were met",
                where,
                "transpose a stride that came before",
            )
        at = at // each.stride if each.transposed else at * each.stride
        down.add(at)


def _folder() -> Path:
    return data_folder("workloads") / "points"
