"""What a publication claims, and what crisp-hw finds."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Claim:
    """One published figure and ours in the same unit; `why` they differ, or what ours is.

    `allowed` is the relative deviation up to which ours reproduces it; None is shown and not judged.

    >>> round(Claim("time of Alex-7", "us", 12.2, 13.4, "uniform masks").deviation, 3)
    0.098
    """

    claim: str
    unit: str
    published: float
    ours: float
    why: str = ""
    allowed: float | None = None

    @property
    def deviation(self) -> float:
        """Ours over the published figure, less one."""
        return self.ours / self.published - 1 if self.published else float("inf")

    @property
    def within(self) -> bool | None:
        """Is the deviation allowed? None where it is not judged."""
        if self.allowed is None:
            return None
        return isfinite(self.ours) and abs(self.deviation) <= self.allowed


@dataclass(frozen=True)
class Bound:
    """A figure over several claims, such as a mean deviation, and the most that it may be (None: shown alone)."""

    name: str
    value: float
    allowed: float | None = None

    @property
    def within(self) -> bool | None:
        """Is it allowed? None where it is not judged."""
        return None if self.allowed is None else self.value <= self.allowed


@dataclass(frozen=True)
class Series:
    """One row of bars: a value for every place, None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Panel:
    """Bars side by side at named places; `axis` says what their height is."""

    title: str
    axis: str
    places: tuple[str, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Reproduction:
    """A publication's figures beside ours; `notes` say what both rest on."""

    name: str
    title: str
    source: str
    claims: tuple[Claim, ...]
    bounds: tuple[Bound, ...] = ()
    panels: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Is everything that is judged allowed?"""
        judged = [*(each.within for each in self.claims), *(each.within for each in self.bounds)]
        return False not in judged
