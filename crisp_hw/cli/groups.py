"""Options that several commands take together, as one value: a command names the group, typer sees its fields."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from crisp_hw.cli import options as opt

if TYPE_CHECKING:
    from crisp_hw.api import EvaluateOptions, Source
    from crisp_hw.spec.accelerator import Accelerator

Command = Callable[..., None]


@dataclass(frozen=True)
class Inputs:
    """What is evaluated: a network, its layers, accelerators, and what the mapper minimises."""

    masks: opt.MasksOption = None
    workload: opt.WorkloadOption = None
    nm: opt.NmOption = None
    block: opt.BlockOption = None
    sparsity: opt.SparsityOption = None
    arch: opt.ArchOption = None
    layers: opt.LayersOption = None
    objective: opt.ObjectiveOption = opt.Objective.cycles
    energy: opt.EnergyOption = None
    setting: opt.SetOption = None

    @property
    def anything(self) -> bool:
        """Was any of them given, but for the objective?"""
        given = (self.masks, self.workload, self.nm, self.block, self.sparsity, self.arch, self.layers)
        return any(each is not None for each in (*given, self.energy, self.setting))

    def source(self) -> "Source":
        """The network; InputError unless it is exactly one."""
        return opt.source_of(self.masks, self.workload, self.nm, self.block, self.sparsity)

    def accelerators(self) -> "tuple[Accelerator, ...]":
        """The accelerators with the numbers of --set; InputError for one that there is not."""
        return opt.accelerators_of(self.arch, self.energy, self.setting)


@dataclass(frozen=True)
class Modelling:
    """How an evaluation models: every option of it changes numbers."""

    activation_density: opt.ActivationOption = 0.6
    block_index: opt.IndexOption = True
    backend: opt.BackendOption = "embedded"
    density: opt.DensityOption = opt.Density.model
    dstc: opt.DstcOption = opt.Dstc.skipping
    overheads: opt.OverheadOption = True


@dataclass(frozen=True)
class Searching:
    """How mappings are searched for; changes no number."""

    jobs: opt.JobsOption = None
    cache: opt.CacheOption = True


def choices(inputs: Inputs, modelling: Modelling, searching: Searching) -> "EvaluateOptions":
    """The three groups as the API takes them.

    >>> choices(Inputs(), Modelling(dstc=opt.Dstc.packing), Searching()).dstc
    'position-skipping'
    """
    from crisp_hw.api import EvaluateOptions

    return EvaluateOptions(
        objective=inputs.objective.value,
        energy=inputs.energy,
        backend=modelling.backend,
        activation_density=modelling.activation_density,
        block_index=modelling.block_index,
        density=modelling.density.value,
        dstc=modelling.dstc.value,
        overheads=modelling.overheads,
        jobs=searching.jobs,
        cache=searching.cache,
    )


def grouped(command: Command) -> Command:
    """The same command with the fields of its groups as options of their own, in their place.

    >>> @grouped
    ... def count(searching: Searching, name: str = "x") -> None:
    ...     print(searching, name)
    >>> list(inspect.signature(count).parameters)
    ['jobs', 'cache', 'name']
    >>> count(jobs=2, cache=False, name="y")
    Searching(jobs=2, cache=False) y
    """
    given = inspect.signature(command).parameters.values()
    kinds: dict[str, Any] = {each.name: each.annotation for each in given}
    groups = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}
    expanded = [part for each in given for part in (_parts(each) if each.name in groups else (each,))]
    single = [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in expanded]

    def run(**values: Any) -> None:
        made = {
            name: kinds[name](**{each.name: values.pop(each.name) for each in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **values)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {part.name: part.annotation for part in single}
    run.__signature__ = inspect.Signature(single)  # type: ignore[attr-defined]  # what inspect, and so typer, looks at
    return run


def _parts(group: inspect.Parameter) -> list[inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(each.name, kind, default=each.default, annotation=each.type)
        for each in fields(group.annotation)
    ]
