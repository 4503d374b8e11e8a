"""Architecture files: packaged ones by name, a user's by path, checked and resolved to an Accelerator."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crisp_hw.data_files import data_folder, read_yaml
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import Accelerator, CrispStc, Dense, Dstc, Scheme, Stc
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.patterns import NM

DIMS = ("G", "M", "N", "K")
LEVELS = ("DRAM", "SMEM", "RF", "LRF")  # every encoding of crisp_hw.encode is written for this chain
Dim = Literal["G", "M", "N", "K"]
Number = TypeVar("Number")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Sourced(_Strict, Generic[Number]):
    """A number and where it comes from."""

    value: Number
    source: Annotated[str, Field(min_length=5)]


Count = _Sourced[Annotated[int, Field(gt=0)]]
Size = _Sourced[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
One = {"value": 1, "source": "one instance below each instance of the level above"}


class _Level(_Strict):
    """A storage level; sizes in KB or words, bandwidths in words per cycle and instance (absent: unlimited)."""

    technology: Literal["DRAM", "SRAM"] = "SRAM"
    fanout_x: Count = Count.model_validate(One)
    fanout_y: Count = Count.model_validate(One)
    word_bits: Count
    vector_words: Count
    size_kb: Size | None = None
    size_words: Count | None = None
    read_bandwidth: Size | None = None
    write_bandwidth: Size | None = None
    metadata_width_bits: Count
    metadata_depth: Count


class _Compute(_Strict):
    """The MACs below one instance of the innermost level."""

    name: Annotated[str, Field(min_length=1)]
    fanout_x: Count = Count.model_validate(One)
    fanout_y: Count = Count.model_validate(One)
    word_bits: Count


class _Constraint(_Strict):
    """What one level may do: see the comment in arch/fabric.yaml."""

    keep: list[Literal["A", "B", "Z"]]
    temporal: list[Dim]
    order: Literal["fixed", "free"] = "fixed"
    x: list[Dim] = []
    y: list[Dim] = []
    spatial: Literal["fill", "share"] | None = None
    no_link_transfer: list[Literal["A", "B", "Z"]] = []


class _Scheme(_Strict):
    kind: Literal["dense", "stc", "dstc", "crisp-stc"]
    max_pattern: _Sourced[Annotated[str, Field(pattern=r"^[1-9]\d*:[1-9]\d*$")]] | None = None


class _ArchFile(_Strict):
    schema_: Literal["crisp-hw/arch/1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1)]
    levels: dict[str, _Level]
    compute: _Compute
    scheme: _Scheme
    energy: str
    constraints: dict[str, _Constraint]
    notes: list[str] = []


class _EnergyFile(_Strict):
    schema_: Literal["crisp-hw/energy/1"] = Field(alias="schema")
    name: str
    unit: Literal["pJ per action"]
    components: dict[str, dict[str, _Sourced[Annotated[float, Field(ge=0, allow_inf_nan=False)]]]]
    notes: list[str] = []


def list_arch() -> tuple[str, ...]:
    """Names of the packaged accelerators, sorted (a file without `scheme` is a part that others extend).

    >>> list_arch()
    ('crisp-stc', 'dense', 'dstc', 'stc')
    """
    files = sorted(data_folder("arch").glob("*.yaml"))
    return tuple(path.stem for path in files if "scheme" in _document(path))


def load_arch(name_or_path: str | Path, energy: str | None = None) -> Accelerator:
    """A packaged accelerator by name, or a user's own YAML by path (a Path, or text ending in .yaml or .yml).

    `energy` names another table of arch/energy (or the path of one) than the file does. Raises InputError for an
    unknown name (listing the valid ones), an unreadable file, an unknown or missing field or level, and a number out
    of range, each naming the file and the field.

    >>> load_arch("crisp-stc").architecture.level("SMEM").size_words
    262144
    >>> load_arch("tpu")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no architecture tpu; valid names: crisp-stc, dense, dstc, stc, or the path ...
    """
    path = _arch_path(name_or_path)
    file = _validated(_ArchFile, path, _resolved(path))
    _check_levels(path, file)
    architecture = _architecture(path, file)
    return Accelerator(
        name=file.name,
        architecture=architecture,
        scheme=_scheme(path, file.scheme),
        energy=_energy(path, energy or file.energy, (*file.levels, file.compute.name)),
        constraints=_constraints(architecture, file.constraints),
        sources=_sources(file),
        notes=tuple(file.notes),
    )


def _arch_path(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if name_or_path not in list_arch():
        names = ", ".join(list_arch())
        raise InputError(f"no architecture {name_or_path}; valid names: {names}, or the path of a .yaml file")
    return data_folder("arch") / f"{name_or_path}.yaml"


def _document(path: Path) -> dict[str, Any]:
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: is not a mapping of fields; see arch/fabric.yaml for the form")
    return document


def _resolved(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The document with everything that it extends merged below it."""
    if path in seen:
        raise InputError(f"{path}: extends itself; remove one `extends`")
    document = _document(path)
    parent = document.pop("extends", None)
    if parent is None:
        return document
    beside = path.parent / f"{parent}.yaml"
    found = beside if beside.exists() else data_folder("arch") / f"{parent}.yaml"
    if not found.exists():
        raise InputError(f"{path}: extends {parent}, but neither {beside} nor {found} exists")
    return _merged(_resolved(found, (*seen, path)), document)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Fields of `above` win; a number and its source, or a level's constraint, are replaced together."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        whole = not isinstance(old, dict) or not isinstance(value, dict) or {"value", "keep"} & {*old, *value}
        merged[key] = value if whole else _merged(old, value)  # type: ignore[arg-type]  # both are dicts here
    return merged


File = TypeVar("File", bound=BaseModel)


def _validated(model: type[File], path: Path, document: dict[str, Any]) -> File:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from error


def _check_levels(path: Path, file: _ArchFile) -> None:
    for level in LEVELS:
        for part, names in (("levels", file.levels), ("constraints", file.constraints)):
            if level not in names:
                raise InputError(f"{path}: {part} lack {level}; a fabric has {', '.join(LEVELS)}, outermost first")
    if tuple(file.levels) != LEVELS:
        raise InputError(f"{path}: levels are {', '.join(file.levels)}; a fabric has {', '.join(LEVELS)} in this order")


def _architecture(path: Path, file: _ArchFile) -> Architecture:
    x, y, levels = 1, 1, []
    for name, level in file.levels.items():
        x, y = x * level.fanout_x.value, y * level.fanout_y.value
        levels.append(_storage(path, name, level, (x, y)))
    unit = file.compute
    x, y = x * unit.fanout_x.value, y * unit.fanout_y.value
    compute = ComputeLevel(unit.name, x * y, x, y, unit.word_bits.value)
    return Architecture(tuple(reversed(levels)), compute)


def _storage(path: Path, name: str, level: _Level, mesh: tuple[int, int]) -> StorageLevel:
    read, write = level.read_bandwidth, level.write_bandwidth
    return StorageLevel(
        name=name,
        technology=level.technology,
        instances=mesh[0] * mesh[1],
        mesh_x=mesh[0],
        mesh_y=mesh[1],
        word_bits=level.word_bits.value,
        block_size=level.vector_words.value,
        size_words=_size(path, name, level),
        metadata_width_bits=level.metadata_width_bits.value,
        metadata_depth=level.metadata_depth.value,
        read_bandwidth=read.value if read else None,
        write_bandwidth=write.value if write else None,
    )


def _size(path: Path, name: str, level: _Level) -> int | None:
    if level.size_kb and level.size_words:
        raise InputError(f"{path}: {name} has both size_kb and size_words; keep one")
    if level.size_words:
        words = float(level.size_words.value)
    elif level.size_kb:
        words = level.size_kb.value * 8192 / level.word_bits.value
    else:
        return None
    if words % level.vector_words.value:
        raise InputError(f"{path}: {name} holds {words:g} words, which is not a multiple of vector_words")
    return int(words)


def _scheme(path: Path, scheme: _Scheme) -> Scheme:
    if scheme.max_pattern and scheme.kind != "stc":
        raise InputError(f"{path}: scheme {scheme.kind} takes no max_pattern; only stc does")
    match scheme.kind:
        case "dense":
            return Dense()
        case "dstc":
            return Dstc()
        case "crisp-stc":
            return CrispStc()
        case "stc":
            if not scheme.max_pattern:
                raise InputError(f'{path}: scheme stc lacks max_pattern, the densest N:M it exploits, e.g. "2:4"')
            n, m = (int(part) for part in scheme.max_pattern.value.split(":"))
            if n > m:
                raise InputError(f"{path}: max_pattern {n}:{m} keeps more than it has; write N:M with N <= M")
            return Stc(NM(n, m))


def _constraints(architecture: Architecture, given: Mapping[str, _Constraint]) -> Constraints:
    levels: list[LevelConstraint] = []
    for level, fanout in zip(architecture.levels, architecture.fanouts, strict=True):
        rule = given[level.name]
        if fanout != (1, 1):
            levels.append(_spatial(level.name, rule, fanout))
        closed = {dim: Factor("=", 1) for dim in DIMS if dim not in rule.temporal}
        free = rule.order == "free"
        order = () if free else tuple(rule.temporal)
        levels.append(LevelConstraint(level.name, "temporal", closed, order, order_free=free))
    return Constraints(tuple(levels), {name: frozenset(rule.keep) for name, rule in given.items()})


def _spatial(name: str, rule: _Constraint, fanout: tuple[int, int]) -> LevelConstraint:
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


def _energy(path: Path, name: str, components: tuple[str, ...]) -> EnergyTable:
    table = Path(name) if name.endswith((".yaml", ".yml")) else data_folder("arch") / "energy" / f"{name}.yaml"
    if not table.exists():
        names = ", ".join(sorted(each.stem for each in (data_folder("arch") / "energy").glob("*.yaml")))
        raise InputError(f"{path}: no energy table {name}; valid names: {names}, or the path of a .yaml file")
    file = _validated(_EnergyFile, table, _document(table))
    missing = [component for component in components if component not in file.components]
    if missing:
        raise InputError(f"{table}: has no energies of {', '.join(missing)}, which {path} needs")
    actions = {c: {a: entry.value for a, entry in file.components[c].items()} for c in components}
    sources = {c: {a: entry.source for a, entry in file.components[c].items()} for c in components}
    return EnergyTable(actions, sources)


def _sources(file: _ArchFile) -> dict[str, str]:
    """ "LEVEL.field" -> source, sizes as "LEVEL.size"."""
    found = {}
    for level, model in (*file.levels.items(), (file.compute.name, file.compute)):
        for name in model.model_fields_set:
            value = getattr(model, name)
            if isinstance(value, _Sourced):
                found[f"{level}.{'size' if name.startswith('size_') else name}"] = value.source
    if file.scheme.max_pattern:
        found["scheme.max_pattern"] = file.scheme.max_pattern.source
    return found
