"""The architecture of timeloopfe's 0.4 front end: a list of nodes, outermost first, to a chain of components.

Facts: timeloopfe (Accelergy-Project/timeloop-python b8aaf2c), v4/arch.py and common/version_transpilers/v4_to_v3.py. A
container's attributes hold for every component after it; a mesh multiplies all that comes after it; every fanout gets
a level of its own without storage, inter_NAME_spatial, that carries its spatial loops.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, mark_of
from crisp_hw.timeloop.frontend.computed import computed, with_numbers
from crisp_hw.timeloop.read.accept_attributes import BLOCK, COMPUTE_NEUTRAL, NEUTRAL
from crisp_hw.timeloop.read.architecture import ARCHITECTURE, COMPUTE_CLASSES, STORAGE_CLASSES, STORAGE_KEYS
from crisp_hw.timeloop.yaml.fields import (
    flag,
    inside,
    items,
    key_at,
    mapping,
    optional_mapping,
    required,
    similar,
    text,
    value_at,
    whole,
)

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
EFFECTIVE = {BLOCK, *STORAGE_KEYS, *NEUTRAL, *COMPUTE_NEUTRAL} - {"technology", "type"}


@dataclass(frozen=True)
class Component:
    """A storage or compute level, or the lanes of a fanout (`kind` "lanes", without storage)."""

    name: str
    kind: str
    node: MarkedDict
    attributes: MarkedDict
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
class Walk:
    """What the nodes so far have set: components outermost first with all attributes computed, empty branches, notes
    about what has no effect, and by name the spatial constraints of nodes without a fanout.
    """

    names: dict[str, Any]
    components: list[Component] = field(default_factory=list)
    attributes: MarkedDict = field(default_factory=lambda: MarkedDict(Mark("architecture")))
    mesh: tuple[int, int] = (1, 1)
    notes: list[str] = field(default_factory=list)
    taken: dict[str, Any] = field(default_factory=dict)
    empty: list[Empty] = field(default_factory=list)
    narrow: dict[str, tuple[Any, Where]] = field(default_factory=dict)


def walk_nodes(architecture: Any, variables: Mapping[str, Any]) -> Walk:
    """What an architecture's nodes say.

    Raises InputError, with file and line, for nodes that are wrong or not modelled.
    """
    root = mapping(architecture, ARCHITECTURE)
    for key in root:
        if key not in ("version", "nodes") and "ignore" not in key:
            valid = "the front end has version and nodes"
            raise InputError(f"unknown key {key!r}", key_at(ARCHITECTURE, root, key), valid)
    walk = Walk({**variables, "variables": dict(variables)})
    _walk_list(walk, root["nodes"], inside(ARCHITECTURE, root, "nodes"), None)
    if not walk.components or not is_class(walk.components[-1].kind, COMPUTE_CLASSES):
        what = "the last node must be the compute component (class mac, compute, ...)"
        at = mark_of(walk.components[-1].node) if walk.components else mark_of(root, "nodes")
        raise InputError(what, ARCHITECTURE.at(at))
    return walk


def is_class(kind: str, classes: tuple[str, ...]) -> bool:
    """Does a class name contain one of Timeloop's?"""
    return any(name in kind for name in classes)


def _walk_list(walk: Walk, nodes: Any, at: Where, branch: int | None) -> None:
    for number, (node, place) in enumerate(items(nodes, at)):
        node = mapping(node, place)
        tag = node.tag if isinstance(node, MarkedDict) else ""
        if tag in BRANCHES:
            _walk_branch(walk, node, tag, branch)
        elif tag in LEAVES and isinstance(node, MarkedDict):
            _walk_leaf(walk, node, tag, branch)
        else:
            found = f"has the tag {tag}" if tag else "has no tag"
            advice = f"use one of {', '.join((*LEAVES, *BRANCHES))}"
            raise InputError(f"node {number + 1} {found}", ARCHITECTURE.at(place.mark), advice)


def _walk_branch(walk: Walk, node: Any, tag: str, branch: int | None) -> None:
    for key in node:
        if key != "nodes" and "ignore" not in key:
            raise InputError(f"unknown key {key!r} in {tag}", key_at(ARCHITECTURE, node, key), "it has nodes")
    at = Where("architecture", key=tag, mark=mark_of(node))
    nodes = required(node, "nodes", at)
    if tag != "!Parallel":
        return _walk_list(walk, nodes, inside(at, node, "nodes"), branch)
    if branch is not None:
        what = "a !Parallel inside a !Parallel is not modelled"
        raise InputError(what, ARCHITECTURE.at(mark_of(node)), "nest one level only")
    for number, (each, place) in enumerate(items(nodes, inside(at, node, "nodes"))):
        _walk_list(walk, [each], place, number)
    return None


def _walk_leaf(walk: Walk, node: MarkedDict, tag: str, branch: int | None) -> None:
    if tag == "!Nothing":
        if branch is not None and node.get("constraints") is not None:
            walk.empty.append(Empty(branch, node, constraints_of(node)))
        return
    nodes = Where("architecture", key="nodes", mark=node.mark)
    name = text(required(node, "name", nodes), inside(nodes, node, "name"))
    at = Where("architecture", name, mark=node.mark)
    if name in walk.taken:
        what = f"the name is there already, at {mark_of(walk.taken[name])}"
        raise InputError(what, value_at(at, node, "name"), "use another")
    walk.taken[name] = node
    _known_keys(walk, node, at)
    attributes = _attributes(walk, node, at)
    own = {**walk.names, **attributes, "attributes": attributes}
    node = _with_numbers(node, own, at)
    if not flag(computed(node, "enabled", own, at, True), inside(at, node, "enabled")):
        walk.notes.append(f"{mark_of(node)}: {name} is disabled and left out")
        return
    mesh = inside(at, node, "spatial")
    spatial = optional_mapping(node.get("spatial"), mesh)
    for key in spatial:
        if key not in ("meshX", "meshY"):
            raise InputError(f"unknown key {key!r}", key_at(mesh, spatial, key), "known are meshX, meshY")
    fan = tuple(
        whole(computed(spatial, key, own, mesh, 1), inside(mesh, spatial, key), 1) for key in ("meshX", "meshY")
    )
    if branch is not None and (tag == "!Container" or fan != (1, 1)):
        what = "containers and fanouts inside a !Parallel are not supported"
        raise InputError(what, at if tag == "!Container" else key_at(at, node, "spatial"), "put them outside")
    walk.names[name] = {"attributes": attributes, "spatial": {"meshX": fan[0], "meshY": fan[1]}, "name": name}
    if tag == "!Container":
        _container(walk, node, name, attributes, (fan[0], fan[1]))
    else:
        _component(walk, node, (name, branch), attributes, (fan[0], fan[1]))


def _known_keys(walk: Walk, node: MarkedDict, at: Where) -> None:
    for key, value in node.items():
        if key in LEAF_KEYS or "ignore" in key:
            continue
        if key not in OTHER_KEYS:
            meant = similar(key, (*LEAF_KEYS, *OTHER_KEYS))
            advice = f"did you mean {meant!r}?" if meant else f"known are {', '.join(LEAF_KEYS)}"
            raise InputError(f"unknown key {key!r}", key_at(at, node, key), advice)
        if key == "networks" and value:
            raise InputError("networks are not modelled", key_at(at, node, key), "leave them out")
        if value not in (None, [], 1):
            walk.notes.append(f"{node.keys_at[key]}: {key} ({at.entry}): for Accelergy's estimates, not used")


def _attributes(walk: Walk, node: MarkedDict, at: Where) -> MarkedDict:
    """Attributes with their expressions computed, in order: an expression sees those before it."""
    given = optional_mapping(node.get("attributes"), inside(at, node, "attributes"))
    done = MarkedDict(mark_of(given) or node.mark)
    for key in given:
        place = mark_of(given, key) or node.mark
        try:
            done.put(key, computed(given, key, {**walk.names, **done}, at.under("attributes")), place)
        except InputError:
            if key in EFFECTIVE:
                raise
            done.put(key, given[key], place)  # for other tools, whose business it is
    return done


def _with_numbers(node: MarkedDict, names: Mapping[str, Any], at: Where) -> MarkedDict:
    held = node.get("constraints")
    if not isinstance(held, MarkedDict):
        return node
    under = inside(at, node, "constraints")
    made = {kind: with_numbers(each, names, under.under(kind)) for kind, each in held.items()}
    return node.derived({**node, "constraints": held.derived(made)})


def _container(walk: Walk, node: MarkedDict, name: str, attributes: MarkedDict, fan: tuple[int, int]) -> None:
    at = Where("architecture", name, mark=node.mark)
    if "sparse_optimizations" in node:
        raise InputError("a container holds nothing to optimize", key_at(at, node, "sparse_optimizations"))
    if other := next((kind for kind in constraints_of(node) or () if kind != "spatial"), None):
        what = f"a container has spatial constraints only, not {other}"
        raise InputError(what, key_at(at, node["constraints"], other))
    if stuck := next((key for key in attributes if key in NOT_INHERITED), None):
        what = f"{stuck} does not pass to components"
        raise InputError(what, key_at(at, node["attributes"], stuck), "set it on each")
    for key, value in attributes.items():
        walk.attributes.put(key, value, attributes.keys_at[key])
    walk.names |= attributes
    _fan_out(walk, node, name, fan)


def _fan_out(walk: Walk, node: MarkedDict, name: str, fan: tuple[int, int]) -> None:
    """A fanout's own level, and the wider mesh of everything after it."""
    if fan != (1, 1):
        blank = MarkedDict(node.mark)
        blank.update(width=1, depth=1, datawidth=1)
        walk.components.append(
            Component(f"inter_{name}_spatial", "lanes", node, blank, walk.mesh, constraints_of(node))
        )
    elif (constraints := constraints_of(node)) is not None and (held := constraints.get("spatial")):
        walk.narrow[name] = held, key_at(Where("architecture", name), node["constraints"], "spatial")
    walk.mesh = (walk.mesh[0] * fan[0], walk.mesh[1] * fan[1])


def _component(
    walk: Walk,
    node: MarkedDict,
    place: tuple[str, int | None],
    attributes: MarkedDict,
    fan: tuple[int, int],
) -> None:
    name, branch = place
    at = Where("architecture", name, mark=node.mark)
    kind = text(required(node, "class", at), inside(at, node, "class"))
    if kind == "nothing":
        return
    if not is_class(kind, (*STORAGE_CLASSES, *COMPUTE_CLASSES)):
        why = "networks are not modelled" if "NoC" in kind or "etwork" in kind else "it is neither storage nor compute"
        raise InputError(f"class {kind!r}: {why}", value_at(at, node, "class"), "leave the node out")
    _fan_out(walk, node, name, fan)
    whole_set = attributes.derived(attributes)
    for key, value in walk.attributes.items():
        if key not in attributes:
            whole_set.put(key, value, walk.attributes.keys_at[key])
    walk.components.append(Component(name, kind, node, whole_set, walk.mesh, constraints_of(node), branch))


def constraints_of(node: MarkedDict) -> MarkedDict | None:
    """The constraints that stand in a node."""
    held = node.get("constraints")
    if held is None:
        return None
    at = Where("architecture", str(node.get("name")))
    found = mapping(held, inside(at, node, "constraints"))
    for kind in found:
        if kind not in CONSTRAINT_KINDS:
            known = f"known are {', '.join(CONSTRAINT_KINDS)}"
            raise InputError(f"constraint {kind!r} is not modelled", key_at(at, found, kind), known)
    return found if isinstance(found, MarkedDict) else MarkedDict(node.mark)
