"""An accelerator as silicon: its levels, MACs and the circuits beside the model, each as often as it is there."""

from collections.abc import Iterator
from typing import assert_never

from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.silicon import Component, Silicon

PER_MAC = "one per MAC; not given; assumed because every lane selects an activation of its own"
PER_CORE = "one per core; not given; assumed because a core gathers the blocks of one block row at a time"


def silicon_of(accelerator: Accelerator) -> Silicon:
    """The technology of an accelerator and the area of each of its components, where there is a number.

    >>> from crisp_hw.accelerators import load_arch
    >>> [(each.name, each.instances) for each in silicon_of(load_arch("stc")).components]
    [('DRAM', 1), ('SMEM', 1), ('RF', 4), ('LRF', 256), ('MAC', 256), ('selection', 256), ('offset_decoder', 256)]
    """
    arch, areas = accelerator.architecture, accelerator.energy.areas
    levels = (
        Component(each.name, each.instances, areas.get(each.name), off_chip=each.technology == "DRAM")
        for each in reversed(arch.levels)
    )
    unit = Component(arch.compute.name, arch.compute.instances, areas.get(arch.compute.name))
    beside = (Component(name, count, areas.get(name), why) for name, count, why in _circuits(accelerator))
    return Silicon(accelerator.technology, (*levels, unit, *beside))


def _circuits(accelerator: Accelerator) -> Iterator[tuple[str, int, str]]:
    """Name, number and why so many of the circuits that some case charges beside the model."""
    serving = {charge.circuit: charge.per for case in accelerator.runs.cases for charge in case.charges}
    for circuit, per in serving.items():
        match per:
            case "computes" | "latched_weights":
                yield circuit, accelerator.architecture.compute.instances, PER_MAC
            case "index_entries":
                yield circuit, accelerator.cores, PER_CORE
            case _:
                assert_never(per)
