"""Networks, accelerators and energies as a user gave them: one for all points, or those that an axis lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import label
from crisp_hw.exploration.subject import ARCH, ENERGY, NETWORK, Refused, design
from crisp_hw.sources import Arch, Network, WorkloadPattern, load_accelerators, resolve, sized
from crisp_hw.sources.kinds import kind_of
from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.layer import Workload
from crisp_hw.workloads import load_workload


@dataclass(frozen=True)
class Given:
    """What a study has where no axis says otherwise (None: nothing was said), and the space as it was given."""

    source: Any
    base: Arch | None
    energy: str | None
    space: Mapping[str, Any]

    def listed(self, name: str, otherwise: Any) -> list[Any]:
        """What an axis lists, or what there is without it; both, where the axis does not concern all points.

        InputError for what would have no effect beside an axis.
        """
        if name not in self.space:
            return [otherwise]
        axis = self.space[name]
        values = list(axis["values"] if isinstance(axis, Mapping) else axis)
        if isinstance(axis, Mapping) and axis.get("when"):
            return [otherwise, *(each for each in values if label(each) != label(otherwise))]
        return values


def check_given(given: Given) -> None:
    """InputError for a network, base or energy that no point would have."""
    said = {NETWORK: given.source, ARCH: given.base, ENERGY: given.energy}
    words = {NETWORK: "the network", ARCH: "base", ENERGY: "energy"}
    for name, value in said.items():
        axis = given.space.get(name)
        if axis is None:
            continue
        if isinstance(axis, Mapping) and "values" not in axis:
            raise InputError(f"axis {name} lists no values", hint="list them: it has no numbers from low to high")
        if value is not None and label(value) not in map(label, given.listed(name, value)):
            said_of = f"{words[name]} {label(value)} has no effect beside axis {name}, which does not list it"
            raise InputError(said_of, hint="leave it out, list it, or give the axis a condition with when")


def networks_of(given: Given) -> dict[str, Workload | Network]:
    """The networks of a study by label; InputError for what is none."""
    return {str(label(each)): _network(each) for each in given.listed(NETWORK, given.source)}


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


def accelerators_of(given: Given, default: Arch) -> dict[str, Accelerator | Refused]:
    """The accelerators of a study with each of its energies, by label; InputError for what is none.

    Energies that some accelerators do not have make the points of those infeasible.
    """
    found: dict[str, Accelerator | Refused] = {}
    archs = given.listed(ARCH, default if given.base is None else given.base)
    for energy in given.listed(ENERGY, given.energy):
        refused = []
        for arch in archs:
            name = design(str(label(arch)), label(energy))
            try:
                (found[name],) = load_accelerators(arch, energy)
            except InputError as error:
                refused.append(error)
                found[name] = Refused(str(error))
        if len(refused) == len(archs) or (refused and ENERGY not in given.space):
            raise refused[0]
    return found
