"""What a tile holds: density, how many nonzeros on average and at worst, how often none, and how it is written down."""

import math
from collections.abc import Iterator

import numpy as np

from crisp_hw.engine.banded import nonzeros as band_nonzeros
from crisp_hw.engine.content import expected_occupancy, prob_empty_given, support
from crisp_hw.engine.density import nonzeros
from crisp_hw.engine.formats import StoredRanks, word_bits
from crisp_hw.engine.occupancy import Occupancy, unconditioned_empty
from crisp_hw.engine.validity import capacity, metadata_capacity
from crisp_hw.explanation.arithmetic import Sides, equation, fact, quantity
from crisp_hw.explanation.nouns import ExplanationStep
from crisp_hw.explanation.scene import Spot, number_of
from crisp_hw.spec.patterns import Actual, Banded, FixedStructured, HybridBlocks, Hypergeometric, PatternedLines

SURE = 1.0 + 1e-6  # a sum of probabilities beyond rounding
NEGLIGIBLE = 1e-12  # probability below which an occupancy is not listed


def occupancy_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """How many nonzeros the tile holds, and how often none."""
    content = spot.scene.counted.sparse.occupancy.get(spot.place)
    words = int(capacity(spot.scene.counted, *spot.place)[0])
    if content is None:
        yield fact(
            "the design has no format and no SAF: densities have no effect, every word moves", 1.0, "", "density"
        )
        yield fact("words reserved: the whole tile", words, "words", "utilized_capacity")
        return
    stored = spot.scene.counted.sparse.ranks[spot.place]
    if stored.form is None and float(content.density[0]) == 1:
        yield fact(f"{spot.tensor.name} is dense here: every word of the tile counts; ρ", 1.0, "", "density")
        yield fact("words reserved: the whole tile", words, "words", "utilized_capacity")
        return
    yield from _mean_steps(spot, content)
    if stored.form is None:
        yield fact(
            "words reserved: the whole tile, because no format says where the nonzeros are",
            words,
            "words",
            "utilized_capacity",
        )
        return
    yield from _largest_step(spot, words)


def _mean_steps(spot: Spot, content: Occupancy) -> Iterator[ExplanationStep]:
    tiling, tensor = spot.scene.tiling, spot.tensor
    shape = tiling.tile_below(tiling.ends[spot.index], tensor)
    empty = float(unconditioned_empty(tiling, tensor, shape)[0])
    mean = float(expected_occupancy(tensor.density, spot.tensor_words, shape)[0])
    yield from _model_steps(spot, empty)
    words, chances = float(content.words[0]), _chances(spot)
    if chances > SURE:
        yield fact(
            f"Timeloop's probabilities of tiles add up to {chances:g}, not to 1: do not use this", words, "words"
        )
    elif float(content.nonempty[0]) < 1:
        yield from _sent_mean(spot, content, mean, empty)
    else:
        yield _plain_mean(spot, words, mean)
    numbers = {"e": words, "T": spot.tile}
    text = f"density of what one {spot.level.name} holds"
    yield equation(text, float(content.density[0]), ("ρ = nonzeros / T", "{e} / {T}", numbers), figure="density")


def _plain_mean(spot: Spot, words: float, mean: float) -> ExplanationStep:
    """Nonzeros of any tile."""
    text = "nonzeros of a tile on average, empty ones counted"
    if isinstance(spot.tensor.density, Banded) and not math.isclose(words, mean):
        return fact(f"{text}; shares of tiles of the band do not add up to 1: do not use this", words, "words")
    return equation(text, words, _mean_sides(spot, mean), "words")


def _mean_sides(spot: Spot, mean: float) -> Sides:
    """Formula and values of the mean number of nonzeros."""
    model, size = spot.tensor.density, spot.tensor_words
    match model:
        case FixedStructured(d):
            return "E = n · δ", "{n} · {d}", {"n": spot.tile, "d": d}
        case Hypergeometric():
            return "E = n · r / N", "{n} · {r} / {N}", {"n": spot.tile, "r": nonzeros(model, size), "N": size}
        case Banded(width):
            numbers = {"n": spot.tile, "r": band_nonzeros(width, math.isqrt(size)), "N": size}
            return "E = n · r / N", "{n} · {r} / {N}", numbers
        case Actual() | HybridBlocks() | PatternedLines():
            return "E = mean over all tiles", "{m}", {"m": mean}


def _sent_mean(spot: Spot, content: Occupancy, mean: float, empty: float) -> Iterator[ExplanationStep]:
    """Nonzeros of the tiles that are sent at all."""
    parent, tiling, words = spot.scene.name(spot.parent or 0), spot.scene.tiling, float(content.words[0])
    yield equation("nonzeros of a tile on average, empty ones counted", mean, _mean_sides(spot, mean), "words")
    tile = tiling.tile_below(tiling.ends[spot.index], spot.tensor)
    occupancy, probability = support(spot.tensor.density, spot.tensor_words, tile)
    least, p = int(occupancy[0, 0]), float(probability[0, 0])
    if least == 0:
        text = f"{parent} keeps metadata of {spot.tensor.name}, so empty tiles are never sent; nonzeros of one that is"
        sides = ("E' = E / (1 − P(0))", "{m} / (1 − {p})", {"m": mean, "p": empty})
        yield equation(text, words, sides, "words")
        return
    text = f"Timeloop takes the {least:,} nonzeros that a tile holds at least for none and drops them: do not use this"
    if p >= 1:  # shares of a band that add up to 2 among them
        yield fact(text, words, "words")
        return
    numbers = {"m": mean, "k": least, "p": p}
    yield equation(text, words, ("E' = (E − k · P(k)) / (1 − P(k))", "({m} − {k} · {p}) / (1 − {p})", numbers), "words")


def _model_steps(spot: Spot, empty: float) -> Iterator[ExplanationStep]:
    """The density model of the tensor, and how often it leaves this tile empty."""
    model, n, size = spot.tensor.density, spot.tile, spot.tensor_words
    match model:
        case FixedStructured(d):
            yield fact(f"{spot.tensor.name} is fixed_structured: every tile holds its share of nonzeros, δ", d)
            text = "share of empty tiles: 0 as soon as a tile is due one nonzero"
            yield equation(text, empty, ("P(0) = max(0, 1 − n · δ)", "max(0, 1 − {n} · {d})", {"n": n, "d": d}))
        case Hypergeometric(d):
            hits = nonzeros(model, size)
            text = f"{spot.tensor.name} is hypergeometric: so many nonzeros lie anywhere in it"
            yield equation(text, hits, ("r = ⌈δ · N⌉", "⌈{d} · {N}⌉", {"d": d, "N": size}), "words")
            formula, values = "P(0) = C(N − r, n) / C(N, n)", "C({z}, {n}) / C({N}, {n})"
            yield equation("share of empty tiles", empty, (formula, values, {"z": size - hits, "n": n, "N": size}))
        case Banded(width):
            text = f"{spot.tensor.name} is a band of {width} beside the diagonal: so many nonzeros lie in it"
            yield fact(text, band_nonzeros(width, math.isqrt(size)), "words")
            yield fact("share of empty tiles, as Timeloop counts them", empty)
        case Actual() | HybridBlocks() | PatternedLines():
            kind = "its own mask" if isinstance(model, Actual) else "the average over all masks of its pattern"
            yield fact(f"{spot.tensor.name} is counted in {kind}; its density δ", float(model.density))
            yield fact("share of empty tiles, as counted", empty)


def _largest_step(spot: Spot, words: int) -> Iterator[ExplanationStep]:
    """The worst case that storage must hold."""
    model, n = spot.tensor.density, spot.tile
    text = "words reserved: the fullest tile that can come, whatever the average"
    match model:
        case FixedStructured(d):
            numbers = {"n": n, "d": d}
            yield equation(text, words, ("⌈n · δ⌉", "⌈{n} · {d}⌉", numbers), "words", figure="utilized_capacity")
        case Hypergeometric():
            numbers = {"n": n, "r": nonzeros(model, spot.tensor_words)}
            yield equation(text, words, ("min(n, r)", "min({n}, {r})", numbers), "words", figure="utilized_capacity")
        case Banded() | Actual() | HybridBlocks() | PatternedLines():
            yield fact(f"{text} (as counted)", words, "words", "utilized_capacity")


def format_steps(spot: Spot) -> Iterator[ExplanationStep]:
    """Ranks from the outermost in, with their entries on average; then the bits of the worst case."""
    stored = spot.scene.counted.sparse.ranks.get(spot.place)
    if stored is None or stored.form is None:
        return
    content = spot.scene.counted.sparse.occupancy[spot.place]
    average = _empties(spot, stored, _only_occupancy(spot))
    for r in range(len(stored.fibers) - 1, -1, -1):
        metadata, payload = (number_of(units) for units in content.units[r])
        if metadata or payload:
            yield from _rank_steps(spot, stored, r, (metadata, payload), average)
    empty = [r for r, units in enumerate(content.units) if not any(map(number_of, units))]
    if empty:
        listed = ", ".join(f"{r} ({stored.form.ranks[r].format})" for r in empty)
        yield fact(f"ranks without entries (no loop is left for them, or their payload is the data itself): {listed}")
    terms: dict[str, float] = {}
    parts = []
    for r, (rank, units) in enumerate(zip(stored.form.ranks, content.largest_units, strict=True)):
        for kind, (entries, bits) in enumerate(zip(units, word_bits(spot.level, rank), strict=True)):
            if number_of(entries) and bits:
                terms |= {f"e{r}{kind}": number_of(entries), f"b{r}{kind}": bits}
                parts.append(f"{{e{r}{kind}}} · {{b{r}{kind}}}")
    values, bits = f"⌈{' + '.join(parts) or '0'}⌉", int(metadata_capacity(spot.scene.counted, *spot.place)[0])
    text = "metadata reserved: entries of the fullest tile, rank 0 first"
    yield equation(text, bits, ("⌈Σ entries · bits⌉", values, terms), "bits", figure="metadata_capacity_bits")


def _rank_steps(
    spot: Spot, stored: StoredRanks, r: int, units: tuple[float, float], average: list[float] | None
) -> Iterator[ExplanationStep]:
    """Metadata and payload entries of one rank."""
    assert stored.form is not None
    rank, fiber = stored.form.ranks[r], int(stored.fibers[r][0])
    above = math.prod(int(length[0]) for length in stored.fibers[r + 1 :])
    loops = ", ".join(f"{dim} {int(bound[0]):,}" for dim, bound in stored.loops[r]) or "no loop"
    widths = word_bits(spot.level, rank)
    for what, entries, bits in zip(("metadata", "payload"), units, widths, strict=True):
        if not entries:
            continue
        formula, values = _entries(rank.format, what)
        text = f"rank {r}, {rank.format} over {loops}: {quantity(above, 'fiber')} of {fiber:,}; "
        text += f"{what} entries of {quantity(bits, 'bit')}"
        if average is None:
            text += ", averaged over all occupancies of the tile"
            yield ExplanationStep(text, entries, "entries", f"Σ_k P(k) · {formula}")
            continue
        numbers = {"F": above, "f": fiber, "c": average[r + 1], "s": average[r]}
        yield equation(text, entries, (formula, values, numbers), "entries")


def _entries(form: str, what: str) -> tuple[str, str]:
    """Formula and template of the entries of a rank: F fibers of f coordinates, P₀(c) and P₀(s) empty."""
    live, shown = "F · (1 − P₀(c))", "{F} · (1 − {c})"
    match form, what:
        case "U", _:
            return "F · f", "{F} · {f}"
        case "UOP", _:
            return f"{live} · (f + 1)", f"{shown} · ({{f}} + 1)"
        case "B", "metadata":
            return f"{live} · f", f"{shown} · {{f}}"
        case "RLE", _:
            return f"{live} · f · (1 − P₀(s))", f"{shown} · {{f}} · (1 − {{s}})"
        case _:
            return f"{live} · ⌈f · (1 − P₀(s))⌉", f"{shown} · ⌈{{f}} · (1 − {{s}})⌉"


def _chances(spot: Spot) -> float:
    """Sum of the probabilities of all occupancies of the tile: 1, but for bands that Timeloop counts twice."""
    tile = spot.scene.tiling.tile_below(spot.scene.tiling.ends[spot.index], spot.tensor)
    return float(support(spot.tensor.density, spot.tensor_words, tile)[1][:, 0].sum())


def _only_occupancy(spot: Spot) -> int | None:
    """The number of nonzeros of every tile that is not empty, where there is only one."""
    tiling = spot.scene.tiling
    tile = tiling.tile_below(tiling.ends[spot.index], spot.tensor)
    occupancy, probability = support(spot.tensor.density, spot.tensor_words, tile)
    if _chances(spot) > SURE:
        return None
    alive = float(spot.scene.counted.sparse.occupancy[spot.place].nonempty[0]) < 1
    likely = {int(k) for k, p in zip(occupancy[:, 0], probability[:, 0], strict=True) if p > NEGLIGIBLE}
    likely -= {0} if alive else set()
    return likely.pop() if len(likely) == 1 else None


def _empties(spot: Spot, stored: StoredRanks, occupancy: int | None) -> list[float] | None:
    """P(empty) of the tile below each rank and of the whole, given how many nonzeros the whole has."""
    if occupancy is None:
        return None
    tiling = spot.scene.tiling
    tile, given = tiling.tile_below(tiling.ends[spot.index], spot.tensor), np.array([occupancy])
    nested = (*stored.below, tile)
    return [float(prob_empty_given(spot.tensor.density, inner, tile, given)[0]) for inner in nested]
