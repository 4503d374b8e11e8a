"""What the points of a study are points of: networks, accelerators, options; read once, then sent to all workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import label
from crisp_hw.exploration.curve import Curve
from crisp_hw.searches.content import Content
from crisp_hw.sources import Arch, Network, WorkloadPattern, load_accelerators, resolve, sized
from crisp_hw.sources.kinds import kind_of
from crisp_hw.spec.accelerator import Accelerator, replaceable
from crisp_hw.spec.layer import Workload
from crisp_hw.spec.options import EvaluateOptions, stated
from crisp_hw.spec.study import Axis, Space
from crisp_hw.workloads import load_workload

PATTERN = ("nm", "block", "sparsity")
NETWORK, ARCH = "network", "arch"
UNVARIED = frozenset({"jobs", "cache", "backend", "energy"})
"""Options that are no axis: they change no number, or belong to the accelerators that are given."""
OPTIONS = tuple(name for name in stated(EvaluateOptions) if name not in UNVARIED)


@dataclass(frozen=True)
class Pruning:
    """What layer tables are pruned to where no axis says otherwise."""

    nm: Any = None
    block: int | None = None
    sparsity: float | None = None


@dataclass(frozen=True)
class Subject:
    """Everything that a worker needs to judge a point; `networks` and `accelerators` by their label.

    The first of each is meant where no axis names one. `accuracy` is the accuracy that was measured at some sparsities.
    """

    networks: Mapping[str, Workload | Network]
    accelerators: Mapping[str, Accelerator]
    pruning: Pruning
    layers: str | None
    options: EvaluateOptions
    space: Space
    kept: tuple[str, ...]
    accuracy: Curve | None = None


@dataclass(frozen=True)
class Given:
    """A network and an accelerator as the user gave them, and what axes name besides."""

    source: Any
    base: Arch
    axes: Mapping[str, Sequence[Any]]


def networks_of(given: Given) -> dict[str, Workload | Network]:
    """The networks of a study by label; InputError for what is none."""
    return {str(label(each)): _network(each) for each in given.axes.get(NETWORK, [given.source])}


def _network(source: Any) -> Workload | Network:
    if isinstance(source, Workload):
        return source
    if isinstance(source, str) and kind_of(source) == "table" and not source.startswith("timm:"):
        return load_workload(source)
    if isinstance(source, WorkloadPattern):
        raise InputError(
            "the network of a study is a WorkloadPattern",
            hint="give its workload, and nm, block and sparsity beside it or as axes",
        )
    return sized(resolve(source))


def accelerators_of(given: Given, energy: str | None) -> dict[str, Accelerator]:
    """The accelerators of a study by label; InputError for what is none."""
    wanted = given.axes.get(ARCH, [given.base])
    return {str(label(each)): one for each in wanted for one in load_accelerators(each, energy)}


def check_axes(subject: Subject) -> None:
    """InputError for an axis that nothing reads, and for one that would have no effect."""
    axes = {axis.name: axis for axis in subject.space.axes}
    tables = [each for each in subject.networks.values() if isinstance(each, Workload)]
    for name, axis in axes.items():
        if name in PATTERN and not tables:
            said = f"axis {name} would have no effect, because the network says itself what is pruned"
            raise InputError(said, hint="give a layer table, such as resnet50")
        if name not in (*PATTERN, *OPTIONS, NETWORK, ARCH):
            _check_number(subject, axis)


def _check_number(subject: Subject, axis: Axis) -> None:
    for accelerator in subject.accelerators.values():
        known = replaceable(accelerator)
        if axis.name not in known:
            there = ", ".join((*known, *PATTERN, NETWORK, ARCH, *OPTIONS))
            said = f"axis {axis.name} is no number of {accelerator.name}, and no pattern, network, arch or option"
            raise InputError(said, hint=f"there are {there}")


def content_of(subject: Subject) -> dict[str, str]:
    """A digest of every network and accelerator by label, and of what all points share under ""."""
    content = Content()
    names = [each.name for each in fields(Accelerator) if each.name != "characterize"]
    found = {name: content.digest(_plain(each)) for name, each in subject.networks.items()}
    for name, accelerator in subject.accelerators.items():
        found[name] = content.digest(*(getattr(accelerator, each) for each in names))
    options = replace(subject.options, jobs=1, cache=True, said=frozenset())
    found[""] = content.digest(subject.layers, options, subject.kept, subject.accuracy)
    return found


def _plain(network: Workload | Network) -> object:
    """A network without what no number follows from."""
    if isinstance(network, Workload):
        return network
    return network.descriptors, dict(network.masks or {})
