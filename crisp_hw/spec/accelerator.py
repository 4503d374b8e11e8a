"""An accelerator: a fabric, how it runs layers, what its mappings obey, and what an action costs."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, StorageLevel
from crisp_hw.spec.changed_numbers import positive, whole, words
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.cores import core_path, fills_array, with_cores
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.imbalance import QueuedPes, Queues
from crisp_hw.spec.reread import as_set, reread
from crisp_hw.spec.runs import DENSE, Role, Runs
from crisp_hw.spec.shown import folded_html, table_html
from crisp_hw.spec.silicon import SUPPLY, Technology
from crisp_hw.spec.variant import ATTRIBUTES, Changes, Variant, check_changes, is_path

LONGEST_NAME = 100  # characters: a name of several hundred would not fit into any table
_BY_CALLER = "set by the caller"
Characterize = Callable[[Architecture], EnergyTable]
"""Energies of an architecture; raises InputError where it has none for it."""


@dataclass(frozen=True)
class Accelerator:
    """Everything that an architecture file says, checked and resolved.

    `runs` are the cases in which it runs layers. `constraints` are the fabric's, for dense operands; `encode` adapts
    them to a layer, by the `roles` of its levels. `sources["SMEM.size"]` says where a number comes from; `notes` are
    assumptions that hold for every result on this accelerator. `characterize` computes the energies of a changed
    architecture (None: they are a fixed set, which stays). `variant` is what `replace` changed (None: nothing),
    `energies_from` the table or method whose energies these are; `technology` turns cycles into time.
    `queues` are those in front of MACs that do not finish together (None: they share work evenly).
    `numbers` are those of its file by their path, which `reread` reads with others; `applied` are all changes so far.
    """

    name: str
    architecture: Architecture
    runs: Runs = DENSE
    energy: EnergyTable = field(default_factory=EnergyTable)
    constraints: Constraints = field(default_factory=Constraints)
    roles: Mapping[str, Role] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    characterize: Characterize | None = field(default=None, repr=False, compare=False)
    variant: Variant | None = None
    energies_from: str = ""
    technology: Technology = field(default_factory=Technology)
    queues: Queues | None = None
    numbers: Changes = field(default_factory=dict, repr=False, compare=False)
    reread: "Callable[[Changes], Accelerator] | None" = field(default=None, repr=False, compare=False)
    applied: Changes = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        energies = f", energies of {self.energies_from}" if self.energies_from else ""
        return f"<Accelerator {self.name}: {self.architecture.chain}; {self.runs.does}{energies}>"

    def _repr_html_(self) -> str:
        headings = ("level", "instances", "size", "words read/cycle", "words written/cycle")
        notes = [*self.notes, *(f"{number}: {source}" for number, source in self.sources.items())]
        return table_html(
            repr(self)[1:-1], headings, map(_level_row, reversed(self.architecture.levels))
        ) + folded_html("notes and sources", notes)

    @property
    def machine(self) -> QueuedPes | None:
        """The MACs with their queues, whose cycles are counted one by one; None where work is shared evenly."""
        if self.queues is None:
            return None
        return self.queues.machine(self.architecture.compute.instances, self.technology.clock_ghz)

    @property
    def cores(self) -> int:
        """Arrays of MACs: how many there are of the level that feeds one."""
        return array_level(self).instances

    def levels_of(self, *roles: Role) -> tuple[str, ...]:
        """Names of the levels that have one of some roles, innermost first."""
        return tuple(level.name for level in self.architecture.levels if self.roles.get(level.name) in roles)

    def replace(self, *, name: str | None = None, **changes: float | None) -> "Accelerator":
        """Make a copy with other numbers: `smem_bandwidth=32` (read and write), `rf_kb=2`, `cores=8`, ...

        Parameters
        ----------
        name
            What the copy is called. None adds the changes to the name, in the order given: `stc[rf_kb=2,cores=8]`.
        **changes
            A keyword is a level's name in lower case, "_" and one of bandwidth, read_bandwidth, write_bandwidth (words
            per cycle and instance, None is unlimited), size_words (None is unbounded), kb, vector_words (of an access),
            banks; or `cores`. Any number of its file, and any energy, has a path, `**{"technology.clock_ghz": 0.5}`:
            `numbers` has all of them.

        Returns
        -------
        Accelerator
            Energies per action are characterized anew where the accelerator knows how, and stay those of a fixed set
            otherwise; `notes` of the copy say which. The changed parameters are columns of `Evaluation.to_frame()`.

        Raises
        ------
        InputError
            On an unknown keyword (listing the valid ones), on a value that is not a positive number, on two keywords
            that set the same number, and where the new architecture cannot be characterized.

        Examples
        --------
        >>> rf = StorageLevel("RF", size_words=1024, word_bits=8)
        >>> from crisp_hw.spec.arch import ComputeLevel
        >>> small = Accelerator("a", Architecture((rf,), ComputeLevel()))
        >>> large = small.replace(rf_kb=2, rf_bandwidth=4)
        >>> large.name, large.architecture.level("RF").size_words
        ('a[rf_kb=2,rf_bandwidth=4]', 2048)
        >>> large.replace(name="large").name
        'large'
        >>> small.replace(rf_ports=2)
        Traceback (most recent call last):
        ...
        crisp_hw.errors.InputError: a: unknown parameter rf_ports; valid: cores, rf_bandwidth, ...
        """
        return changed(self, changes, name)


def array_level(accelerator: Accelerator) -> StorageLevel:
    """The level that feeds one array of MACs: whose spatial loops fill it, else the innermost."""
    for block in accelerator.constraints.levels:
        if fills_array(block):
            return accelerator.architecture.level(block.level)
    return accelerator.architecture.levels[0]


def changed(accelerator: Accelerator, changes: Changes, name: str | None = None) -> Accelerator:
    """What `Accelerator.replace` makes of changes and a name."""
    _check_cores(accelerator, changes)
    base = _reread(accelerator, changes)
    copy = base
    for keyword, value in changes.items():
        if not is_path(keyword):
            copy = _with_cores(copy, value) if keyword == "cores" else _with_attribute(copy, keyword, value)
    check_changes(accelerator.name, changes)
    numbers = {path: as_set(path, value, changes) for path, value in copy.numbers.items()}
    if "cores" in changes and (path := _core_path(accelerator)) in numbers:
        numbers[path] = changes["cores"]
    copy = dataclasses.replace(copy, applied={**accelerator.applied, **changes}, numbers=numbers)
    copy = _named(accelerator, copy, name, changes)
    if copy.architecture == base.architecture:
        return copy
    if base.characterize is None:
        return dataclasses.replace(copy, energy=_with_known_areas(base.architecture, copy))
    return dataclasses.replace(copy, energy=base.characterize(copy.architecture))


def _core_path(accelerator: Accelerator) -> str:
    return core_path(accelerator.name, accelerator.architecture, accelerator.constraints)


def _check_cores(accelerator: Accelerator, changes: Changes) -> None:
    """InputError for the fanout of the cores, which `cores` sets, now or before."""
    if "cores" in {**accelerator.applied, **changes} and (path := _core_path(accelerator)) in changes:
        said = f"{accelerator.name}: {path} has no effect beside cores, which sets the same"
        raise InputError(said, hint="give one of them")


def _reread(accelerator: Accelerator, changes: Changes) -> Accelerator:
    """The accelerator with the changes that are paths, read anew; those of before are made again."""
    paths = {path: value for path, value in changes.items() if is_path(path)}
    if not paths:
        return accelerator
    fresh = reread(accelerator, paths)
    before = {each: value for each, value in accelerator.applied.items() if not is_path(each)}
    fresh = changed(fresh, before) if before else fresh
    notes = tuple(
        f"{path}={value} {_BY_CALLER}; {_followed(path, accelerator, fresh)}" for path, value in paths.items()
    )
    told = (*_still_said(accelerator.notes, fresh.notes), *notes)
    return dataclasses.replace(fresh, name=accelerator.name, variant=accelerator.variant, notes=told)


def _still_said(before: tuple[str, ...], fresh: tuple[str, ...]) -> tuple[str, ...]:
    """What is said of a file with its new numbers, behind what the caller set before."""
    kept = tuple(note for note in before if note in fresh or _BY_CALLER in note)
    return (*kept, *(note for note in fresh if note not in kept and _BY_CALLER not in note))


def _followed(path: str, before: Accelerator, after: Accelerator) -> str:
    """What becomes of energies where a number of the file changes."""
    if path == SUPPLY:
        return "no number follows from it"
    if after.characterize is None:
        return "fixed energies stay"
    same = (before.energy.actions, before.energy.areas) == (after.energy.actions, after.energy.areas)
    return "energies per action stay as they are" if same else "energies per action are those of the changed fabric"


def _with_known_areas(before: Architecture, after: Accelerator) -> EnergyTable:
    """A fixed table for changed levels: the area of one that has other sizes now is not known."""
    sizes = {each.name: (each.size_words, each.word_bits, each.block_size) for each in before.levels}
    levels = after.architecture.levels
    other = {each.name for each in levels if sizes[each.name] != (each.size_words, each.word_bits, each.block_size)}
    areas = {name: area for name, area in after.energy.areas.items() if name not in other}
    return dataclasses.replace(after.energy, areas=areas)


def _named(before: Accelerator, after: Accelerator, name: str | None, changes: Changes) -> Accelerator:
    """The changed accelerator with its name, and what to remember of the changes."""
    if name is None and not changes:
        return after
    variant = (before.variant or Variant(before.name, {})).with_changes(changes)
    if name is not None:
        variant = variant.named(before.name if name == before.name else _checked_name(before, name))
    return dataclasses.replace(after, name=variant.name, variant=variant)


def _checked_name(accelerator: Accelerator, name: object) -> str:
    """A name that can stand in tables, and be that of a folder."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        said = repr(name) if len(repr(name)) <= 40 else f"{type(name).__name__} of {len(str(name))} characters"
        hint = f"give 1 to {LONGEST_NAME} printable characters"
        raise InputError(f"{accelerator.name}: {said} is no name of an accelerator", hint=hint)
    return name


def _level_row(level: StorageLevel) -> tuple[str, ...]:
    size = "unbounded" if level.size_words is None else f"{level.size_words:,} x {level.word_bits} bits"
    speeds = ("unlimited" if each is None else f"{each:g}" for each in (level.read_bandwidth, level.write_bandwidth))
    return level.name, f"{level.instances:,}", size, *speeds


def replaceable(accelerator: Accelerator) -> tuple[str, ...]:
    """The keywords that `Accelerator.replace` accepts, for the levels of this accelerator."""
    levels = (level.name.lower() for level in accelerator.architecture.levels)
    return ("cores", *(f"{level}_{attribute}" for level in levels for attribute in ATTRIBUTES))


def _with_attribute(accelerator: Accelerator, keyword: str, value: float | None) -> Accelerator:
    """One storage level changed, its source and the note about energy brought up to date."""
    name = accelerator.name
    level, attribute = _parse(accelerator, keyword)
    unlimited = value is None and attribute not in ("kb", "vector_words", "banks")
    number = None if unlimited else positive(accelerator.name, keyword, value)
    speed = None if number is None else float(number)  # as a file's: the same number is then written the same
    names: tuple[str, ...]
    match attribute:
        case "bandwidth":
            names = ("read_bandwidth", "write_bandwidth")
            changed = dataclasses.replace(level, read_bandwidth=speed, write_bandwidth=speed)
        case "read_bandwidth":
            names, changed = (attribute,), dataclasses.replace(level, read_bandwidth=speed)
        case "write_bandwidth":
            names, changed = (attribute,), dataclasses.replace(level, write_bandwidth=speed)
        case "vector_words":
            names, changed = (attribute,), dataclasses.replace(level, block_size=whole(name, keyword, level, number))
        case "banks":
            names, changed = (attribute,), dataclasses.replace(level, banks=whole(name, keyword, level, number))
        case _:
            names, changed = (
                ("size",),
                dataclasses.replace(level, size_words=words(name, keyword, level, number)),
            )
    levels = tuple(changed if each.name == level.name else each for each in accelerator.architecture.levels)
    architecture = dataclasses.replace(accelerator.architecture, levels=levels)
    return _noted(accelerator, architecture, keyword, value, tuple(f"{level.name}.{name}" for name in names))


def _with_cores(accelerator: Accelerator, value: float | None) -> Accelerator:
    """The same fabric with another number of cores; they are stacked along y."""
    new = positive(accelerator.name, "cores", value)
    if new != int(new):
        raise InputError(f"{accelerator.name}: cores must be a whole number, not {value}")
    fabric, obeyed = accelerator.architecture, accelerator.constraints
    found = with_cores(accelerator.name, fabric, obeyed, accelerator.cores, int(new))
    changed = dataclasses.replace(accelerator, constraints=found.constraints)
    return _noted(changed, found.architecture, "cores", value, (f"{found.core}.fanout_y",))


def _parse(accelerator: Accelerator, keyword: str) -> tuple[StorageLevel, str]:
    for level in accelerator.architecture.levels:
        prefix = f"{level.name.lower()}_"
        if keyword.startswith(prefix) and keyword.removeprefix(prefix) in ATTRIBUTES:
            return level, keyword.removeprefix(prefix)
    valid = replaceable(accelerator)
    close = [path for path in accelerator.numbers if path.rpartition(".")[2] == keyword]  # named without its place
    if len(close) != 1:
        close = get_close_matches(keyword, valid, n=1, cutoff=0.8)  # a slip of the fingers, no other number
    meant = f"did you mean {close[0]}? " if close else ""
    paths = f", and every number by its path, such as {next(iter(accelerator.numbers))}" if accelerator.numbers else ""
    hint = f"{meant}valid: {', '.join(valid)}{paths}"
    raise InputError(f"{accelerator.name}: unknown parameter {keyword}", hint=hint)


def _noted(
    accelerator: Accelerator, architecture: Architecture, keyword: str, value: float | None, names: tuple[str, ...]
) -> Accelerator:
    sources = {**accelerator.sources, **dict.fromkeys(names, _BY_CALLER)}
    stay = "energies per action stay those of the original fabric"
    energies = stay if accelerator.characterize is None else "energies per action are those of the changed fabric"
    note = f"{keyword}={value} {_BY_CALLER}; {energies}"  # whoever shows it says of which accelerator
    return dataclasses.replace(
        accelerator, architecture=architecture, sources=sources, notes=(*accelerator.notes, note)
    )
