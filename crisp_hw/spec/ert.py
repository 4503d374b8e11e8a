"""Energy reference table: pJ per action of each component, with the source of every number."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crisp_hw.spec.shown import listed
from crisp_hw.spec.silicon import Area


@dataclass(frozen=True)
class EnergyTable:
    """`actions[component][action]` in pJ per action (a storage action moves one block, not one word).

    `sources[component][action]` says where a number comes from; an action that is missing falls back as
    Timeloop's lookup lists say (docs/model.md, section 8). `areas[component]` is that of one instance, where the tables
    have one; no energy depends on it.
    """

    actions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    areas: Mapping[str, Area] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<EnergyTable of {listed(self.actions)}>"
