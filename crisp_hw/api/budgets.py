"""Costs of pruned layers on an accelerator, each with its best mapping: what a pruner that has a budget asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from crisp_hw.accelerators import load_arch
from crisp_hw.api.networks import evaluate
from crisp_hw.errors import InputError
from crisp_hw.report.records import layer_records
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel

METRICS = {"cycles": "cycles", "ms": "ms", "energy_uj": "energy_uj", "bytes": "off_chip_bytes"}
"""What can be asked for, and its column; the EDP of a network is no sum over its layers."""


@dataclass(frozen=True)
class Costs:
    """One metric of layers on one accelerator. What was computed once is kept.

    >>> Costs("crisp-stc", "cycles").costs(())
    ()
    """

    arch: str
    metric: str
    known: dict[object, float] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be computed before anything is."""
        load_arch(self.arch)
        if self.metric not in METRICS:
            raise InputError(f"{self.metric!r} is no cost of layers", hint=f"there are {', '.join(METRICS)}")

    def costs(self, layers: Sequence[PrunedLayer]) -> tuple[float, ...]:
        """The cost of each layer, in the unit of the metric."""
        keys = [_key(layer) for layer in layers]
        new = {key: layer for key, layer in zip(keys, layers, strict=True) if key not in self.known}
        if new:
            named = [
                replace(each, layer=replace(each.layer, name=f"{place}")) for place, each in enumerate(new.values())
            ]
            found = layer_records(evaluate(PrunedModel("budget", tuple(named)), arch=self.arch).network)
            cost = {str(row["layer"]): row[METRICS[self.metric]] for row in found}
            for place, (key, layer) in enumerate(new.items()):
                value = cost.get(str(place))
                if not isinstance(value, int | float):
                    raise InputError(f"{self.arch} cannot run {layer.layer.name}", hint="choose another accelerator")
                self.known[key] = float(value)
        return tuple(self.known[key] for key in keys)


def _key(layer: PrunedLayer) -> object:
    """All that the cost of a layer depends on."""
    mask = None if layer.mask is None else layer.mask.tobytes()
    return replace(layer.layer, name=""), layer.role, mask, layer.nm, layer.block
