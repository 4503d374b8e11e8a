"""Timeloop's map+stats.xml, the archive of its objects: the figures of stats.txt and more, with all their digits."""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import replace

from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.backends.timeloop.stats import Figures, LevelFigures, Number, Ranks, Stats
from crisp_hw.machine.foreign import in_our_words

_END = "</boost_serialization>"
_PRINTED = 0.00501  # stats.txt rounds to two decimals
_COMPUTE = {
    "energy_": "total_energy",
    "cycles_": "cycles",
    "avg_utilized_instances_": "utilized_instances",
    "algorithmic_computes_": "algorithmic_computes",
    "random_computes_": "random_computes",
    "gated_computes_": "gated_computes",
    "skipped_computes_": "skipped_computes",
}
_WHOLE = re.compile(r"-?\d+")


def refine(stats: Stats, text: str, tensors: Sequence[str]) -> Stats:
    """The figures of stats.txt with those of its archive put in their place.

    `tensors` are the problem's, in order. ToolError when the archive cannot be read, or contradicts stats.txt by more
    than the rounding there.

    >>> refine(Stats((), {}), "<boost_serialization>", ())
    Traceback (most recent call last):
    ...
    crisp_hw.backends.timeloop.failure.ToolError: map+stats.xml has 0 levels, stats.txt 0; Timeloop did not finish it
    """
    objects = _objects(text)
    if not objects or len(objects) != len(stats.levels):
        raise ToolError(
            f"map+stats.xml has {len(objects)} levels, stats.txt {len(stats.levels)}", hint="Timeloop did not finish it"
        )
    pairs = zip(stats.levels, objects, strict=True)
    return replace(stats, levels=tuple(_level(level, found, tensors) for level, found in pairs))


def _objects(text: str) -> list[ET.Element]:
    """The archived levels; the end tag is missing where Timeloop writes before it closes the archive."""
    if "<!ENTITY" in text:
        raise ToolError("map+stats.xml declares entities", hint="Timeloop writes none, so the file is not its own")
    whole = text if text.rstrip().endswith(_END) else text + _END
    try:
        root = ET.fromstring(whole)
    except ET.ParseError as error:
        raise ToolError(
            f"map+stats.xml cannot be read ({in_our_words(error)})", hint="Timeloop did not finish it"
        ) from error
    return root.findall("./engine/topology_/levels_/item/px")


def _level(level: LevelFigures, found: ET.Element, tensors: Sequence[str]) -> LevelFigures:
    name = found.findtext("./specs_/level_name") or found.findtext("./specs_/LevelSpecs/level_name")
    if name != level.name:
        raise ToolError(
            f"map+stats.xml has level {name} where stats.txt has {level.name}", hint="they are of different runs"
        )
    stats = found.find("stats_")
    if stats is None:
        exact = {ours: _number(found.findtext(theirs, "")) for theirs, ours in _COMPUTE.items()}
        return LevelFigures(level.name, _agreed(level.name, level.own, Figures(exact)))
    own = Figures({tag: _number(stats.findtext(tag, "")) for tag in ("cycles", "slowdown")})
    return LevelFigures(
        level.name,
        _agreed(level.name, level.own, own),
        {
            name: _agreed(f"{level.name} {name}", figures, _tensor(stats, _place(name, tensors)))
            for name, figures in level.tensors.items()
        },
    )


def _place(name: str, tensors: Sequence[str]) -> int:
    if name not in tensors:
        raise ToolError(
            f"stats.txt has tensor {name}, the problem {', '.join(tensors)}", hint="they are of different runs"
        )
    return tensors.index(name)


def _tensor(stats: ET.Element, place: int) -> Figures:
    """One tensor's share of every list that holds one item per tensor."""
    found = Figures()
    for entry in stats:
        items = entry.findall("./PerDataSpace/item")
        if place < len(items):
            if "_format_" in entry.tag:
                found.ranks[entry.tag] = tuple(_ranks(items[place]))
            else:
                found.numbers[entry.tag] = _number(items[place].text or "")
    instances = found.numbers.get("utilized_instances", 0)
    found.numbers["total_energy"] = found.numbers.get("energy", math.nan) * instances
    return found


def _ranks(item: ET.Element) -> Iterator[tuple[int, int]]:
    for rank in item.findall("item"):
        values = [int(_number(entry.text or "")) for entry in rank.findall("item")]
        if len(values) != 2:
            raise ToolError("map+stats.xml has a rank without two counts", hint="Timeloop did not finish it")
        yield values[0], values[1]


def _agreed(where: str, printed: Figures, exact: Figures) -> Figures:
    """The exact figures over the printed ones, which must be the same but for rounding."""
    for name, value in exact.numbers.items():
        shown = printed.numbers.get(name)
        if shown is not None and not _same(shown, value):
            raise ToolError(
                f"{where}: map+stats.xml has {name} {value}, stats.txt {shown}", hint="they are of different runs"
            )
    ranks: dict[str, Ranks] = {**printed.ranks, **exact.ranks}
    return Figures({**printed.numbers, **exact.numbers}, ranks)


def _same(shown: Number, value: Number) -> bool:
    if isinstance(shown, int) and isinstance(value, int):
        return shown == value
    if not (math.isfinite(shown) and math.isfinite(value)):
        return True  # a ratio of nothing; neither is used
    return abs(shown - value) <= _PRINTED + 1e-12 * abs(value)


def _number(text: str) -> Number:
    try:
        return int(text) if _WHOLE.fullmatch(text.strip()) else float(text)
    except ValueError as error:
        raise ToolError(f"map+stats.xml has {text[:40]!r} where a number must stand") from error
