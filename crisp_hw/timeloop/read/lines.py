"""The line of an error that was raised about nouns, which have none: looked up by document, entry and key."""

from collections.abc import Iterator, Mapping
from copy import copy
from math import prod
from typing import Any

from crisp_hw.errors import BrokenRule, CrispError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, mark_of
from crisp_hw.spec.rules import Rule
from crisp_hw.timeloop.read.architecture import SIZES, plain_name
from crisp_hw.timeloop.read.constraints import DOCUMENTS
from crisp_hw.timeloop.read.mapping import FACTOR
from crisp_hw.timeloop.yaml.fields import factor_at, value_at

NAMES = ("target", "name")  # the keys under which an entry says what it is about
OF_LANES = (Rule.INSTANCES, Rule.INSTANCES_X, Rule.INSTANCES_Y, Rule.LANES, Rule.LANES_X, Rule.LANES_Y)
OF_FORMATS = (
    *(Rule.FORMAT_RANKS, Rule.ALIGNED_RANKS, Rule.SPLIT_TILES),
    *(Rule.PACKED_INSIDE, Rule.DECOMPRESSION, Rule.COMPRESSION),
)
OF_HARDWARE = (Rule.MIN_UTILIZATION, Rule.ENDLESS)
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    # what an architecture says about a rule
    Rule.CAPACITY: SIZES,
    Rule.METADATA_CAPACITY: ("metadata_storage_depth", "metadata_depth"),
    Rule.MIN_UTILIZATION: ("min_utilization",),
    Rule.ENDLESS: ("shared_bandwidth", "bandwidth", "read_bandwidth", "write_bandwidth"),
}
FACTORS = "factors."  # "factors.K": the factors of one dimension, whatever entries hold them


def with_line(error: CrispError, documents: MarkedDict) -> CrispError:
    """The same error with file and line, if its place is among the documents and has none yet."""
    if error.at is None or error.at.mark is not None:
        return error
    placed = copy(error)
    broken = next((each for each in getattr(error, "failures", ()) if each.level), None)
    if error.at.document == "mapping" and error.at.key.startswith(FACTORS) and not error.at.entry:
        _at_factor(placed, error.at.key.removeprefix(FACTORS), documents)
    elif broken is not None:
        placed.at = error.at.at(_of_rule(broken, error.at, documents))
    else:
        placed.at = error.at.at(_find(error.at, documents))
    return placed


def _of_rule(broken: BrokenRule, at: Where, documents: MarkedDict) -> Mark | None:
    """The line that breaks a rule: spatial factors, a format, an attribute, else what is said of the level."""
    if broken.rule in OF_LANES and (mark := _spread_over(broken.level, documents)):
        return mark
    if broken.rule in OF_FORMATS:
        for node in _entries(Where("sparse_optimizations", broken.level), documents):
            named = [inner for inner in _nodes(node) if inner.get("name") == broken.tensor]
            return mark_of(named[0] if named else node)
    document = "architecture" if broken.rule in OF_HARDWARE else at.document
    levels = _entries(Where("architecture", broken.level), documents)
    if document == "architecture" and levels:
        said = (_in_entries(levels, key) for key in ATTRIBUTES.get(broken.rule, ()))
        return next((mark for mark in said if mark), mark_of(levels[0]))
    return _find(Where(document, broken.level), documents)


def _spread_over(level: str, documents: MarkedDict) -> Mark | None:
    """Where the mapping spreads work over the instances of a level: in the nearest level outside it that does."""
    parts = [plain_name(str(node["name"])) for node in _nodes(documents.get("architecture")) if "class" in node]
    for parent in reversed(parts[: parts.index(level)] if level in parts else []):
        for node in _entries(Where("mapping", parent), documents):
            wide = [dim for dim, factor in _factors(node).items() if factor != 1]
            if node.get("type") == "spatial" and wide:
                return factor_at(Where(), node, wide[0]).mark
    return None


def _find(at: Where, documents: MarkedDict) -> Mark | None:
    """The line of a place: the key of its entry, else the entry, else the level of that name, else the document."""
    names = _names(at, documents)
    entries = _entries(at, documents)
    if entries and at.entry:
        return _in_entries(entries, at.key) or mark_of(entries[0])
    if at.entry and at.document != "architecture":
        return _find(Where("architecture", at.entry), documents)
    here = _in_entries(entries, at.key) if at.key else None
    return here or (documents.keys_at[names[0]] if names else documents.mark)


def _names(at: Where, documents: MarkedDict) -> list[str]:
    """The documents meant: "constraints" are those of both kinds."""
    return [name for name in (DOCUMENTS if at.document == "constraints" else (at.document,)) if name in documents]


def _entries(at: Where, documents: MarkedDict) -> list[MarkedDict]:
    """The mappings of the documents meant that have the name of the entry; without a name, all."""
    nodes = [node for name in _names(at, documents) for node in _nodes(documents[name])]
    return [node for node in nodes if not at.entry or _is_named(node, at.entry)]


def _in_entries(entries: list[MarkedDict], key: str) -> Mark | None:
    """Where the last part of a key stands in one of the entries, or in a mapping inside them."""
    last = key.split(".")[-1]
    if key.startswith(FACTORS):
        held = [node for node in entries if last in _factors(node)]
        residual = [node for node in held if _residual(node, last)]
        return factor_at(Where(), (residual or held)[-1], last).mark if held else None
    for node in (inner for entry in entries for inner in _nodes(entry)):
        if last and last in node:
            return value_at(Where(), node, last).mark
    return None


def _is_named(node: MarkedDict, name: str) -> bool:
    return any(isinstance(node.get(key), str) and plain_name(node[key]) == name for key in NAMES)


def _nodes(value: Any) -> Iterator[MarkedDict]:
    """All mappings inside a value, outer ones first."""
    if isinstance(value, MarkedDict):
        yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        yield from _nodes(item)


def _factors(entry: MarkedDict) -> dict[str, int]:
    """The factors that an entry of a mapping or of constraints says, by dimension."""
    words = _words(entry).replace("<", "").replace(">", "")
    return {found[1]: int(found[2]) for found in FACTOR.finditer(words)}


def _residual(entry: MarkedDict, dim: str) -> bool:
    """Does an entry give the factor of a dimension a residual?"""
    return any(found[1] == dim and found[3] for found in FACTOR.finditer(_words(entry)))


def _words(entry: MarkedDict) -> str:
    held = entry.get("factors")
    return " ".join(map(str, held)) if isinstance(held, list) else str(held or "")


def _at_factor(error: CrispError, dim: str, documents: MarkedDict) -> None:
    """Name the entry whose factor is the wrong one of a product that does not come to the size of its dimension.

    That is a residual where the factors come to the size without it, else a factor which does not divide the size,
    else one that alone could put it right, else any above 1; of several the one that is written first, which is the
    outermost as mappings are usually written.
    """
    problem = documents.get("problem")
    size = problem["instance"][dim] if isinstance(problem, dict) else 1
    entries = [node for node in _nodes(documents.get("mapping")) if dim in _factors(node)]
    held = [
        (_factors(node)[dim] or size, factor_at(Where("mapping", str(node["target"])), node, dim)) for node in entries
    ]
    if not held:
        error.at = Where("mapping", mark=documents.keys_at.get("mapping", documents.mark))
        return
    product = prod(factor for factor, _ in held)

    cut_short = {at for node, (_, at) in zip(entries, held, strict=True) if _residual(node, dim)}

    def suspicion(each: tuple[int, Where]) -> tuple[bool, bool, bool, bool]:
        factor = each[0]
        whole = product == size and each[1] in cut_short  # its residual alone can be wrong
        return whole, factor > 1, size % factor != 0, (size * factor) % product == 0

    wrong = max(held, key=suspicion)  # of equals the first
    error.at = wrong[1].under("factors")
    others = [f"{factor} {_beside(at, wrong[1])}" for factor, at in held if at is not wrong[1] and factor > 1]
    if others:
        error.hint = f"{error.hint}; the other factors of {dim} are {', '.join(others)}"


def _beside(other: Where, at: Where) -> str:
    """Where the other place is, for a reader who has been told the first."""
    if other.mark is None or at.mark is None:
        return f"in {other.entry}"
    return f"in line {other.mark.line}" if other.mark.file == at.mark.file else f"at {other.mark}"
