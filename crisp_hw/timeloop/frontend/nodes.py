"""The architecture of timeloopfe's 0.4 front end: a list of nodes, outermost first, to a chain of components.

Facts: timeloopfe (Accelergy-Project/timeloop-python b8aaf2c), v4/arch.py and common/version_transpilers/v4_to_v3.py. A
container's attributes hold for every component after it; a mesh multiplies all that comes after it; every fanout gets
a level of its own without storage, inter_NAME_spatial, that carries its spatial loops.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import MarkedDict, MarkedStr, derived, fault, mark_of, marked, plain
from crisp_hw.timeloop.read.accept_attributes import COMPUTE_NEUTRAL, NEUTRAL
from crisp_hw.timeloop.read.architecture import COMPUTE_CLASSES, STORAGE_CLASSES, STORAGE_KEYS
from crisp_hw.timeloop.yaml.expressions import evaluate
from crisp_hw.timeloop.yaml.fields import flag, mapping, optional_mapping, required, sequence, similar, text, whole

BRANCHES = ("!Hierarchical", "!Pipelined", "!Parallel")
LEAVES = ("!Component", "!Container", "!Nothing")
LEAF_KEYS = ("name", "class", "subclass", "attributes", "spatial", "constraints", "sparse_optimizations", "enabled")
OTHER_KEYS = ("required_actions", "area_scale", "energy_scale", "networks")
CONSTRAINT_KINDS = ("spatial", "temporal", "dataspace")
NOT_INHERITED = (
    # storage components have a default for them, which a container's value does not reach (v4/arch.py)
    *("cluster_size", "multiple_buffering", "min_utilization", "reduction_supported", "allow_overbooking"),
    *("n_banks", "has_power_gating"),
)
EFFECTIVE = {*STORAGE_KEYS, *NEUTRAL, *COMPUTE_NEUTRAL} - {"technology", "type"}


@dataclass(frozen=True)
class Component:
    """A storage or compute level, or the lanes of a fanout (`kind` "lanes", without storage)."""

    name: str
    kind: str
    node: MarkedDict
    attributes: dict[str, Any]
    mesh: tuple[int, int]
    constraints: MarkedDict | None = None
    branch: int | None = None


@dataclass(frozen=True)
class Empty:
    """A !Nothing in a branch of a !Parallel: the tensors that its constraints keep pass all branches by."""

    branch: int
    node: MarkedDict
    constraints: MarkedDict | None


@dataclass
class _Walk:
    """What the nodes so far have set."""

    names: dict[str, Any]
    components: list[Component] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    mesh: tuple[int, int] = (1, 1)
    notes: list[str] = field(default_factory=list)
    taken: dict[str, Any] = field(default_factory=dict)
    empty: list[Empty] = field(default_factory=list)


def walk_nodes(architecture: Any, variables: Mapping[str, Any]) -> tuple[list[Component], list[Empty], list[str]]:
    """Components outermost first with all attributes computed, empty branches, and notes about what has no effect.

    Raises InputError, with file and line, for nodes that are wrong or not modelled.
    """
    root = mapping(architecture, "architecture")
    for key in root:
        if key not in ("version", "nodes") and "ignore" not in key:
            raise fault(root, f"architecture: unknown key {key!r}; the front end has version and nodes", key)
    walk = _Walk({**variables, "variables": dict(variables)})
    _walk_list(walk, root["nodes"], None)
    if not walk.components or not is_class(walk.components[-1].kind, COMPUTE_CLASSES):
        raise fault(
            root, "architecture: the last node must be the compute component (class mac, compute, ...)", "nodes"
        )
    return walk.components, walk.empty, walk.notes


def is_class(kind: str, classes: tuple[str, ...]) -> bool:
    """Does a class name contain one of Timeloop's?"""
    return any(name in kind for name in classes)


def _walk_list(walk: _Walk, nodes: Any, branch: int | None) -> None:
    for number, node in enumerate(sequence(nodes, "architecture.nodes")):
        node = mapping(node, "architecture.nodes")
        tag = node.tag if isinstance(node, MarkedDict) else ""
        if tag in BRANCHES:
            _walk_branch(walk, node, tag, branch)
        elif tag in LEAVES and isinstance(node, MarkedDict):
            _walk_leaf(walk, node, tag, branch)
        else:
            found = f"has the tag {tag}" if tag else "has no tag"
            raise fault(node, f"architecture: node {number + 1} {found}; use one of {', '.join((*LEAVES, *BRANCHES))}")


def _walk_branch(walk: _Walk, node: Any, tag: str, branch: int | None) -> None:
    for key in node:
        if key != "nodes" and "ignore" not in key:
            raise fault(node, f"architecture: unknown key {key!r} in {tag}; it has nodes", key)
    if tag != "!Parallel":
        return _walk_list(walk, required(node, "nodes", tag), branch)
    if branch is not None:
        raise fault(node, "architecture: a !Parallel inside a !Parallel is not modelled; nest one level only")
    for number, each in enumerate(sequence(required(node, "nodes", tag), tag)):
        _walk_list(walk, [each], number)
    return None


def _walk_leaf(walk: _Walk, node: MarkedDict, tag: str, branch: int | None) -> None:
    if tag == "!Nothing":
        if branch is not None and node.get("constraints") is not None:
            walk.empty.append(Empty(branch, node, constraints_of(node)))
        return
    name = text(required(node, "name", "architecture.nodes"), "architecture.nodes.name")
    where = f"architecture level {name}"
    if name in walk.taken:
        raise fault(node, f"{where}: the name is there already, at {mark_of(walk.taken[name])}; use another", "name")
    walk.taken[name] = node
    _known_keys(walk, node, where)
    attributes = _attributes(walk, node, where)
    own = {**walk.names, **attributes, "attributes": attributes}
    if not flag(computed(node, "enabled", own, True), f"{where}.enabled"):
        walk.notes.append(f"{mark_of(node)}: {name} is disabled and left out")
        return
    spatial = optional_mapping(node.get("spatial"), f"{where}.spatial")
    for key in spatial:
        if key not in ("meshX", "meshY"):
            raise fault(spatial, f"{where}.spatial: unknown key {key!r}; known are meshX, meshY", key)
    fan = tuple(whole(computed(spatial, key, own, 1), f"{where}.spatial.{key}", 1) for key in ("meshX", "meshY"))
    if branch is not None and (tag == "!Container" or fan != (1, 1)):
        raise fault(node, f"{where}: containers and fanouts inside a !Parallel are not supported; put them outside")
    walk.names[name] = {"attributes": attributes, "spatial": {"meshX": fan[0], "meshY": fan[1]}, "name": name}
    if tag == "!Container":
        _container(walk, node, name, attributes, (fan[0], fan[1]))
    else:
        _component(walk, node, (name, branch), attributes, (fan[0], fan[1]))


def _known_keys(walk: _Walk, node: MarkedDict, where: str) -> None:
    for key, value in node.items():
        if key in LEAF_KEYS or "ignore" in key:
            continue
        if key not in OTHER_KEYS:
            meant = similar(key, (*LEAF_KEYS, *OTHER_KEYS))
            advice = f"did you mean {meant!r}?" if meant else f"known are {', '.join(LEAF_KEYS)}"
            raise fault(node, f"{where}: unknown key {key!r}; {advice}", key)
        if key == "networks" and value:
            raise fault(node, f"{where}: networks are not modelled; leave them out", key)
        if value not in (None, [], 1):
            walk.notes.append(f"{node.keys_at[key]}: {key} ({where.split()[-1]}): for Accelergy's estimates, not used")


def _attributes(walk: _Walk, node: MarkedDict, where: str) -> dict[str, Any]:
    """Attributes with their expressions computed, in order: an expression sees those before it."""
    given = optional_mapping(node.get("attributes"), f"{where}.attributes")
    done: dict[str, Any] = {}
    for key in given:
        try:
            done[key] = computed(given, key, {**walk.names, **done}, None)
        except InputError:
            if key in EFFECTIVE:
                raise
            done[key] = given[key]  # for other tools, whose business it is
    return done


def computed(node: Any, key: str, names: Mapping[str, Any], default: Any) -> Any:
    """The value of a key, an unquoted text being an expression; InputError with the key's position."""
    value = node.get(key, default)
    if value is None:
        return default
    if isinstance(value, MarkedStr) and not value.quoted:
        try:
            result = plain(evaluate(str(value), plain_names(names)))
        except InputError as error:
            raise fault(node, f"{key}: {error}", key) from error
        mark = mark_of(node, key)
        return result if mark is None else marked(result, mark)
    return value


def plain_names(names: Mapping[str, Any]) -> dict[str, Any]:
    """Names without positions, for expressions."""
    return {key: plain(value) for key, value in names.items()}


def _container(walk: _Walk, node: MarkedDict, name: str, attributes: dict[str, Any], fan: tuple[int, int]) -> None:
    if "sparse_optimizations" in node:
        raise fault(node, f"architecture level {name}: a container holds nothing to optimize", "sparse_optimizations")
    if other := next((kind for kind in constraints_of(node) or () if kind != "spatial"), None):
        held = mapping(node["constraints"], name)
        raise fault(held, f"architecture level {name}: a container has spatial constraints only, not {other}", other)
    if stuck := next((key for key in attributes if key in NOT_INHERITED), None):
        held = mapping(node["attributes"], name)
        raise fault(held, f"architecture level {name}: {stuck} does not pass to components; set it on each", stuck)
    walk.attributes |= attributes
    walk.names |= attributes
    _fan_out(walk, node, name, fan)


def _fan_out(walk: _Walk, node: MarkedDict, name: str, fan: tuple[int, int]) -> None:
    """A fanout's own level, and the wider mesh of everything after it."""
    if fan != (1, 1):
        blank = {"width": 1, "depth": 1, "datawidth": 1}
        walk.components.append(
            Component(f"inter_{name}_spatial", "lanes", node, blank, walk.mesh, constraints_of(node))
        )
    walk.mesh = (walk.mesh[0] * fan[0], walk.mesh[1] * fan[1])


def _component(
    walk: _Walk,
    node: MarkedDict,
    place: tuple[str, int | None],
    attributes: dict[str, Any],
    fan: tuple[int, int],
) -> None:
    name, branch = place
    kind = text(required(node, "class", f"architecture level {name}"), f"architecture level {name}.class")
    if kind == "nothing":
        return
    if not is_class(kind, (*STORAGE_CLASSES, *COMPUTE_CLASSES)):
        why = "networks are not modelled" if "NoC" in kind or "etwork" in kind else "it is neither storage nor compute"
        raise fault(node, f"architecture level {name}: class {kind!r}: {why}; leave the node out", "class")
    _fan_out(walk, node, name, fan)
    inherited = {key: value for key, value in walk.attributes.items() if key not in attributes}
    whole_set = derived(node.get("attributes") or node, {**attributes, **inherited})
    walk.components.append(Component(name, kind, node, whole_set, walk.mesh, constraints_of(node), branch))


def constraints_of(node: MarkedDict) -> MarkedDict | None:
    """The constraints that stand in a node."""
    held = node.get("constraints")
    if held is None:
        return None
    found = mapping(held, f"constraints of {node.get('name')}")
    for kind in found:
        if kind not in CONSTRAINT_KINDS:
            where = f"architecture level {node.get('name')}"
            raise fault(
                found, f"{where}: constraint {kind!r} is not modelled; known are {', '.join(CONSTRAINT_KINDS)}", kind
            )
    return found if isinstance(found, MarkedDict) else MarkedDict(node.mark)
