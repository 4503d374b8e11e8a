"""One mapping as a mapspace that holds nothing else, for timeloop-mapper."""

from dataclasses import replace

from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import DesignPoint
from crisp_hw.timeloop.render.documents import render_constraints, render_design


def mapper_documents(point: DesignPoint) -> dict[str, str]:
    """What timeloop-mapper reads to evaluate just this design point: file name -> text."""
    return {**render_design(point.design), **render_constraints(point.design, pinned(point))}


def pinned(point: DesignPoint) -> Constraints:
    """Constraints that only the point's mapping obeys: every factor exact, every order complete.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.design import Design
    >>> from crisp_hw.spec.mapping import Loop, LoopNest, LoopMapping
    >>> from crisp_hw.spec.problem import Problem
    >>> design = Design(Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel()), Problem("p", ("K",), (4,), ()))
    >>> nest = LoopNest((Loop(0, "K", "temporal"),), (frozenset(),))
    >>> pinned(DesignPoint(design, LoopMapping(nest, (4,)))).levels[0].factors
    {'K': Factor(relation='=', value=4)}
    """
    nest, levels = point.mapping.nest, point.design.architecture.levels
    blocks = []
    for index, level in enumerate(levels):
        loops = [pair for pair in zip(nest.loops, point.mapping.bounds, strict=True) if pair[0].level == index]
        spatial = [(loop, bound) for loop, bound in loops if loop.kind != "temporal"]
        temporal = [(loop, bound) for loop, bound in loops if loop.kind == "temporal"]
        links, single, anew, first = (
            names[index] if names else frozenset[str]()
            for names in (nest.no_link_transfer, nest.no_multicast, nest.no_temporal_reuse, nest.rmw_first_update)
        )
        if spatial:
            split = sum(loop.kind == "x" for loop, _ in spatial)
            factors = {loop.dim: Factor("=", bound) for loop, bound in spatial}
            order = tuple(loop.dim for loop, _ in spatial)
            block = LevelConstraint(level.name, "spatial", factors, order, split=split, no_link_transfer=links)
            blocks.append(replace(block, no_multicast=single))
        factors = {loop.dim: Factor("=", bound) for loop, bound in temporal}
        block = LevelConstraint(level.name, "temporal", factors, tuple(loop.dim for loop, _ in temporal))
        blocks.append(replace(block, no_temporal_reuse=anew, rmw_first_update=first))
    keeps = {level.name: kept for level, kept in zip(levels, nest.keeps, strict=True)}
    return Constraints(tuple(blocks), keeps)
