"""How much metadata a tile needs: units of every rank from how often the tiles nested in it are empty.

Docs/model.md, section 5.2 (Timeloop: sparse-analysis/representation-analyzer.cpp).
"""

from collections.abc import Sequence

from crisp_hw.engine.arrays import Bool, Float, Int, any_, floats, namespace
from crisp_hw.engine.formats import StoredRanks
from crisp_hw.spec.dialect import HEAD, Rules
from crisp_hw.spec.sparse import Rank

Units = list[tuple[Float | None, Float | None]]
"""(metadata, payload) units of each rank, innermost first; None where a rank has none by its structure."""


def metadata_units(ranks: StoredRanks, empties: Sequence[Float], rules: Rules = HEAD) -> Units:
    """Metadata of a tile from P(empty) of its nested tiles: `empties[r]` below rank r, one more than ranks are counted.

    U, UOP, B, CP and RLE as in docs/model.md, section 5.2; the innermost rank that stores something has the data
    itself as its payload, so that payload is 0.
    """
    assert ranks.form is not None
    top = len(ranks.fibers) - 1
    dummy_at = 0 if ranks.form.inner_to_outer else top
    units: Units = [(None, None)] * (top + 1)
    fibers_above: Float | None = None
    for r in range(top, -1, -1):
        fiber = ranks.fibers[r]
        spans = fiber > 1
        if r < ranks.counted and (r == dummy_at or any_(spans)):
            live = 1.0 - empties[r + 1]
            live = live if fibers_above is None else fibers_above * live
            both = _rank_units(ranks.form.ranks[r], fiber, (fibers_above, live), 1.0 - empties[r], rules)
            units[r] = both if r == dummy_at or not any_(~spans) else _where(spans, both)
        fibers_above = floats(fiber) if fibers_above is None else fibers_above * floats(fiber)
    return _drop_data_payload(units)


def _rank_units(
    rank: Rank, fiber: Int, fibers: tuple[Float | None, Float], occupied: Float, rules: Rules
) -> tuple[Float | None, Float | None]:
    """Units of one rank: `fibers` are all (None: one) and the nonempty ones, `occupied` the share of coordinates.

    In MICRO22 (D6) CP and RLE hold the expected number of nonempty coordinates, whatever fiber they are in.
    """
    length, (every, live) = floats(fiber), fibers
    coordinates = length if every is None else every * length
    xp = namespace(live)
    match rank.format:
        case "CP" | "RLE" if not rules.whole_coordinates:
            return (count := coordinates * occupied), count
        case "UOP":
            return None, live * (length + 1)
        case "B":
            return live * length, live * xp.ceil(length * occupied)
        case "CP":
            return (count := live * xp.ceil(length * occupied)), count
        case "RLE":
            return (count := live * (length * occupied)), count
        case "U":
            return (count := coordinates * xp.ones_like(live)), count


def _where(there: Bool, units: tuple[Float | None, Float | None]) -> tuple[Float | None, Float | None]:
    """Units of the tiles in which a rank spans anything; dummies cost nothing."""
    metadata, payload = (None if each is None else namespace(each).where(there, each, 0.0 * each) for each in units)
    return metadata, payload


def _drop_data_payload(units: Units) -> Units:
    """Take away the payload of the innermost rank that holds anything, column by column."""
    out: Units = []
    pending = None
    for metadata, payload in units:
        held = [each != 0 for each in (metadata, payload) if each is not None]
        if not held:
            out.append((None, None))
            continue
        holds = held[0] | held[1] if len(held) > 1 else held[0]
        if pending is None:
            payload, pending = None, ~holds
        elif any_(pending):
            if payload is not None:
                payload = namespace(payload).where(pending & holds, 0.0 * payload, payload)
            pending = pending & ~holds
        out.append((metadata, payload))
    return out
