"""Sparseloop (MICRO 2022): the figures of its artifact, from inputs and recorded runs in a folder that a user has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field

from crisp_hw.backends.timeloop.stats import read_stats
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.machine.files import read_text
from crisp_hw.machine.strict import Strict
from crisp_hw.machine.yaml_files import read_mapping
from crisp_hw.reproduction.artifact import FOLDERS, HINT, Run, runs, setups
from crisp_hw.reproduction.published import published
from crisp_hw.reproduction.request import Request
from crisp_hw.spec.reproduction import Bound, Claim, Panel, Reproduction, Series
from crisp_hw.spec.result import Result

SAME = "the recorded run of the program behind the artifact, computed anew from its inputs"
DIGITS = 0.005  # uJ: energies are recorded with two decimals


class Allowed(Strict):
    """Relative deviations: cycles and energies from recorded runs, and the mean of a figure from the hardware."""

    cycles: float
    rounded_cycles: float
    energy: float
    hardware: float


class Eyeriss(Strict):
    """Compression of DRAM traffic on the chip, by layer, and the share of words in what is compressed."""

    source: str
    metadata_share: float
    ratios: dict[str, float]


class Published(Strict):
    """The file published/sparseloop.yaml."""

    schema_: Literal["crisp-hw/published/sparseloop/1"] = Field(alias="schema")
    title: str
    source: str
    allowed: Allowed
    eyeriss: Eyeriss


@dataclass(frozen=True)
class Done:
    """A run, and what the engine says of its inputs."""

    run: Run
    result: Result


def sparseloop(request: Request) -> Reproduction:
    """Every recorded run computed anew, and what the figures compare with hardware."""
    if request.artifact is None:
        raise InputError("needs the folder of the artifact", hint=HINT)
    paper, place = published("sparseloop", Published), setups(request.artifact)
    asked, done = list(runs(place)), []
    for number, run in enumerate(asked):
        request.tell(f"{run.figure}, {run.name}", number, len(asked))
        done.append(Done(run, evaluate_files(run.inputs, "micro22").result))
    request.tell("done", len(asked), len(asked))
    claims = [claim for each in done for claim in _recorded(paper, each)]
    chip = read_mapping(place / FOLDERS["figure 12"] / "scripts" / "ground_truth_cycles.yaml", HINT)
    tensor_core = _latencies(place / FOLDERS["figure 13"] / "scripts" / "baseline.yaml")
    hardware = {
        "figure 12": list(_eyeriss_v2(_of(done, "figure 12"), chip)),
        "figure 13": list(_dstc(_of(done, "figure 13"), tensor_core)),
        "table 7": list(_eyeriss(paper, _of(done, "table 7"))),
    }
    bounds = [bound for figure, found in hardware.items() for bound in _bounds(paper, figure, found)]
    panels = [_panel(figure, found) for figure, found in hardware.items() if found]
    return Reproduction(
        "sparseloop",
        paper.title,
        paper.source,
        (*claims, *(claim for found in hardware.values() for claim in found)),
        tuple(bounds),
        tuple(panels),
        (
            f"{len(asked)} runs of {request.artifact}, in the dialect micro22 (docs/model.md, section 12)",
            "figure 12 is that of the statistical density: masks in documents are not read (docs/model.md, section 13)",
            f"table 7: {paper.eyeriss.source}",
        ),
    )


def _of(done: list[Done], figure: str) -> list[Done]:
    return [each for each in done if each.run.figure == figure]


def _recorded(paper: Published, done: Done) -> Iterator[Claim]:
    """Cycles and energy of a run beside those that were recorded of it."""
    if done.run.stats is None:
        return
    summary = read_stats(read_text(done.run.stats)).summary
    name, large = f"{done.run.figure}, {done.run.name}", done.run.figure == "figure 12"
    cycles, energy = summary["Cycles"], summary["Energy"]
    allowed = paper.allowed.rounded_cycles if large else paper.allowed.cycles
    yield Claim(f"{name}: cycles", "cycles", cycles, done.result.cycles, SAME, allowed)
    within = paper.allowed.energy + (DIGITS / energy if energy else 0.0)
    yield Claim(f"{name}: energy", "uJ", energy, done.result.energy_pj / 1e6, f"{SAME}, two decimals", within)


def _eyeriss_v2(done: list[Done], chip: Mapping[str, float]) -> Iterator[Claim]:
    why = "zeros at random places, where the chip's run has those of the network"
    for each in done:
        if each.run.name in chip:
            yield Claim(f"figure 12, {each.run.name}: chip", "cycles", chip[each.run.name], each.result.cycles, why)


def _latencies(path: Path) -> dict[tuple[float, float], float]:
    """Latency by density of A and of B."""
    try:
        rows = {float(a): row for a, row in read_mapping(path, HINT).items()}
        return {(a, float(b)): float(latency) for a, row in rows.items() for b, latency in row.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path} holds no latencies by density of A and of B", hint=HINT) from error


def _dstc(done: list[Done], measured: Mapping[tuple[float, float], float]) -> Iterator[Claim]:
    """Latencies over that of full matrices, because the clock is not published."""
    cycles = {_densities(each.run.name): each.result.cycles for each in done}
    full = (1.0, 1.0)
    if full not in cycles or not cycles.keys() <= measured.keys():
        raise InputError(
            "figure 13 has no run of full matrices, or one that its baseline.yaml does not know", hint=HINT
        )
    for (a, b), ours in sorted(cycles.items(), reverse=True):
        theirs = measured[a, b] / measured[full]
        why = "conflicts of banks, which grow with sparsity, are not modelled"
        yield Claim(f"figure 13, A {a:g}, B {b:g}", "of dense", theirs, ours / cycles[full], why)


def _densities(name: str) -> tuple[float, float]:
    """Of A and of B.

    >>> _densities("B_0.4-A_0.3")
    (0.3, 0.4)
    """
    b, a = (float(part.split("_")[1]) for part in name.split("-"))
    return a, b


def _eyeriss(paper: Published, done: list[Done]) -> Iterator[Claim]:
    """Words of DRAM of the dense run over those of the compressed one, run lengths included."""
    words = {each.run.name: _dram_words(each, paper.eyeriss.metadata_share) for each in done}
    why = f"run lengths as {1 - paper.eyeriss.metadata_share:.0%} of what is moved, as the artifact takes them"
    for layer, ratio in paper.eyeriss.ratios.items():
        dense = words.get(f"{layer}, dense")
        if layer in words and dense is not None:
            yield Claim(f"table 7, {layer}", "x", ratio, dense / words[layer], why)


def _dram_words(done: Done, share: float) -> float:
    """Words that cross the outermost level; those of a compressed tensor with their metadata."""
    total = 0.0
    for counts in done.result.levels[-1].tensors.values():
        moved = sum(counts.accesses[f"random_{op}"] for op in ("reads", "fills", "updates"))
        total += moved / share if counts.format_accesses else moved
    return total


def _bounds(paper: Published, figure: str, found: list[Claim]) -> Iterator[Bound]:
    """The mean deviation from hardware, and the largest, which the paper does not give."""
    if found:
        deviations = [abs(each.deviation) for each in found]
        yield Bound(f"{figure}: mean absolute deviation from hardware", fmean(deviations), paper.allowed.hardware)
        yield Bound(f"{figure}: largest deviation from hardware", max(deviations))


def _panel(figure: str, found: list[Claim]) -> Panel:
    places = tuple(each.claim.removeprefix(f"{figure}, ") for each in found)
    theirs, ours = tuple(each.published for each in found), tuple(each.ours for each in found)
    return Panel(figure, found[0].unit, places, (Series("hardware", theirs), Series("ours", ours)))
