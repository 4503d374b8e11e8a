"""The `sparse_optimizations` document: representation formats and SAFs."""

from itertools import pairwise
from typing import Any, get_args

from crisp_hw.engine.formats import word_bits
from crisp_hw.errors import InputError
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
    known,
    mapping,
    optional_mapping,
    optional_sequence,
    required,
    sequence,
    text,
    whole,
)

COMPUTE_KINDS: dict[str, ComputeKind] = {
    "gate_on_zero_operand": "gating",
    "gating": "gating",
    "skip_on_not_aligned_operands": "skipping",
    "skipping": "skipping",
}
PACKED = ("B", "CP", "RLE")  # store nonzeros only
FORMATS: dict[str, Format] = {**{name.lower(): name for name in get_args(Format) if name != "U"}, "ub": "U"}


def read_sparse(document: Any, architecture: Architecture, problem: Problem, dialect: Dialect = "head") -> SparseSpec:
    """All sparse optimizations; InputError names the level and the key."""
    if document is None:
        return SparseSpec()
    root = mapping(document, "sparse_optimizations")
    known(root, ("version", "targets"), "sparse_optimizations")
    formats: list[TensorFormat] = []
    actions: list[ActionOptimization] = []
    compute: list[ComputeKind] = []
    for target in optional_sequence(root.get("targets"), "sparse_optimizations.targets"):
        target = mapping(target, "sparse_optimizations.targets")
        name = text(required(target, "name", "sparse_optimizations.targets"), "sparse_optimizations.targets.name")
        where = f"sparse_optimizations of {name}"
        known(target, ("name", "representation_format", "action_optimization", "compute_optimization"), where)
        levels = [level.name for level in architecture.levels]
        if name not in (*levels, architecture.compute.name):
            raise InputError(f"{where}: the architecture has no such level; it has {', '.join(levels)}")
        for entry in optional_sequence(target.get("compute_optimization"), where):
            compute.append(_compute(mapping(entry, where), where))
        layout = optional_mapping(target.get("representation_format"), where)
        known(layout, ("data_spaces",), f"{where}.representation_format")
        formats += [
            _format(name, mapping(s, where), problem) for s in optional_sequence(layout.get("data_spaces"), where)
        ]
        for entry in optional_sequence(target.get("action_optimization"), where):
            action = _action(name, mapping(entry, where), problem)
            if action in actions:
                raise InputError(f"{where}: the same {action.kind} is there twice; give it once")
            actions.append(action)
            if actions[-1].kind == "position_skipping":
                dialect_only(entry, "type", RULES[dialect].position_skipping, where)
    places = [(each.level, each.tensor) for each in formats]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise InputError(f"sparse_optimizations of {twice[0]}: {twice[1]} has two formats; give one")
    for form in formats:
        _check_port(form, architecture)
    return SparseSpec(tuple(formats), tuple(actions), tuple(compute))


def _check_port(form: TensorFormat, architecture: Architecture) -> None:
    """No entry is wider than the port that moves it (sparse-optimization-parser.cpp: AdjustFormatWordBits)."""
    level = next((each for each in architecture.levels if each.name == form.level), None)
    if level is None:
        return
    if any(bits > level.metadata_width_bits for rank in form.ranks for bits in word_bits(level, rank)):
        raise InputError(
            f"sparse_optimizations of {form.level}: the format of {form.tensor} has entries wider than "
            f"metadata_storage_width, {level.metadata_width_bits} bits; widen that, or give narrower entries"
        )


def _compute(entry: Node, where: str) -> ComputeKind:
    kind = str(required(entry, "type", where)).replace("-", "_")
    known(entry, ("type",), f"{where}.compute_optimization")
    if kind not in COMPUTE_KINDS:
        raise InputError(f"{where}: unknown compute optimization {kind!r}; known are {', '.join(COMPUTE_KINDS)}")
    return COMPUTE_KINDS[kind]


def _tensor(name: Any, problem: Problem, where: str) -> str:
    names = [tensor.name for tensor in problem.tensors]
    if name not in names:
        raise InputError(f"{where}: the problem has no tensor {name!r}; it has {', '.join(names)}")
    return str(name)


def _format(level: str, space: Node, problem: Problem) -> TensorFormat:
    where = f"sparse_optimizations of {level}"
    known(space, ("name", "ranks", "rank_application_order"), where)
    tensor = _tensor(required(space, "name", where), problem, where)
    order = str(space.get("rank_application_order", "outer_to_inner")).replace("-", "_")
    if order not in ("inner_to_outer", "outer_to_inner"):
        raise InputError(f"{where}: rank_application_order {order!r} is neither inner_to_outer nor outer_to_inner")
    ranks = [
        _rank(mapping(r, where), problem, f"{where}, {tensor}")
        for r in sequence(required(space, "ranks", where), where)
    ]
    if not ranks:
        raise InputError(f"{where}: the format of {tensor} has no ranks; give one per loop, or leave the format out")
    if not problem.tensor(tensor).ranks:
        raise InputError(f"{where}: {tensor} is a single word, which has no format; leave it out")
    packed = [rank.format in PACKED for rank in ranks]
    if any(outer and not inner for outer, inner in pairwise(packed)):
        raise InputError(
            f"{where}: the format of {tensor} packs a rank ({', '.join(rank.format for rank in ranks)}, outermost "
            "first) outside one that is not packed, which Timeloop does not support; pack the inner ranks"
        )
    return TensorFormat(level, tensor, tuple(reversed(ranks)), order == "inner_to_outer")


def _rank(entry: Node, problem: Problem, where: str) -> Rank:
    known(entry, ("format", "metadata_word_bits", "payload_word_bits", "flattened_rankIDs"), where)
    name = str(required(entry, "format", where)).lower()
    if name not in FORMATS:
        raise InputError(f"{where}: unknown format {name!r}; known are {', '.join(sorted(FORMATS))}")
    rules = optional_sequence(entry.get("flattened_rankIDs"), f"{where}.flattened_rankIDs")
    bits = [
        whole(entry[key], f"{where}.{key}") if key in entry else None
        for key in ("metadata_word_bits", "payload_word_bits")
    ]
    groups = tuple(frozenset(text(dim, where) for dim in sequence(rule, where)) for rule in rules)
    if unknown := sorted(frozenset().union(*groups) - set(problem.dims)):
        known_dims = ", ".join(problem.dims)
        raise InputError(f"{where}: flattened_rankIDs names {unknown[0]!r}, which is not one of {known_dims}")
    if FORMATS[name] == "U":
        bits = [None, None]  # Timeloop does not read them: a UB has the level's own metadata width
    return Rank(FORMATS[name], bits[0], bits[1], groups)


def _action(level: str, entry: Node, problem: Problem) -> ActionOptimization:
    where = f"sparse_optimizations of {level}"
    kind = str(required(entry, "type", where)).replace("-", "_")
    if kind not in get_args(ActionKind):
        raise InputError(f"{where}: action {kind!r} is not modelled; there are {', '.join(get_args(ActionKind))}")
    known(entry, ("type", "target", "condition_on", "options"), where)
    options = sequence(entry["options"], where) if "options" in entry else [entry]
    if not options:
        raise InputError(f"{where}: the {kind} has no options; give one with target and condition_on, or leave it out")
    conditions = []
    for option in options:
        option = mapping(option, where)
        if "options" in entry:
            known(option, ("target", "condition_on"), where)
        target = _tensor(required(option, "target", where), problem, where)
        leaders = sequence(required(option, "condition_on", where), where)
        if not leaders and kind != "position_skipping":
            raise InputError(f"{where}: the {kind} of {target} is conditioned on nothing; name a tensor")
        conditions.append(Condition(target, tuple(_tensor(name, problem, where) for name in leaders)))
    return ActionOptimization(level, next(k for k in get_args(ActionKind) if k == kind), tuple(conditions))
