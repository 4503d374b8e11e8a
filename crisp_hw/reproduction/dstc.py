"""DSTC (ISCA 2021): latency of one matrix product over the densities of both matrices, on its own fabric."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Literal

from pydantic import Field

from crisp_hw.accelerators import load_arch
from crisp_hw.data_files import data_folder
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.machine.strict import Strict
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.reproduction.published import published
from crisp_hw.reproduction.request import Request
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions, PackingModel
from crisp_hw.spec.patterns import Unstructured
from crisp_hw.spec.reproduction import Bound, Claim, Panel, Reproduction, Series

Share = Annotated[float, Field(gt=0, le=1)]


class Point(Strict):
    """Densities of both matrices, and the time of their product."""

    a: Share
    b: Share
    latency_us: Annotated[float, Field(gt=0)]


class Allowed(Strict):
    """The largest deviation as the model is, the largest with the calibration, and the median of that."""

    uncalibrated: Share
    calibrated: Share
    median: Share


class Published(Strict):
    """The file published/dstc.yaml; the first point is the one that all are divided by."""

    schema_: Literal["crisp-hw/published/dstc/1"] = Field(alias="schema")
    title: str
    source: str
    size: int
    allowed: Allowed
    points: list[Point]


@dataclass(frozen=True)
class Run:
    """A point, its cycles over those of full matrices, and which level binds; the same packed 16 at a time."""

    point: Point
    published: float
    ours: float
    bound_by: str
    packed: float


@dataclass(frozen=True)
class Calibration:
    """The share of a multiplication's time that a zero of A takes, and one of B: conflicts of banks, partial passes.

    >>> Calibration(0.5, 0.0).floor(Point(a=0.5, b=1.0, latency_us=1))
    0.75
    """

    a: float
    b: float

    def floor(self, point: Point) -> float:
        """The multipliers' time over that of full matrices."""
        return (self.a + (1 - self.a) * point.a) * (self.b + (1 - self.b) * point.b)

    def applied(self, run: Run) -> float:
        """What the model says, or the multipliers where they are slower."""
        return max(run.ours, self.floor(run.point))


STEPS = tuple(step / 100 for step in range(51))  # of each share: none to half


def calibrated(runs: Sequence[Run]) -> Calibration:
    """The smallest shares with the least sum of squared relative deviations."""
    tried = [Calibration(a, b) for a in STEPS for b in STEPS]

    def squares(each: Calibration) -> float:
        return sum((each.applied(run) / run.published - 1) ** 2 for run in runs)

    return min(tried, key=lambda each: (round(squares(each), 9), each.a + each.b))


def dstc(request: Request) -> Reproduction:
    """Figure 21 as the model is, and calibrated with every point and without the one that is judged."""
    paper = published("dstc", Published)
    runs = _runs(paper, request)
    fitted = calibrated(runs)
    without = [calibrated([each for each in runs if each is not run]) for run in runs]
    return Reproduction(
        "dstc",
        paper.title,
        paper.source,
        tuple(_claim(run, fitted) for run in runs),
        tuple(_bounds(paper, runs, fitted, without)),
        (_panel(runs, fitted),),
        (
            "ours is the model with zeros of both matrices packed perfectly; times are over that of full matrices",
            f"assumption of the calibrated figures, which no other command uses: a zero of A takes {fitted.a:.0%} of "
            f"the time of a multiplication and one of B {fitted.b:.0%}, for conflicts of the accumulators' banks and "
            "passes that are filled in part, which Sparseloop does not know; both were fitted to these very points",
            "packed 16 at a time: position-skipping, where a pass of 16 lanes is as long with 12 nonzeros as with 16",
        ),
    )


def _runs(paper: Published, request: Request) -> list[Run]:
    perfect, packed = (_cycles(paper, request, packing) for packing in ("skipping", "position-skipping"))
    full = paper.points[0].latency_us
    runs = [
        Run(point, point.latency_us / full, one[0] / perfect[0][0], one[1], other[0] / packed[0][0])
        for point, one, other in zip(paper.points, perfect, packed, strict=True)
    ]
    request.tell("done", 1, 1)
    return runs


def _cycles(paper: Published, request: Request, packing: PackingModel) -> list[tuple[int, str]]:
    fabric = load_arch(data_folder("published") / "fabrics" / "dstc-isca21.yaml")
    layer = Layer("product", "linear", paper.size, paper.size, tokens=paper.size)
    found = []
    for number, point in enumerate(paper.points):
        request.tell(f"{packing} {point.a:g} {point.b:g}", number, len(paper.points))
        options = EvaluateOptions(
            packing=packing, activation_density=point.b, overheads=False, jobs=request.jobs, cache=request.cache
        )
        (row,) = evaluate_layers([pattern_descriptor(layer, Unstructured(point.a), "nm")], [fabric], options)
        found.append((row.cycles, row.result.bound_by))
    return found


def _claim(run: Run, fitted: Calibration) -> Claim:
    made = fitted.applied(run)
    why = (
        f"{run.bound_by} binds; calibrated {made:.3f} ({made / run.published - 1:+.1%}); packed 16 at a time "
        f"{run.packed:.3f} ({run.packed / run.published - 1:+.1%})"
    )
    return Claim(f"density of A {run.point.a:g}, of B {run.point.b:g}", "of dense", run.published, run.ours, why)


def _bounds(paper: Published, runs: list[Run], fitted: Calibration, without: list[Calibration]) -> list[Bound]:
    plain = [abs(run.ours / run.published - 1) for run in runs]
    fit = [abs(fitted.applied(run) / run.published - 1) for run in runs]
    left_out = [abs(each.applied(run) / run.published - 1) for run, each in zip(runs, without, strict=True)]
    packed = [abs(run.packed / run.published - 1) for run in runs]
    allowed = paper.allowed
    return [
        Bound("largest deviation, as the model is", max(plain), allowed.uncalibrated),
        Bound("largest deviation, calibrated", max(fit), allowed.calibrated),
        Bound("median deviation, calibrated", median(fit), allowed.median),
        Bound("largest deviation, calibrated without the point itself", max(left_out)),
        Bound("median deviation, calibrated without the point itself", median(left_out)),
        Bound("largest deviation, packed 16 at a time", max(packed)),
    ]


def _panel(runs: list[Run], fitted: Calibration) -> Panel:
    series = (
        Series("paper", tuple(run.published for run in runs)),
        Series("ours", tuple(run.ours for run in runs)),
        Series("ours, calibrated", tuple(fitted.applied(run) for run in runs)),
        Series("ours, packed 16 at a time", tuple(run.packed for run in runs)),
    )
    places = tuple(f"{run.point.a:g}, {run.point.b:g}" for run in runs)
    return Panel("time by densities of A and B", "over full matrices", places, series)
