"""The tile of a tensor in a level, how often it is delivered, and who receives it."""

from collections.abc import Iterator

from crisp_hw.engine.tiling import COMPUTE, delivery_loops
from crisp_hw.engine.traffic import distinct_loops, mac_feed
from crisp_hw.explanation.arithmetic import equation, fact, product
from crisp_hw.explanation.nouns import ExplanationStep
from crisp_hw.explanation.scene import Spot


def tile_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Which loops make the tile, and how many instances hold one each."""
    scene, end = spot.scene, spot.scene.tiling.ends[spot.index]
    inside = spot.relevant(scene.active(range(end)))
    yield fact(
        f"loops inside {spot.level.name} that move through {spot.tensor.name}, innermost first: {scene.loops(inside)}"
    )
    formula, values = _extents(spot)
    yield equation("words of the tile", spot.tile, (f"T = {formula}", values), "words")
    outside = scene.spatial(range(end, len(scene.tiling.nest.loops)))
    used = int(scene.counted.traffic.instances[spot.index][0])
    if not outside and used == 1:
        yield fact(f"one {spot.level.name} is used: no loop outside it goes across several")
        return
    text = f"{spot.level.name} that the mapping uses: the lanes of all loops across outside it, {scene.loops(outside)}"
    yield equation(text, used, ("R = Π spatial bounds", product(scene.bounds(outside))), "instances")


def _extents(spot: Spot) -> tuple[str, str]:
    """The product of the rank extents, as formula and with its numbers."""
    problem, box = spot.scene.point.design.problem, spot.scene.tiling.sides(spot.scene.tiling.ends[spot.index])
    formulas, values = [], []
    for rank in spot.tensor.ranks:
        sizes = [(term, int(box[problem.dims.index(term.dim)][0])) for term in rank]
        if len(rank) == 1 and abs(rank[0].coefficient) == 1:
            formulas.append(rank[0].dim)
            values.append(f"{sizes[0][1]:,}")
        else:
            formulas.append("(1 + " + " + ".join(f"{_factor(abs(t.coefficient))}({t.dim} − 1)" for t, _ in sizes) + ")")
            values.append("(1 + " + " + ".join(f"{abs(t.coefficient)} · ({n:,} − 1)" for t, n in sizes) + ")")
    return " · ".join(formulas) or "1", " · ".join(values) or "1"


def _factor(coefficient: int) -> str:
    return "" if coefficient == 1 else f"{coefficient} · "


def delivery_steps(spot: Spot, level: int) -> Iterator[ExplanationStep]:
    """How often one instance of a level receives a new tile of the tensor, and which loops are to blame."""
    scene, name = spot.scene, spot.scene.name(level)
    free, forcing = delivery_loops(scene.tiling, level, spot.tensor)
    if level == COMPUTE:
        yield equation(
            f"time steps of one {name}: every loop in time, because a {name} holds nothing between two steps",
            int(scene.counted.traffic.steps[0]),
            ("D = Π temporal bounds", product(scene.bounds(forcing))),
            "steps",
        )
        return
    if free:
        yield fact(
            f"{scene.loops(free)}: not in {spot.tensor.name} and inside every loop that is, so the tile stays in {name}"
        )
    text = f"new tiles of {spot.tensor.name} in one {name}: {_why(spot, forcing)}"
    count = int(scene.tiling.product(forcing)[0])
    yield equation(
        text, count, (f"D_{name} = Π bounds from there outwards", product(scene.bounds(forcing))), "deliveries"
    )


def _why(spot: Spot, forcing: list[int]) -> str:
    if not forcing:
        return f"no loop in time outside it moves through {spot.tensor.name}, so one delivery is enough"
    first, rest = forcing[0], forcing[1:]
    again = spot.idle(rest)
    text = f"{spot.scene.loop(first)} is the first that moves through {spot.tensor.name}"
    if rest:
        text += f", and every loop outside it delivers again: {spot.scene.loops(rest)}"
    if again:
        dims = ", ".join(dict.fromkeys(spot.scene.tiling.nest.loops[j].dim for j in again))
        text += f" (re-delivered over {dims}, though {spot.tensor.name} does not depend on it)"
    return text


def receiver_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Who receives what the level sends: lanes with words of their own, and lanes that share a word."""
    scene, child = spot.scene, spot.child
    lanes = scene.spatial(range(scene.tiling.start(child + 1), scene.tiling.ends[spot.index]))
    own, shared = spot.relevant(lanes), spot.idle(lanes)
    if own:
        text = (
            f"distinct receivers: {scene.loops(own)} move through {spot.tensor.name}, so each lane has words of its own"
        )
        yield equation(
            text, int(scene.tiling.product(own)[0]), ("S = Π relevant spatial bounds", product(scene.bounds(own)))
        )
    if shared:
        what = "lanes add into one word on the way" if spot.tensor.is_output else "one read serves all these lanes"
        kind = "spatial reduction" if spot.tensor.is_output else "multicast"
        text = f"{kind}: {scene.loops(shared)} do not move through {spot.tensor.name}; {what}"
        yield equation(
            text, int(scene.tiling.product(shared)[0]), ("Π other spatial bounds", product(scene.bounds(shared)))
        )


def sent_steps(spot: Spot, sent: int) -> Iterator[ExplanationStep]:
    """Words that one instance sends inwards over the whole run (of an output: receives from there)."""
    scene, child = spot.scene, spot.child
    lanes = distinct_loops(
        scene.tiling, range(scene.tiling.start(child + 1), scene.tiling.ends[spot.index]), spot.tensor
    )
    verb = "received from" if spot.tensor.is_output else "sent to"
    text = f"words {verb} {scene.name(child)}"
    if child != COMPUTE:
        tile, tiles = int(scene.tiling.tile(child, spot.tensor)[0]), delivery_loops(scene.tiling, child, spot.tensor)[1]
        name, distinct = scene.name(child), int(scene.tiling.product(lanes)[0])
        numbers = {"T": tile, "D": int(scene.tiling.product(tiles)[0]), "S": distinct}
        yield equation(text, sent, (f"CA = T_{name} · D_{name} · S", "{T} · {D} · {S}", numbers), "words")
        return
    feed = mac_feed(scene.tiling, spot.tensor)
    steps, fresh, groups, fed = (int(each[0]) for each in (feed.steps, feed.fresh, feed.groups, feed.fed))
    outer = int(scene.tiling.product([j for j in lanes if scene.tiling.nest.loops[j].level > 0])[0])
    if (fresh, groups) == (steps, fed):
        numbers = {"D": steps, "S": groups * outer}
        yield equation(text, sent, ("CA = D · S", "{D} · {S}", numbers), "words")
        return
    yield fact(
        f"mesh neighbours hand on a word that stays put: {fresh:,} of {steps:,} steps bring new words to all "
        f"{groups:,} multicast groups of MACs; in the others {fed:,} groups have a MAC that no neighbour can serve"
    )
    numbers = {"fresh": fresh, "groups": groups, "steps": steps, "fed": fed, "S": outer}
    formula, values = "(fresh · groups + (D − fresh) · fed)", "({fresh} · {groups} + ({steps} − {fresh}) · {fed})"
    if outer > 1:
        formula, values = f"{formula} · S", f"{values} · {{S}}"
    yield equation(text, sent, (f"CA = {formula}", values, numbers), "words")
