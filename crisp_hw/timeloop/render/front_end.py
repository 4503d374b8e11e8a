"""Nouns -> documents for timeloopfe's 0.4 front end (pytimeloop), which writes Timeloop's flattened form itself.

Facts: timeloopfe (Accelergy-Project/timeloop-python b8aaf2c), v4/arch.py, v4/constraints.py, v4/sparse_optimizations.py
and common/version_transpilers/v4_to_v3.py. A component with a fanout gets a level of its own without storage before
it, inter_NAME_spatial, which carries its spatial loops.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import ceil, prod
from typing import Any, Literal

from crisp_hw.errors import InputError, MappingError, Where
from crisp_hw.machine.foreign import Unfit
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.timeloop.render import problem_view, views
from crisp_hw.timeloop.render.documents import check_public, filled

View = dict[str, Any]
FrontEnd = Literal["v4"]
_MESH = ("meshX", "meshY")


def render_front_end(point: DesignPoint, sources: Mapping[str, str] | None = None) -> dict[str, str]:
    """File name -> text of the documents of one design point, for timeloopfe's 0.4 front end.

    `sources` become comments, as in `documents.render`. Raises InputError for what the front end cannot say (lanes that
    shrink, an order of ranks, dimensions of several letters) and MappingError for a nest that is not one of blocks.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> dot = Problem("dot", ("K",), (4,), (Tensor("A", ((Term("K"),),)), Tensor("Z", (), is_output=True)))
    >>> nest = LoopNest((Loop(0, "K", "temporal"),), (frozenset("AZ"),))
    >>> design = Design(Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel()), dot)
    >>> print(render_front_end(DesignPoint(design, LoopMapping(nest, (4,))))["mapping.yaml"])
    # Loops per level; permutations are listed innermost first, ...
    # Spatial loops are named by the component that they run over.
    mapping:
      - target: DRAM
        type: temporal
        factors: [K=4]
        permutation: [K]
    """
    design = point.design
    check_public(design)
    _check_sayable(point)
    parts = {
        "v4/architecture": _architecture(design, sources or {}),
        "problem": problem_view.problem(design.problem),
        "ART": views.area(design.architecture),
        "v4/mapping": _mapping(point),
    }
    if (table := views.energy(design))["components"]:
        parts["ERT"] = table
    return {f"{name.removeprefix('v4/')}.yaml": filled(name, view) for name, view in parts.items()}


def _check_sayable(point: DesignPoint) -> None:
    design = point.design
    at = Where("sparse_optimizations")
    for action in design.sparse.actions:
        if action.kind == "skipping_spatial":
            what = "the front end gives spatial loops a level of their own, so that no lanes shrink there"
            raise InputError(what, Where("sparse_optimizations", action.level), "render for Timeloop itself")
    if any(form.inner_to_outer and len(form.ranks) > 1 for form in design.sparse.formats):
        raise InputError("the front end has no rank_application_order", at, "render for Timeloop itself")
    if long := [dim for dim in design.problem.dims if len(dim) > 1]:
        what = f"the front end joins the names of a permutation, so that {long[0]!r} would be {len(long[0])} dimensions"
        raise InputError(what, Where("problem"), "give dimensions of one letter")
    if any(each for each in point.mapping.nest.no_temporal_reuse):
        what = "the front end has no no_temporal_reuse, which says that a level is filled anew at every step"
        raise InputError(what, Where("mapping"), "render for Timeloop itself")


def _fanouts(arch: Architecture) -> list[tuple[int, int]]:
    """Of every component, outermost first: how many stand below one instance of the level before it."""
    parts: list[StorageLevel | ComputeLevel] = [*reversed(arch.levels), arch.compute]
    inner = [(now.mesh_x // before.mesh_x, now.mesh_y // before.mesh_y) for before, now in pairwise(parts)]
    return [(parts[0].mesh_x, parts[0].mesh_y), *inner]


def _architecture(design: Design, sources: Mapping[str, str]) -> View:
    flat = views.architecture(design.architecture, sources)["components"]
    targets = {target["name"]: target for target in views.sparse(design)["targets"]}
    nodes = []
    for part, fanout in zip(flat, _fanouts(design.architecture), strict=True):
        name = part["name"].partition("[")[0]
        given = [entry for entry in part["attributes"] if entry["key"] not in _MESH]
        added = [] if name == design.architecture.compute.name else _added(design, name, {e["key"] for e in given})
        nodes.append(
            {
                "name": name,
                "class": part["class"],
                "fanout": fanout,
                "attributes": [*given, *added],
                "sparse": targets.get(name),
            }
        )
    return {"components": nodes}


def _added(design: Design, name: str, named: set[str]) -> list[View]:
    """Attributes of a storage component that the front end requires, or has another default for than Timeloop."""
    level, added = design.architecture.level(name), dict[str, View]()
    added["reduction_supported"] = {"value": str(level.technology != "DRAM").lower(), "comment": ""}
    if not named & {"depth", "entries"}:
        words = sum(prod(design.problem.bound(dim) for dim in tensor.dims) for tensor in design.problem.tensors)
        comment = "  # no limit: all tensors fit; the front end wants a depth"
        added["depth"] = {"value": str(ceil(words / level.block_size)), "comment": comment}
    if "metadata_storage_width" in named:
        added["metadata_datawidth"] = {"value": str(level.metadata_word_bits or 0), "comment": ""}
    return [{"key": key, **entry} for key, entry in added.items() if key not in named]


def _mapping(point: DesignPoint) -> View:
    """Spatial blocks are about the component inside the level, and only where it has a fanout."""
    arch = point.design.architecture
    names = [arch.compute.name, *(level.name for level in arch.levels)]
    inside = dict(zip(names[1:], names, strict=False))
    try:
        view = views.mapping(point)
    except Unfit as error:
        raise MappingError(f"{point.design.problem.name}: {error}", hint="the front end cannot say it") from error
    blocks = []
    for block in view["blocks"]:
        spatial = block["type"] == "spatial"
        target = inside[block["target"]] if spatial else block["target"]
        factors = block["factors"].split()
        blocks.append({**block, "target": target, "factors": factors, "permutation": list(block["permutation"])})
    return {"blocks": blocks, "stores": view["stores"]}


FRONT_ENDS: dict[FrontEnd, Callable[[DesignPoint, Mapping[str, str] | None], dict[str, str]]] = {"v4": render_front_end}
"""Front ends by name, and what writes their documents."""
