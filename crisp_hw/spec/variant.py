"""What a caller changed about an accelerator, the name that this gives it, and the numbers that variants differ in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, StorageLevel

Changes = Mapping[str, float | None]
"""Values by parameter (`smem_bandwidth`, `cores`), in the order given; None is unlimited."""

ATTRIBUTES = ("bandwidth", "read_bandwidth", "write_bandwidth", "size_words", "kb", "vector_words", "banks")
"""What can be changed of a storage level."""

BITS_PER_KB = 8192  # 1024 bytes of 8 bits
_FIELDS = {
    "bandwidth": ("read_bandwidth", "write_bandwidth"),
    "kb": ("size",),
    "size_words": ("size",),
    "compute.word_bits": tuple(f"compute.word_bits.{tensor}" for tensor in "ABZ"),
}


@dataclass(frozen=True)
class Variant:
    """An accelerator with other numbers than its file has.

    `of` is the name that it had before, `changes` what was changed since it had it, and `changed` every parameter that
    differs from the file, also those changed before a name was given.

    >>> Variant("crisp-stc", {"smem_bandwidth": 32.0, "rf_kb": None}).name
    'crisp-stc[smem_bandwidth=32,rf_kb=none]'
    """

    of: str
    changes: Changes
    changed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name before, and in brackets what was changed."""
        said = ",".join(f"{parameter}={setting_text(value)}" for parameter, value in self.changes.items())
        return f"{self.of}[{said}]" if said else self.of

    def with_changes(self, changes: Changes) -> "Variant":
        """The variant changed once more; what a later change sets anew is not told of an earlier one.

        >>> Variant("a", {"rf_kb": 2}).with_changes({"cores": 8, "rf_size_words": 64}).name
        'a[cores=8,rf_size_words=64]'
        """
        later = [written(parameter) for parameter in changes]
        lost = self.lost(changes)
        kept = {each: value for each, value in self.changes.items() if each not in lost}
        changed = tuple(each for each in self.changed if not _replaced(each, later))
        return Variant(self.of, {**kept, **changes}, (*changed, *changes))

    def lost(self, later: Changes) -> tuple[str, ...]:
        """The changes of this variant that later ones would leave without effect."""
        return tuple(each for each in self.changes if _replaced(each, [written(name) for name in later]))

    def named(self, name: str) -> "Variant":
        """The variant with a name of its own: what was changed so far is not told in it."""
        return Variant(name, {}, self.changed)


def setting_text(value: float | None) -> str:
    """A number as a name has it: whole ones without a point, "none" for unlimited.

    >>> setting_text(32.0), setting_text(2.5), setting_text(None)
    ('32', '2.5', 'none')
    """
    if value is None:
        return "none"
    return str(int(value)) if value == int(value) else repr(float(value))


def check_changes(name: str, changes: Changes) -> None:
    """Refuse changes of one number of which one would have no effect; paths are changed first, then short names.

    >>> check_changes("a", {"rf_kb": 2, "rf_size_words": 64})
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: a: rf_kb has no effect beside rf_size_words, which sets the same; give one of them
    """
    parameters = sorted(changes, key=lambda each: not is_path(each))
    for place, parameter in enumerate(parameters):
        others = [other for other in parameters[place + 1 :] if written(parameter) & written(other)]
        if _replaced(parameter, [written(other) for other in others]):
            same = f"{' and '.join(others)}, which {'sets' if len(others) == 1 else 'set'} the same"
            raise InputError(f"{name}: {parameter} has no effect beside {same}", hint="give one of them")


def parameters_of(
    architectures: Mapping[str, Architecture], changed: Iterable[str], numbers: Mapping[str, Changes] | None = None
) -> dict[str, Changes]:
    """What each accelerator has of every parameter that one of them changed; a bandwidth is two where they differ.

    `numbers` are those that stand in no level alone: `cores`, and numbers of files by their path.

    >>> from crisp_hw.spec.arch import ComputeLevel, StorageLevel
    >>> chain = Architecture((StorageLevel("RF", size_words=2048, word_bits=8, read_bandwidth=4),), ComputeLevel())
    >>> parameters_of({"a": chain}, ["rf_kb", "rf_bandwidth", "cores"], {"a": {"cores": 1}})
    {'a': {'rf_kb': 2, 'rf_read_bandwidth': 4, 'rf_write_bandwidth': None, 'cores': 1}}
    """
    every = dict.fromkeys(part for parameter in changed for part in _told(parameter, architectures.values()))
    given = numbers or {}
    return {
        name: {each: given.get(name, {}).get(each) if _apart(each) else value_of(architecture, each) for each in every}
        for name, architecture in architectures.items()
        if every
    }


def value_of(architecture: Architecture, parameter: str) -> float | None:
    """The number that a parameter has in an architecture; None where it is unlimited, and where there is no such level.

    A bandwidth is that of reading, which is that of writing, too, where a table shows it (`parameters_of`).
    """
    level, attribute = _parted(parameter)
    found = next((each for each in architecture.levels if each.name.lower() == level), None)
    value = None if found is None else _value(found, attribute)
    return int(value) if value is not None and value == int(value) else value


def _value(level: StorageLevel, attribute: str) -> float | None:
    match attribute:
        case "write_bandwidth":
            return level.write_bandwidth
        case "bandwidth" | "read_bandwidth":
            return level.read_bandwidth
        case "size_words":
            return level.size_words
        case "vector_words":
            return level.block_size
        case "banks":
            return level.banks
        case _:
            return None if level.size_words is None else level.size_words * level.word_bits / BITS_PER_KB


def _apart(parameter: str) -> bool:
    return parameter == "cores" or is_path(parameter)


def _told(parameter: str, architectures: Iterable[Architecture]) -> tuple[str, ...]:
    if _apart(parameter):
        return (parameter,)
    level, attribute = _parted(parameter)
    both = tuple(f"{level}_{field}" for field in _FIELDS["bandwidth"])
    same = all(value_of(each, both[0]) == value_of(each, both[1]) for each in architectures)
    return (parameter,) if attribute != "bandwidth" or same else both


def _parted(parameter: str) -> tuple[str, str]:
    """Level in lower case and attribute; the cores are in no level that would have a name."""
    if parameter == "cores":
        return "", "cores"
    attribute = next(each for each in sorted(ATTRIBUTES, key=len, reverse=True) if parameter.endswith(f"_{each}"))
    return parameter.removesuffix(f"_{attribute}"), attribute


def is_path(parameter: str) -> bool:
    """Is it the path of a number of a file?

    >>> is_path("technology.clock_ghz"), is_path("rf_kb")
    (True, False)
    """
    return "." in parameter


def written(parameter: str) -> frozenset[str]:
    """The numbers that a parameter sets.

    >>> written("rf_bandwidth") > written("levels.RF.read_bandwidth")
    True
    """
    level, attribute = _of_path(parameter) if is_path(parameter) else _parted(parameter)
    return frozenset(f"{level}.{field}" for field in _FIELDS.get(attribute, (attribute,)))


def _of_path(path: str) -> tuple[str, str]:
    """Level in lower case and attribute, as the short names have them; of what is in no level its path."""
    part, _, rest = path.partition(".")
    level, _, attribute = rest.rpartition(".")
    if part != "levels" or "." in level:
        return "", path
    return level.lower(), attribute.removeprefix("size_") if attribute == "size_kb" else attribute


def _replaced(parameter: str, later: Iterable[frozenset[str]]) -> bool:
    """Do later changes set every number that this one set?"""
    return written(parameter) <= frozenset().union(*later)
