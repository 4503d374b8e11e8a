"""What time, power and area of an accelerator follow from: clock, node, supply, and the area of every component."""

from dataclasses import dataclass, field

CLOCK_ASSUMED = "not given; assumed because the leakage of the energy tables is that of cycles of 1 ns"
NODE_ASSUMED = "not given; assumed because it is the node of the packaged energy tables"
SUPPLY = "technology.supply_v"
"""The path of the supply, from which no number follows."""
SUPPLY_ASSUMED = "not given; assumed because PTM's low-power model of 45 nm has this nominal supply"
UM2_PER_MM2 = 1e6


@dataclass(frozen=True)
class Technology:
    """Clock in GHz, node in nm, supply in V; no number follows from the supply, which is told beside the others.

    >>> Technology(clock_ghz=0.5).ms(2_000_000)
    4.0
    """

    clock_ghz: float = 1.0
    node_nm: float = 45.0
    supply_v: float = 1.1
    clock_source: str = CLOCK_ASSUMED
    node_source: str = NODE_ASSUMED
    supply_source: str = SUPPLY_ASSUMED

    def ms(self, cycles: float) -> float:
        """Milliseconds of some cycles."""
        return cycles / (self.clock_ghz * 1e6)


@dataclass(frozen=True)
class Area:
    """Area of one instance in um2, and where the number comes from."""

    um2: float
    source: str


@dataclass(frozen=True)
class Component:
    """All instances of a level, of the MACs or of a circuit beside the model; `area` None: there is no number.

    `counted` says why there are so many, where no file does; `off_chip` components are on another die.
    """

    name: str
    instances: int
    area: Area | None = None
    counted: str = ""
    off_chip: bool = False

    @property
    def mm2(self) -> float | None:
        """Area of all instances in mm2.

        >>> Component("RF", 4, Area(3432.0, "CACTI")).mm2
        0.013728
        """
        return None if self.area is None else self.area.um2 * self.instances / UM2_PER_MM2


@dataclass(frozen=True)
class Silicon:
    """An accelerator as silicon: its technology and its components, outermost level first, circuits last."""

    technology: Technology = field(default_factory=Technology)
    components: tuple[Component, ...] = ()

    def __repr__(self) -> str:
        """Its sum; all components would fill a screen."""
        area = "area not known" if self.mm2 is None else f"{self.mm2:.3g} mm2 on chip"
        return f"<Silicon: {len(self.components)} components, {area}>"

    @property
    def on_chip(self) -> tuple[Component, ...]:
        """The components that the area of the chip consists of, with or without a number."""
        return tuple(each for each in self.components if not each.off_chip)

    @property
    def mm2(self) -> float | None:
        """The sum over what is on chip and has a number; None where nothing has one."""
        known = [each.mm2 for each in self.on_chip if each.mm2 is not None]
        return sum(known) if known else None
