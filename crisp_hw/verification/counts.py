"""Figures of a walk beside those of the model."""

from dataclasses import dataclass
from math import isclose

EXACT = 1e-9  # relative: sums of floats in another order


@dataclass(frozen=True)
class Count:
    """A figure of the walk and the model's; `model` None: not compared, and `why`.

    >>> Count("energy", 0.1 + 0.2, 0.3).agrees, Count("products", 3, 4).agrees, Count("products", 3, None, "no").agrees
    (True, False, True)
    """

    name: str
    walked: float
    model: float | None
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Are they equal, or not compared?"""
        return self.model is None or isclose(self.walked, self.model, rel_tol=EXACT)
