"""What the engine says of mappings of a space, also of such whose last tiles are smaller."""

from collections.abc import Sequence

from crisp_hw.engine.evaluate import Batch, Part, evaluate_nests
from crisp_hw.mapper.imperfect import residuals_of
from crisp_hw.mapper.space import Space


def evaluated(space: Space, parts: Sequence[Part], device: str = "numpy") -> Batch:
    """The mappings of several nests, bounds int64[b, L] of each, as one batch in this order."""
    if not space.imperfect:
        return evaluate_nests(space.design, parts, device)
    rest = [residuals_of(space.design.problem, nest, bounds) for nest, bounds in parts]
    return evaluate_nests(space.design, parts, device, rest)
