"""What is said while a study runs: how far it is, and the best so far."""

from crisp_hw.spec.study import MAXIMISED, Judged, Objective

OBJECTIVES = ("cycles", "energy_uj", "area_mm2")
"""What a study has as objectives where nothing else is said."""


class Watch:
    """Remembers the best of every objective.

    >>> watch = Watch(("cycles",))
    >>> watch.line(1, 4, Judged({"cycles": 12000}))
    '1 of 4 points; best so far: cycles 12,000'
    >>> watch.line(2, 4, Judged({}, "does not fit"))
    '2 of 4 points, 1 infeasible; best so far: cycles 12,000'
    """

    def __init__(self, objectives: tuple[str, ...]) -> None:
        self._objectives = tuple(Objective(each, each in MAXIMISED) for each in objectives or OBJECTIVES)
        self._best: dict[str, float] = {}
        self._infeasible = 0

    def line(self, done: int, many: int, judged: Judged) -> str:
        """What to say once one more point is judged."""
        self._infeasible += not judged.feasible
        for objective in self._objectives if judged.feasible else ():
            value = float(judged.record[objective.name] or 0)
            best = self._best.setdefault(objective.name, value)
            self._best[objective.name] = min(best, value, key=objective.least)
        wrong = f", {self._infeasible:,} infeasible" if self._infeasible else ""
        best_of = ", ".join(f"{name} {value:,.6g}" for name, value in self._best.items())
        return f"{done:,} of {many:,} points{wrong}{f'; best so far: {best_of}' if best_of else ''}"
