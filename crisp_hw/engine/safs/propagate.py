"""What a SAF at one level leaves for that level and for all levels inside it (docs/model.md, sections 6.1 and 6.4).

Timeloop: storage-optimization-combiner.cpp.
"""

from dataclasses import dataclass
from typing import Literal

from crisp_hw.engine.arrays import Float, Int, ceil, floats, floor, ratio, snapped
from crisp_hw.engine.safs.counts import OPS, Accesses, Entries
from crisp_hw.engine.safs.probability import Impact
from crisp_hw.engine.tiling import Counts, Place, keeper_below
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.problem import Problem

Kind = Literal["gated", "skipped", "spatial"]


@dataclass(frozen=True)
class Saf:
    """The SAF that acts on one tensor in one level, with its probability float64[b] and, in time, its reasons."""

    kind: Kind
    probability: Float
    impact: Impact | None = None


@dataclass
class Combiner:
    """Everything that the combination reads and writes; `remaining[op]` is what outer SAFs have left, in whole words.

    `entries[op]` are the metadata entries of the uncompressed traffic.
    """

    problem: Problem
    nest: LoopNest
    safs: dict[Place, Saf]
    remaining: dict[str, Counts]
    entries: dict[str, dict[Place, Entries]]
    tally: Accesses


def represented(count: Int, density: Float, counted: bool = False) -> Int:
    """Accesses left when only the share `density` of the words is stored: count - floor(count * (1 - density)).

    Where words were `counted`, what only the rounding of that share keeps from a whole number is whole.
    """
    lost = floats(count) * (1.0 - density)
    return count - floor(snapped(lost) if counted else lost)


def combine(combiner: Combiner) -> dict[int, Float]:
    """Fill the tally; returns for each operand whose SAF reaches the MACs its probability float64[b]."""
    reached: dict[int, Float] = {}
    settled: set[Place] = set()
    levels = range(len(combiner.nest.keeps) - 1, -1, -1)
    for t, tensor in enumerate(combiner.problem.tensors):
        for level in levels:
            if (level, t) not in combiner.safs:
                continue
            stopped = _walk_inwards(combiner, level, t, settled)
            if (level, t) not in settled:
                settled.add((level, t))
                _settle(combiner, level, t, combiner.safs[level, t].probability, "reads")
            if not stopped and not tensor.is_output:
                reached[t] = combiner.safs[level, t].probability
    _settle_rest(combiner)
    return reached


def _walk_inwards(combiner: Combiner, level: int, t: int, settled: set[Place]) -> bool:
    """Take the SAF's share from every level inside it; True when a SAF further in takes over."""
    p = combiner.safs[level, t].probability
    for inner in range(level - 1, -1, -1):
        for op in OPS:
            left = combiner.remaining[op]
            if (inner, t) in left:
                left[inner, t] = left[inner, t] - floor(floats(left[inner, t]) * p)
        one_rank = (level, t) in combiner.entries["reads"] and len(combiner.entries["reads"][level, t]) == 1
        if one_rank and (inner, t) in combiner.entries["reads"]:
            # Timeloop hands a SAF on to inner metadata only from a level with a single rank, and to rank 0 alone
            for op in ("fills", "reads"):
                (metadata, payload), *rest = combiner.entries[op][inner, t]
                first = _share_taken(metadata, p)[0], _share_taken(payload, p)[0]
                combiner.entries[op][inner, t] = (first, *rest)
        if (inner, t) in combiner.safs:
            gap = share_left(combiner.safs[inner, t].probability, p)
            settled.add((inner, t))
            # reached from outside, its metadata reads are replaced by its metadata updates (Timeloop HEAD)
            _settle(combiner, inner, t, gap, "updates")
            return True
    return False


def _share_taken(count: Int | None, p: Float) -> tuple[Int | None, Int | None]:
    """What is left of a count, and the share p that is taken from it."""
    if count is None:
        return None, None
    taken = floor(floats(count) * p)
    return count - taken, taken


def share_left(own: Float, outer: Float) -> Float:
    """P(avoided here) of what a SAF further out let through: 1 - (1 - own) / (1 - outer).

    Below 0 where the outer SAF avoids more. The counts that follow are negative, which wraps around in Timeloop's
    unsigned integers; whoever reports them wraps them, too (`counts: unsigned`).
    """
    gap: Float = 1.0 - ratio(1.0 - own, 1.0 - outer, 1.0)
    return gap


def outer_saf(safs: dict[Place, Saf], level: int, t: int) -> int | None:
    """The level of the only SAF further out that a level feels: the next one, which stops those outside it."""
    return min((outer for outer, tensor in safs if tensor == t and outer > level), default=None)


def _copy_counts(combiner: Combiner, level: int, t: int, reads_from: str) -> None:
    tally, place = combiner.tally, (level, t)
    for op in OPS:
        if place in combiner.remaining[op]:
            tally.data["random"][op][place] = combiner.remaining[op][place]
        if place in combiner.entries["reads"]:
            source = reads_from if op == "reads" else op
            tally.metadata["random"][op][place] = combiner.entries[source][place]


def _settle(combiner: Combiner, level: int, t: int, probability: Float, reads_from: str) -> None:
    """Write the counts of a SAF level, and move what the SAF avoids here to gated or skipped."""
    _copy_counts(combiner, level, t, reads_from)
    kind, place = combiner.safs[level, t].kind, (level, t)
    if kind == "spatial":
        return
    tensor, tally = combiner.problem.tensors[t], combiner.tally
    random, avoided = tally.data["random"], tally.data[kind]
    round_reads = ceil if tensor.is_output else floor
    for op, rounding in (("reads", round_reads), ("updates", floor)):
        if place in random[op]:
            avoided[op][place] = rounding(floats(random[op][place]) * probability)
            random[op][place] = random[op][place] - avoided[op][place]
    if place in combiner.entries["reads"]:
        _move_metadata(combiner, level, t, probability, kind)


def _move_metadata(combiner: Combiner, level: int, t: int, probability: Float, kind: str) -> None:
    """Metadata of the ranks that travel to the child is avoided with the data; all ranks in the innermost level."""
    tensor, place = combiner.problem.tensors[t], (level, t)
    child = keeper_below(combiner.nest, level, tensor.name)
    entries = combiner.entries["reads"]
    ranks = len(entries[place]) if child < 0 else len(entries.get((child, t), ()))
    for op in ("reads", "updates"):
        here = combiner.tally.metadata["random"][op][place]
        split = [[_share_taken(count, probability) for count in rank] for rank in here[:ranks]]
        left, taken = (tuple((m[part], p[part]) for m, p in split) for part in (0, 1))
        combiner.tally.metadata["random"][op][place] = (*left, *here[ranks:])
        combiner.tally.metadata[kind][op][place] = (*taken, *((None, None),) * (len(here) - ranks))


def _settle_rest(combiner: Combiner) -> None:
    """Levels without a SAF of their own (spatial skipping acts on instances, not on accesses)."""
    for t in range(len(combiner.problem.tensors)):
        for level in range(len(combiner.nest.keeps)):
            saf = combiner.safs.get((level, t))
            if saf is None or saf.kind == "spatial":
                _copy_counts(combiner, level, t, "reads")
