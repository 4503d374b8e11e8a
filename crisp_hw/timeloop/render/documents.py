"""Nouns -> Timeloop's YAML documents, in the flattened 0.4 form that timeloop-model and timeloop-mapper read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError, MappingError
from crisp_hw.machine.foreign import Unfit
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.dialect import PUBLIC
from crisp_hw.timeloop.render import problem_view, views

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class MapperSettings:
    """How timeloop-mapper searches; the default walks the whole space."""

    metrics: tuple[str, ...] = ("delay", "energy")
    algorithm: Literal["linear_pruned", "random_pruned", "hybrid", "exhaustive", "random"] = "linear_pruned"
    threads: int = 1
    victory_condition: int = 0
    timeout: int = 1_000_000_000


def render(point: DesignPoint, sources: Mapping[str, str] | None = None) -> dict[str, str]:
    """File name -> text of every document that timeloop-model reads for one design point.

    `sources` ("SMEM.read_bandwidth" -> where it comes from; Accelerator.sources) and the energy table's own become
    comments. Raises MappingError when the nest cannot be written as Timeloop's blocks.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> dot = Problem("dot", ("K",), (4,), (Tensor("A", ((Term("K"),),)), Tensor("Z", (), is_output=True)))
    >>> nest = LoopNest((Loop(0, "K", "temporal"),), (frozenset("AZ"),))
    >>> design = Design(Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel()), dot)
    >>> print(render(DesignPoint(design, LoopMapping(nest, (4,))))["mapping.yaml"])
    # Loops per level; permutations are listed innermost first, `split` of the spatial ones run along x, the rest ...
    mapping:
      - target: DRAM
        type: temporal
        factors: K=4
        permutation: K
    """
    return {**render_design(point.design, sources), "mapping.yaml": render_mapping(point)}


def render_mapping(point: DesignPoint) -> str:
    """The `mapping` document of one design point; MappingError when the nest cannot be written as Timeloop's blocks."""
    try:
        blocks = views.mapping(point)
    except Unfit as error:
        raise MappingError(f"{point.design.problem.name}: {error}; Timeloop cannot read such a nest") from error
    return filled("mapping", blocks)


def render_design(design: Design, sources: Mapping[str, str] | None = None) -> dict[str, str]:
    """The documents that do not depend on the mapping: architecture, problem, sparse optimizations, ERT, ART.

    Without a single energy there is no ERT, because Timeloop does not read an empty one; it estimates energies itself.
    Raises InputError for a design that public Timeloop cannot read.
    """
    check_public(design)
    parts = {
        "architecture": views.architecture(design.architecture, sources or {}),
        "problem": problem_view.problem(design.problem),
        "ART": views.area(design.architecture),
    }
    if (table := views.energy(design))["components"]:
        parts["ERT"] = table
    if design.sparse.active:
        parts["sparse_optimizations"] = views.sparse(design)
    return {f"{name}.yaml": filled(name, view) for name, view in parts.items()}


def check_public(design: Design) -> None:
    """Raise InputError for a design that public Timeloop cannot read."""
    packs = any(action.kind == "position_skipping" for action in design.sparse.actions)
    if design.dialect not in PUBLIC or packs:
        what = "position skipping" if packs else f"the dialect {design.dialect}"
        raise InputError(
            f"{design.problem.name}: no public Timeloop knows {what}; evaluate the design with the embedded engine, or "
            "render one that does without"
        )


def render_constraints(
    design: Design, constraints: Constraints, settings: MapperSettings | None = None
) -> dict[str, str]:
    """What timeloop-mapper reads besides `render_design`: architecture_constraints and mapper, as file name -> text."""
    used = settings or MapperSettings()
    return {
        "constraints.yaml": filled("constraints", views.constraints(design, constraints)),
        "mapper.yaml": filled("mapper", vars(used)),
    }


def filled(name: str, view: Mapping[str, Any]) -> str:
    """The text of a template of templates/, named without its ending."""
    return _templates().get_template(f"{name}.yaml.j2").render(**view)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import, and seldom needed

    return Environment(
        loader=FileSystemLoader(data_folder("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # YAML, not HTML
    )
