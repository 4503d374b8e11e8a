"""What really happens of every access: stored words, what outer SAFs leave, what is gated or skipped here."""

from collections.abc import Iterator

import numpy as np

from crisp_hw.engine.safs.counts import OPS
from crisp_hw.engine.safs.propagate import Saf, outer_saf, represented, share_left
from crisp_hw.engine.safs.sparse import temporal_reductions
from crisp_hw.engine.tiling import COMPUTE
from crisp_hw.explanation.arithmetic import equation, fact
from crisp_hw.explanation.nouns import ExplanationStep
from crisp_hw.explanation.scene import Spot


def own_saf(spot: Spot) -> Saf | None:
    """The SAF in time that acts on the tensor in this level."""
    saf = spot.scene.counted.sparse.safs.get(spot.place)
    return None if saf is None or saf.kind == "spatial" else saf


def here(spot: Spot) -> float:
    """P(avoided here) of what an outer SAF let through."""
    sparse = spot.scene.counted.sparse
    own, outer = sparse.safs[spot.place].probability, outer_saf(sparse.safs, *spot.place)
    if outer is None:
        return float(own[0])
    return float(share_left(own, sparse.safs[outer, spot.t].probability)[0])


def count_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Random, gated and skipped reads, fills and updates, of data."""
    dense, sparse = spot.scene.counted.traffic, spot.scene.counted.sparse
    counts = dict(zip(OPS, (dense.reads, dense.fills, dense.updates), strict=True))
    outer = outer_saf(sparse.safs, *spot.place)
    if outer is not None:
        yield fact(
            f"accesses that the SAF of {spot.scene.name(outer)} avoids never reach {spot.level.name}",
            float(sparse.safs[outer, spot.t].probability[0]),
        )
    for op in OPS:
        words = int(counts[op][spot.place][0])
        if words:
            yield from _op_steps(spot, op, words)
    yield from _reduction_steps(spot)
    tally = sparse.tally
    for name, what in (("decompressions", "fills are unpacked"), ("compressions", "drained updates are packed")):
        count = int(getattr(tally, name)[spot.place][0])
        if count:
            yield fact(f"{what}, because {spot.scene.name(spot.parent or 0)} is compressed", count, "words", name)


def _op_steps(spot: Spot, op: str, words: int) -> Iterator[ExplanationStep]:
    """One kind of access, from the dense count to what is left."""
    sparse, stored = spot.scene.counted.sparse, spot.scene.counted.sparse.ranks.get(spot.place)
    saf, outer = own_saf(spot), outer_saf(sparse.safs, *spot.place)
    random = int(sparse.tally.data["random"][op][spot.place][0])
    avoided = {kind: int(sparse.tally.data[kind][op][spot.place][0]) for kind in ("gated", "skipped")}
    left = random + sum(avoided.values())
    formula, values, numbers = op, "{x}", {"x": float(words)}
    if stored is not None and stored.form is not None and (op != "updates" or spot.tensor.is_output):
        formula, values = "x − ⌊x · (1 − ρ)⌋", "{x} − ⌊{x} · (1 − {rho})⌋"
        numbers["rho"] = float(sparse.density[spot.place][0])
    kept = int(represented(np.array([words]), np.array([numbers["rho"]]))[0]) if "rho" in numbers else words
    packs = op == "reads" and bool(sparse.packed) and not spot.tensor.is_output and spot.child == COMPUTE
    done = outer is None and not any(avoided.values()) and not packs
    figure = f"accesses.random_{op}" if done else ""
    if "rho" in numbers:
        text = f"{op} of stored words; {spot.level.name} stores only the share ρ of all words"
        yield equation(text, random if done else kept, (formula, values, numbers), "words", figure)
    elif done:
        yield fact(f"{op}: every word moves", random, "words", figure)
    if outer is not None:
        p = float(sparse.safs[outer, spot.t].probability[0])
        text = f"{op} left by the SAF of {spot.scene.name(outer)}, which spares whole deliveries"
        figure = "" if any(avoided.values()) else f"accesses.random_{op}"
        yield equation(text, left, ("x − ⌊x · p⌋", "{x} − ⌊{x} · {p}⌋", {"x": kept, "p": p}), "words", figure=figure)
    if packs:
        yield _packed_step(spot, kept if outer is None else left, random)
    for kind, count in avoided.items():
        if count and saf is not None:
            yield from _avoided_steps(spot, (kind, op), (left, count, random))


def _avoided_steps(spot: Spot, key: tuple[str, str], counts: tuple[int, int, int]) -> Iterator[ExplanationStep]:
    """What the level's own SAF gates or skips of one kind of access, and what is left."""
    (kind, op), (left, avoided, random) = key, counts
    up = op == "reads" and spot.tensor.is_output
    formula, values = ("⌈x · p⌉", "⌈{x} · {p}⌉") if up else ("⌊x · p⌋", "⌊{x} · {p}⌋")
    cost = "occupy the port, at the price of a gated access" if kind == "gated" else "take no time"
    text = f"{kind} {op}, which {cost}"
    yield equation(
        text, avoided, (formula, values, {"x": left, "p": here(spot)}), "words", figure=f"accesses.{kind}_{op}"
    )
    numbers = {"x": left, "y": avoided}
    yield equation(
        f"{op} that really happen",
        random,
        (f"x − {kind}", "{x} − {y}", numbers),
        "words",
        figure=f"accesses.random_{op}",
    )


def _packed_step(spot: Spot, stored: int, random: int) -> ExplanationStep:
    """Reads of an operand whose nonzeros are packed into lanes: one for each pass of the other packed operands."""
    others = {t: one for t, one in spot.scene.counted.sparse.packed.items() if t != spot.t}
    numbers: dict[str, float] = {"x": stored}
    for t, one in others.items():
        numbers |= {f"p{t}": float(one.passes[0]), f"f{t}": float(one.full[0])}
    share = " · ".join(f"{{p{t}}} / {{f{t}}}" for t in others) or "1"
    names = ", ".join(spot.scene.tensors[t].name for t in others) or "no other operand"
    text = f"reads when nonzeros are packed into lanes: one for each pass of {names}, not of full tiles"
    sides = ("x − ⌊x · (1 − passes / full passes)⌋", f"{{x}} − ⌊{{x}} · (1 − {share})⌋", numbers)
    return equation(text, random, sides, "words", "accesses.random_reads")


def _reduction_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Additions of partial sums in the level."""
    traffic, sparse = spot.scene.counted.traffic, spot.scene.counted.sparse
    reads, updates = int(traffic.reads[spot.place][0]), int(traffic.updates[spot.place][0])
    if not spot.tensor.is_output or not updates:
        return
    count = int(temporal_reductions(traffic, sparse, spot.place)[0])
    random = int(sparse.tally.data["random"]["updates"][spot.place][0])
    text = "additions of a partial sum to what was there (they cost nothing)"
    formula = "⌈dense reads · (random updates / dense updates)⌉"
    numbers = {"r": reads, "x": random, "u": updates}
    yield equation(text, count, (formula, "⌈{r} · ({x} / {u})⌉", numbers), "additions", figure="temporal_reductions")
