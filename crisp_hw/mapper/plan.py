"""How a mapspace is searched: by templates and bounds, by going through all of it, or by a sample."""

from dataclasses import dataclass
from math import prod

from crisp_hw.engine.sliding import sliding
from crisp_hw.mapper.exact.covers import uncovered
from crisp_hw.mapper.orders import most_arrangements, unusual
from crisp_hw.mapper.sample import estimate
from crisp_hw.mapper.space import Space
from crisp_hw.spec.options import SearchOptions

LARGEST_SWEEP = 100_000_000  # factorizations; 11.9 million were enumerated and judged in 2.6 s (benchmarks/mapper.py)
FAST = (20_000_000, 500_000)  # most mappings of a full search, and a budget beyond it: at 0.1 million/s, minutes
WINDOWS = (10_000_000, 250_000)  # the same with windows: 20 us each as a search meets them (results/nests.txt)
# the same where mappings may be walked (forbidden reuse, wires, imperfect factors): then 1.5 ms each
SLOW = (200_000, 20_000)
FEW = 20_000  # mappings that are all evaluated in about a second, so that templates need not be made
FEW_WINDOWS = 10_000  # the same with windows
FEW_WALKED = 1_000  # and where mappings may be walked: about a second


@dataclass(frozen=True)
class Plan:
    """`exact`: by templates, else `uncovered` says why not, and `budget` mappings are evaluated (None: all).

    The same is done where templates find nothing, so that the error can say how near a mapping comes.
    """

    exact: bool
    budget: int | None = None
    uncovered: str | None = None


def plan_of(spaces: tuple[Space, ...], options: SearchOptions) -> Plan:
    """How the spaces of one design are searched.

    Templates know nothing of devices; a budget is one of mappings to evaluate. Few mappings are evaluated one and all.
    """
    why = _why_not_exact(spaces, options)
    if options.budget is not None:
        return Plan(False, options.budget, why)
    (most, budget), few = _pace(spaces[0])
    if sum(map(_at_most, spaces)) <= few:  # without the draws of an estimate, which take as long as evaluating so few
        return Plan(False, None, why)
    size = sum(space.size for space in spaces)
    many = float("inf") if size > LARGEST_SWEEP else float(sum(map(estimate, spaces)))
    return Plan(why is None and many > few, None if many <= most else budget, why)


def _at_most(space: Space) -> int:
    """No space has more mappings: every factorization in every order."""
    return space.size * prod(map(most_arrangements, space.blocks))


def _pace(space: Space) -> tuple[tuple[int, int], int]:
    """The most mappings of a full search and the budget beyond it, and how many are always few."""
    windows = sliding(space.design.problem)
    if space.imperfect or unusual(space) or (windows and not space.design.rules.still_keeps_stride):
        return SLOW, FEW_WALKED
    return (WINDOWS, FEW_WINDOWS) if windows else (FAST, FEW)


def _why_not_exact(spaces: tuple[Space, ...], options: SearchOptions) -> str | None:
    if options.budget is not None:
        return "a budget of mappings"
    if options.device != "numpy":
        return "another device than numpy"
    return uncovered(spaces[0])
