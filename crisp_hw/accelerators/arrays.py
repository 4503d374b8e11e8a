"""The level whose constraint fills the array, and those that share its lanes: what `across` of a case speaks of."""

from collections.abc import Mapping

from crisp_hw.accelerators.schema import Constraint


def filled(given: Mapping[str, Constraint]) -> bool:
    """Does a level say `spatial: fill`?"""
    return any(rule.spatial == "fill" for rule in given.values())


def sharing(given: Mapping[str, Constraint], dim: str) -> tuple[str, ...]:
    """The levels over whose lanes a dimension may go where none fills an array, outermost first."""
    return tuple(name for name, rule in given.items() if dim in (*rule.x, *rule.y))
