"""Two evaluations side by side: every figure of both, and how far apart they are."""

from dataclasses import dataclass
from typing import Literal

from crisp_hw.spec.columns import Value


@dataclass(frozen=True)
class Compared:
    """One figure of a layer (None: of all layers together) on an accelerator: `a` of the first, `b` of the second.

    `arch_a` and `arch_b` are the same but where two accelerators are compared. Texts have no ratio, and neither has a
    figure that is 0 or missing in the first alone.
    """

    arch_a: str
    arch_b: str
    layer: str | None
    key: str
    a: Value
    b: Value

    @property
    def ratio(self) -> float | None:
        """The second over the first; 1 where both are 0.

        >>> Compared("x", "x", None, "cycles", 4, 5).ratio, Compared("x", "x", None, "cycles", 0, 5).ratio
        (1.25, None)
        """
        a, b = self.a, self.b
        if isinstance(a, str | None) or isinstance(b, str | None):
            return None
        return 1.0 if a == b else b / a if a else None

    @property
    def text(self) -> bool:
        """Is it a text, such as a mapping?"""
        return isinstance(self.a, str) or isinstance(self.b, str)

    def beyond(self, tolerance: float) -> bool:
        """Are the two further apart than a share of the first? Texts are not measured.

        >>> [Compared("x", "x", None, "cycles", a, b).beyond(0.01) for a, b in ((100, 101), (100, 102), (0, 1))]
        [False, True, True]
        """
        if self.text or self.a == self.b:
            return False
        ratio = self.ratio
        return ratio is None or abs(ratio - 1.0) > tolerance * (1.0 + 1e-12)  # 1.01 - 1 is a little above 0.01


@dataclass(frozen=True)
class Missing:
    """What one of the two alone has: layers of an accelerator, or (no layers) the accelerator; `there` says which."""

    arch: str
    layers: tuple[str, ...]
    there: Literal["a", "b"]


@dataclass(frozen=True)
class Comparison:
    """All figures of two evaluations, and what only one of them has."""

    names: tuple[str, str]
    figures: tuple[Compared, ...]
    missing: tuple[Missing, ...]
    tolerance: float

    @property
    def beyond(self) -> tuple[Compared, ...]:
        """The figures that are further apart than the tolerance."""
        return tuple(each for each in self.figures if each.beyond(self.tolerance))

    @property
    def equal(self) -> bool:
        """Is nothing beyond the tolerance, and nothing missing?"""
        return not self.missing and not self.beyond
