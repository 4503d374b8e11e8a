"""What the points of a study are points of: networks, accelerators, options; read once, then sent to all workers."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.exploration.curve import Curve
from crisp_hw.searches.content import Content
from crisp_hw.sources import Network, WorkloadPattern
from crisp_hw.spec.accelerator import Accelerator, changed, replaceable
from crisp_hw.spec.columns import Value
from crisp_hw.spec.layer import Workload
from crisp_hw.spec.options import EvaluateOptions, stated
from crisp_hw.spec.study import Axis, Space

PATTERN = ("nm", "block", "sparsity")
NETWORK, ARCH, ENERGY = "network", "arch", "energy"
NAMED = (NETWORK, ARCH, ENERGY)
"""Axes of things that are read by name."""
MOST_TRIED = 64  # values of an axis; not given; assumed because each takes up to 0.1 s where energies are characterized
UNVARIED = frozenset({"jobs", "cache", "backend", "energy"})
"""Options that change no number, and the energies, which belong to an accelerator: they are no options of a point."""
OPTIONS = tuple(name for name in stated(EvaluateOptions) if name not in UNVARIED)


@dataclass(frozen=True)
class Pruning:
    """What layer tables are pruned to where no axis says otherwise."""

    nm: Any = None
    block: int | None = None
    sparsity: float | None = None


@dataclass(frozen=True)
class Refused:
    """An accelerator that does not have the energies that an axis names, and why."""

    reason: str


def design(arch: str, energy: Value) -> str:
    """The label of an accelerator with energies.

    >>> design("crisp-stc", None), design("crisp-stc", "table")
    ('crisp-stc', 'crisp-stc with table')
    """
    return arch if energy is None else f"{arch} with {energy}"


@dataclass(frozen=True)
class Subject:
    """Everything that a worker needs to judge a point; `networks` and `accelerators` by their label.

    The first network, `arch` and `energy` are meant where no axis names one. `accuracy` is the accuracy that was
    measured at some sparsities.
    """

    networks: Mapping[str, Workload | Network]
    accelerators: Mapping[str, Accelerator | Refused]
    pruning: Pruning
    layers: str | None
    options: EvaluateOptions
    space: Space
    kept: tuple[str, ...]
    accuracy: Curve | None = None
    arch: str = ""
    energy: Value = None

    @property
    def designs(self) -> list[Accelerator]:
        """The accelerators that there are."""
        return [each for each in self.accelerators.values() if isinstance(each, Accelerator)]


def check_axes(subject: Subject) -> None:
    """InputError for an axis that nothing reads, for one that would have no effect, and for values that are none."""
    tables = [each for each in subject.networks.values() if isinstance(each, Workload)]
    for axis in subject.space.axes:
        if axis.name in PATTERN and not tables:
            said = f"axis {axis.name} would have no effect, because the network says itself what is pruned"
            raise InputError(said, hint="give a layer table, such as resnet50")
        if axis.name in OPTIONS:
            _check_option(subject, axis)
        elif axis.name in PATTERN:
            for value in _ends(axis):
                replace(WorkloadPattern(tables[0]), **_said(axis, value))
        elif axis.name not in NAMED:
            _check_number(subject, axis)


def _ends(axis: Axis) -> tuple[Value, ...]:
    """The values of an axis: of many some, evenly, and of numbers without an end the first and the last."""
    if not axis.values and not axis.step:
        return axis.low, axis.high
    return axis.listed if axis.values else axis.listed[:: 1 + len(axis.listed) // MOST_TRIED]


def _said(axis: Axis, value: Value) -> dict[str, Any]:
    return {axis.name: value}


def _check_option(subject: Subject, axis: Axis) -> None:
    if axis.name in subject.options.said and not axis.when:
        raise InputError(f"{axis.name} has no effect beside the axis of that name", hint="give one of them")
    for value in _ends(axis):
        replace(subject.options, **_said(axis, value))


def _check_number(subject: Subject, axis: Axis) -> None:
    """Every accelerator must have the number, and one of them take one of the values as far as it stands alone."""
    refused: InputError | None = None
    for accelerator in subject.designs:
        if axis.name not in (known := (*replaceable(accelerator), *accelerator.numbers)):
            there = ", ".join((*replaceable(accelerator), *PATTERN, *NAMED, *OPTIONS))
            there += f", and numbers by their path, such as {next(iter(accelerator.numbers), None)}"
            said = f"axis {axis.name} is no number of {accelerator.name}, and no pattern, network, arch or option"
            near = difflib.get_close_matches(axis.name, (*known, *PATTERN, *NAMED, *OPTIONS), 1)
            raise InputError(said, hint=f"{f'did you mean {near[0]}? ' if near else ''}there are {there}")
        for value in _ends(axis):
            try:
                changed(accelerator, {axis.name: value})  # type: ignore[dict-item]  # it says what it does not take
            except InputError as error:
                refused = refused or error
            else:
                return
    if refused is not None:
        raise refused


def content_of(subject: Subject) -> dict[str, str]:
    """A digest of every network and accelerator by label, and of what all points share under ""."""
    content = Content()
    names = [each.name for each in fields(Accelerator) if each.compare]
    found = {name: content.digest(_plain(each)) for name, each in subject.networks.items()}
    for name, accelerator in subject.accelerators.items():
        numbers = [accelerator] if isinstance(accelerator, Refused) else [getattr(accelerator, each) for each in names]
        found[name] = content.digest(*numbers)
    options = replace(subject.options, jobs=1, cache=True, said=frozenset())
    found[""] = content.digest(subject.layers, options, subject.kept, subject.accuracy)
    return found


def _plain(network: Workload | Network) -> object:
    """A network without what no number follows from."""
    if isinstance(network, Workload):
        return network
    return network.descriptors, dict(network.masks or {})
