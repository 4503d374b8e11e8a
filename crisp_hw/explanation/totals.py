"""cycles and energy: which part decides the total, and by how much."""

from collections.abc import Iterator

from crisp_hw.explanation.arithmetic import equation, fact, number
from crisp_hw.explanation.compute import cycle_step
from crisp_hw.explanation.level import bandwidth_steps, busiest_port
from crisp_hw.explanation.nouns import Explanation, ExplanationStep, Section
from crisp_hw.explanation.scene import Scene, see

LISTED = 8  # parts of the energy that are listed one by one


def explain_cycles(scene: Scene) -> Explanation:
    """The bound, how far away the others are, and how it came about."""
    result, compute = scene.result, scene.result.compute
    assert compute is not None
    needs = {compute.name: compute.cycles} | {level.name: level.cycles for level in result.levels}
    bound = result.bound_by
    index = next((i for i, level in enumerate(result.levels) if level.name == bound), None)
    steps = [_need(scene, name, cycles) for name, cycles in sorted(needs.items(), key=lambda item: -item[1])]
    slowest, shown = f"max({', '.join(needs)})", f"max({', '.join(f'{{{name}}}' for name in needs)})"
    numbers: dict[str, float] = dict(needs)
    if result.network_cycles:
        slowest, shown = f"{slowest} + networks", f"{shown} + {{networks}}"
        numbers["networks"] = result.network_cycles
        steps.append(fact("filling and draining all networks, on top", result.network_cycles, "cycles"))
    if result.uneven_cycles:
        slowest, shown = f"{slowest} + waiting", f"{shown} + {{waiting}}"
        numbers["waiting"] = result.uneven_cycles
        said = f"waiting for the slowest of {compute.name} that share work unevenly, on top (docs/imbalance.md)"
        steps.append(fact(said, result.uneven_cycles, "cycles"))
    text = "total: the slowest part; the others work at the same time, hidden behind it"
    total = equation(text, result.cycles, (slowest, shown, numbers), "cycles", "cycles")
    how = tuple(bandwidth_steps(scene, index)) if index is not None else (cycle_step(scene, compute),)
    unnamed = tuple(ExplanationStep(s.text, s.result, s.unit, s.formula, s.values) for s in how)
    sections = (
        Section("How long every part takes", see("7"), (*steps, total)),
        Section(f"Why {bound} takes so long", see("7"), unnamed),
        Section("MACs busy", see("7"), tuple(_utilization(scene))),
    )
    more = f"more: --explain {bound}" + ("" if index is None else f", and {bound}.TENSOR for its demands")
    return Explanation("cycles", (_bound(scene, compute.name), more), sections, result.assumptions)


def _need(scene: Scene, name: str, cycles: int) -> ExplanationStep:
    """What a part needs, and how close its bandwidth is to the limit."""
    index = next((i for i, level in enumerate(scene.levels) if level.name == name), None)
    if index is None:
        return fact(f"{name}, if every word is there in time", cycles, "cycles")
    port, load = busiest_port(scene, index)
    if not port:
        return fact(f"{name}, with unlimited bandwidth, keeps up", cycles, "cycles")
    pace = "falls behind" if load > 1 else "keeps up"
    return fact(f"{name} {pace}: {load:.1%} of its {port} bandwidth", cycles, "cycles")


def _bound(scene: Scene, compute: str) -> str:
    """The answer: what bounds, and what would bound next."""
    result, bound = scene.result, scene.result.bound_by
    if result.uneven_cycles:
        even = result.cycles - result.uneven_cycles
        return f"{result.cycles:,} cycles, {result.imbalance:.2f}x the {even:,} of work that {compute} share evenly"
    mac = result.compute.cycles if result.compute else 0
    if bound != compute:
        times = f", {result.cycles / mac:.2f}x what the {compute} alone need" if mac else ""
        return f"{result.cycles:,} cycles, bound by the bandwidth of {bound}{times}"
    ports = {level.name: busiest_port(scene, index) for index, level in enumerate(scene.levels)}
    name, (port, load) = max(ports.items(), key=lambda item: item[1][1])
    spare = f"; closest behind, {name} gives {load:.1%} of its {port} bandwidth" if port else ""
    return f"{result.cycles:,} cycles, bound by the {bound}: every level keeps up{spare}"


def _utilization(scene: Scene) -> Iterator[ExplanationStep]:
    result, compute = scene.result, scene.result.compute
    assert compute is not None
    there = scene.point.design.architecture.compute.instances
    numbers = {"n": compute.random + compute.gated, "i": there, "c": max(result.cycles, 1)}
    sides = ("(random + gated) / MACs / cycles", "{n} / {i} / {c}")
    yield equation(
        f"share of the {there:,} {compute.name} that is busy", result.utilization, (*sides, numbers), "", "utilization"
    )


def explain_energy(scene: Scene) -> Explanation:
    """The parts of the total, largest first."""
    result, compute = scene.result, scene.result.compute
    assert compute is not None
    parts = {
        f"{level.name}.{name}": counts.energy_pj * counts.utilized_instances
        for level in result.levels
        for name, counts in level.tensors.items()
    }
    parts |= {f"{level.name} leakage": level.leakage_pj for level in result.levels}
    parts |= {network.name: network.energy_pj for network in result.networks}
    parts[compute.name] = compute.energy_pj
    ordered = sorted(((name, pj) for name, pj in parts.items() if pj), key=lambda item: -item[1])
    steps = [fact(f"{name}: {_percent(pj, result.energy_pj)} of the total", pj, "pJ") for name, pj in ordered[:LISTED]]
    if len(ordered) > LISTED:
        rest = sum(pj for _, pj in ordered[LISTED:])
        steps.append(fact(f"{len(ordered) - LISTED} smaller parts together", rest, "pJ"))
    sections = (
        Section("Where it goes, largest first", see("8"), tuple(steps)),
        Section("Sum", see("8"), tuple(_sum(scene))),
    )
    first = "nothing costs"
    if ordered:
        first = f"the largest part is {ordered[0][0]}, {_percent(ordered[0][1], result.energy_pj)}"
    summary = (f"{number(result.energy_pj)} pJ ({number(result.energy_pj / 1e6)} uJ): {first}",)
    return Explanation("energy", summary, sections, result.assumptions)


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "0 %"


def _sum(scene: Scene) -> Iterator[ExplanationStep]:
    """Levels with all their instances, networks, and the MACs."""
    result, compute = scene.result, scene.result.compute
    assert compute is not None
    terms = {level.name: level.energy_pj for level in result.levels if level.energy_pj} | {
        compute.name: compute.energy_pj
    }
    between = {network.name: network.energy_pj for network in result.networks}
    names = {**terms, **between}
    terms |= {f"n{number}": pj for number, pj in enumerate(between.values())}
    sides = (" + ".join(names), " + ".join(f"{{{name}}}" for name in terms))
    also = ", networks" if between else ""
    text = f"total: all levels with all their instances at work, leakage included{also}, and the MACs"
    yield equation(text, result.energy_pj, (*sides, terms), "pJ", "energy_pj")
