"""Figures of a walk beside those of the model."""

from dataclasses import dataclass
from math import isclose

EXACT = 1e-9  # relative: sums of floats in another order


@dataclass(frozen=True)
class Count:
    """A figure of the walk and the model's; `why` they are not compared, where they are not.

    >>> Count("energy", 0.1 + 0.2, 0.3).agrees, Count("products", 3, 4).agrees, Count("products", 3, 4, "a mean").agrees
    (True, False, True)
    """

    name: str
    walked: float
    model: float | None
    why: str = ""

    @property
    def compared(self) -> bool:
        """Must they be equal?"""
        return self.model is not None and not self.why

    @property
    def agrees(self) -> bool:
        """Are they equal, or not compared?"""
        return self.model is None or bool(self.why) or isclose(self.walked, self.model, rel_tol=EXACT)
