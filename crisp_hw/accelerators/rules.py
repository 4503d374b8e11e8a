"""What an architecture file must obey beyond its form: every mistake of it, each with its line."""

from collections.abc import Iterator, Mapping
from itertools import chain

from crisp_hw.accelerators.schema import ArchFile, Compute, Constraint, Level, SchemeField
from crisp_hw.characterization.components import OVERHEADS
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of, shown
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.limits import MOST_INSTANCES
from crisp_hw.spec.variant import BITS_PER_KB

LEVELS = ("DRAM", "SMEM", "RF", "LRF")  # every encoding of crisp_hw.encode is written for this chain

Fanouts = Mapping[str, tuple[int, int]]
"""Children below one instance of each level, along x and y."""


def faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Every mistake of a file whose form is right; names come first, and alone, since the rest speaks of them."""
    names = list(_name_faults(document, file))
    yield from names
    if not names:
        rest = (
            _instance_faults(document, file),
            chain.from_iterable(_size_faults(document, name, level) for name, level in file.levels.items()),
            _constraint_faults(document, file),
            _scheme_faults(document, file.scheme),
        )
        yield from chain.from_iterable(rest)


def at_key(document: MarkedDict, *keys: str) -> Where:
    """The place of a field, by the keys that lead to it; where one is not written, that of what it should stand in."""
    node, mark = document, mark_of(document)
    for key in keys:
        if not isinstance(node, MarkedDict) or key not in node:
            break
        mark, node = mark_of(node, key) or mark, node[key]
    return Where("arch", key=".".join(keys), mark=mark)


def words_of(level: Level) -> float | None:
    """The words that a level holds; None for one without an end."""
    if level.size_words:
        return float(level.size_words.value)
    return level.size_kb.value * BITS_PER_KB / level.word_bits.value if level.size_kb else None


def _name_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Levels and constraints name the chain, each level once; the compute level has a name of its own."""
    lacking = False
    for part in ("levels", "constraints"):
        names, at = document[part], Where("arch", key=part, mark=mark_of(document, part))
        for name in names:
            if name not in LEVELS:
                there = at.under(shown(name).strip("'"), mark_of(names, name))
                yield InputError("there is no such level", there, did_you_mean(name, LEVELS))
        if missing := [level for level in LEVELS if level not in names]:
            lacking = True
            yield InputError(f"lack {missing[0]}", at, f"a fabric has {', '.join(LEVELS)}, outermost first")
    if not lacking and tuple(file.levels) != LEVELS and set(file.levels) == set(LEVELS):
        at = Where("arch", key="levels", mark=mark_of(document, "levels"))
        said = f"they are {', '.join(file.levels)}; a fabric has {', '.join(LEVELS)} in this order"
        yield InputError(said, at, "reorder them")
    if file.compute.name.upper() in (*LEVELS, *map(str.upper, OVERHEADS)):
        at = Where("arch", key="compute.name", mark=mark_of(document["compute"], "name"))
        yield InputError(f"{file.compute.name} is the name of another component", at, "call it MAC")


def _instance_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    many, parts = 1, [*file.levels.items()]
    mac: tuple[str, Level | Compute] = (file.compute.name, file.compute)
    for name, part in (*parts, mac):
        many *= part.fanout_x.value * part.fanout_y.value
        if many > MOST_INSTANCES:
            at = at_key(document, "levels", name) if name in file.levels else at_key(document, "compute")
            said = f"{many:,} instances of {name} are more than {MOST_INSTANCES:,}"
            yield InputError(said, at, "lower a fanout")
            return  # further in there are as many or more


def _size_faults(document: MarkedDict, name: str, level: Level) -> Iterator[InputError]:
    if level.size_kb and level.size_words:
        at = at_key(document, "levels", name, "size_words")
        yield InputError(f"{name} has both size_kb and size_words", at, "keep one")
        return
    words, vector = words_of(level), level.vector_words.value
    if words is not None and words % vector:
        at = at_key(document, "levels", name, "size_kb" if level.size_kb else "size_words")
        yield InputError(f"{name} holds {words:g} words, which is no multiple of its {vector} vector_words", at)


def _scheme_faults(document: MarkedDict, scheme: SchemeField) -> Iterator[InputError]:
    if scheme.max_pattern and scheme.kind != "stc":
        at = at_key(document, "scheme", "max_pattern")
        yield InputError(f"scheme {scheme.kind} takes no max_pattern", at, "only stc does")
    if scheme.kind == "stc" and not scheme.max_pattern:
        what = "scheme stc lacks max_pattern, the densest N:M it exploits"
        yield InputError(what, at_key(document, "scheme"), 'add one, e.g. "2:4"')
    if scheme.kind == "stc" and scheme.max_pattern:
        n, m = (int(part) for part in scheme.max_pattern.value.split(":"))
        if n > m:
            at = at_key(document, "scheme", "max_pattern")
            yield InputError(f"{n}:{m} keeps more than it has", at, "write N:M with N <= M")


def _constraint_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    given = file.constraints
    for name, fanout in _fanouts(file).items():
        yield from _spatial_faults(at_key(document, "constraints", name), given[name], fanout)
    if set(given["DRAM"].keep) != {"A", "B", "Z"}:
        at = at_key(document, "constraints", "DRAM", "keep")
        said = f"DRAM keeps only {', '.join(given['DRAM'].keep)}"
        yield InputError(said, at, "the outermost level keeps A, B and Z")
    arrays = [name for name, rule in given.items() if rule.spatial == "fill"]
    if len(arrays) != 1:
        said = f"constraints of {', '.join(arrays) or 'no level'} say `spatial: fill`"
        yield InputError(said, at_key(document, "constraints", *arrays[1:2]), "exactly one level fills the array")


def _fanouts(file: ArchFile) -> Fanouts:
    """What each level feeds, innermost first: the next one inwards, and the innermost the MACs."""
    parts: list[Level | Compute] = [*file.levels.values(), file.compute]
    fed = {name: (each.fanout_x.value, each.fanout_y.value) for name, each in zip(file.levels, parts[1:], strict=True)}
    return dict(reversed(fed.items()))


def _spatial_faults(at: Where, rule: Constraint, fanout: tuple[int, int]) -> Iterator[InputError]:
    """Spatial loops exactly where there are copies to run on; an array has M along one axis and one other dimension."""
    x, y = fanout
    if (x > 1, y > 1) != (bool(rule.x), bool(rule.y)) and rule.spatial != "fill":
        said = f"it feeds {x} x {y} children, so its constraint needs dimensions for just those axes"
        yield InputError(said, at)
    elif (x * y > 1) != (rule.spatial is not None):
        hint = "say `spatial: fill` or `share` if and only if more than one"
        yield InputError(f"it feeds {x} x {y} children", at, hint)
    elif rule.spatial == "fill" and not (len(rule.x) == len(rule.y) == 1 and "M" in rule.x + rule.y):
        said = f"it fills the array with {rule.x} x {rule.y}"
        yield InputError(said, at, "give M on one axis and K or N on the other")
