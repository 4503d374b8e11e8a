"""Dense traffic of a tensor in a level: deliveries, receivers, reads, fills and updates before sparsity."""

from collections.abc import Iterator

from crisp_hw.engine.tiling import COMPUTE, delivery_loops
from crisp_hw.engine.traffic import distinct_loops
from crisp_hw.explain.arithmetic import equation, fact, first_true, product
from crisp_hw.explain.nouns import Section, Step
from crisp_hw.explain.scene import Spot, see
from crisp_hw.explain.tile import delivery_steps, receiver_steps, sent_steps


def traffic_sections(spot: Spot) -> tuple[Section, ...]:
    """Fills from outside, traffic with the inside, and what an output saves on first updates."""
    name, child = spot.level.name, spot.scene.name(spot.child)
    inwards = f"{name} and {child}" if spot.tensor.is_output else f"{name} to {child}"
    return (
        Section(f"Fills of {name}: dense", see("3.2"), tuple(_fill_steps(spot))),
        Section(f"From {inwards}: dense", see("3.2"), tuple(_inward_steps(spot))),
    )


def _fill_steps(spot: Spot) -> Iterator[Step]:
    scene, traffic = spot.scene, spot.scene.part.traffic
    fills, partition = int(traffic.fills[spot.place][0]), int(traffic.partition[spot.place][0])
    outside = range(scene.tiling.ends[spot.index], len(scene.tiling.nest.loops))
    split = distinct_loops(scene.tiling, outside, spot.tensor)
    text = (
        f"distinct words that one {spot.level.name} sees over the whole run: the tensor, split by {scene.loops(split)}"
    )
    values = {"N": spot.whole, "S": int(scene.tiling.product(split)[0])}
    yield equation(
        text,
        partition,
        ("V = N / Π relevant spatial bounds outside", "⌊{N} / {S}⌋", values),
        "words",
        figure="partition_size",
    )
    if spot.parent is None:
        yield fact(
            f"no level outside {spot.level.name} keeps {spot.tensor.name}: nothing fills it", 0, "words", "fills"
        )
        return
    yield from delivery_steps(spot, spot.index)
    tiles = int(scene.tiling.product(delivery_loops(scene.tiling, spot.index, spot.tensor)[1])[0])
    source = f"words that {scene.name(spot.parent)} sends to one {spot.level.name}"
    if not spot.tensor.is_output:
        yield equation(
            source, fills, ("fills = T · D", "{T} · {D}", {"T": spot.tile, "D": tiles}), "words", figure="fills"
        )
        return
    source = f"partial sums that come back from {scene.name(spot.parent)}"
    text = f"{source}: all tiles, less the first visit of each word where V is taken off"
    numbers = {"T": spot.tile, "D": tiles, "V": partition}
    options = [("fills = T · D − V", "{T} · {D} − {V}", numbers), ("fills = T · D", "{T} · {D}", numbers)]
    yield first_true(text, fills, options, "words", "fills")


def _inward_steps(spot: Spot) -> Iterator[Step]:
    scene, traffic = spot.scene, spot.scene.part.traffic
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


def _named(steps: Iterator[Step], figure: str) -> Iterator[Step]:
    """The last step is a figure of the Result."""
    given = list(steps)
    yield from given[:-1]
    last = given[-1]
    yield Step(last.text, last.result, last.unit, last.formula, last.values, figure)
