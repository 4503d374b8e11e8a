"""Sparse acceleration features of a tensor in a level: which loops decide, whose tiles must be empty, how often."""

from collections.abc import Iterator

from crisp_hw.engine.safs.probability import Impact
from crisp_hw.engine.safs.propagate import Saf, outer_saf
from crisp_hw.engine.safs.spatial import Squeeze
from crisp_hw.engine.tiling import COMPUTE
from crisp_hw.explanation.arithmetic import equation, fact, quantity
from crisp_hw.explanation.counts import here, own_saf
from crisp_hw.explanation.nouns import ExplanationStep
from crisp_hw.explanation.scene import Scene, Spot
from crisp_hw.spec.sparse import ActionOptimization


def saf_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """The SAF of the level, the SAF further out that it feels, and the lanes that spatial skipping leaves."""
    if not spot.scene.point.design.sparse.active:
        return
    sparse, name = spot.scene.counted.sparse, spot.tensor.name
    outer, own = outer_saf(sparse.safs, *spot.place), own_saf(spot)
    if outer is not None:
        yield from _one_saf(spot, outer, sparse.safs[outer, spot.t])
    if own is not None:
        yield from _one_saf(spot, spot.index, own)
        if outer is not None:
            p, q = (float(sparse.safs[level, spot.t].probability[0]) for level in (spot.index, outer))
            text = f"of what the SAF of {spot.scene.name(outer)} let through, the share avoided here"
            yield equation(
                text,
                here(spot),
                ("max(0, 1 − (1 − p) / (1 − p_outer))", "max(0, 1 − (1 − {p}) / (1 − {q}))", {"p": p, "q": q}),
            )
    if outer is None and own is None:
        yield fact(f"no SAF gates or skips {name} in {spot.level.name} or further out")


def _one_saf(spot: Spot, level: int, saf: Saf) -> Iterator[ExplanationStep]:
    where, p = spot.scene.name(level), float(saf.probability[0])
    if saf.impact is None:
        lanes = [s for s in _squeezes(spot) if s.level == level]
        leaders = ", ".join(dict.fromkeys(s.leader for s in lanes)) or "no stored leader"
        yield fact(
            f"{where} squeezes empty lanes of {spot.tensor.name} out (leader {leaders}); inner levels lose the share", p
        )
        return
    yield from _options(spot, level, saf)
    yield from _reach(spot, saf.impact)
    for leader in saf.impact.leaders:
        if leader.words is None:
            yield fact(f"leader {leader.name}: its tile cannot be told per lane, so it decides nothing")
            continue
        words, empty = int(leader.words[0]), float(leader.empty[0])
        yield fact(
            f"leader {leader.name}: the tile that meets one such access has {quantity(words, 'word')}, P(empty)", empty
        )
    terms = {f"p{i}": float(leader.empty[0]) for i, leader in enumerate(saf.impact.leaders)}
    values = "1 − " + " · ".join(f"(1 − {{{name}}})" for name in terms)
    text = f"{saf.kind}: P(an access of {where} to {spot.tensor.name} is avoided)"
    yield equation(text, p, ("p = 1 − Π (1 − P(empty))", values, terms))


def _options(spot: Spot, level: int, saf: Saf) -> Iterator[ExplanationStep]:
    """The alternatives that this SAF won against."""
    kinds = {"gated": "gating", "skipped": "skipping", "spatial": "skipping_spatial"}
    for action in spot.scene.point.design.sparse.actions:
        if action.kind == kinds[saf.kind] and len(action.options) > 1 and _may_act(spot, level, action):
            options = "; ".join(f"{o.target} where {' and '.join(o.condition_on)} empty" for o in action.options)
            yield fact(
                f"options of {action.kind} at {action.level}: {options}; the one that saves most read energy is taken"
            )


def _may_act(spot: Spot, level: int, action: ActionOptimization) -> bool:
    names = [each.name for each in spot.scene.levels]
    return names.index(action.level) <= level and any(o.target == spot.tensor.name for o in action.options)


def _reach(spot: Spot, impact: Impact) -> Iterator[ExplanationStep]:
    """Which loops make one access of the target, and so the tile of the leader."""
    scene, name = spot.scene, spot.tensor.name
    if impact.scalar:
        yield fact(f"one access of {name} meets a single word of each leader: {scene.loop(impact.loops[0])} decides")
        return
    first, extra = impact.loops[0], scene.active(impact.loops[1:])
    text = f"the loop between two accesses of {name} is {scene.loop(first)}: a leader's tile spans the loops up to it"
    if extra:
        text += f", and {scene.loops(extra)}, which share that access"
    yield fact(f"{text}; loops over dimensions of both are taken word by word")


def _squeezes(spot: Spot) -> list[Squeeze]:
    shrunk = spot.scene.counted.sparse.shrunk
    return [] if shrunk is None else [s for s in (*shrunk.own, *shrunk.skipped) if s.target == spot.t]


def instance_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """How many instances work on average."""
    counted, name = spot.scene.counted, spot.level.name
    mapped, used = int(counted.traffic.instances[spot.index][0]), float(counted.sparse.used[spot.place][0])
    content, shrunk = counted.sparse.occupancy.get(spot.place), counted.sparse.shrunk
    if used == mapped:
        yield fact(f"{name} at work: all that the mapping uses", used, "instances", "utilized_instances")
    elif shrunk is not None:
        yield from lane_steps(spot.scene, [squeeze for squeeze in _squeezes(spot) if squeeze.level > spot.index])
        share = float(shrunk.share[spot.t][spot.index + 1][0])
        text = f"{name} at work on average: those behind lanes outside that hold nothing are idle"
        sides = ("R̄ = R · share", "{R} · {s}", {"R": mapped, "s": share})
        yield equation(text, used, sides, "instances", "utilized_instances")
    else:
        alive = float(content.nonempty[0]) if content is not None else 1.0
        text = f"{name} at work on average: empty tiles are never sent, so their {name} idles"
        sides = ("R̄ = R · (1 − P(0))", "{R} · {p}", {"R": mapped, "p": alive})
        yield equation(text, used, sides, "instances", "utilized_instances")


def lane_steps(scene: Scene, squeezes: list[Squeeze]) -> Iterator[ExplanationStep]:
    """Spatial loops that lose lanes: what a lane holds, how often nothing, how many lanes can be busy at once."""
    said: set[tuple[int, str, int]] = set()
    for squeeze in squeezes:
        words, busy, lanes = int(squeeze.words[0]), float(squeeze.busy[0]), scene.bound(squeeze.loop)
        if (squeeze.loop, squeeze.leader, words) in said:
            continue
        said.add((squeeze.loop, squeeze.leader, words))
        inner = scene.name(squeeze.level - 1 if squeeze.level else COMPUTE)
        where = f"{scene.loop(squeeze.loop)}, each lane with {quantity(words, 'word')} of {squeeze.leader}"
        if squeeze.empty is not None and float(squeeze.empty[0]) > 0:
            empty = float(squeeze.empty[0])
            sides = ("share = 1 − P(empty)", "1 − {p}", {"p": empty})
            yield equation(f"{where}: share of {inner} that work on average", 1.0 - empty, sides)
        if busy < 1:
            sides = ("f · (most nonempty lanes / f)", "{f} · {b}", {"f": lanes, "b": busy})
            text = f"{where}: lanes in use at most, to which the {lanes:,} are squeezed"
            yield equation(text, busy * lanes, sides, "lanes")
