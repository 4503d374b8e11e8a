"""Metadata that moves: entries of every rank with each kind of access, and what SAFs leave of them."""

from collections.abc import Iterator

from crisp_hw.engine.safs.counts import KINDS, OPS, entry, metadata_bits
from crisp_hw.engine.safs.propagate import outer_saf
from crisp_hw.explanation.arithmetic import equation, fact
from crisp_hw.explanation.counts import here, own_saf
from crisp_hw.explanation.nouns import ExplanationStep
from crisp_hw.explanation.scene import Spot, number_of

SORTS = ("metadata", "payload")


def metadata_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Nothing where the level keeps no metadata of the tensor."""
    tally, stored = spot.scene.counted.sparse.tally, spot.scene.counted.sparse.ranks.get(spot.place)
    if stored is None or stored.form is None:
        return
    for op in OPS:
        for r in range(len(stored.fibers)):
            for sort in range(2):
                moved = {kind: int(entry(tally, (kind, op), spot.place, (r, sort))[0]) for kind in KINDS}
                if any(moved.values()):
                    yield from _entry_steps(spot, (op, r, sort), moved)
        for kind in KINDS:
            bits = int(number_of(metadata_bits(tally, spot.level, spot.place, stored, (kind, op))))
            if bits:
                yield fact(f"{kind} {op}: metadata of all ranks, entries times their bits", bits, "bits")


def _entry_steps(spot: Spot, key: tuple[str, int, int], moved: dict[str, int]) -> Iterator[ExplanationStep]:
    """One sort of entry of one rank: a tile's, as often as tiles move with an access, less what SAFs spare."""
    op, r, sort = key
    sparse, traffic = spot.scene.counted.sparse, spot.scene.counted.traffic
    units = number_of(sparse.occupancy[spot.place].units[r][sort])
    outer, own = outer_saf(sparse.safs, *spot.place), own_saf(spot)
    source = "updates" if own is not None and outer is not None and op == "reads" else op
    words, tile = int(getattr(traffic, source)[spot.place][0]), int(traffic.tile[spot.place][0])
    before, figure = sum(moved.values()), f"format_accesses.random_{op}.{r}.{sort}"
    formula, values = "⌈entries · dense words / T⌉", "⌈{e} · ({x} / {T})⌉"
    numbers = {"e": units, "x": words, "T": tile}
    text = f"{op}, rank {r}: {SORTS[sort]} entries"
    if source != op:
        text += " (a SAF level reached from an outer SAF moves the metadata of its updates instead: Timeloop's way)"
    hit = outer is not None and r == 0 and op != "updates" and source == op
    if hit and outer is not None and len(sparse.ranks[outer, spot.t].fibers) == 1 and _stores(spot, outer):
        numbers["p"] = float(sparse.safs[outer, spot.t].probability[0])
        formula = "x − ⌊x · p⌋ with x = ⌈entries · dense words / T⌉"
        values = f"{values} − ⌊{values} · {{p}}⌋"
        text += f", less what the SAF of {spot.scene.name(outer)} spares"
    avoided = {kind: count for kind, count in moved.items() if kind != "random" and count}
    yield equation(text, before, (formula, values, numbers), "entries", figure="" if avoided else figure)
    for kind, count in avoided.items():
        text = f"{op}, rank {r}: {kind} with the data"
        step = {"x": before, "p": here(spot)}
        yield equation(
            text, count, ("⌊x · p⌋", "⌊{x} · {p}⌋", step), "entries", figure=f"format_accesses.{kind}_{op}.{r}.{sort}"
        )
        text = f"{op}, rank {r}: entries that really move"
        sides = (f"x − {kind}", "{x} − {y}", {"x": before, "y": count})
        yield equation(text, moved["random"], sides, "entries", figure)


def _stores(spot: Spot, level: int) -> bool:
    """Does the level keep metadata of the tensor?"""
    stored = spot.scene.counted.sparse.ranks.get((level, spot.t))
    return stored is not None and stored.form is not None
