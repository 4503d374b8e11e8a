"""One checked architecture file -> an Accelerator."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from crisp_hw.accelerators.energy import Needs, ReadEnergy, read_energy
from crisp_hw.accelerators.files import arch_path, resolved
from crisp_hw.accelerators.rules import at_key, faults, words_of
from crisp_hw.accelerators.schema import ArchFile, Constraint, Level, SchemeField, Sourced
from crisp_hw.accelerators.settings import asked
from crisp_hw.accelerators.technology import at_node, technology_of
from crisp_hw.characterization.methods import METHODS, energies
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.yaml_files import checked
from crisp_hw.spec.accelerator import Accelerator, CrispStc, DenseScheme, Dstc, Scheme, Stc, changed
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.kinds import of_kind, wrong_kind
from crisp_hw.spec.patterns import NM

DEFAULT_NODE_NM = 45  # that of the packaged tables of energies
DIMS = ("G", "M", "N", "K")


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
    crisp_hw.errors.InputError: no architecture tpu; valid names: crisp-stc, dense, dstc, stc, or the path ...
    """
    wanted = asked(name_or_path)
    if not isinstance(beside, Iterable) or isinstance(beside, str | Path):
        raise wrong_kind("beside", beside, "a list of names or files of other accelerators")
    if energy is not None and not isinstance(energy, str | Path):
        raise wrong_kind(
            "energy", energy, "the name of a table of energies or of a method, or the path of a .yaml file"
        )
    path = arch_path(wanted.base)
    document = resolved(path)
    file = checked(ArchFile, document, "arch")
    for fault in faults(document, file):
        raise fault
    architecture = _architecture(file)
    chosen, named_at = (
        (file.energy, at_key(document, "energy")) if energy is None else (str(energy), Where(key="energy"))
    )
    constraints = _constraints(architecture, file.constraints)
    needs = Needs(path, architecture, constraints.keeps, tuple(asked(each).base for each in beside), named_at)
    fixed = ReadEnergy() if chosen in METHODS else read_energy(chosen, needs)
    found = Accelerator(
        name=file.name,
        architecture=architecture,
        scheme=_scheme(file.scheme),
        energy=fixed.table,
        constraints=constraints,
        sources=_sources(file),
        notes=(*file.notes, *fixed.notes),
        energies_from=chosen,
        technology=technology_of(file.technology),
    )
    node = _node(chosen, node_nm)
    whole = found if node is None else characterized(found, chosen, node)
    return changed(whole, wanted.changes)


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
    note = f"{accelerator.name}: energies per action are characterized by {method} at {node_nm} nm"
    energy = ask(accelerator.architecture)
    notes = (*accelerator.notes, note)
    technology = at_node(accelerator.technology, node_nm, method)
    found = replace(accelerator, energy=energy, characterize=ask, notes=notes, energies_from=method)
    return replace(found, technology=technology)


def _architecture(file: ArchFile) -> Architecture:
    x, y, levels = 1, 1, []
    for name, level in file.levels.items():
        x, y = x * level.fanout_x.value, y * level.fanout_y.value
        levels.append(_storage(name, level, (x, y)))
    unit = file.compute
    x, y = x * unit.fanout_x.value, y * unit.fanout_y.value
    compute = ComputeLevel(unit.name, x * y, x, y, unit.word_bits.value)
    return Architecture(tuple(reversed(levels)), compute)


def _storage(name: str, level: Level, mesh: tuple[int, int]) -> StorageLevel:
    read, write, words = level.read_bandwidth, level.write_bandwidth, words_of(level)
    return StorageLevel(
        name=name,
        technology=level.technology,
        instances=mesh[0] * mesh[1],
        mesh_x=mesh[0],
        mesh_y=mesh[1],
        word_bits=level.word_bits.value,
        block_size=level.vector_words.value,
        size_words=None if words is None else int(words),
        metadata_width_bits=level.metadata_width_bits.value,
        metadata_depth=level.metadata_depth.value,
        read_bandwidth=read.value if read else None,
        write_bandwidth=write.value if write else None,
    )


def _scheme(scheme: SchemeField) -> Scheme:
    match scheme.kind:
        case "dense":
            return DenseScheme()
        case "dstc":
            return Dstc()
        case "crisp-stc":
            return CrispStc()
        case "stc":
            assert scheme.max_pattern is not None  # as `rules` demands
            n, m = (int(part) for part in scheme.max_pattern.value.split(":"))
            return Stc(NM(n, m))


def _constraints(architecture: Architecture, given: Mapping[str, Constraint]) -> Constraints:
    levels: list[LevelConstraint] = []
    for level, fanout in zip(architecture.levels, architecture.fanouts, strict=True):
        rule = given[level.name]
        if fanout != (1, 1):
            levels.append(_spatial(level.name, rule, fanout))
        closed = {dim: Factor("=", 1) for dim in DIMS if dim not in rule.temporal}
        free = rule.order == "free"
        order = tuple(rule.inner) if free else tuple(rule.temporal)
        levels.append(LevelConstraint(level.name, "temporal", closed, order, order_free=free))
    return Constraints(tuple(levels), {name: frozenset(rule.keep) for name, rule in given.items()})


def _spatial(name: str, rule: Constraint, fanout: tuple[int, int]) -> LevelConstraint:
    """`fill`: the one dimension of an axis takes all its children; `share`: each may take up to all of them."""
    relation: Literal["=", "<="] = "=" if rule.spatial == "fill" else "<="
    open_: dict[str, Factor] = {
        dim: Factor(relation, size) for dims, size in zip((rule.x, rule.y), fanout, strict=True) for dim in dims
    }
    closed = {dim: Factor("=", 1) for dim in DIMS if dim not in open_}
    return LevelConstraint(
        name,
        "spatial",
        {**closed, **open_},
        (*rule.x, *rule.y),
        split=len(rule.x),
        no_link_transfer=frozenset(rule.no_link_transfer),
    )


def _sources(file: ArchFile) -> dict[str, str]:
    """ "LEVEL.field" -> source, sizes as "LEVEL.size"."""
    found = {}
    for level, model in (*file.levels.items(), (file.compute.name, file.compute)):
        for name in model.model_fields_set:
            value = getattr(model, name)
            if isinstance(value, Sourced):
                found[f"{level}.{'size' if name.startswith('size_') else name}"] = value.source
    if file.scheme.max_pattern:
        found["scheme.max_pattern"] = file.scheme.max_pattern.source
    return found
