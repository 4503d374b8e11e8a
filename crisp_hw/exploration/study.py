"""What `explore` returns: every point with what it costs, the front, the best, and figures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.exploration.axes import named
from crisp_hw.exploration.fronts import front
from crisp_hw.machine.expressions import evaluate, names_in
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.columns import Record
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.shown import counted
from crisp_hw.spec.study import MAXIMISED, Objective, Space, Trial

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from crisp_hw.report.figures.style import Width


@dataclass(frozen=True, repr=False)
class Study:
    """The points of a design space that were judged, in the order in which they were asked for."""

    name: str
    space: Space
    objectives: tuple[Objective, ...]
    trials: tuple[Trial, ...]
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.trials)

    def __repr__(self) -> str:
        good = sum(each.judged.feasible for each in self.trials)
        lines = [f"Study of {self.name}: {counted(len(self.trials), 'point')}, {good:,} of them feasible"]
        for objective in self.objectives if good else ():
            best = self._best([each for each in self.trials if each.judged.feasible], objective)
            said = ", ".join(f"{name}={value}" for name, value in best.point.items())
            lines.append(f"  {objective.name} {_short(best.judged.record[objective.name])} at {said}")
        if good:
            lines.append(f"  {counted(len(self._front()), 'point')} on the front")
        return "\n".join(lines)

    def records(self) -> list[Record]:
        """A record per point: its number, its value on every axis, state, figures and reason."""
        return [self._record(each) for each in self.trials]

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with a row per point."""
        import pandas as pd

        return pd.DataFrame(self.records())

    def pareto(self) -> "pd.DataFrame":
        """Return the rows of `to_frame` that no other beats in the objectives, in the order of the first one."""
        import pandas as pd

        return pd.DataFrame(self.front_records())

    def front_records(self) -> list[Record]:
        """The records of `pareto`."""
        return [self._record(each) for each in self._front()]

    def best(self, objective: str | None = None, where: str = "") -> Record:
        """Return the record of the best feasible point in one figure, of equals the first.

        Parameters
        ----------
        objective
            Any figure of `to_frame`; None takes the first objective.
        where
            A condition over axes and figures, such as "on_chip_mm2 < 2 and cores <= 4".

        Raises
        ------
        InputError
            When there is no such figure, or no feasible point meets the condition.
        """
        wanted = self._objective(objective)
        self._check_where(where)
        feasible = [each for each in self.trials if each.judged.feasible]
        found = [each for each in feasible if not where or self._meets(each, where)]
        if not found:
            raise InputError(
                f"no point of {len(self.trials)} is the best", hint=f"{len(feasible)} are feasible; ease the condition"
            )
        return self._record(self._best(found, wanted))

    def plot(self, kind: str = "pareto", *, width: "Width" = "page", save: "str | Path | None" = None) -> "Figure":
        """Draw a figure of the feasible points.

        Parameters
        ----------
        kind
            "pareto" (a panel for every pair of objectives), "sensitivity" (how much of each objective's variance an
            axis explains alone) or "parallel" (a line per point over all axes and objectives).
        width
            "page" or "column", as of `Evaluation.plot`.
        save
            A file to write, too: .png, .svg or .pdf.

        Raises
        ------
        InputError
            When there is no such kind, no point is feasible, or matplotlib is not installed.
        """
        from crisp_hw.exploration.plots import study_figure
        from crisp_hw.report.plots import saved

        return saved(study_figure(self, kind, width), save)

    def _objective(self, name: str | None) -> Objective:
        if name is None:
            return self.objectives[0]
        if not isinstance(name, str):
            raise wrong_kind("the objective", name, "the name of a figure, such as cycles")
        figures = next((each.judged.record for each in self.trials if each.judged.feasible), {})
        numbers = [key for key, value in figures.items() if isinstance(value, int | float)]
        if figures and name not in numbers:
            raise InputError(f"no figure {name[:40]!r}", hint=f"there are {', '.join(numbers)}")
        known = next((each for each in self.objectives if each.name == name), None)
        return known or Objective(name, name in MAXIMISED)

    def _check_where(self, where: str) -> None:
        """InputError for a condition that reads what no record has."""
        if not isinstance(where, str):
            raise wrong_kind("where", where, "a condition as text, such as on_chip_mm2 < 2")
        known = [*(named(axis.name) for axis in self.space.axes), *self._figures(), "none"]
        for name in names_in(where) if where else ():
            if name not in known:
                raise InputError(f"where reads {name}, which is no axis and no figure", hint=did_you_mean(name, known))

    def _best(self, among: "list[Trial]", objective: Objective) -> Trial:
        return min(among, key=lambda each: objective.least(float(each.judged.record[objective.name] or 0)))

    def _meets(self, trial: Trial, where: str) -> bool:
        point = {named(axis.name): trial.point.get(axis.name) for axis in self.space.axes}
        return bool(evaluate(where, {**trial.judged.record, **point, "none": None}))

    def _front(self) -> list[Trial]:
        feasible = [each for each in self.trials if each.judged.feasible]
        if not feasible:
            return []
        rows = [[each.least(float(one.judged.record[each.name] or 0)) for each in self.objectives] for one in feasible]
        ahead = [feasible[place] for place in front(np.array(rows))]
        found = list({tuple(each.point.items()): each for each in reversed(ahead)}.values())  # a point once, the first
        first = self.objectives[0]
        return sorted(found, key=lambda each: (first.least(float(each.judged.record[first.name] or 0)), each.number))

    def _record(self, trial: Trial) -> Record:
        point: Record = {axis.name: trial.point.get(axis.name) for axis in self.space.axes}
        judged = trial.judged
        keys = self._figures()
        state = "feasible" if judged.feasible else "infeasible"
        figures = {key: judged.record.get(key) for key in keys}
        return {"trial": trial.number, **point, "state": state, **figures, "reason": judged.reason or None}

    def _figures(self) -> tuple[str, ...]:
        found = next((each.judged.record for each in self.trials if each.judged.feasible), None)
        return tuple(found) if found is not None else tuple(each.name for each in self.objectives)


def _short(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, int | float) else str(value)
