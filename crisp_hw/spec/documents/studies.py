"""The columns of points of a design space."""

from crisp_hw.spec.columns import Section, column
from crisp_hw.spec.vocabulary import known

POINTS = Section(
    "Points of a design space",
    "`crisp-hw explore`, points.csv and front.csv in its folder, `Study.to_frame()`: one record per point. Behind "
    "`trial`, a column for every axis of the space; where an objective is a figure of the totals, that, too.",
    (
        column("trial", "whole", "The place of the point in the order in which points were asked for."),
        column("state", "text", "feasible, or infeasible."),
        *(known(key) for key in ("cycles", "energy_uj")),
        column("area_mm2", "number", "The same as on_chip_mm2."),
        column("accuracy", "number", "The accuracy that was measured, between two sparsities on the line."),
        column("reason", "prose", "Why the point is infeasible; empty for a feasible one."),
    ),
)
