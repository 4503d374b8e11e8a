"""timeloop-model.map.txt: the loop nest as Timeloop prints it, outermost first (src/mapping/nest.cpp: PrettyPrint)."""

from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping
from crisp_hw.timeloop.stats.detail import Evaluated

_AXES = {"temporal": "", "x": " (Spatial-X)", "y": " (Spatial-Y)"}


def map_text(evaluated: Evaluated) -> str:
    """Per level what it keeps, `tensor:words of the dense tile (words reserved)`, and its loops that do something."""
    mapping, levels = evaluated.point.mapping, evaluated.point.design.architecture.levels
    lines, indent, open_line = [], "| ", False
    dashes = ""
    for index in reversed(range(len(levels))):
        header = f"{levels[index].name} [ {_kept(evaluated, index)}] "
        lines += ["", header] if open_line else [header]
        dashes, open_line = "-" * (len(header) - 1), False
        for loop in _loops(mapping, index):
            lines += [dashes] if dashes else []
            lines.append(f"{indent}{loop}")
            dashes, open_line, indent = "", True, f"{indent}  "
    return "\n".join([*lines, *([dashes] if dashes else []), f"{indent}<< Compute >>", ""])


def map_line(point: DesignPoint) -> str:
    """The mapping on one line, outermost level first: what a level keeps, its loops, X and Y where they run on lanes.

    Much like the line that timeloop-mapper logs (src/mapping/nest.cpp: PrintCompact), with names for levels.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.design import Design
    >>> from crisp_hw.spec.mapping import LoopNest
    >>> from crisp_hw.spec.problem import Problem
    >>> chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> loops = (Loop(0, "K", "temporal"), Loop(1, "K", "x"), Loop(1, "M", "temporal"))
    >>> nest = LoopNest(loops, (frozenset("A"), frozenset("ZA")))
    >>> map_line(DesignPoint(Design(chain, Problem("p", ("M", "K"), (2, 6), ())), LoopMapping(nest, (1, 6, 2))))
    'DRAM[A Z] M2 K6X - RF[A]'
    """
    nest, levels = point.mapping.nest, point.design.architecture.levels
    bounds, residuals = point.mapping.bounds, point.mapping.residuals or point.mapping.bounds
    words = []
    for index in reversed(range(len(levels))):
        loops = [entry for entry in zip(nest.loops, bounds, residuals, strict=True) if entry[0].level == index]
        texts = [_compact(*entry) for entry in reversed(loops) if entry[1] > 1]
        words.append(" ".join([f"{levels[index].name}[{' '.join(sorted(nest.keeps[index]))}]", *texts]))
    return " - ".join(words)


def _compact(loop: Loop, bound: int, residual: int) -> str:
    last = f";{residual}" if residual != bound else ""
    return f"{loop.dim}{bound}{last}{'' if loop.kind == 'temporal' else loop.kind.upper()}"


def _kept(evaluated: Evaluated, index: int) -> str:
    level, kept = evaluated.result.levels[index], evaluated.point.mapping.nest.keeps[index]
    return "".join(
        f"{name}:{evaluated.details[level.name, name].tile_words} ({counts.utilized_capacity}) "
        for name, counts in level.tensors.items()
        if name in kept
    )


def _loops(mapping: LoopMapping, index: int) -> list[str]:
    """The loops of one level with more than one iteration, outermost first."""
    residuals = mapping.residuals or mapping.bounds
    nest = list(zip(mapping.nest.loops, mapping.bounds, residuals, strict=True))
    return [_loop(*entry) for entry in reversed(nest) if entry[0].level == index and entry[1] > 1]


def _loop(loop: Loop, bound: int, residual: int) -> str:
    last = f",{residual}" if residual != bound else ""
    return f"for {loop.dim} in [0:{bound}{last}){_AXES[loop.kind]}"
