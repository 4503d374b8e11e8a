"""Dense traffic of a tensor in a level: deliveries, receivers, reads, fills and updates before sparsity."""

from collections.abc import Iterator

from crisp_hw.engine.tiling import COMPUTE, delivery_loops
from crisp_hw.engine.traffic import distinct_loops
from crisp_hw.explanation.arithmetic import equation, fact, first_true, product
from crisp_hw.explanation.nouns import ExplanationStep, Section
from crisp_hw.explanation.scene import Spot, see
from crisp_hw.explanation.tile import delivery_steps, receiver_steps, sent_steps


def traffic_sections(spot: Spot) -> tuple[Section, ...]:
    """Fills from outside, traffic with the inside, and what an output saves on first updates."""
    name, child = spot.level.name, spot.scene.name(spot.child)
    inwards = f"Between {name} and {child}" if spot.tensor.is_output else f"From {name} to {child}"
    return (
        Section(f"Fills of {name}: dense", see("3.2"), tuple(_fill_steps(spot))),
        Section(f"{inwards}: dense", see("3.2"), tuple(_inward_steps(spot))),
    )


def _fill_steps(spot: Spot) -> Iterator[ExplanationStep]:
    scene, fills = spot.scene, int(spot.scene.counted.traffic.fills[spot.place][0])
    if spot.tensor.is_output:
        yield _partition_step(spot)
    if spot.parent is None:
        text = f"no level outside {spot.level.name} keeps {spot.tensor.name}: nothing fills it"
        yield fact(text, 0, "words", "fills")
    else:
        yield from delivery_steps(spot, spot.index)
        tiles = int(scene.tiling.product(delivery_loops(scene.tiling, spot.index, spot.tensor)[1])[0])
        numbers = {"T": spot.tile, "D": tiles, "V": int(scene.counted.traffic.partition[spot.place][0])}
        options = [("fills = T · D", "{T} · {D}", numbers)]
        text = f"words that {scene.name(spot.parent)} sends to one {spot.level.name}"
        if spot.tensor.is_output:
            text = f"partial sums that come back from {scene.name(spot.parent)}: all tiles"
            text += f"{', less the first visit of each word' if fills != spot.tile * tiles else ''}"
            options = [("fills = T · D − V", "{T} · {D} − {V}", numbers), *options]
        yield first_true(text, fills, options, "words", "fills")
    if not spot.tensor.is_output:
        yield _partition_step(spot)


def _partition_step(spot: Spot) -> ExplanationStep:
    """Distinct words that one instance sees over the whole run."""
    scene = spot.scene
    outside = range(scene.tiling.ends[spot.index], len(scene.tiling.nest.loops))
    split = distinct_loops(scene.tiling, outside, spot.tensor)
    partition = int(scene.counted.traffic.partition[spot.place][0])
    text = f"distinct words that one {spot.level.name} sees over the whole run"
    if not split:
        return fact(f"{text}: the whole tensor", partition, "words", "partition_size")
    numbers = {"N": spot.tensor_words, "S": int(scene.tiling.product(split)[0])}
    sides = ("V = N / Π relevant spatial bounds outside", "⌊{N} / {S}⌋", numbers)
    return equation(f"{text}: the tensor, split by {scene.loops(split)}", partition, sides, "words", "partition_size")


def _inward_steps(spot: Spot) -> Iterator[ExplanationStep]:
    scene, traffic = spot.scene, spot.scene.counted.traffic
    reads, updates, partition = (
        int(each[spot.place][0]) for each in (traffic.reads, traffic.updates, traffic.partition)
    )
    skipped = [scene.name(level) for level in range(spot.child + 1, spot.index)]
    if skipped:
        yield fact(f"{', '.join(skipped)} between them: not kept there, so the words pass through")
    if spot.child != COMPUTE:
        tile = int(scene.tiling.tile(spot.child, spot.tensor)[0])
        inside = spot.relevant(scene.active(range(scene.tiling.ends[spot.child])))
        name = scene.name(spot.child)
        text = f"words of the tile of {name}"
        yield equation(text, tile, (f"T_{name}", product(scene.bounds(inside))), "words")
    yield from delivery_steps(spot, spot.child)
    yield from receiver_steps(spot)
    if not spot.tensor.is_output:
        yield from _named(sent_steps(spot, reads), "reads")
        yield fact("an operand is never written from inside", 0, "words", "updates")
        return
    yield from _named(sent_steps(spot, updates), "updates")
    text = "reads to add to: every update but the first of each word"
    yield equation(
        text, reads, ("reads = updates − V", "{U} − {V}", {"U": updates, "V": partition}), "words", figure="reads"
    )


def _named(steps: Iterator[ExplanationStep], figure: str) -> Iterator[ExplanationStep]:
    """The last step is a figure of the Result."""
    given = list(steps)
    yield from given[:-1]
    last = given[-1]
    yield ExplanationStep(last.text, last.result, last.unit, last.formula, last.values, figure)
