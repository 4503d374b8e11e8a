"""What an architecture file must obey beyond its form: every mistake of it, each with its line."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from crisp_hw.accelerators.network_rules import network_faults
from crisp_hw.accelerators.places import at_place
from crisp_hw.accelerators.run_rules import case_faults
from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.accelerators.schema import Compute, Constraint, Level
from crisp_hw.characterization.components import OVERHEADS
from crisp_hw.encode.scope import NAMES
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of, shown
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.limits import MOST_INSTANCES
from crisp_hw.spec.runs import ProblemKind, dims_of
from crisp_hw.spec.variant import BITS_PER_KB
from crisp_hw.spec.vocabulary import RESERVED

WORDS = re.compile(r"[A-Za-z_]\w*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")  # a dot parts the keys of a path, and nodes in Timeloop's files
Fanouts = Mapping[str, tuple[int, int]]
"""Children below one instance of each level, along x and y."""


def faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Every mistake of a file whose form is right; names come first, and alone, since the rest speaks of them."""
    names = list(_name_faults(document, file))
    yield from names
    if not names:
        rest = (
            _instance_faults(document, file),
            chain.from_iterable(_level_faults(document, file, name) for name in file.levels),
            network_faults(document, file),
            _constraint_faults(document, file),
            case_faults(document, file),
        )
        yield from chain.from_iterable(rest)


def bits_of(file: ArchFile, name: str) -> int:
    """Bits of a word of a level: its own, or those of the widest tensor that it keeps."""
    own, each = file.levels[name].word_bits, file.compute.word_bits
    if own is not None:
        return own.value
    keeps = file.constraints[name].keep or ["A", "B", "Z"]
    widths: dict[str, int] = {"A": each.A.value, "B": each.B.value, "Z": each.Z.value}
    return max(widths[tensor] for tensor in keeps)


def words_of(file: ArchFile, name: str) -> float | None:
    """The words that a level holds; None for one without an end."""
    level = file.levels[name]
    if level.size_words:
        return float(level.size_words.value)
    return level.size_kb.value * BITS_PER_KB / bits_of(file, name) if level.size_kb else None


def _name_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Constraints name the levels, all of them; the compute level and the parameters have names of their own."""
    levels = tuple(file.levels)
    at = Where("arch", key="constraints", mark=mark_of(document, "constraints"))
    for name in file.constraints:
        if name not in levels:
            there = at.under(shown(name).strip("'"), mark_of(document["constraints"], name))
            yield InputError("there is no such level", there, did_you_mean(name, levels))
    if missing := [level for level in levels if level not in file.constraints]:
        own = at_place(document, "levels", missing[0])
        if own.mark and at.mark and own.mark.file != at.mark.file:  # a level that was added to those of another file
            meant = [name for name in file.constraints if name.lower() == missing[0].lower()]
            hint = f"did you mean {meant[0]}?" if meant else "add one for it"
            yield InputError(f"constraints lack {missing[0]}", own, hint)
            return
        yield InputError(f"lack {missing[0]}", at, f"the levels are {', '.join(levels)}; each needs a constraint")
    yield from _own_name_faults(document, file)


def _own_name_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    """Names that this file gives: levels, the compute level, parameters."""
    levels = tuple(file.levels)
    for name in levels:
        if not _NAME.fullmatch(name):
            there = at_place(document, "levels", name)
            yield InputError(
                f"{shown(name)} cannot be the name of a level", there, "take a letter, then letters, digits, _ and -"
            )
        elif name.lower() in RESERVED:
            said = f"no level can be called {name}: columns have that name"
            yield InputError(said, at_place(document, "levels", name), "call the level otherwise")
    lower = [name.lower() for name in levels]
    for name in levels:
        if lower.count(name.lower()) > 1 and name != levels[lower.index(name.lower())]:
            yield InputError(f"{name} is the name of another level, too", at_place(document, "levels", name), "rename")
    if file.compute.name.upper() in (*map(str.upper, levels), *map(str.upper, OVERHEADS)):
        there = Where("arch", key="compute.name", mark=mark_of(document["compute"], "name"))
        yield InputError(f"{file.compute.name} is the name of another component", there, "call it MAC")
    for name in file.parameters:
        if name in NAMES or not name.isidentifier() or name.lower() != name:
            said = f"{name} cannot be the name of a parameter"
            yield InputError(said, at_place(document, "parameters", name), "take lower case, and no name of a formula")


def unheard(document: MarkedDict) -> Iterator[str]:
    """A sentence about parameters that no formula and no sentence of the file names, as one of a file that another
    extends, with cases of its own."""
    texts = [*_texts({key: part for key, part in document.items() if key != "parameters"})]
    named = {word for text in texts for word in WORDS.findall(text)}
    if idle := [name for name in document.get("parameters", {}) if name not in named]:
        said = "parameters have" if len(idle) > 1 else "a parameter has"
        yield f"{document['name']}: {said} no effect, because no formula of the file names {', '.join(idle)}"


def _texts(part: object) -> Iterator[str]:
    match part:
        case str():
            yield part
        case Mapping():
            for each in part.values():
                yield from _texts(each)
        case list():
            for each in part:
                yield from _texts(each)


def _instance_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    many, parts = 1, [*file.levels.items()]
    outermost, first = parts[0]
    for field in ("fanout_x", "fanout_y"):
        if (given := getattr(first, field).value) > 1:
            said = f"{outermost} is the outermost level, so nothing feeds {given:,} of it"
            at = at_place(document, "levels", outermost, field)
            yield InputError(
                said, at, f"leave it out; the {field} of a level says how many the one outside of it feeds"
            )
    mac: tuple[str, Level | Compute] = (file.compute.name, file.compute)
    for name, part in (*parts, mac):
        many *= part.fanout_x.value * part.fanout_y.value
        if many > MOST_INSTANCES:
            at = at_place(document, "levels", name) if name in file.levels else at_place(document, "compute")
            said = f"{many:,} instances of {name} are more than {MOST_INSTANCES:,}"
            yield InputError(said, at, "lower a fanout")
            return  # further in there are as many or more


def _level_faults(document: MarkedDict, file: ArchFile, name: str) -> Iterator[InputError]:
    level = file.levels[name]
    if level.size_kb and level.size_words:
        at = at_place(document, "levels", name, "size_words")
        yield InputError(f"{name} has both size_kb and size_words", at, "keep one")
        return
    words, vector = words_of(file, name), level.vector_words.value
    if words is not None and words % vector:
        at = at_place(document, "levels", name, "size_kb" if level.size_kb else "size_words")
        yield InputError(f"{name} holds {words:g} words, which is no multiple of its {vector} vector_words", at)
    for field in ("banks", "ports"):
        if getattr(level, field) and level.technology == "DRAM":
            at = at_place(document, "levels", name, field)
            yield InputError(f"{field} of a DRAM have no effect", at, "leave them out")


def _constraint_faults(document: MarkedDict, file: ArchFile) -> Iterator[InputError]:
    yield from _constraints_faults(document, file, file.constraints, ("constraints",), None)
    for place, case in enumerate(file.runs):
        if case.constraints is not None:
            keys = ("runs", place, "constraints")
            yield from _constraints_faults(document, file, case.constraints, keys, case.problem)


def _constraints_faults(
    document: MarkedDict,
    file: ArchFile,
    given: Mapping[str, Constraint],
    keys: tuple[str | int, ...],
    problem: ProblemKind | None,
) -> Iterator[InputError]:
    """Of one set of constraints; `problem` None: of every problem that has none of its own."""
    kinds = [problem] if problem else [case.problem for case in (*file.runs, file.own_baseline) if not case.constraints]
    for name, fanout in fanouts(file).items():
        if name not in given:
            yield InputError(f"lack {name}", at_place(document, *keys), "each level needs a constraint")
            return
        yield from _dim_faults(document, given[name], (*keys, name), kinds)
        yield from _spatial_faults(at_place(document, *keys, name), given[name], fanout)
        yield from _axis_faults(document, given[name], (*keys, name), kinds)
    if unknown := [name for name in given if name not in file.levels]:
        there = at_place(document, *keys, unknown[0])
        yield InputError("there is no such level", there, did_you_mean(unknown[0], file.levels))
    outermost = next(iter(file.levels))
    if set(given[outermost].keep) != {"A", "B", "Z"}:
        at = at_place(document, *keys, outermost, "keep")
        said = f"{outermost} keeps only {', '.join(given[outermost].keep) or 'nothing'}"
        yield InputError(said, at, "the outermost level keeps A, B and Z")
    arrays = [name for name, rule in given.items() if rule.spatial == "fill"]
    if len(arrays) > 1:
        said = f"constraints of {', '.join(arrays)} say `spatial: fill`"
        yield InputError(said, at_place(document, *keys, arrays[1]), "at most one level fills the array")


def _dim_faults(
    document: MarkedDict, rule: Constraint, keys: tuple[str | int, ...], kinds: list[ProblemKind]
) -> Iterator[InputError]:
    known = dict.fromkeys(dim for kind in kinds for dim in dims_of(kind))
    for field in ("temporal", "inner", "x", "y"):
        for place, dim in enumerate(getattr(rule, field)):
            if known and dim not in known:
                said = f"no problem here has the dimension {dim}"
                yield InputError(said, at_place(document, *keys, field, place), f"known are {', '.join(known)}")


def fanouts(file: ArchFile) -> Fanouts:
    """What each level feeds, innermost first: the next one inwards, and the innermost the MACs."""
    parts: list[Level | Compute] = [*file.levels.values(), file.compute]
    fed = {name: (each.fanout_x.value, each.fanout_y.value) for name, each in zip(file.levels, parts[1:], strict=True)}
    return dict(reversed(fed.items()))


def _spatial_faults(at: Where, rule: Constraint, fanout: tuple[int, int]) -> Iterator[InputError]:
    """Spatial loops exactly where there are copies to run on; what fills an array takes one dimension an axis."""
    x, y = fanout
    axes = (("x", x, rule.x), ("y", y, rule.y))
    if wrong := [axis for axis in axes if (axis[1] > 1) != bool(axis[2])] if rule.spatial != "fill" else []:
        axis, children, _ = wrong[0]
        hint = (
            f"say which dimensions may go along {axis}, such as `{axis}: [M]`" if children > 1 else f"leave {axis} out"
        )
        yield InputError(f"it feeds {x} x {y} children, {children} along {axis}", at, hint)
    elif (x * y > 1) != (rule.spatial is not None):
        each = "`spatial: fill` where its dimensions must take all of them, `spatial: share` where they may take fewer"
        hint = f"say {each}" if x * y > 1 else "leave `spatial` out"
        yield InputError(f"it feeds {x} x {y} children", at, hint)
    elif rule.spatial == "fill" and not _fills(rule, fanout):
        said = f"it fills the array with {rule.x} x {rule.y}"
        yield InputError(said, at, "give one dimension for every axis that has more than one child")


def _axis_faults(
    document: MarkedDict, rule: Constraint, keys: tuple[str | int, ...], kinds: list[ProblemKind]
) -> Iterator[InputError]:
    """Something of every problem lies along an axis that is there."""
    for axis in ("x", "y"):
        named = getattr(rule, axis)
        for kind in dict.fromkeys(kinds):
            if named and not set(named) & set(dims_of(kind)):
                at = at_place(document, *keys, axis)
                said = f"nothing of the problem {kind} lies along {axis}"
                yield InputError(said, at, "name one of its dimensions, or give its cases constraints of their own")


def _fills(rule: Constraint, fanout: tuple[int, int]) -> bool:
    return all(len(dims) == 1 or (size == 1 and not dims) for dims, size in zip((rule.x, rule.y), fanout, strict=True))
