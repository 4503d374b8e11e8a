"""What the totals rest on, in a few lines: the assumptions that matter most, and what was left out."""

from collections.abc import Collection, Sequence

from crisp_hw.documents.columns import plain
from crisp_hw.report.notes import SHOWN, Note, where
from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.shown import listed

LINES = 5
WEIGHTY = (
    "is not proven to be the best",
    "are a lower bound",
    "set by the caller",
    "another way to run it is left out, because no mapping",
    "the energy table has no",
    "no masks, so",
    "drawn uniformly from seed",
    "are scattered uniformly",
    "one sample at a time",
    "exactly",
)
"""Words of assumptions on which the numbers hang most, weightiest first; of others, those of more layers come first."""


def basis(network: NetworkEvaluation, found: Sequence[Note], archs: Collection[str]) -> tuple[str, ...]:
    """At most five lines: the heads of the weightiest assumptions, and at last what was skipped, counted.

    The head of an assumption ends at its first semicolon.

    >>> basis(NetworkEvaluation("nothing", ()), [Note("no masks, so all is alike; in blocks")], ())
    ('no masks, so all is alike',)
    """
    skipped = [each.name for each in network.skipped]
    room = LINES - bool(skipped)
    weightiest = sorted(found, key=lambda note: (_rank(note.text), -_share(note, len(network.rows))))[:room]
    lines = [plain(_head(note, archs)) for note in weightiest]
    if skipped:
        lines.append(plain(f"{len(skipped)} skipped: {listed(skipped, SHOWN)}; at no cost here"))
    return tuple(lines)


def _rank(text: str) -> int:
    return next((rank for rank, words in enumerate(WEIGHTY) if words in text), len(WEIGHTY))


def _share(note: Note, rows: int) -> int:
    """Layers that the note concerns, on any accelerator; those of the whole evaluation concern all."""
    return len(note.layers) * max(1, len(note.archs)) if note.layers else rows


def _head(note: Note, archs: Collection[str]) -> str:
    head = note.text.partition("; ")[0]
    named = where(note, archs)
    return f"{head} [{named}]" if named else head
