"""What is said of many layers, one line per kind instead of one per layer."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crisp_hw.spec.evaluation import NetworkEvaluation
from crisp_hw.spec.shown import listed

NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?")
SHOWN = 3  # names that a line lists before it counts the rest


@dataclass(frozen=True)
class Note:
    """One kind of assumption, the accelerators and layers that it concerns (no layers: the evaluation as a whole)."""

    text: str
    archs: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


def notes(network: NetworkEvaluation) -> tuple[Note, ...]:
    """Every assumption of the rows and of the network; texts that differ only in their numbers become one.

    A number that varies is written as its range, `36–4608`. "<layer>: " at the start of a text is taken off, because
    the note lists its layers.

    >>> notes(NetworkEvaluation("nothing", (), assumptions=("activations are dense",)))
    (Note(text='activations are dense', archs=(), layers=()),)
    """
    entries = [
        (row.arch, row.layer, text)
        for row in network.rows
        for text in dict.fromkeys((*row.point.assumptions, *row.result.assumptions, *row.dense.assumptions))
    ]
    said = {text for _, _, text in entries}
    return (*(Note(text) for text in dict.fromkeys(network.assumptions) if text not in said), *gathered(entries))


def gathered(entries: Iterable[tuple[str, str, str]]) -> tuple[Note, ...]:
    """Notes of (accelerator or "", layer, text), in order of appearance.

    >>> gathered([("", "a", "keeps 3 of 9"), ("", "b", "keeps 4 of 9")])
    (Note(text='keeps 3–4 of 9', archs=('',), layers=('a', 'b')),)
    """
    kinds: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for arch, layer, text in entries:
        plain = text.removeprefix(f"{layer}: ")
        kinds.setdefault((NUMBER.sub("#", plain), arch), []).append((layer, plain))
    return tuple(_merged(kinds))


def note_line(note: Note, archs: Collection[str], layers: Collection[str]) -> str:
    """A note as one line that ends in what it concerns, of all these accelerators and layers.

    >>> note_line(Note("rows are padded", ("stc",), ("fc",)), ["stc", "dstc"], ["conv", "fc"])
    'rows are padded [stc: fc]'
    """
    if not note.layers:
        return note.text
    named = f"all {len(layers)} layers" if len(note.layers) == len(layers) > 1 else listed(note.layers, SHOWN)
    on = where(note, archs)
    return f"{note.text} [{on}{': ' if on else ''}{named}]"


def where(note: Note, archs: Collection[str]) -> str:
    """The accelerators that a note concerns, "" for all of them or for the evaluation as a whole.

    >>> where(Note("rows are padded", ("stc",), ("fc",)), ["stc", "dstc"])
    'stc'
    """
    return "" if len(note.archs) == len(archs) else ", ".join(note.archs)


def _merged(kinds: Mapping[tuple[str, str], Sequence[tuple[str, str]]]) -> Iterator[Note]:
    """One note per kind and set of layers, so that accelerators that assume the same share a line."""
    together: dict[tuple[str, tuple[str, ...]], list[tuple[str, str]]] = {}
    for (kind, arch), found in kinds.items():
        layers = tuple(dict.fromkeys(layer for layer, _ in found))
        together.setdefault((kind, layers), []).extend((arch, text) for _, text in found)
    for (_, layers), pairs in together.items():
        archs, texts = (tuple(dict.fromkeys(column)) for column in zip(*pairs, strict=True))
        yield Note(_ranged(texts), archs, layers)


def _ranged(texts: Sequence[str]) -> str:
    """The first text, each number that is not the same in all of them as a range."""
    columns = (_range(column) for column in zip(*(NUMBER.findall(text) for text in texts), strict=True))
    return NUMBER.sub(lambda _: next(columns), texts[0])


def _range(column: Iterable[str]) -> str:
    ordered = sorted(set(column), key=lambda text: float(text.replace(",", "")))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]}–{ordered[-1]}"
