"""Figures of an evaluation; each is a matplotlib Figure, and matplotlib's own state stays as it was."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.report.figures.energy import energy
from crisp_hw.report.figures.mapping import mapping, mapping_figure
from crisp_hw.report.figures.roofline import roofline
from crisp_hw.report.figures.scene import Request, Scene, scene
from crisp_hw.report.figures.speedup import speedup
from crisp_hw.report.figures.style import METADATA, RC, picture, require_matplotlib
from crisp_hw.report.figures.totals import totals
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.kinds import check_path, of_kind
from crisp_hw.timeloop.stats.detail import Evaluated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: Mapping[str, Callable[[Scene], "Figure"]] = {
    "totals": totals,
    "speedup": speedup,
    "energy": energy,
    "roofline": roofline,
    "mapping": mapping,
}
__all__ = ["KINDS", "WHOLE", "Request", "figure", "figure_of_mapping", "form_of", "picture", "saved"]
WHOLE = ("totals", "speedup", "energy", "roofline")  # those of a whole network, which are saved with its tables
ONE = ("mapping",)  # those that a single mapping has


def figure(network: NetworkEvaluation, kind: str = "speedup", request: Request | None = None) -> "Figure":
    """The figure of that kind; InputError for a kind that there is not, or where nothing is left to draw.

    >>> figure(NetworkEvaluation("nothing", ()), "pie")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no figure pie; choose one of totals, speedup, energy, roofline, mapping
    """
    if of_kind("kind", kind, str) not in KINDS:
        raise InputError(f"no figure {kind}", hint=f"choose one of {', '.join(KINDS)}")
    asked = request or Request()
    require_matplotlib(f"the figure {kind}")
    with _styled(asked):
        return KINDS[kind](scene(network, asked))


def figure_of_mapping(evaluated: Evaluated, kind: str = "mapping", request: Request | None = None) -> "Figure":
    """The figure of one mapping of Timeloop's documents; InputError for a kind that a single mapping does not have."""
    if of_kind("kind", kind, str) not in ONE:
        raise InputError(f"no figure {kind} of one mapping", hint=f"choose one of {', '.join(ONE)}")
    asked = request or Request()
    require_matplotlib(f"the figure {kind}")
    point, result = evaluated.point, evaluated.result
    with _styled(asked):
        title = f"{point.design.problem.name}: {result.cycles:,} cycles, bound by {result.bound_by}"
        return mapping_figure(point, result, asked, title)


def saved(drawn: "Figure", file: str | Path | None) -> "Figure":
    """The figure, written to a file in the form that its name ends in; InputError for another form."""
    from crisp_hw.machine.writing import write_all

    if file is not None:
        check_path("save", file)
        where = Path(file)
        write_all(where.parent, {where.name: picture(drawn, form_of(where))})
    return drawn


def form_of(file: Path) -> str:
    """The form that a file's name asks for.

    >>> form_of(Path("speedup.PDF"))
    'pdf'
    """
    form = file.suffix.removeprefix(".").lower()
    if form not in METADATA:
        endings = ", ".join(f".{each}" for each in METADATA)
        raise InputError("is no figure", Where(mark=Mark(str(file))), f"let the name end in one of {endings}")
    return form


def _styled(asked: Request) -> AbstractContextManager[None]:
    """Our sizes of text and lines, but in axes of the caller, who has his own."""
    from matplotlib import rc_context

    return nullcontext() if asked.axes else rc_context(dict(RC))
