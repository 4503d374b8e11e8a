"""LEVEL.TENSOR: everything about one tensor in one level."""

from crisp_hw.engine.traffic import closed_form
from crisp_hw.explanation.arithmetic import fact, number
from crisp_hw.explanation.cost import energy_section, port_section
from crisp_hw.explanation.counts import count_section
from crisp_hw.explanation.general import general_sections
from crisp_hw.explanation.metadata import metadata_sections
from crisp_hw.explanation.nouns import Explanation, Section
from crisp_hw.explanation.saf import instance_section, saf_section
from crisp_hw.explanation.scene import Scene, Spot, see
from crisp_hw.explanation.stored import stored_sections
from crisp_hw.explanation.tile import tile_section
from crisp_hw.explanation.traffic import traffic_sections


def explain_tensor(scene: Scene, index: int, t: int) -> Explanation:
    """From the tile to the energy."""
    spot = Spot(scene, index, t)
    subject = f"{spot.level.name}.{spot.tensor.name}"
    if not spot.kept:
        streamed = scene.result.levels[index].tensors[spot.tensor.name].energy_pj
        passing = (energy_section(spot),) if streamed else ()
        return Explanation(subject, (_absence(spot),), (_absent(spot), *passing), scene.result.assumptions)
    dense = traffic_sections if closed_form(scene.tiling) else general_sections
    sparse = (saf_section(spot),) if scene.point.design.sparse.active else ()
    sections = (
        tile_section(spot),
        *dense(spot),
        *stored_sections(spot),
        *sparse,
        count_section(spot),
        *metadata_sections(spot),
        instance_section(spot),
        port_section(spot),
        energy_section(spot),
    )
    return Explanation(subject, _summary(spot), sections, scene.result.assumptions)


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
