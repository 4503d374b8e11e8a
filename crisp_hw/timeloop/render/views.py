"""What the templates print: plain values in Timeloop's names and orders."""

from collections.abc import Iterable, Mapping
from typing import Any

from crisp_hw.machine.foreign import Unfit
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping
from crisp_hw.spec.sparse import ActionOptimization, Rank
from crisp_hw.timeloop.render.wires import wire_attributes

View = dict[str, Any]

# Timeloop's attribute -> the field of an architecture file whose source explains it
_SOURCE_OF = {
    "datawidth": "word_bits",
    "width": "vector_words",
    "depth": "size",
    "meshX": "fanout_x",
    "meshY": "fanout_y",
    "metadata_storage_width": "metadata_width_bits",
    "metadata_storage_depth": "metadata_depth",
}


def number(value: float) -> str:
    """A number as YAML reads it back: PyYAML takes 1e-05 for text unless it has a point.

    >>> number(1e-05), number(0.25), number(24)
    ('1.0e-05', '0.25', '24')
    """
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return text if not e or "." in mantissa else f"{mantissa}.0e{exponent}"


def _comment(text: str) -> str:
    return f"  # {' '.join(text.split())}" if text else ""


def _component(part: StorageLevel | ComputeLevel) -> str:
    return f"{part.name}[1..{part.instances}]"


def _parts(arch: Architecture) -> list[StorageLevel | ComputeLevel]:
    """Every component, outermost first."""
    return [*reversed(arch.levels), arch.compute]


def architecture(arch: Architecture, sources: Mapping[str, str]) -> View:
    """Levels outermost first, compute last."""
    levels = [
        {"name": _component(level), "class": "DRAM" if level.technology == "DRAM" else "storage"}
        | {"attributes": _commented(level.name, _storage(level), sources)}
        for level in reversed(arch.levels)
    ]
    unit = arch.compute
    mac = {"datawidth": unit.word_bits, "meshX": unit.mesh_x, "meshY": unit.mesh_y}
    compute = {"name": _component(unit), "class": "intmac", "attributes": _commented(unit.name, mac, sources)}
    return {"components": [*levels, compute]}


def _storage(level: StorageLevel) -> dict[str, float | int | str]:
    """Attributes in Timeloop's names; those at Timeloop's own default are left out."""
    found: dict[str, float | int | str | None] = {
        "datawidth": level.word_bits,
        "cluster_size": level.cluster_size,
        "width": level.block_size * level.cluster_size * level.word_bits,
        "meshX": level.mesh_x,
        "meshY": level.mesh_y,
        "metadata_storage_width": level.metadata_width_bits or None,
        "metadata_storage_depth": level.metadata_depth or None,
        "metadata_datawidth": level.metadata_word_bits or None,
        "read_bandwidth": level.read_bandwidth,
        "write_bandwidth": level.write_bandwidth,
        "shared_bandwidth": level.shared_bandwidth,
        "multiple_buffering": None if level.multiple_buffering == 1 else level.multiple_buffering,
        "decompression_supported": "true" if level.decompression_supported else None,
        "compression_supported": "true" if level.compression_supported else None,
        "min_utilization": level.min_utilization or None,
        **wire_attributes(level),
    }
    if level.size_words is not None:
        whole = level.size_words % level.block_size == 0
        found["depth" if whole else "entries"] = level.size_words // level.block_size if whole else level.size_words
    return {key: value for key, value in found.items() if value is not None}


def _commented(part: str, values: Mapping[str, float | int | str], sources: Mapping[str, str]) -> list[View]:
    return [
        {
            "key": key,
            "value": value if isinstance(value, str) else number(value),
            "comment": _comment(sources.get(f"{part}.{_SOURCE_OF.get(key, key)}", "")),
        }
        for key, value in values.items()
    ]


def mapping(point: DesignPoint) -> View:
    """Blocks innermost level first; ValueError when x and y loops of a level do not stand apart."""
    nest, arch = point.mapping.nest, point.design.architecture
    loops = list(zip(nest.loops, factors_text(point.mapping), strict=True))
    blocks = []
    for index, level in enumerate(arch.levels):
        here = [(loop, factor) for loop, factor in loops if loop.level == index]
        spatial = [(loop, factor) for loop, factor in here if loop.kind != "temporal"]
        temporal = [(loop, factor) for loop, factor in here if loop.kind == "temporal"]
        if spatial:
            kinds = [loop.kind for loop, _ in spatial]
            split = kinds.count("x")
            if "x" in kinds[split:]:
                raise Unfit(f"{level.name} has an x loop outside a y loop")
            lists = {"no_link_transfer": nest.no_link_transfer, "no_reuse": nest.no_multicast}
            blocks.append(_block(level.name, "spatial", spatial) | {"split": split, "lists": _raised(lists, index)})
        if temporal:
            lists = {"no_temporal_reuse": nest.no_temporal_reuse, "rmw_first_update": nest.rmw_first_update}
            blocks.append(_block(level.name, "temporal", temporal) | {"lists": _raised(lists, index)})
    tensors = [tensor.name for tensor in point.design.problem.tensors]
    keeps = {level.name: kept for level, kept in zip(arch.levels, nest.keeps, strict=True)}
    return {"blocks": blocks, "stores": _stores(tensors, keeps)}


def factors_text(mapping: LoopMapping) -> list[str]:
    """The factor of every loop as Timeloop writes it: "K=5", or with a residual "K=5,3"."""
    residuals = mapping.residuals or mapping.bounds
    return [
        f"{loop.dim}={bound}" + ("" if rest == bound else f",{rest}")
        for loop, bound, rest in zip(mapping.nest.loops, mapping.bounds, residuals, strict=True)
    ]


def _raised(lists: dict[str, tuple[frozenset[str], ...]], level: int) -> list[View]:
    """The flags that some tensor of a level has."""
    found = ((key, sorted(names[level])) for key, names in lists.items() if names)
    return [{"key": key, "tensors": tensors} for key, tensors in found if tensors]


def _block(target: str, kind: str, loops: list[tuple[Loop, str]]) -> View:
    return {
        "target": target,
        "type": kind,
        "factors": " ".join(factor for _, factor in loops),
        "permutation": "".join(loop.dim for loop, _ in loops),
        "split": None,
        "lists": [],
    }


def _stores(tensors: list[str], keeps: Mapping[str, Iterable[str]]) -> list[View]:
    """Levels that bypass something; Timeloop keeps everything elsewhere."""
    kept = {level: set(names) for level, names in keeps.items()}
    return [
        {"target": level, "keep": [t for t in tensors if t in names], "bypass": [t for t in tensors if t not in names]}
        for level, names in kept.items()
        if any(t not in names for t in tensors)
    ]


def sparse(design: Design) -> View:
    """One target per level that has something to say, outermost first, compute last."""
    spec, arch = design.sparse, design.architecture
    targets: list[View] = []
    for level in reversed(arch.levels):
        formats = [
            {"name": f.tensor, "inner_to_outer": f.inner_to_outer, "ranks": [_rank(r) for r in reversed(f.ranks)]}
            for f in spec.formats
            if f.level == level.name
        ]
        actions = [_action(action) for action in spec.actions if action.level == level.name]
        if formats or actions:
            targets.append({"name": level.name, "formats": formats, "actions": actions, "compute": ()})
    if spec.compute:
        targets.append({"name": arch.compute.name, "formats": (), "actions": (), "compute": spec.compute})
    return {"targets": targets}


def _rank(rank: Rank) -> list[str]:
    fields = [f"format: {'UB' if rank.format == 'U' else rank.format}"]
    if rank.metadata_bits is not None:
        fields.append(f"metadata_word_bits: {rank.metadata_bits}")
    if rank.payload_bits is not None:
        fields.append(f"payload_word_bits: {rank.payload_bits}")
    if rank.flattened:
        rules = ", ".join(f"[{', '.join(sorted(rule))}]" for rule in rank.flattened)
        fields.append(f"flattened_rankIDs: [{rules}]")
    return fields


def _action(action: ActionOptimization) -> View:
    options = [{"target": option.target, "condition_on": option.condition_on} for option in action.options]
    return {"type": action.kind, "options": options}


def energy(design: Design) -> View:
    """Components outermost first, with the actions that the table has and where each number comes from."""
    table, arch = design.energy, design.architecture
    components = []
    for part in _parts(arch):
        sources = table.sources.get(part.name, {})
        actions = [
            {"name": action, "energy": number(float(pj)), "comment": _comment(sources.get(action, ""))}
            for action, pj in table.actions.get(part.name, {}).items()
        ]
        if actions:
            components.append({"name": f"system.{_component(part)}", "actions": actions})
    return {"components": components}


def area(arch: Architecture) -> View:
    """The same placeholder for every component."""
    return {"components": [{"name": f"system.{_component(part)}", "area": "1.0"} for part in _parts(arch)]}


def constraints(design: Design, given: Constraints) -> View:
    """Factors, orders and flags of every constrained level, and what each level but the outermost keeps and bypasses.

    Timeloop's mapper searches both where a level names a tensor in neither list, so what is settled is written out.
    """
    stores = []
    tensors = [tensor.name for tensor in design.problem.tensors]
    for level in design.architecture.levels[:-1]:
        either = given.either.get(level.name, frozenset())
        kept = given.keeps.get(level.name, frozenset(tensors)) - either
        bypassed = [name for name in tensors if name not in kept and name not in either]
        stores.append({"target": level.name, "keep": [name for name in tensors if name in kept], "bypass": bypassed})
    innermost = design.architecture.levels[0].name
    share = {"target": innermost, "min": number(given.parallelism)} if given.parallelism else None
    return {"blocks": [_bounds(level) for level in given.levels], "stores": stores, "share": share}


def _bounds(level: LevelConstraint) -> View:
    factors = [f"{dim}{factor.relation}{factor.value}" for dim, factor in level.factors.items()]
    lists = {
        "no_link_transfer": level.no_link_transfer,
        "no_reuse": level.no_multicast if level.kind == "spatial" else level.no_temporal_reuse,
        "rmw_first_update": level.rmw_first_update,
    }
    return {
        "target": level.level,
        "type": level.kind,
        "factors": " ".join([*factors, *(f"{dim}>={least}" for dim, least in level.at_least.items())]),
        "permutation": "".join([*level.permutation, *(["_", *level.outermost] if level.outermost else [])]),
        "split": level.split,
        "lists": [{"key": key, "tensors": sorted(names)} for key, names in lists.items() if names],
    }
