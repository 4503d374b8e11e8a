"""The `sparse_optimizations` document: representation formats and SAFs."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, get_args

from crisp_hw.engine.formats import word_bits
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import mark_of
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import RULES, Dialect
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.sparse import (
    ActionKind,
    ActionOptimization,
    ComputeKind,
    Condition,
    Format,
    Rank,
    SparseSpec,
    TensorFormat,
)
from crisp_hw.timeloop.yaml.fields import (
    Node,
    dialect_only,
    inside,
    items,
    key_at,
    known,
    mapping,
    optional_items,
    optional_mapping,
    required,
    text,
    value_at,
    whole,
)

SPARSE = Where("sparse_optimizations")
BITS = ("metadata_word_bits", "payload_word_bits")

COMPUTE_KINDS: dict[str, ComputeKind] = {
    "gate_on_zero_operand": "gating",
    "gating": "gating",
    "skip_on_not_aligned_operands": "skipping",
    "skipping": "skipping",
}
PACKED = ("B", "CP", "RLE")  # store nonzeros only
FORMATS: dict[str, Format] = {**{name.lower(): name for name in get_args(Format) if name != "U"}, "ub": "U"}


@dataclass
class _Said:
    """What the targets so far say, and what they may name."""

    architecture: Architecture
    problem: Problem
    dialect: Dialect
    formats: dict[tuple[str, str], TensorFormat] = field(default_factory=dict)
    actions: list[ActionOptimization] = field(default_factory=list)
    compute: list[ComputeKind] = field(default_factory=list)


def read_sparse(document: Any, architecture: Architecture, problem: Problem, dialect: Dialect = "head") -> SparseSpec:
    """All sparse optimizations; InputError names the level and the key."""
    if document is None:
        return SparseSpec()
    root = mapping(document, SPARSE)
    known(root, ("version", "targets"), SPARSE)
    said = _Said(architecture, problem, dialect)
    for target, at in optional_items(root.get("targets"), inside(SPARSE, root, "targets")):
        target = mapping(target, at)
        name = text(required(target, "name", at), inside(at, target, "name"))
        _add_target(said, target, Where("sparse_optimizations", name, mark=at.mark))
    return SparseSpec(tuple(said.formats.values()), tuple(said.actions), tuple(said.compute))


def _add_target(said: _Said, target: Node, at: Where) -> None:
    known(target, ("name", "representation_format", "action_optimization", "compute_optimization"), at)
    levels = [level.name for level in said.architecture.levels]
    if at.entry not in (*levels, said.architecture.compute.name):
        what = "the architecture has no such level"
        raise InputError(what, value_at(at, target, "name"), f"it has {', '.join(levels)}")
    _check_place(target, at, said.architecture)
    for entry, place in optional_items(
        target.get("compute_optimization"), value_at(at, target, "compute_optimization")
    ):
        said.compute.append(_compute(mapping(entry, place), place))
    layout = optional_mapping(target.get("representation_format"), value_at(at, target, "representation_format"))
    known(layout, ("data_spaces",), at.under("representation_format"))
    for space, place in optional_items(layout.get("data_spaces"), value_at(at, layout, "data_spaces")):
        form = _format(mapping(space, place), said.problem, place)
        if (form.level, form.tensor) in said.formats:
            raise InputError(f"{form.tensor} has two formats", value_at(place, space, "name"), "give one")
        _check_port(form, said.architecture, space, place)
        said.formats[form.level, form.tensor] = form
    for entry, place in optional_items(target.get("action_optimization"), value_at(at, target, "action_optimization")):
        action = _action(mapping(entry, place), said.problem, place)
        if action in said.actions:
            raise InputError(f"the same {action.kind} is there twice", place, "give it once")
        said.actions.append(action)
        if action.kind == "position_skipping":
            dialect_only(entry, "type", RULES[said.dialect].position_skipping, place)


def _check_place(target: Node, at: Where, architecture: Architecture) -> None:
    """MACs hold no tensors: Timeloop finds no storage level of their name (sparse-optimization-parser.cpp)."""
    if at.entry == architecture.compute.name:
        for key in ("representation_format", "action_optimization"):
            if target.get(key):
                levels = ", ".join(level.name for level in architecture.levels)
                what = f"{key} is for a storage level, and {at.entry} computes"
                raise InputError(what, key_at(at, target, key), f"write it under one of {levels}")


def _check_port(form: TensorFormat, architecture: Architecture, space: Node, at: Where) -> None:
    """No entry is wider than the port that moves it (sparse-optimization-parser.cpp: AdjustFormatWordBits)."""
    level = next((each for each in architecture.levels if each.name == form.level), None)
    if level is None:
        return
    outermost_first = list(reversed(form.ranks))
    for rank, entry in zip(outermost_first, space["ranks"], strict=True):
        widths = dict(zip(BITS, word_bits(level, rank), strict=True))
        wide = next((key for key, bits in widths.items() if bits > level.metadata_width_bits), None)
        if wide is not None:
            what = f"the format of {form.tensor} has entries wider than metadata_storage_width, "
            what += f"{level.metadata_width_bits} bits"
            place = value_at(at, entry, wide) if wide in entry else at.at(mark_of(entry))
            raise InputError(what, place, "widen that, or give narrower entries")


def _compute(entry: Node, at: Where) -> ComputeKind:
    kind = str(required(entry, "type", at)).replace("-", "_")
    known(entry, ("type",), at.under("compute_optimization"))
    if kind not in COMPUTE_KINDS:
        valid = f"known are {', '.join(COMPUTE_KINDS)}"
        raise InputError(f"unknown compute optimization {kind!r}", value_at(at, entry, "type"), valid)
    return COMPUTE_KINDS[kind]


def _tensor(name: Any, problem: Problem, at: Where) -> str:
    names = [tensor.name for tensor in problem.tensors]
    if name not in names:
        raise InputError(f"the problem has no tensor {name!r}", at, f"it has {', '.join(names)}")
    return str(name)


def _format(space: Node, problem: Problem, at: Where) -> TensorFormat:
    known(space, ("name", "ranks", "rank_application_order"), at)
    tensor = _tensor(required(space, "name", at), problem, value_at(at, space, "name"))
    order = str(space.get("rank_application_order", "outer_to_inner")).replace("-", "_")
    if order not in ("inner_to_outer", "outer_to_inner"):
        what = f"rank_application_order {order!r} is neither inner_to_outer nor outer_to_inner"
        raise InputError(what, value_at(at, space, "rank_application_order"))
    listed = items(required(space, "ranks", at), value_at(at, space, "ranks"))
    ranks = [_rank(mapping(rank, place), tensor, problem, place) for rank, place in listed]
    if not ranks:
        advice = "give one per loop, or leave the format out"
        raise InputError(f"the format of {tensor} has no ranks", value_at(at, space, "ranks"), advice)
    if not problem.tensor(tensor).ranks:
        raise InputError(f"{tensor} is a single word, which has no format", at, "leave it out")
    packed = [rank.format in PACKED for rank in ranks]
    for index, (outer, inner) in enumerate(pairwise(packed), 1):
        if outer and not inner:
            what = f"the format of {tensor} packs a rank ({', '.join(rank.format for rank in ranks)}, outermost "
            what += "first) outside one that is not packed, which Timeloop does not support"
            raise InputError(what, value_at(listed[index][1], listed[index][0], "format"), "pack the inner ranks")
    return TensorFormat(at.entry, tensor, tuple(reversed(ranks)), order == "inner_to_outer")


def _rank(entry: Node, tensor: str, problem: Problem, at: Where) -> Rank:
    at = replace(at, entry=f"{at.entry}, {tensor}")
    known(entry, ("format", *BITS, "flattened_rankIDs"), at)
    name = str(required(entry, "format", at)).lower()
    if name not in FORMATS:
        valid = f"known are {', '.join(sorted(FORMATS))}"
        raise InputError(f"unknown format {name!r}", value_at(at, entry, "format"), valid)
    bits = [whole(entry[key], inside(at, entry, key)) if key in entry else None for key in BITS]
    groups = []
    for rule, place in optional_items(entry.get("flattened_rankIDs"), inside(at, entry, "flattened_rankIDs")):
        groups.append(frozenset(_dimension(dim, problem, each) for dim, each in items(rule, place)))
    if FORMATS[name] == "U":
        bits = [None, None]  # Timeloop does not read them: a UB has the level's own metadata width
    return Rank(FORMATS[name], bits[0], bits[1], tuple(groups))


def _dimension(name: Any, problem: Problem, at: Where) -> str:
    dim = text(name, at)
    if dim not in problem.dims:
        known_dims = ", ".join(problem.dims)
        raise InputError(f"flattened_rankIDs names {dim!r}, which is not one of {known_dims}", at)
    return dim


def _action(entry: Node, problem: Problem, at: Where) -> ActionOptimization:
    kind = str(required(entry, "type", at)).replace("-", "_")
    if kind not in get_args(ActionKind):
        valid = f"there are {', '.join(get_args(ActionKind))}"
        raise InputError(f"action {kind!r} is not modelled", value_at(at, entry, "type"), valid)
    known(entry, ("type", "target", "condition_on", "options"), at)
    options = items(entry["options"], value_at(at, entry, "options")) if "options" in entry else [(entry, at)]
    if not options:
        advice = "give one with target and condition_on, or leave it out"
        raise InputError(f"the {kind} has no options", value_at(at, entry, "options"), advice)
    conditions = []
    for option, place in options:
        option = mapping(option, place)
        if "options" in entry:
            known(option, ("target", "condition_on"), place)
        target = _tensor(required(option, "target", place), problem, value_at(place, option, "target"))
        leaders = items(required(option, "condition_on", place), value_at(place, option, "condition_on"))
        if not leaders and kind != "position_skipping":
            what = f"the {kind} of {target} is conditioned on nothing"
            raise InputError(what, value_at(place, option, "condition_on"), "name a tensor")
        conditions.append(Condition(target, tuple(_tensor(name, problem, each) for name, each in leaders)))
    return ActionOptimization(at.entry, next(k for k in get_args(ActionKind) if k == kind), tuple(conditions))
