"""Actions that happen but that the energy table does not list: Timeloop counts 0 pJ (docs/model.md, section 8)."""

from collections.abc import Iterator

from crisp_hw.engine.energy import listed_action, resolved
from crisp_hw.engine.safs.counts import OPS
from crisp_hw.spec.design import Design
from crisp_hw.spec.result import Result, TensorCounts


def unpriced(design: Design, result: Result) -> tuple[str, ...]:
    """One sentence per level whose gated or metadata accesses happen without an energy in the table.

    What the table lacks of plain data accesses has an estimate of Timeloop's; skipped accesses do not happen.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel
    >>> from crisp_hw.spec.problem import Problem
    >>> design = Design(Architecture((), ComputeLevel()), Problem("nothing", (), (), ()))
    >>> unpriced(design, Result(True, (), 0, 0.0, 0.0, None, ()))
    ()
    """
    table, found = resolved(design.energy, design.rules), []
    for level, counted in zip(design.architecture.levels, result.levels, strict=False):
        used = {action for counts in counted.tensors.values() for action in _happening(counts)}
        missing = sorted(
            f"{kind}_{infix}{op.removesuffix('s')}" if kind == "gated" else f"{infix}{op.removesuffix('s')}"
            for kind, infix, op in used
            if listed_action(table, level, kind, op, infix) is None
        )
        if missing:
            said = f"level {level.name}: the energy table has no {', '.join(missing)}"
            found.append(f"{said}; these accesses happen and are counted as 0 pJ, as Timeloop counts them")
    return tuple(found)


def _happening(counts: TensorCounts) -> Iterator[tuple[str, str, str]]:
    """Kind, infix and operation of every gated or metadata access that a tensor has."""
    for op in OPS:
        if counts.accesses.get(f"gated_{op}", 0) > 0:
            yield "gated", "", op
        for kind in ("random", "gated"):
            if any(entries > 0 for rank in counts.format_accesses.get(f"{kind}_{op}", ()) for entries in rank):
                yield kind, "metadata_", op
