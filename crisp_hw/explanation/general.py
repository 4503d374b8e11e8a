"""Dense traffic where no product of loops gives it: sliding windows, forbidden reuse, and loops with residuals."""

from collections.abc import Iterator

from crisp_hw.engine.sliding import Flow, Moved, moved, walked
from crisp_hw.engine.tiling import COMPUTE
from crisp_hw.engine.traffic import general_flow
from crisp_hw.engine.windows import WindowSteps, arrivals
from crisp_hw.explanation.arithmetic import equation, fact, first_true, product, quantity
from crisp_hw.explanation.nouns import ExplanationStep, Section
from crisp_hw.explanation.scene import Spot, see


def general_sections(spot: Spot) -> tuple[Section, ...]:
    """Fills from outside and traffic with the inside, as sums over kinds of steps or as walked."""
    tiling, name = spot.scene.tiling, spot.level.name
    flows = general_flow(tiling, spot.tensor)
    words, where = moved(tiling, spot.tensor, flows), see("3.3" if walked(tiling) else "3.1")
    return (
        Section(f"Fills of {name}: dense", where, tuple(_fill_steps(spot, flows, words))),
        Section(
            f"Between {name} and {spot.scene.name(spot.child)}: dense", where, tuple(_inward_steps(spot, flows, words))
        ),
    )


def _fill_steps(spot: Spot, flows: Flow, words: Moved) -> Iterator[ExplanationStep]:
    traffic, index = spot.scene.counted.traffic, spot.index
    fills, partition = int(traffic.fills[spot.place][0]), int(traffic.partition[spot.place][0])
    yield from _partition_steps(spot, flows, partition)
    if spot.parent is None and not fills:
        yield fact(
            f"no level outside {spot.level.name} keeps {spot.tensor.name}: nothing fills it", 0, "words", "fills"
        )
        return
    received = float(words.demand[index, 0]) if spot.parent is not None else 0.0
    if spot.parent is not None:
        yield from _received(spot, flows, index)
    numbers = {"a": received, "b": float(words.peers[index, 0]), "V": partition}
    text = f"words written into one {spot.level.name}: received from outside, and passed on by neighbours"
    options = [("fills = ⌊received + passed on⌋", "⌊{a} + {b}⌋", numbers)]
    if spot.tensor.is_output:
        text += "; the first visit of a word brings nothing where V is taken off"
        nearest = ("fills = received + passed on, to the nearest", "⌊{a} + {b} + 0.5⌋", numbers)
        options += [("fills = received + passed on − V, to the nearest", "⌊{a} + {b} − {V} + 0.5⌋", numbers), nearest]
    yield first_true(text, fills, options, "words", "fills")


def _partition_steps(spot: Spot, flows: Flow, partition: int) -> Iterator[ExplanationStep]:
    """Distinct words of one instance: from the next outer level, as a tile is to what all receivers need."""
    text = f"distinct words that one {spot.level.name} sees over the whole run"
    if spot.index == len(spot.scene.levels) - 1:
        yield fact(f"{text}: the whole tensor", partition, "words", "partition_size")
        return
    outer, whole = spot.index + 1, int(flows.tile[-1, 0])
    for level in range(len(spot.scene.levels) - 2, spot.index, -1):
        whole = whole * int(flows.tile[level, 0]) // int(flows.spread[level + 1, 0])
    numbers = {"V": whole, "T": int(flows.tile[spot.index, 0]), "s": int(flows.spread[outer, 0])}
    text = f"{text}: those of one {spot.scene.name(outer)}, of which all its receivers need {numbers['s']:,} at a time"
    yield equation(
        text, partition, ("V = ⌊V_outer · T / spread⌋", "⌊{V} · {T} / {s}⌋", numbers), "words", figure="partition_size"
    )


def _received(spot: Spot, flows: Flow, level: int) -> Iterator[ExplanationStep]:
    """What one instance of a level (COMPUTE: one MAC) receives over the whole run, kind of step by kind of step."""
    scene, name = spot.scene, spot.scene.name(level)
    direct, linked, fanout = (float(each[level + 1, 0]) for each in (flows.delivered, flows.linked, flows.fanout))
    if walked(scene.tiling):
        ragged = scene.tiling.residuals is not None
        why = "residual walk: tiles of two sizes" if ragged else "walk: windows whose stride the dialect forgets"
        text = f"{why}, counted step by step; words that reach one {name}"
        yield fact(text, (direct + linked) / fanout, "words")
    else:
        yield from _arrival_steps(spot, level, (direct + linked) / fanout)
    if linked:
        text = f"of these, words that mesh neighbours hand on to one {name}; {scene.name(level + 1)} need not send them"
        yield equation(text, linked / fanout, ("linked / receivers", "{x} / {f}", {"x": linked, "f": fanout}), "words")


def _arrival_steps(spot: Spot, level: int, received: float) -> Iterator[ExplanationStep]:
    """Kinds of steps, one per loop in time, and their sum."""
    scene, name = spot.scene, spot.scene.name(level)
    start = scene.tiling.start(level + 1)
    loops = [j for j in scene.active(range(start, len(scene.tiling.nest.loops))) if scene.tiling.temporal(j)]
    if level == COMPUTE:
        text = f"words that reach one {name}: one at every time step, because a {name} holds nothing between two steps"
        yield equation(text, received, ("W = Π temporal bounds", product(scene.bounds(loops))), "words")
        return
    steps = arrivals(scene.tiling, spot.tensor, level + 1)
    times, words = steps.times[:, 0].tolist(), steps.words[:, 0].tolist()
    yield fact(f"first delivery to one {name}: the whole tile", words[0], "words")
    for i, j in enumerate(loops, 1):
        text = f"when {scene.loop(j)} advances, {quantity(times[i], 'time')}: {_news(spot, level, (steps, i))}"
        yield fact(text, words[i], "words")
    kinds = [i for i, new in enumerate(words) if new]
    terms = {f"n{i}": times[i] for i in kinds} | {f"w{i}": words[i] for i in kinds}
    values = " + ".join(f"{{n{i}}} · {{w{i}}}" for i in kinds)
    yield equation(f"words that reach one {name}", received, ("W = Σ times · new words", values, terms), "words")


def _news(spot: Spot, level: int, step: tuple[WindowSteps, int]) -> str:
    """Why a kind of step (its place among all) brings what it brings."""
    (steps, place) = step
    new = int(steps.words[place, 0])
    tile = spot.scene.tiling.tile_below(spot.scene.tiling.start(level + 1), spot.tensor)
    move, extents = steps.move[place, :, 0].tolist(), [int(extent[0]) for extent in tile.extents]
    how_far = f"({', '.join(map(str, move))})"
    if not new:
        return "the tile stays where it is" if not any(move) else "nothing is new"
    if new < int(tile.words[0]):
        return f"the window slides by {how_far} along its ranks, and only what is new in it is sent"
    if any(abs(far) >= extent for far, extent in zip(move, extents, strict=True)):
        return f"the tile moves by {how_far} along its ranks to words that are all new"
    return f"the tile moves by {how_far} along its ranks, not as it did before: Timeloop then sends all of it"


def _inward_steps(spot: Spot, flows: Flow, words: Moved) -> Iterator[ExplanationStep]:
    scene, traffic, place = spot.scene, spot.scene.counted.traffic, spot.place
    feeder = spot.child + 1
    per_child = float(flows.delivered[feeder, 0] / flows.fanout[feeder, 0])
    yield from _received(spot, flows, spot.child)
    yield from _feeder_steps(spot, flows, feeder, per_child)
    sent = float(words.sent[spot.index, 0])
    if feeder != spot.index:
        through = ", ".join(scene.name(level) for level in range(feeder, spot.index))
        yield fact(
            f"{through} between them: not kept there, so the words pass through; one {spot.level.name} sends",
            sent,
            "words",
        )
    numbers = {"a": sent, "b": float(words.peers[spot.index, 0]), "V": int(traffic.partition[place][0])}
    reads, updates = int(traffic.reads[place][0]), int(traffic.updates[place][0])
    if not spot.tensor.is_output:
        yield fact("an operand is never written from inside", 0, "words", "updates")
        text = f"words read: sent inwards, and to neighbours of {spot.level.name}"
        yield equation(text, reads, ("reads = sent + passed on", "⌊{a} + {b} + 0.5⌋", numbers), "words", figure="reads")
        return
    yield equation(
        "words that arrive from inside",
        updates,
        ("updates = received", "⌊{a} + 0.5⌋", {"a": sent}),
        "words",
        figure="updates",
    )
    first = reads != round(sent + numbers["b"])
    text = "reads to add to" + (
        ": every update but the first of each word" if first else ", the first of each word, too"
    )
    formula, values = (
        ("updates + passed on − V", "⌊{a} + {b} − {V} + 0.5⌋")
        if first
        else ("updates + passed on", "⌊{a} + {b} + 0.5⌋")
    )
    yield equation(text, reads, (f"reads = {formula}", values, numbers), "words", figure="reads")


def _feeder_steps(spot: Spot, flows: Flow, feeder: int, per_child: float) -> Iterator[ExplanationStep]:
    """From one receiver to all receivers of one instance: groups that share words, and words from neighbours."""
    scene, name = spot.scene, spot.scene.name(feeder)
    lanes = scene.spatial(scene.tiling.loops(feeder))
    sent, linked = float(flows.sent[feeder, 0]), float(flows.linked[feeder, 0])
    if not lanes:
        return
    text = f"receivers of one {name}: {scene.loops(lanes)}"
    yield equation(
        text, float(flows.fanout[feeder, 0]), ("Π spatial bounds", product(scene.bounds(lanes))), "receivers"
    )
    if linked:
        yield fact(
            f"words that receivers of one {name} take from mesh neighbours instead of from {name}", linked, "words"
        )
        yield fact(f"words that one {name} sends, one copy per group of receivers of the same words", sent, "words")
        return
    groups = sent / per_child if per_child else 0.0
    shared = (
        "receivers that need the same words share one copy"
        if groups < float(flows.fanout[feeder, 0])
        else "no two share words"
    )
    text = f"words that one {name} sends: {shared}"
    yield equation(text, sent, ("sent = W · groups of receivers", "{w} · {g}", {"w": per_child, "g": groups}), "words")
