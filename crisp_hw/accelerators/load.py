"""One checked architecture file -> an Accelerator."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from crisp_hw.accelerators.energy import Needs, ReadEnergy, read_energy
from crisp_hw.accelerators.files import arch_path, resolved
from crisp_hw.accelerators.schema import ArchFile, Constraint, Level, SchemeField, Sourced
from crisp_hw.accelerators.settings import asked
from crisp_hw.characterization.components import OVERHEADS
from crisp_hw.characterization.methods import METHODS, energies
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of, shown
from crisp_hw.machine.yaml_files import checked, did_you_mean
from crisp_hw.spec.accelerator import Accelerator, CrispStc, DenseScheme, Dstc, Scheme, Stc, changed
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.limits import MOST_INSTANCES
from crisp_hw.spec.patterns import NM

DIMS = ("G", "M", "N", "K")
LEVELS = ("DRAM", "SMEM", "RF", "LRF")  # every encoding of crisp_hw.encode is written for this chain


def load_arch(
    name_or_path: str | Path, energy: str | None = None, node_nm: int = 45, beside: Iterable[str | Path] = ()
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
        The technology node in nm at which the architecture is characterized.
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
    path = arch_path(wanted.base)
    document = resolved(path)
    file = checked(ArchFile, document, "arch")
    _check_names(document, file)
    architecture = _architecture(document, file)
    chosen, named_at = (file.energy, _at(document, "energy")) if energy is None else (energy, Where(key="energy"))
    constraints = _constraints(document, architecture, file.constraints)
    needs = Needs(path, architecture, constraints.keeps, tuple(asked(each).base for each in beside), named_at)
    fixed = ReadEnergy() if chosen in METHODS else read_energy(chosen, needs)
    found = Accelerator(
        name=file.name,
        architecture=architecture,
        scheme=_scheme(document, file.scheme),
        energy=fixed.table,
        constraints=constraints,
        sources=_sources(file),
        notes=(*file.notes, *fixed.notes),
    )
    whole = characterized(found, chosen, node_nm) if chosen in METHODS else found
    return changed(whole, wanted.changes)


def characterized(accelerator: Accelerator, method: str, node_nm: int = 45) -> Accelerator:
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
    return replace(accelerator, energy=energy, characterize=ask, notes=(*accelerator.notes, note))


def _check_names(document: MarkedDict, file: ArchFile) -> None:
    """Levels and constraints name the chain, each level once; the compute level has a name of its own."""
    for part in ("levels", "constraints"):
        names, at = document[part], Where("arch", key=part, mark=mark_of(document, part))
        for name in names:
            if name not in LEVELS:
                there = at.under(shown(name).strip("'"), mark_of(names, name))
                raise InputError("there is no such level", there, did_you_mean(name, LEVELS))
        if missing := [level for level in LEVELS if level not in names]:
            raise InputError(f"lack {missing[0]}", at, f"a fabric has {', '.join(LEVELS)}, outermost first")
    if tuple(file.levels) != LEVELS:
        at = Where("arch", key="levels", mark=mark_of(document, "levels"))
        chain = ", ".join(LEVELS)
        raise InputError(f"they are {', '.join(file.levels)}; a fabric has {chain} in this order", at, "reorder them")
    if file.compute.name.upper() in (*LEVELS, *map(str.upper, OVERHEADS)):
        at = Where("arch", key="compute.name", mark=mark_of(document["compute"], "name"))
        raise InputError(f"{file.compute.name} is the name of another component", at, "call it MAC")


def _at(document: MarkedDict, *keys: str) -> Where:
    """The place of a field, by the keys that lead to it; where one is not written, that of what it should stand in."""
    node, mark = document, mark_of(document)
    for key in keys:
        if not isinstance(node, MarkedDict) or key not in node:
            break
        mark, node = mark_of(node, key) or mark, node[key]
    return Where("arch", key=".".join(keys), mark=mark)


def _architecture(document: MarkedDict, file: ArchFile) -> Architecture:
    x, y, levels = 1, 1, []
    for name, level in file.levels.items():
        x, y = x * level.fanout_x.value, y * level.fanout_y.value
        _check_instances(_at(document, "levels", name), name, x * y)
        levels.append(_storage(document, name, level, (x, y)))
    unit = file.compute
    x, y = x * unit.fanout_x.value, y * unit.fanout_y.value
    _check_instances(_at(document, "compute"), unit.name, x * y)
    compute = ComputeLevel(unit.name, x * y, x, y, unit.word_bits.value)
    return Architecture(tuple(reversed(levels)), compute)


def _check_instances(at: Where, name: str, many: int) -> None:
    if many > MOST_INSTANCES:
        raise InputError(f"{many:,} instances of {name} are more than {MOST_INSTANCES:,}", at, "lower a fanout")


def _storage(document: MarkedDict, name: str, level: Level, mesh: tuple[int, int]) -> StorageLevel:
    read, write = level.read_bandwidth, level.write_bandwidth
    return StorageLevel(
        name=name,
        technology=level.technology,
        instances=mesh[0] * mesh[1],
        mesh_x=mesh[0],
        mesh_y=mesh[1],
        word_bits=level.word_bits.value,
        block_size=level.vector_words.value,
        size_words=_size(document, name, level),
        metadata_width_bits=level.metadata_width_bits.value,
        metadata_depth=level.metadata_depth.value,
        read_bandwidth=read.value if read else None,
        write_bandwidth=write.value if write else None,
    )


def _size(document: MarkedDict, name: str, level: Level) -> int | None:
    if level.size_kb and level.size_words:
        at = _at(document, "levels", name, "size_words")
        raise InputError(f"{name} has both size_kb and size_words", at, "keep one")
    if level.size_words:
        words = float(level.size_words.value)
    elif level.size_kb:
        words = level.size_kb.value * 8192 / level.word_bits.value
    else:
        return None
    if words % level.vector_words.value:
        at = _at(document, "levels", name, "size_kb" if level.size_kb else "size_words")
        vector = level.vector_words.value
        raise InputError(f"{name} holds {words:g} words, which is no multiple of its {vector} vector_words", at)
    return int(words)


def _scheme(document: MarkedDict, scheme: SchemeField) -> Scheme:
    if scheme.max_pattern and scheme.kind != "stc":
        at = _at(document, "scheme", "max_pattern")
        raise InputError(f"scheme {scheme.kind} takes no max_pattern", at, "only stc does")
    match scheme.kind:
        case "dense":
            return DenseScheme()
        case "dstc":
            return Dstc()
        case "crisp-stc":
            return CrispStc()
        case "stc":
            if not scheme.max_pattern:
                what = "scheme stc lacks max_pattern, the densest N:M it exploits"
                raise InputError(what, _at(document, "scheme"), 'add one, e.g. "2:4"')
            n, m = (int(part) for part in scheme.max_pattern.value.split(":"))
            if n > m:
                at = _at(document, "scheme", "max_pattern")
                raise InputError(f"{n}:{m} keeps more than it has", at, "write N:M with N <= M")
            return Stc(NM(n, m))


def _constraints(document: MarkedDict, architecture: Architecture, given: Mapping[str, Constraint]) -> Constraints:
    levels: list[LevelConstraint] = []
    for level, fanout in zip(architecture.levels, architecture.fanouts, strict=True):
        rule = given[level.name]
        _check_spatial(_at(document, "constraints", level.name), rule, fanout)
        if fanout != (1, 1):
            levels.append(_spatial(level.name, rule, fanout))
        closed = {dim: Factor("=", 1) for dim in DIMS if dim not in rule.temporal}
        free = rule.order == "free"
        order = tuple(rule.inner) if free else tuple(rule.temporal)
        levels.append(LevelConstraint(level.name, "temporal", closed, order, order_free=free))
    if set(given["DRAM"].keep) != {"A", "B", "Z"}:
        at = _at(document, "constraints", "DRAM", "keep")
        raise InputError(f"DRAM keeps only {', '.join(given['DRAM'].keep)}", at, "the outermost level keeps A, B and Z")
    arrays = [name for name, rule in given.items() if rule.spatial == "fill"]
    if len(arrays) != 1:
        raise InputError(
            f"constraints of {', '.join(arrays) or 'no level'} say `spatial: fill`",
            _at(document, "constraints", *arrays[1:2]),
            "exactly one level fills the array",
        )
    return Constraints(tuple(levels), {name: frozenset(rule.keep) for name, rule in given.items()})


def _check_spatial(at: Where, rule: Constraint, fanout: tuple[int, int]) -> None:
    """Spatial loops exactly where there are copies to run on; an array has M along one axis and one other dimension."""
    x, y = fanout
    if (x > 1, y > 1) != (bool(rule.x), bool(rule.y)) and rule.spatial != "fill":
        raise InputError(f"it feeds {x} x {y} children, so its constraint needs dimensions for just those axes", at)
    if (x * y > 1) != (rule.spatial is not None):
        raise InputError(
            f"it feeds {x} x {y} children", at, "say `spatial: fill` or `share` if and only if more than one"
        )
    if rule.spatial == "fill" and not (len(rule.x) == len(rule.y) == 1 and "M" in rule.x + rule.y):
        raise InputError(
            f"it fills the array with {rule.x} x {rule.y}", at, "give M on one axis and K or N on the other"
        )


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
