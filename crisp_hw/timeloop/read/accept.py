"""Documents as users have them, down to what the readers know: the rest has no effect and is noted, or is refused."""

from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, derived, like, mark_of
from crisp_hw.timeloop.read.accept_architecture import accept_architecture
from crisp_hw.timeloop.read.accept_mapping import accept_mapping
from crisp_hw.timeloop.read.accept_tables import accept_tables
from crisp_hw.timeloop.read.flat_architecture import as_tree
from crisp_hw.timeloop.read.problem import INSTANCE, PROBLEM, SHAPE, once
from crisp_hw.timeloop.read.shapes import default_shape, no_text_projections, written_out
from crisp_hw.timeloop.yaml.fields import (
    inside,
    items,
    key_at,
    known,
    mapping,
    misspelt,
    optional_items,
    optional_mapping,
    similar,
    value_at,
)

MODELLED = ("architecture", "problem", "mapping", "sparse_optimizations", "ERT", "ART")
OTHER_TOOLS = {
    "mapper": "settings of timeloop-mapper",
    "mapspace": "settings of timeloop-mapper",
    "mapspace_constraints": "constraints of timeloop-mapper",
    "compound_components": "classes of Accelergy, from which it makes the ERT",
    "ERT_summary": "a summary that Accelergy writes for readers, beside the ERT, which holds the energies",
    "ART_summary": "a summary that Accelergy writes for readers, beside the ART, which holds the areas",
    "components": "classes of Accelergy, from which it makes the ERT",
    "dumped_by_timeloop_front_end": "a remark of timeloopfe",
    "variables": "values to refer to by name",
    "version": "a remark",
}
CONSTRAINTS = ("architecture_constraints", "arch_constraints")
OPTIONAL = (
    *("action_optimization", "representation_format", "compute_optimization"),
    *("metadata_word_bits", "payload_word_bits", "flattened_rankIDs", "rank_application_order"),
)
VERSIONS = ("0.1", "0.2", "0.3", "0.4")
HARMLESS_ENVIRONMENT = ("TIMELOOP_HIDE_INCONSEQUENTIAL_STATS",)


def accept(documents: MarkedDict) -> tuple[MarkedDict, tuple[str, ...]]:
    """The documents that the readers know, and one note per thing in the rest that has no effect on the numbers.

    Raises InputError, with file and line, for whatever would change the numbers but is not modelled, and for names that
    nothing knows.
    """
    notes: list[str] = []
    root = _top(documents, notes)
    if "architecture" in root:
        root["architecture"] = accept_architecture(root["architecture"], root.get("variables"), notes)
    if "problem" in root:
        root["problem"] = _problem(root["problem"], notes)
    if "mapping" in root:
        root["mapping"] = accept_mapping(root["mapping"])
    if root.get("sparse_optimizations") is not None:
        root["sparse_optimizations"] = _without_nulls(root["sparse_optimizations"])
    for name in MODELLED:
        _check_version(root.get(name), name)
    accept_tables(root, notes)
    return root.derived({key: value for key, value in root.items() if key in (*MODELLED, *CONSTRAINTS)}), tuple(notes)


def _top(documents: MarkedDict, notes: list[str]) -> MarkedDict:
    root = documents.derived(dict(documents))
    _one_architecture(root)
    _constraints(root, notes)
    for key, value in root.items():
        if key in (*MODELLED, *CONSTRAINTS):
            continue
        if key == "constraints":
            _front_end_alone(root, notes)
        elif key == "globals":
            _globals(value, notes)
        elif key == "model":
            _model(mapping(value, Where("model")), notes)
        elif key in OTHER_TOOLS or "ignore" in key:
            if key != "variables":
                notes.append(f"{root.keys_at[key]}: {key}: {OTHER_TOOLS.get(key, 'to be ignored')}, not used here")
        else:
            _unknown(root, key)
    return root


def _one_architecture(root: MarkedDict) -> None:
    """Under one name, and as a tree."""
    if "arch" in root:
        if "architecture" in root:
            raise InputError("arch and architecture are the same document", key_at(Where(), root, "arch"), "give one")
        root.put("architecture", root.pop("arch"), root.keys_at["arch"])
    if "architecture" in root:
        root["architecture"] = as_tree(root["architecture"])


def _unknown(root: MarkedDict, key: str) -> None:
    meant = similar(key, [*MODELLED, *OTHER_TOOLS, *CONSTRAINTS, "constraints"])
    advice = f"did you mean {meant!r}?" if meant else f"known are {', '.join(MODELLED)}"
    what = "is not modelled" if key == "layout" else "is no document of Timeloop's model"
    hint = "leave it out" if key == "layout" else advice
    raise InputError(f"the document {key!r} {what}", key_at(Where(), root, key), hint)


def _front_end_alone(root: MarkedDict, notes: list[str]) -> None:
    held = root["constraints"]
    if held.get("targets", held.get("constraints")) if isinstance(held, dict) else held:
        what = "the document 'constraints' is for the front end alone"
        advice = "timeloop-model checks a mapping against architecture_constraints"
        raise InputError(what, key_at(Where(), root, "constraints"), advice)
    notes.append(f"{root.keys_at['constraints']}: constraints: empty, not used here")


def _constraints(root: MarkedDict, notes: list[str]) -> None:
    """Those inside the architecture go before those of a document, as in Timeloop; empty ones are noted."""
    architecture = root.get("architecture")
    inner = architecture.get("constraints") if isinstance(architecture, dict) else None
    there = [key for key in CONSTRAINTS if key in root]
    if inner is not None:
        if there:
            at = key_at(Where("architecture"), architecture, "constraints")
            raise InputError(f"there are constraints in it, and Timeloop would pass over {there[0]}", at, "keep one")
        root.put(CONSTRAINTS[0], inner, mark_of(architecture, "constraints") or root.mark)
    elif len(there) > 1:
        what = f"{' and '.join(there)} are the same document to Timeloop"
        raise InputError(what, key_at(Where(), root, there[1]), "give one")
    if isinstance(architecture, dict) and "constraints" in architecture:
        kept = {key: value for key, value in architecture.items() if key != "constraints"}
        root["architecture"] = derived(architecture, kept)
    for key in CONSTRAINTS:
        if key not in root:
            continue
        held = root[key]
        targets = held.get("targets", held.get("constraints")) if isinstance(held, dict) else held
        if not targets:
            notes.append(f"{root.keys_at[key]}: {key}: empty, not used here")
            del root[key]


def _globals(value: Any, notes: list[str]) -> None:
    at = Where("globals")
    held = optional_mapping(value, at)
    variables = optional_mapping(held.get("environment_variables"), inside(at, held, "environment_variables"))
    for name in variables:
        if name.startswith("TIMELOOP_") and name not in HARMLESS_ENVIRONMENT:
            what = f"the switch {name} of Timeloop is not modelled"
            raise InputError(what, key_at(at, variables, name), "leave it out")
    notes.append(f"{mark_of(held)}: globals: settings of timeloopfe and Accelergy, not used here")


def _model(held: Any, notes: list[str]) -> None:
    for key, value in held.items():
        if key == "auto_bypass_on_failure" and value not in (False, None):
            raise InputError(
                "auto_bypass_on_failure is not modelled", key_at(Where("model"), held, key), "leave it out"
            )
        if key not in ("auto_bypass_on_failure", "verbose", "out_prefix", "version"):
            valid = "Timeloop has verbose, auto_bypass_on_failure, out_prefix"
            raise InputError(f"unknown key {key!r}", key_at(Where("model"), held, key), valid)
    notes.append(f"{mark_of(held)}: model: settings of timeloop-model's printing, not used here")


def _problem(document: Any, notes: list[str]) -> Any:
    notes += default_shape(document)
    root = written_out(document)
    shape, instance = (
        optional_mapping(root.get("shape"), inside(PROBLEM, root, "shape")),
        optional_mapping(root["instance"], inside(PROBLEM, root, "instance")),
    )
    shape = _shape(shape, notes)
    return derived(root, {**root, "shape": shape, "instance": _instance(instance, shape, notes)})


def _shape(shape: Any, notes: list[str]) -> Any:
    copy = dict(shape)
    if copy.pop("flatten", None):
        what = "flatten is not modelled"
        raise InputError(what, key_at(SHAPE, shape, "flatten"), "write the fused dimension as one")
    spaces = []
    for space, at in optional_items(copy.get("data_spaces"), inside(SHAPE, shape, "data_spaces")):
        space = mapping(space, at)
        if "ranks" in space:
            notes.append(f"{mark_of(space, 'ranks')}: ranks of {space.get('name')}: names for layouts, not used here")
        no_text_projections(space, Where("problem", str(space.get("name"))))
        _texts_only(space.get("projection"), value_at(Where("problem", str(space.get("name"))), space, "projection"))
        spaces.append(derived(space, {key: value for key, value in space.items() if key != "ranks"}))
    copy["data_spaces"] = like(shape.get("data_spaces"), spaces)
    for entry, at in optional_items(copy.get("coefficients"), inside(SHAPE, shape, "coefficients")):
        known(mapping(entry, at), ("name", "default"), at)
    once("data_spaces", [(space.get("name"), value_at(SHAPE, space, "name")) for space in spaces])
    once("dimensions", optional_items(shape.get("dimensions"), inside(SHAPE, shape, "dimensions")))
    coefficients = copy.get("coefficients") or []
    once("coefficients", [(entry.get("name"), value_at(SHAPE, entry, "name")) for entry in coefficients])
    return derived(shape, copy)


def _texts_only(projection: Any, at: Where) -> None:
    """A projection is lists of names, however deep, none of them empty inside."""
    for item, place in items(projection, at) if isinstance(projection, list) else [(projection, at)]:
        if isinstance(item, list) and item:
            _texts_only(item, place)
        elif not isinstance(item, str):
            raise InputError(f"a projection holds names, not {str(item)[:40]!r}", place)


def _instance(instance: Any, shape: Any, notes: list[str]) -> Any:
    """Without sizes that are neither a dimension nor a coefficient: Timeloop looks up by name and never sees them."""
    names = [entry.get("name") for entry in shape.get("coefficients") or [] if isinstance(entry, dict)]
    looked_up = [str(name) for name in (*(shape.get("dimensions") or []), *names, "densities", "commonDensity")]
    kept = dict(instance)
    for key in instance:
        if key in looked_up:
            continue
        meant = misspelt(key, looked_up)
        if meant or not isinstance(instance[key], int | float):
            advice = f"did you mean {meant!r}?" if meant else f"known are {', '.join(looked_up)}"
            raise InputError(f"unknown key {key!r}", key_at(INSTANCE, instance, key), advice)
        notes.append(f"{mark_of(instance, key)}: problem.instance.{key}: no dimension or coefficient, not used here")
        del kept[key]
    if isinstance(kept.get("densities"), dict):
        kept["densities"] = derived(kept["densities"], {k: _density(v) for k, v in kept["densities"].items()})
    return derived(instance, kept)


def _density(value: Any) -> Any:
    """Without the zeros by which timeloopfe says that something is not given."""
    if not isinstance(value, dict):
        return value
    given = {k: v for k, v in value.items() if not (k in ("band_width", "workload_tensor_size") and v == 0)}
    return derived(value, given)


def _check_version(document: Any, name: str) -> None:
    version = document.get("version") if isinstance(document, dict) else None
    if version is not None and str(version) not in VERSIONS:
        what = f"version {str(version)[:20]!r} is not known"
        raise InputError(what, value_at(Where(name), document, "version"), f"there are {', '.join(VERSIONS)}")


def _without_nulls(value: Any) -> Any:
    """Without optional keys that are there but empty."""
    if isinstance(value, dict):
        given = {key: item for key, item in value.items() if item is not None or key not in OPTIONAL}
        return derived(value, {key: _without_nulls(item) for key, item in given.items()})
    return like(value, [_without_nulls(item) for item in value]) if isinstance(value, list) else value
