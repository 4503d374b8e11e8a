"""MAC: how many multiply-accumulates there are, what becomes of them, and how long they take."""

from collections.abc import Iterator

import numpy as np

from crisp_hw.engine.energy import compute_energy
from crisp_hw.engine.safs.compute import Operand, Share, remaining_computes, states, to_micro
from crisp_hw.engine.safs.position import packed_computes
from crisp_hw.engine.tiling import Int
from crisp_hw.explanation.arithmetic import equation, fact, first_true, number, product
from crisp_hw.explanation.nouns import Explanation, ExplanationStep, Section
from crisp_hw.explanation.saf import lane_steps
from crisp_hw.explanation.scene import Scene, see
from crisp_hw.spec.result import ComputeResult


def explain_compute(scene: Scene, found: ComputeResult) -> Explanation:
    """Computes, instances, cycles and energy of the array of MACs."""
    sections = (
        Section("Computes of the problem", see("3.2"), tuple(_algorithmic(scene, found))),
        Section("What becomes of them", see("6.5"), tuple(_computes(scene, found))),
        Section(f"{found.name} at work", see("6.3"), tuple(_instances(scene, found))),
        Section("Cycles", see("7"), (cycle_step(scene, found),)),
        Section("Energy", see("8"), tuple(_energy(scene, found))),
    )
    busy = found.random + found.gated
    summary = (
        f"{found.algorithmic:,} computes, of which {found.random:,} really happen, {found.gated:,} are gated, "
        f"{found.skipped:,} skipped",
        f"{found.cycles:,} cycles for {busy:,} computes on {number(found.utilized_instances)} {found.name} at work",
        f"{number(found.energy_pj)} pJ",
    )
    return Explanation(found.name, summary, sections, scene.result.assumptions)


def _algorithmic(scene: Scene, found: ComputeResult) -> Iterator[ExplanationStep]:
    tiling, traffic = scene.tiling, scene.counted.traffic
    loops = scene.active(range(len(tiling.nest.loops)))
    lanes, steps = scene.spatial(loops), [j for j in loops if tiling.temporal(j)]
    used = int(traffic.macs[0])
    text = f"{found.name} that the mapping uses: all loops across, {scene.loops(lanes)}"
    yield equation(text, used, ("R = Π spatial bounds", product(scene.bounds(lanes))), "instances")
    if tiling.residuals is not None:
        yield fact("residual walk: time steps are counted step by step, because loops do not always run to their bound")
        yield fact("multiply-accumulates", found.algorithmic, "computes", "algorithmic")
        return
    text = f"time steps of one {found.name}: all loops in time, {scene.loops(steps)}"
    yield equation(text, int(traffic.steps[0]), ("D = Π temporal bounds", product(scene.bounds(steps))), "steps")
    numbers = {"R": used, "D": int(traffic.steps[0])}
    yield equation(
        "multiply-accumulates", found.algorithmic, ("R · D", "{R} · {D}", numbers), "computes", "algorithmic"
    )


def _computes(scene: Scene, found: ComputeResult) -> Iterator[ExplanationStep]:
    operands = scene.counted.sparse.operands
    if not operands:
        yield fact("no format and no SAF: every compute happens", found.random, "computes", "random")
        yield fact("gated", 0, "computes", "gated")
        yield fact("skipped", 0, "computes", "skipped")
        return
    names = [tensor.name for tensor in scene.tensors if not tensor.is_output]
    yield from _removed(scene, found, dict(zip(names, operands, strict=True)))
    left = int(remaining_computes(_arriving(scene), operands)[0])
    first, second = operands
    pair = (_three(states(first, second)), _three(states(second, first)))
    for name, chances, (operand, other) in zip(names, pair, (operands, operands[::-1]), strict=True):
        yield from _operand(name, chances, operand, other)
    yield from _pairs(scene, found, left, pair)


def _three(values: tuple[Share, Share, Share]) -> tuple[float, float, float]:
    nonzero, zero, absent = (float(np.ravel(value)[0]) for value in values)
    return nonzero, zero, absent


def _arriving(scene: Scene) -> Int:
    """Computes before any SAF: all, or those that packing leaves."""
    computes, packed = scene.counted.traffic.computes, scene.counted.sparse.packed
    return packed_computes(computes, packed) if packed else computes


def _packed_step(scene: Scene) -> ExplanationStep:
    """Computes left when the nonzeros of operands are packed into lanes."""
    packed = scene.counted.sparse.packed
    numbers: dict[str, float] = {f"d{t}": one.density for t, one in packed.items()}
    numbers["x"] = int(scene.counted.traffic.computes[0])
    share = " · ".join(f"{{d{t}}}" for t in packed)
    text = f"computes with a nonzero of {' and of '.join(scene.tensors[t].name for t in packed)}, packed into lanes"
    sides = ("x − ⌊x · (1 − Π ρ)⌋", f"{{x}} − ⌊{{x}} · (1 − {share})⌋", numbers)
    return equation(text, int(_arriving(scene)[0]), sides, "computes")


def _removed(scene: Scene, found: ComputeResult, operands: dict[str, Operand]) -> Iterator[ExplanationStep]:
    """Computes that never reach the MACs because an operand's SAF skipped or gated their delivery."""
    if scene.counted.sparse.packed:
        yield _packed_step(scene)
    before = int(_arriving(scene)[0])
    reached: tuple[Operand, ...] = ()
    for name, operand in operands.items():
        reached = (*reached, operand)
        if operand.removed is not None:
            after = int(remaining_computes(_arriving(scene), reached)[0])
            text = f"computes left by the SAF on {name}: words that do not arrive start no compute"
            p = float(operand.removed[0])
            yield equation(text, after, ("x − ⌊x · p⌋", "{x} − ⌊{x} · {p}⌋", {"x": before, "p": p}), "computes")
            before = after
    if not any(operand.removed is not None for operand in operands.values()):
        yield fact(f"no SAF removes computes before they reach the {found.name}", before, "computes")


def _operand(
    name: str, chances: tuple[float, float, float], operand: Operand, other: Operand
) -> Iterator[ExplanationStep]:
    """What an operand is at a compute that arrives: nonzero, a zero that arrives, or absent."""
    nonzero, zero, absent = chances
    density = float(to_micro(np.array([operand.density]))[0])
    if other.removed is None:
        yield fact(f"P({name} is nonzero at a compute): its density, to six digits", nonzero)
    else:
        text = f"P({name} is nonzero at a compute), given what the other operand's SAF let through; to six digits"
        numbers = {"d": density, "g": float(to_micro(other.removed)[0])}
        yield equation(text, nonzero, ("min(1, ρ / (1 − removed))", "min(1, {d} / (1 − {g}))", numbers))
    if operand.has_metadata:
        yield fact(f"P({name} is absent): its metadata tells where zeros are, so they do not exist", absent)
    else:
        yield fact(f"P({name} is a zero that arrives): without metadata a zero is a word like any other", zero)


Chances = tuple[tuple[float, float, float], tuple[float, float, float]]


def _pairs(scene: Scene, found: ComputeResult, left: int, pair: Chances) -> Iterator[ExplanationStep]:
    """Pairs of operand states, and what the compute optimizations make of them."""
    options = scene.point.design.sparse.compute
    gate, skip = "gating" in options, "skipping" in options
    numbers = {"C": left} | {
        f"{kind}{i}": p for i, each in enumerate(pair) for kind, p in zip("nza", each, strict=True)
    }
    zeros = "{C} · ({n0} · {z1} + {z0} · {n1}) + {C} · ({z0} · {z1})"
    lone = "{C} · ({n0} · {a1} + {a0} · {n1}) + {C} · ({z0} · {a1} + {a0} · {z1})"
    words = f"compute optimizations: {', '.join(options) or 'none, so what arrives happens'}"
    yield fact(f"{words}; of two operands n: nonzero, z: zero that arrives, a: absent")
    if gate:
        formula = "⌊C · pairs with a zero that arrives" + ("⌋" if skip else ", or with exactly one absent⌋")
        sides = (formula, f"⌊{zeros}{'' if skip else ' + ' + lone}⌋", numbers)
        yield equation("gated: they take a cycle, but little energy", found.gated, sides, "computes", "gated")
    else:
        yield fact("gated: the hardware does not gate computes", found.gated, "computes", "gated")
    if skip:
        sides = ("⌊C · pairs with exactly one absent⌋", f"⌊{lone}⌋", numbers)
        yield equation("skipped: they take no cycle", found.skipped, sides, "computes", "skipped")
    else:
        yield fact("skipped: the hardware does not skip computes", found.skipped, "computes", "skipped")
    nothing = left - found.random - found.gated - found.skipped
    if nothing:
        sides = ("⌊C · a · a⌋", "⌊{C} · ({a0} · {a1})⌋", numbers)
        yield equation("pairs of two absent operands: no compute at all", nothing, sides, "computes")
    rest = {"C": left, "s": found.skipped, "g": found.gated, "x": nothing}
    last = ("C − skipped − gated − none", "{C} − {s} − {g} − {x}")
    yield equation("computes that really happen", found.random, (*last, rest), "computes", "random")


def _instances(scene: Scene, found: ComputeResult) -> Iterator[ExplanationStep]:
    shrunk, mapped = scene.counted.sparse.shrunk, int(scene.counted.traffic.macs[0])
    busy = {f"u{t}": float(one.utilization[0]) for t, one in scene.counted.sparse.packed.items()}
    if busy:
        yield from _packed_macs(scene, found, busy)
        return
    if shrunk is None:
        yield fact(
            f"all {found.name} that the mapping uses", found.utilized_instances, "instances", "utilized_instances"
        )
        return
    yield from lane_steps(scene, [*shrunk.own, *shrunk.skipped])
    shares = {tensor.name: float(shrunk.share[t][0][0]) for t, tensor in enumerate(scene.tensors)}
    said = ", ".join(f"{name} {number(share)}" for name, share in shares.items())
    text = f"{found.name} at work on average: the largest share that a tensor leaves busy ({said})"
    numbers = {"R": mapped, "s": max(shares.values())}
    yield equation(
        text, found.utilized_instances, ("R̄ = R · share", "{R} · {s}", numbers), "instances", "utilized_instances"
    )


def _packed_macs(scene: Scene, found: ComputeResult, busy: dict[str, float]) -> Iterator[ExplanationStep]:
    """Lanes that are left over in the last pass of a tile are idle."""
    values = " · ".join(["{R}", *(f"{{{name}}}" for name in busy)])
    sides = ("R̄ = R · Π utilization", values, {"R": int(scene.counted.traffic.macs[0]), **busy})
    text = f"{found.name} at work on average: nonzeros do not fill the lanes of their last pass"
    yield equation(text, found.utilized_instances, sides, "instances", "utilized_instances")


def cycle_step(scene: Scene, found: ComputeResult) -> ExplanationStep:
    """Cycles that the MACs need, whatever the levels deliver."""
    numbers = {"n": found.random, "g": found.gated, "R": found.utilized_instances}
    if found.utilized_instances < 1 and not found.cycles:
        text = f"{found.name} cycles: less than one at work counts as none, as in Timeloop; do not use this result"
        return fact(text, found.cycles, "cycles", "cycles")
    if scene.tiling.residuals is not None:
        text = f"{found.name} cycles: all loops in time by their bounds, whatever residuals leave (Timeloop's way)"
        loops = [j for j in scene.active(range(len(scene.tiling.nest.loops))) if scene.tiling.temporal(j)]
        return equation(text, found.cycles, ("Π temporal bounds", product(scene.bounds(loops))), "cycles", "cycles")
    text = f"{found.name} cycles: computes that take a cycle, over {found.name} at work"
    options = [
        ("⌈(random + gated) / ⌊R̄⌋⌉", "⌈({n} + {g}) / ⌊{R}⌋⌉", numbers),
        ("⌈(random + gated) / R̄⌉", "⌈({n} + {g}) / {R}⌉", numbers),
    ]
    return first_true(text, found.cycles, options, "cycles", "cycles")


def _energy(scene: Scene, found: ComputeResult) -> Iterator[ExplanationStep]:
    compute, table = scene.point.design.architecture.compute, scene.point.design.energy
    terms: dict[str, float] = {}
    for kind, count in (("random", found.random), ("gated", found.gated), ("skipped", found.skipped)):
        if count:
            terms |= {f"n_{kind}": count, f"e_{kind}": compute_energy(table, compute, kind)}
    values = " + ".join(f"{{n_{k[2:]}}} · {{{k}}}" for k in terms if k.startswith("e_")) or "0"
    named = ", ".join(f"{key[2:]} {pj:g} pJ" for key, pj in terms.items() if key.startswith("e_")) or "none"
    text = f"all computes at their pJ: {named}"
    yield equation(text, found.energy_pj, ("Σ computes · pJ", values, terms), "pJ", "energy_pj")
