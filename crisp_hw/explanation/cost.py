"""What a tensor in a level costs: words at the port, and energy."""

from collections.abc import Iterable, Iterator

from crisp_hw.engine.energy import Charge, charges, listed_action
from crisp_hw.engine.latency import idle_factor, port_words
from crisp_hw.engine.safs.counts import OPS
from crisp_hw.engine.tiling import COMPUTE
from crisp_hw.explanation.arithmetic import equation, fact, quantity
from crisp_hw.explanation.nouns import ExplanationStep
from crisp_hw.explanation.scene import Spot, number_of

PORTS = {"read": ("reads",), "write": ("fills", "updates")}


def port_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Words that occupy the port of one instance, and what they ask of it per cycle."""
    counted, latency = spot.scene.counted, spot.scene.counted.latency[spot.index]
    cycles, mac = int(spot.scene.result.compute.cycles if spot.scene.result.compute else 0), spot.scene.name(COMPUTE)
    demands = {"read": float(latency.read_demand[spot.t][0]), "write": float(latency.write_demand[spot.t][0])}
    spread = float(idle_factor(counted.sparse, spot.place)[0])
    if not cycles:
        yield fact(f"{mac} reports 0 cycles, in which no bandwidth means anything")
    for port, ops in PORTS.items():
        words = int(number_of(port_words(counted.sparse, spot.index, spot.level, ops)[spot.t]))
        if not words or not cycles:
            continue
        parts = " + ".join(f"random and gated {op}" for op in ops)
        yield fact(
            f"{port} port of one {spot.level.name} at work: {parts}, metadata bits as whole words", words, "words"
        )
        text = (
            f"{port} demand of one {spot.level.name} (average of those provided) while the {mac} run {cycles:,} cycles"
        )
        if spread == 1:
            formula, values = "words / cycles", "{w} / {c}"
        else:
            formula, values = "⌈words / (X · Y / R̄)⌉ / cycles", "⌈{w} / {s}⌉ / {c}"
        yield equation(text, demands[port], (formula, values, {"w": words, "s": spread, "c": cycles}), "words/cycle")
    slowdown = float(latency.slowdown[0])
    for port, demand in demands.items():
        text = f"{port} bandwidth delivered: the demand, slowed down as the whole level is"
        numbers = {"d": demand, "s": slowdown}
        yield equation(
            text,
            demand * slowdown,
            ("demand · slowdown", "{d} · {s}", numbers),
            "words/cycle",
            figure=f"{port}_bandwidth",
        )


def energy_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """pJ per action, and their sum."""
    scene = spot.scene
    possible = charges(scene.tiling, scene.counted.sparse, scene.energy, spot.place)
    found = {action: charge for action, charge in possible.items() if charge.amount[0]}
    counts = scene.result.levels[spot.index].tensors[spot.tensor.name]
    for action, charge in found.items():
        if action in counts.action_energy_pj:
            yield _charge_step(spot, action, charge)
        else:
            yield fact(f"{action.replace('_', ' ')}: {int(charge.actions[0]):,} actions at 0 pJ", 0, "pJ")
    terms = {f"e{i}": pj for i, pj in enumerate(counts.action_energy_pj.values())}
    text = f"one {spot.level.name}, over the whole run"
    values = " + ".join(f"{{{name}}}" for name in terms) or "0"
    yield equation(text, counts.energy_pj, ("Σ actions", values, terms), "pJ", figure="energy_pj")
    numbers = {"e": counts.energy_pj, "r": counts.utilized_instances}
    total = counts.energy_pj * counts.utilized_instances
    yield equation(f"all {spot.level.name} at work", total, ("energy · R̄", "{e} · {r}", numbers), "pJ")
    yield from _source_steps(spot, found)


def _charge_step(spot: Spot, action: str, charge: Charge) -> ExplanationStep:
    level, unit = spot.level, "bit" if "metadata" in action else "word"
    per = f" in accesses of {quantity(charge.per_action, unit)}" if charge.per_action > 1 else ""
    amount = quantity(int(charge.amount[0]), unit)
    text = f"{action.replace('_', ' ')}: {amount}{per}, {_price(spot, action, charge.pj_each)}"
    formula, values = f"⌈{unit}s / {level.name} access⌉ · pJ", "⌈{n} / {w}⌉ · {pj}"
    if charge.per_action == 1:
        formula, values = f"{unit}s · pJ", "{n} · {pj}"
    correction, share = (1.0 if factor is None else float(factor[0]) for factor in (charge.correction, charge.share))
    if correction != 1:
        formula, values, text = f"{formula} · κ", f"{values} · {{k}}", f"{text}; κ: nonzeros do not fill whole accesses"
    if share != 1:
        formula, values, text = (
            f"{formula} · share",
            f"{values} · {{s}}",
            f"{text}; share: the instances that pay for it",
        )
    numbers = {"n": int(charge.amount[0]), "w": charge.per_action, "pj": charge.pj_each, "k": correction, "s": share}
    sides = (formula, values, numbers)
    return equation(text, float(charge.energy[0]), sides, "pJ", figure=f"action_energy_pj.{action}")


def _price(spot: Spot, action: str, pj: float) -> str:
    """pJ per access, and the action of the energy table that says so."""
    kind, _, op = action.partition("_")
    if kind in ("decompression", "compression", "streamed"):
        return f"{pj:g} pJ each"
    name = _listed(spot, action)
    if name is None:
        return f"{pj:g} pJ each (the energy table lists no such action: Timeloop's estimate)"
    return f"{pj:g} pJ each ({name})" if name != op else f"{pj:g} pJ each"


def _listed(spot: Spot, action: str) -> str | None:
    """The action of the energy table that prices what is charged."""
    kind, _, op = action.partition("_")
    infix = "metadata_" if op.startswith("metadata_") else ""
    plain = op.removeprefix(infix)
    return listed_action(spot.scene.energy, spot.level, kind, plain, infix) if plain in OPS else None


def _source_steps(spot: Spot, actions: Iterable[str]) -> Iterator[ExplanationStep]:
    """Where the pJ come from, one line per source."""
    given = spot.scene.energy.sources.get(spot.level.name, {})
    by_source: dict[str, list[str]] = {}
    for name in filter(None, (_listed(spot, action) for action in actions)):
        if name in given:
            by_source.setdefault(given[name], []).append(name)
    for source, names in by_source.items():
        yield fact(f"pJ of {', '.join(dict.fromkeys(names))}: {source}")
