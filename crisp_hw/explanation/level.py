"""LEVEL: does everything fit, how many cycles does its bandwidth cost, what does it burn."""

from collections.abc import Iterator

from crisp_hw.engine.validity import broken_rules, capacity_limits, failures_of
from crisp_hw.explanation.arithmetic import equation, fact, number
from crisp_hw.explanation.nouns import Explanation, ExplanationStep, Section
from crisp_hw.explanation.scene import Scene, see
from crisp_hw.explanation.wires import wire_sections
from crisp_hw.spec.result import LevelResult
from crisp_hw.spec.rules import sentence


def explain_level(scene: Scene, index: int) -> Explanation:
    """Capacity, instances, bandwidth and cycles, energy."""
    found, level = scene.result.levels[index], scene.levels[index]
    sections = (
        Section("Capacity", see("9"), tuple(_capacity(scene, index))),
        Section("Instances", see("9"), tuple(_instances(scene, index))),
        Section("Bandwidth and cycles", see("7"), tuple(bandwidth_steps(scene, index))),
        Section("Energy", see("8"), tuple(_energy(scene, index))),
        *wire_sections(scene, index),
    )
    bound = (
        "it bounds the whole" if scene.result.bound_by == level.name else f"{scene.result.bound_by} bounds the whole"
    )
    summary = (
        f"{found.cycles:,} cycles of {scene.result.cycles:,}: {bound}",
        _validity(scene, level.name),
        f"{number(found.energy_pj)} pJ, {_share(found.energy_pj, scene.result.energy_pj):.1%} of the total",
    )
    return Explanation(level.name, summary, sections, scene.result.assumptions)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _validity(scene: Scene, name: str) -> str:
    broken = [sentence(each) for each in failures_of(broken_rules(scene.counted)) if each.level == name]
    return f"does not fit: {'; '.join(broken)}" if broken else "everything fits"


def _capacity(scene: Scene, index: int) -> Iterator[ExplanationStep]:
    level, counts = scene.levels[index], scene.result.levels[index].tensors
    if level.size_words is None:
        yield fact(f"{level.name} has no size: it holds whatever comes")
        return
    room, bits_room = capacity_limits(level)
    for what, unit, have, used in (
        ("words", "words", room, {n: c.utilized_capacity for n, c in counts.items() if c.utilized_capacity}),
        (
            "metadata",
            "bits",
            bits_room,
            {n: c.metadata_capacity_bits for n, c in counts.items() if c.metadata_capacity_bits},
        ),
    ):
        total = sum(used.values())
        values = " + ".join(f"{{{name}}}" for name in used) or "0"
        text = f"{what} reserved in one {level.name}: {', '.join(used) or 'nothing'}"
        yield equation(text, total, (" + ".join(used) or "0", values, used), unit)
        if what == "words":
            sides, numbers = (
                ("⌊size / buffering⌋", "⌊{s} / {m}⌋"),
                {"s": level.size_words, "m": level.multiple_buffering},
            )
        else:
            sides = ("⌊width · depth / buffering⌋", "⌊{w} · {d} / {m}⌋")
            numbers = {"w": level.metadata_width_bits, "d": level.metadata_depth, "m": level.multiple_buffering}
        verdict = "fits" if total <= have else "does not fit"
        share = f", {total / have:.1%} full" if have else ""
        yield equation(f"room for {what}: it {verdict}{share}", have, (*sides, numbers), unit)


def _instances(scene: Scene, index: int) -> Iterator[ExplanationStep]:
    level, sparse = scene.levels[index], scene.counted.sparse
    used = float(sparse.busiest(index)[0])
    yield fact(f"{level.name} at work (whole ones count), of {level.instances:,} that there are", used, "instances")
    x, y = (int(along[0]) for along in sparse.extent(index + 1))
    yield fact(f"mesh in use: {x:,} x {y:,} of {level.mesh_x:,} x {level.mesh_y:,}")


def bandwidth_steps(scene: Scene, index: int) -> Iterator[ExplanationStep]:
    """Demand of all tensors against what the ports give, and what that makes of the cycles."""
    level, latency, found = scene.levels[index], scene.counted.latency[index], scene.result.levels[index]
    mac = scene.result.compute.cycles if scene.result.compute else 0
    demands = {
        port: {t.name: float(each[i][0]) for i, t in enumerate(scene.tensors) if each[i][0]}
        for port, each in (("read", latency.read_demand), ("write", latency.write_demand))
    }
    limits = {"read": level.read_bandwidth, "write": level.write_bandwidth, "shared": level.shared_bandwidth}
    demands["shared"] = {f"{name} {port}": d for port in ("read", "write") for name, d in demands[port].items()}
    ratios: dict[str, float] = {}
    for port, limit in limits.items():
        total = sum(demands[port].values())
        if port == "shared" and limit is None:
            continue
        yield _demand_step(level.name, port, demands[port])
        if limit is None:
            yield fact(f"{port} bandwidth of one {level.name}: unlimited")
            continue
        enough = "enough" if total <= limit else f"short by {total / limit:.2f}x"
        yield fact(f"{port} bandwidth of one {level.name}: {enough}", limit, "words/cycle")
        if total > limit and mac:
            ratios |= {f"limit_{port}": limit, f"demand_{port}": total}
    yield from _cycle_steps(found, mac, ratios)


def busiest_port(scene: Scene, index: int) -> tuple[str, float]:
    """The port that is closest to its limit (or beyond), and its demand over its limit; ("", 0) without limits."""
    level, latency = scene.levels[index], scene.counted.latency[index]
    read, write = (sum(float(demand[0]) for demand in each) for each in (latency.read_demand, latency.write_demand))
    loads = {
        "read": (read, level.read_bandwidth),
        "write": (write, level.write_bandwidth),
        "shared": (read + write, level.shared_bandwidth),
    }
    shares = {port: demand / limit for port, (demand, limit) in loads.items() if limit}
    return max(shares.items(), key=lambda item: item[1], default=("", 0.0))


def _demand_step(name: str, port: str, demand: dict[str, float]) -> ExplanationStep:
    terms = {f"d{i}": value for i, value in enumerate(demand.values())}
    values = " + ".join(f"{{{term}}}" for term in terms) or "0"
    text = f"{port} demand of one {name} at the speed of the MACs"
    return equation(text, sum(demand.values()), (" + ".join(demand) or "nothing", values, terms), "words/cycle")


def _cycle_steps(found: LevelResult, mac: int, ratios: dict[str, float]) -> Iterator[ExplanationStep]:
    ports = [name.removeprefix("limit_") for name in ratios if name.startswith("limit_")]
    if ports:
        terms = ", ".join(f"{{limit_{port}}} / {{demand_{port}}}" for port in ports)
        sides = ("min(1, bandwidth / demand)", f"min(1, {terms})", ratios)
        yield equation("slowdown of the whole by this level", found.slowdown, sides, "", "slowdown")
    else:
        yield fact("no port is short, so the level slows nothing down", found.slowdown, "", "slowdown")
    numbers = {"c": mac, "s": found.slowdown}
    text = "cycles at this level's bandwidth"
    yield equation(text, found.cycles, ("⌈MAC cycles / slowdown⌉", "⌈{c} / {s}⌉", numbers), "cycles", "cycles")


def _energy(scene: Scene, index: int) -> Iterator[ExplanationStep]:
    level, found = scene.levels[index], scene.result.levels[index]
    terms: dict[str, float] = {}
    formulas, values = [], []
    for i, (name, counts) in enumerate(found.tensors.items()):
        if counts.energy_pj:
            terms |= {f"e{i}": counts.energy_pj, f"r{i}": counts.utilized_instances}
            formulas.append(f"{name} · R̄")
            values.append(f"{{e{i}}} · {{r{i}}}")
    if found.leakage_pj:
        yield from _leakage(scene, index)
        terms["leak"] = found.leakage_pj
        formulas.append("leakage")
        values.append("{leak}")
    text = f"all {level.name}: one instance's energy times those at work"
    sides = (" + ".join(formulas) or "nothing", " + ".join(values) or "0")
    yield equation(text, found.energy_pj, (*sides, terms), "pJ", "energy_pj")


def _leakage(scene: Scene, index: int) -> Iterator[ExplanationStep]:
    level, found = scene.levels[index], scene.result.levels[index]
    leak = scene.point.design.energy.actions.get(level.name, {}).get("leak", 0.0)
    cycles = scene.result.cycles - scene.result.network_cycles - scene.result.uneven_cycles
    numbers = {"l": leak, "c": cycles, "r": float(scene.counted.sparse.busiest(index)[0])}
    sides = ("leak · cycles of the slowest part · max(1, R̄)", "{l} · {c} · max(1, {r})")
    yield equation("leakage over the whole run", found.leakage_pj, (*sides, numbers), "pJ", "leakage_pj")
