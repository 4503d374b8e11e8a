"""What layers cost on hardware: the protocol that a program with such numbers keeps, and how one is found by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.descriptors import PrunedLayer

GROUP = "crisp_prune.budgets"
"""The entry-point group: each entry is a function of an accelerator's name and a metric that returns a `Budget`."""


class Budget(Protocol):
    """Costs of layers on one accelerator in one unit; the sum over the layers is that of the network."""

    def costs(self, layers: Sequence[PrunedLayer]) -> tuple[float, ...]:
        """One number for each layer with its mask (no mask: dense)."""


@dataclass(frozen=True)
class Target:
    """What a network may cost: an amount of a metric, or a share of what the dense network costs.

    >>> Target("cycles", 0.25, relative=True).amount(2000.0)
    500.0
    """

    metric: str
    value: float
    relative: bool = False

    def amount(self, dense: float) -> float:
        """The amount in the unit of the metric."""
        return self.value * dense if self.relative else self.value


def target_from(text: str) -> Target:
    """The target of "cycles=2e6", "ms=0.5", "energy_uj=40", or of "0.25x" and "energy_uj=0.25x" of dense.

    >>> target_from("0.25x"), target_from("ms=0.5")
    (Target(metric='cycles', value=0.25, relative=True), Target(metric='ms', value=0.5, relative=False))
    """
    metric, equals, value = text.rpartition("=")
    relative = value.endswith(("x", "X"))
    try:
        found = Target(metric if equals else "cycles", float(value[:-1] if relative else value), relative)
    except ValueError:
        found = None
    if found is None or not 0 < found.value < float("inf") or (not equals and not relative) or (equals and not metric):
        hint = "write METRIC=AMOUNT such as cycles=2e6, or a share of the dense network's such as 0.25x"
        raise InputError(f"{text!r} is no budget", Where(key="--budget"), hint)
    return found


@cache  # what one has computed serves all that ask for the same
def find_budget(arch: str, metric: str) -> Budget:
    """The costs of an accelerator from whoever offers them; InputError where nobody is installed who does."""
    offered = entry_points(group=GROUP)
    if not offered:
        hint = 'install the package that has it anew: pip install "crisp-hw"'
        raise InputError(f"no installed program offers costs of hardware (entry points {GROUP})", hint=hint)
    budget: Budget = next(iter(offered)).load()(arch, metric)
    return budget
