"""What an architecture's components cost: energy per action and area, each with where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.shown import listed as on_one_line
from crisp_hw.spec.silicon import Area


@dataclass(frozen=True)
class Cost:
    """Energy of one action in pJ, and where the number comes from."""

    pj: float
    source: str


@dataclass(frozen=True)
class Component:
    """One component: what it was taken to be, its actions, its area in um2 (None: not published)."""

    name: str
    stands_for: str
    actions: Mapping[str, Cost]
    area_um2: float | None = None
    area_source: str = ""


@dataclass(frozen=True)
class Characterization:
    """All components of an architecture, by one method ("table", "cacti", "accelergy") at one node.

    `listed` are circuits that are no component of it: nothing is charged with them.
    """

    method: str
    node_nm: int
    components: tuple[Component, ...]
    assumptions: tuple[str, ...] = ()
    listed: tuple[Component, ...] = ()

    def __repr__(self) -> str:
        names = on_one_line(each.name for each in self.components)
        return f"<Characterization by {self.method} at {self.node_nm} nm: {names}>"

    @property
    def table(self) -> EnergyTable:
        """The energies and areas alone, as an accelerator has them.

        Examples
        --------
        >>> mac = Component("MAC", "int8", {"compute": Cost(0.56, "Aladdin")})
        >>> Characterization("table", 45, (mac,)).table.actions
        {'MAC': {'compute': 0.56}}
        """
        return EnergyTable(
            {each.name: {action: cost.pj for action, cost in each.actions.items()} for each in self.components},
            {each.name: {action: cost.source for action, cost in each.actions.items()} for each in self.components},
            {each.name: Area(each.area_um2, each.area_source) for each in self.components if each.area_um2 is not None},
        )
