"""LEVEL.TENSOR: everything about one tensor in one level."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crisp_hw.engine.traffic import closed_form
from crisp_hw.explanation.arithmetic import fact, number
from crisp_hw.explanation.cost import energy_steps, port_steps
from crisp_hw.explanation.counts import count_steps
from crisp_hw.explanation.general import general_sections
from crisp_hw.explanation.metadata import metadata_steps
from crisp_hw.explanation.nouns import Explanation, ExplanationStep, Section
from crisp_hw.explanation.saf import instance_steps, saf_steps
from crisp_hw.explanation.scene import Scene, Spot, see
from crisp_hw.explanation.stored import format_steps, occupancy_steps
from crisp_hw.explanation.tile import tile_steps
from crisp_hw.explanation.traffic import traffic_sections


@dataclass(frozen=True)
class _Row:
    """A section: its title, where docs/model.md states its formulas, and what gives its steps (none: no section)."""

    title: str
    see: str
    steps: Callable[[Spot], Iterator[ExplanationStep]]


TILE = _Row("Tile of {tensor} in one {level}", "2", tile_steps)
SPARSE = (
    _Row("Nonzeros in the tile", "4, 5.3", occupancy_steps),
    _Row("How {level} writes it down", "5", format_steps),
    _Row("Sparse acceleration", "6.2–6.4", saf_steps),
    _Row("What really happens, in one instance", "6.1, 6.4", count_steps),
    _Row("Metadata that moves with it, in one instance", "6.1, 6.4", metadata_steps),
    _Row("{level} at work", "5.3, 6.3", instance_steps),
    _Row("Bandwidth that it asks for", "7", port_steps),
)
ENERGY = _Row("Energy", "8", energy_steps)


def explain_tensor(scene: Scene, index: int, t: int) -> Explanation:
    """From the tile to the energy."""
    spot = Spot(scene, index, t)
    subject = f"{spot.level.name}.{spot.tensor.name}"
    if not spot.kept:
        streamed = scene.result.levels[index].tensors[spot.tensor.name].energy_pj
        passing = _sections(spot, ENERGY) if streamed else ()
        return Explanation(subject, (_absence(spot),), (_absent(spot), *passing), scene.result.assumptions)
    dense = traffic_sections if closed_form(scene.tiling) else general_sections
    sections = (*_sections(spot, TILE), *dense(spot), *_sections(spot, *SPARSE, ENERGY))
    return Explanation(subject, _summary(spot), sections, scene.result.assumptions)


def _sections(spot: Spot, *rows: _Row) -> tuple[Section, ...]:
    names = {"tensor": spot.tensor.name, "level": spot.level.name}
    found = (Section(row.title.format(**names), see(row.see), tuple(row.steps(spot))) for row in rows)
    return tuple(section for section in found if section.steps)


def _summary(spot: Spot) -> tuple[str, ...]:
    """The answer first: dense words against what really moves, and what it costs."""
    counts = spot.scene.result.levels[spot.index].tensors[spot.tensor.name]
    lines = []
    for op, dense in (("reads", counts.reads), ("fills", counts.fills), ("updates", counts.updates)):
        if dense:
            real = counts.accesses[f"random_{op}"]
            share = "all of them happen" if real == dense else f"{real:,} really happen ({real / dense:.1%})"
            for kind in ("gated", "skipped"):
                share += f", {avoided:,} are {kind}" if (avoided := counts.accesses[f"{kind}_{op}"]) else ""
            lines.append(f"{op}: {dense:,} words per {spot.level.name} dense, {share}")
    total = counts.energy_pj * counts.utilized_instances
    part = total / spot.scene.result.energy_pj if spot.scene.result.energy_pj else 0.0
    lines.append(
        f"energy: {number(total)} pJ in {number(counts.utilized_instances)} {spot.level.name} at work, "
        f"{part:.1%} of the total"
    )
    return tuple(lines)


def _absence(spot: Spot) -> str:
    outer = "no outer level" if spot.parent is None else spot.scene.name(spot.parent)
    return (
        f"{spot.level.name} does not keep {spot.tensor.name}: words pass from {outer} straight to "
        f"{spot.scene.name(spot.child)}, and nothing is counted here"
    )


def _absent(spot: Spot) -> Section:
    used = spot.scene.result.levels[spot.index].tensors[spot.tensor.name].utilized_instances
    steps = [fact("words that stop here", 0, "words", op) for op in ("reads", "fills", "updates")]
    steps.append(fact(f"{spot.level.name} that the mapping uses", used, "instances", "utilized_instances"))
    return Section("Not kept", see("2"), tuple(steps))
