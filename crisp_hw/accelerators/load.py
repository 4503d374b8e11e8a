"""One checked architecture file -> an Accelerator."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from crisp_hw.accelerators.constraints import constraints_of
from crisp_hw.accelerators.energy import Needs, ReadEnergy, read_energy
from crisp_hw.accelerators.files import arch_path, old_files, resolved
from crisp_hw.accelerators.narrow import narrow_words
from crisp_hw.accelerators.network_rules import idle_hops
from crisp_hw.accelerators.numbers import (
    ENERGY,
    Overridden,
    energies_of,
    numbers_of,
    with_energies,
    with_numbers,
)
from crisp_hw.accelerators.old import NEW, OLD
from crisp_hw.accelerators.places import at_place
from crisp_hw.accelerators.rules import bits_of, fanouts, faults, unheard, words_of
from crisp_hw.accelerators.run_schema import ArchFile
from crisp_hw.accelerators.runs import runs_of
from crisp_hw.accelerators.schema import Network, Sourced, WordBits
from crisp_hw.accelerators.settings import asked
from crisp_hw.accelerators.technology import at_node, technology_of
from crisp_hw.characterization.methods import METHODS, energies
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.machine.yaml_files import checked
from crisp_hw.spec.accelerator import Accelerator, changed
from crisp_hw.spec.arch import FREE, Architecture, ComputeLevel, OperandBits, StorageLevel, Wires
from crisp_hw.spec.imbalance import Queues
from crisp_hw.spec.kinds import of_kind, wrong_kind
from crisp_hw.spec.runs import Role
from crisp_hw.spec.variant import Changes

Number = TypeVar("Number", int, float)
DEFAULT_NODE_NM = 45  # that of the packaged tables of energies


def load_arch(
    name_or_path: str | Path,
    energy: str | Path | None = None,
    node_nm: int | None = None,
    beside: Iterable[str | Path] = (),
) -> Accelerator:
    """Load a packaged accelerator by name, or one of your own from a YAML file.

    Parameters
    ----------
    name_or_path
        A name of `list_arch()`, or a file: a Path, or text that ends in .yaml or .yml. Text may go on with changes:
        "crisp-stc:smem_bandwidth=32,rf_kb=2" is what `replace(smem_bandwidth=32, rf_kb=2)` makes of "crisp-stc".
    energy
        Where the energies per action (pJ) come from: a table of arch/energy by name, the path of one, or a way to
        characterize the architecture ("table", "cacti" or "accelergy"). None takes the table that the file names.
    node_nm
        The technology node in nm at which the architecture is characterized (None: 45); a table has a node of its own.
    beside
        Other accelerators of the same evaluation, whose components the table of energies may also have.

    Returns
    -------
    Accelerator
        Architecture, energies, sparse scheme and constraints, with the source of every number in `sources`.

    Raises
    ------
    InputError
        When the name is not known (the valid ones are listed), the file cannot be read, a field or level is missing
        or unknown, a number is out of range, or the architecture cannot be characterized.

    Examples
    --------
    >>> load_arch("crisp-stc").architecture.level("SMEM").size_words
    262144
    >>> load_arch("crisp-stc:smem_kb=512").name
    'crisp-stc[smem_kb=512]'
    >>> load_arch("tpu")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no architecture tpu; valid names: crisp-stc, dense, dstc, ...
    """
    wanted = asked(name_or_path)
    if not isinstance(beside, Iterable) or isinstance(beside, str | Path):
        raise wrong_kind("beside", beside, "a list of names or files of other accelerators")
    if energy is not None and not isinstance(energy, str | Path):
        raise wrong_kind(
            "energy", energy, "the name of a table of energies or of a method, or the path of a .yaml file"
        )
    bases = tuple(asked(each).base for each in beside)
    found = _read(_Wanted(arch_path(wanted.base), None if energy is None else str(energy), node_nm, bases), {})
    return changed(found, wanted.changes)


@dataclass(frozen=True)
class _Wanted:
    """A file, and what the caller says of its energies."""

    path: Path
    energy: str | None
    node_nm: int | None
    beside: tuple[str | Path, ...]


def _read(wanted: _Wanted, changes: Changes) -> Accelerator:
    """The accelerator of a file with other numbers, by their paths."""
    energies = {path: pj for path, pj in changes.items() if path.startswith(ENERGY)}
    document = with_numbers(resolved(wanted.path), {path: n for path, n in changes.items() if path not in energies})
    file = checked(ArchFile, document, "arch")
    for fault in faults(document, file):
        raise fault
    found = _found(wanted, document, file)
    if energies:
        ask = None if found.characterize is None else Overridden(found.characterize, energies)
        found = replace(found, energy=with_energies(found.energy, energies), characterize=ask)
    numbers = {**numbers_of(file), **energies_of(found.energy)}
    return replace(found, numbers=numbers, reread=partial(_read, wanted), applied=changes)


def _found(wanted: _Wanted, document: MarkedDict, file: ArchFile) -> Accelerator:
    """A checked file with the energies that it names, or those that the caller does."""
    energy, node_nm = wanted.energy, wanted.node_nm
    architecture = _architecture(file)
    runs = runs_of(document, file, architecture)
    chosen, named_at = (file.energy, at_place(document, "energy")) if energy is None else (energy, Where(key="energy"))
    constraints = constraints_of(architecture, file.constraints, file.runs[0].problem)
    needs = Needs(wanted.path, architecture, constraints.keeps, wanted.beside, named_at)
    fixed = ReadEnergy() if chosen in METHODS else read_energy(chosen, needs)
    found = Accelerator(
        name=file.name,
        architecture=architecture,
        runs=runs,
        energy=fixed.table,
        constraints=constraints,
        roles=_roles(file),
        sources=_sources(file),
        notes=(
            *file.notes,
            *_read_as_new(wanted.path, file.name),
            *unheard(document),
            *_told_alone(file),
            *idle_hops(file, fanouts(file)),
            *narrow_words(file),
            *fixed.notes,
        ),
        energies_from=chosen,
        technology=technology_of(file.technology),
        queues=_queues(file),
    )
    node = _node(chosen, _own_node(document, file) if node_nm is None and chosen in METHODS else node_nm)
    whole = found if node is None else characterized(found, chosen, node)
    # where all is as the file says, nothing has to be said of it
    return replace(whole, notes=found.notes) if energy is None and node_nm is None else whole


def _queues(file: ArchFile) -> Queues | None:
    said = file.imbalance
    return None if said is None else Queues(said.queue_slots.value, said.index_bits.value, said.line_entries.value)


def _roles(file: ArchFile) -> dict[str, Role]:
    """Roles by level; the outermost level is the backing store unless it says otherwise."""
    found = {name: level.role for name, level in file.levels.items() if level.role is not None}
    return {next(iter(file.levels)): "backing", **found}


def _read_as_new(path: Path, name: str) -> tuple[str, ...]:
    return tuple(f"{name}: {old} is of the schema {OLD} and was read as {NEW}" for old in old_files(path))


def _told_alone(file: ArchFile) -> tuple[str, ...]:
    """A supply of the file that is not the nominal one of its node, of which energies are."""
    given, node = file.technology.supply_v, technology_of(file.technology.model_copy(update={"supply_v": None}))
    if given is None or given.value == node.supply_v:
        return ()
    return (f"no number follows from the supply of {given.value:g} V that its file states",)


def _own_node(document: MarkedDict, file: ArchFile) -> int | None:
    """The node in nm that a file states, at which its energies are characterized."""
    given = file.technology.node_nm
    if given is None:
        return None
    if not given.value.is_integer():
        at = at_place(document, "technology", "node_nm")
        raise InputError(f"no technology has {given.value} nm", at, "give a whole number, such as 45")
    return int(given.value)


def _node(energies: str, node_nm: int | None) -> int | None:
    """The node in nm at which energies are characterized; None for a table, which has a node of its own."""
    if energies in METHODS:
        return DEFAULT_NODE_NM if node_nm is None else int(of_kind("node_nm", node_nm, int))
    if node_nm is not None:
        said = f"node_nm has no effect on the energies of {energies}, which have a node of their own"
        raise InputError(said, hint=f"leave it out, or give a method as energy: {', '.join(METHODS)}")
    return None


def characterized(accelerator: Accelerator, method: str, node_nm: int = DEFAULT_NODE_NM) -> Accelerator:
    """Give an accelerator the energies of a method ("table", "cacti" or "accelergy"), which `replace` asks again.

    Raises
    ------
    InputError
        When the method has no numbers for the architecture or the node.

    Examples
    --------
    >>> big = load_arch("crisp-stc", energy="table").replace(smem_kb=512)
    >>> big.energy.actions["SMEM"]["read"] > load_arch("crisp-stc").energy.actions["SMEM"]["read"]
    True
    """
    ask = partial(energies, method, node_nm, accelerator.constraints.keeps)
    note = f"energies per action are characterized by {method} at {node_nm} nm"
    energy = ask(accelerator.architecture)
    notes = (*accelerator.notes, note)
    technology = at_node(accelerator.technology, node_nm, method)
    found = replace(accelerator, energy=energy, characterize=ask, notes=notes, energies_from=method)
    return replace(found, technology=technology)


def _architecture(file: ArchFile) -> Architecture:
    x, y, levels = 1, 1, []
    for name, level in file.levels.items():
        x, y = x * level.fanout_x.value, y * level.fanout_y.value
        levels.append(_storage(file, name, (x, y)))
    unit, bits = file.compute, file.compute.word_bits
    x, y = x * unit.fanout_x.value, y * unit.fanout_y.value
    each = (bits.A.value, bits.B.value, bits.Z.value)
    mixed = None if len(set(each)) == 1 else OperandBits(*each)
    compute = ComputeLevel(unit.name, x * y, x, y, max(each[:2]), mixed)
    return Architecture(tuple(reversed(levels)), compute)


def _storage(file: ArchFile, name: str, mesh: tuple[int, int]) -> StorageLevel:
    level, words, bits = file.levels[name], words_of(file, name), bits_of(file, name)
    return StorageLevel(
        name=name,
        technology=level.technology,
        instances=mesh[0] * mesh[1],
        mesh_x=mesh[0],
        mesh_y=mesh[1],
        word_bits=bits,
        block_size=level.vector_words.value,
        size_words=None if words is None else int(words),
        metadata_width_bits=_value(level.metadata_width_bits) or bits,
        metadata_depth=level.metadata_depth.value,
        read_bandwidth=_value(level.read_bandwidth),
        write_bandwidth=_value(level.write_bandwidth),
        decompression_supported=level.decompression_supported,
        compression_supported=level.compression_supported,
        wires=_wires(level.network),
        banks=_value(level.banks) or 1,
        ports=_value(level.ports) or 1,
    )


def _value(given: Sourced[Number] | None) -> Number | None:
    return None if given is None else given.value


def _wires(network: Network) -> Wires:
    given = {name: _value(getattr(network, name)) for name in Network.model_fields}
    return replace(FREE, **{name: value for name, value in given.items() if value is not None})


def _sources(file: ArchFile) -> dict[str, str]:
    """ "LEVEL.field" -> source, sizes as "LEVEL.size"."""
    found = {}
    for level, model in (*file.levels.items(), (file.compute.name, file.compute)):
        for name in filter(model.model_fields_set.__contains__, type(model).model_fields):  # in one order always
            value = getattr(model, name)
            if isinstance(value, Sourced):
                found[f"{level}.{'size' if name.startswith('size_') else name}"] = value.source
            if isinstance(value, WordBits):
                found |= _word_bits(level, value)
    queues = {} if file.imbalance is None else vars(file.imbalance)
    found |= {f"imbalance.{name}": each.source for name, each in queues.items() if isinstance(each, Sourced)}
    return found | {f"parameters.{name}": each.source for name, each in file.parameters.items()}


def _word_bits(name: str, bits: WordBits) -> dict[str, str]:
    """One source where one number is that of all tensors."""
    each = {tensor: getattr(bits, tensor) for tensor in WordBits.model_fields}
    if len({number.value for number in each.values()}) == 1:
        return {f"{name}.word_bits": bits.A.source}
    return {f"{name}.word_bits_{tensor.lower()}": number.source for tensor, number in each.items()}
