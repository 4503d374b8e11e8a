"""One point of a study, judged: evaluated as `evaluate` does it, or infeasible with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from crisp_hw.errors import InputError, MappingError
from crisp_hw.exploration.subject import (
    ARCH,
    ENERGY,
    NAMED,
    NETWORK,
    OPTIONS,
    PATTERN,
    Pruning,
    Refused,
    Subject,
    design,
)
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.report.records import total_records
from crisp_hw.sources import Network, WorkloadPattern, resolve, select
from crisp_hw.spec.accelerator import Accelerator, changed
from crisp_hw.spec.columns import Record, Value
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.layer import Workload
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.study import Judged, Point

ALIASES: Mapping[str, str] = {"area_mm2": "on_chip_mm2"}
"""Names of objectives that the columns of totals have otherwise."""
KEPT = (
    *("cycles", "dense_cycles", "speedup", "ms", "energy_uj", "on_chip_uj", "dram_uj", "energy_gain", "edp_uj_ms"),
    *("on_chip_mm2", "effective_tops", "attained_tops", "roof_share", "binds", "on_chip_w", "on_chip_tops_per_w"),
    *("total_tops_per_w", "effective_tops_per_mm2", "off_chip_bytes"),
)
"""The figures that a study keeps of every point, beside its objectives."""


@dataclass(frozen=True)
class Parts:
    """A point taken apart: what it says of the network, the pruning, the accelerator, its numbers and the options."""

    network: str
    pruning: Pruning
    arch: str
    numbers: dict[str, Value]
    options: dict[str, Any]


def parts_of(subject: Subject, point: Point) -> Parts:
    """What a point says, with what the subject says where it says nothing."""
    said: dict[str, Any] = {name: point[name] for name in PATTERN if name in point}
    numbers = {name: value for name, value in point.items() if name not in (*PATTERN, *OPTIONS, *NAMED)}
    return Parts(
        str(point.get(NETWORK, next(iter(subject.networks)))),
        replace(subject.pruning, **said),
        _design(subject, point),
        numbers,
        {name: point[name] for name in OPTIONS if name in point},
    )


def _design(subject: Subject, point: Point) -> str:
    """The label of the accelerator of a point, with its energies."""
    return design(str(point.get(ARCH, subject.arch)), point.get(ENERGY, subject.energy))


def judge(subject: Subject, point: Point) -> Judged:
    """Evaluate a point; what the engine, the network or the accelerator refuses is infeasible, with the reason."""
    try:
        return Judged(_figures(subject, parts_of(subject, point)))
    except (InputError, MappingError) as error:
        return Judged({}, str(error))


def _figures(subject: Subject, parts: Parts) -> Record:
    options = replace(subject.options, **parts.options)
    accelerator = _accelerator(subject.accelerators[parts.arch], parts.numbers)
    network = _pruned(subject.networks[parts.network], parts.pruning)
    total = _total(network, accelerator, options, subject.layers)
    if subject.accuracy is not None:
        if parts.pruning.sparsity is None:
            raise InputError("an accuracy is known by sparsity, and there is none", hint="give sparsity, or an axis")
        total["accuracy"] = subject.accuracy.at(parts.pruning.sparsity)
    return {key: _known(total, key) for key in subject.kept}


def _total(network: Network, accelerator: Accelerator, options: EvaluateOptions, layers: str | None) -> Record:
    """The record of totals; searches run in this process alone, whatever the options say: workers are processes."""
    rows = evaluate_layers(
        select(network.descriptors, layers), [accelerator], replace(options, jobs=1), None, network.masks
    )
    return total_records(NetworkEvaluation(network.name, rows))[0]


def _known(total: Record, key: str) -> Value:
    """A figure by its name; InputError where it does not exist for this design."""
    value = total.get(ALIASES.get(key, key))
    if value is None and key not in KEPT:
        raise InputError(f"there is no {key} of this design", hint="see docs/columns.md for what each figure needs")
    return value


def _accelerator(base: Accelerator | Refused, numbers: Mapping[str, Value]) -> Accelerator:
    if isinstance(base, Refused):
        raise InputError(base.reason)
    return _changed(_Itself(base), tuple(numbers.items()))


class _Itself:
    """A value that is equal to itself alone, so that a cache can hold it whatever it is made of."""

    def __init__(self, value: Accelerator) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


@lru_cache(maxsize=64)
def _changed(base: _Itself, numbers: tuple[tuple[str, Value], ...]) -> Accelerator:
    """An accelerator with other numbers, whose energies take longer to characterize than some layers to evaluate."""
    return changed(base.value, dict(numbers))  # type: ignore[arg-type]  # it says itself what it does not take


@lru_cache(maxsize=64)
def _table(workload: Workload, pruning: Pruning) -> Network:
    return resolve(WorkloadPattern(workload, pruning.nm, pruning.block, pruning.sparsity))


def _pruned(network: Workload | Network, pruning: Pruning) -> Network:
    return _table(network, pruning) if isinstance(network, Workload) else network
