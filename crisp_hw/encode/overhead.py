"""What hardware does beside Sparseloop's model, as its file charges it: selecting activations, decoding, and the like.

Beside it, because the model's SAFs skip for free: a document for timeloop-model has no component that a
`skipping_spatial` action would use, and its own total must stay comparable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import assert_never

from crisp_hw.spec.encoded import CircuitUse, Encoded, IndexLine, OverheadLine
from crisp_hw.spec.result import Result, TensorCounts

ACTIONS = ("select", "decode")
"""What the energy table calls the one action of such a circuit."""


def overhead_lines(encoded: Encoded, result: Result, index: IndexLine | None) -> tuple[OverheadLine, ...]:
    """Actions and energy in pJ of the circuits that this layer uses beside the model (docs/energy.md has the formulas).

    Each acts once per MAC that computes, per weight that is written into the level next to the MACs, or per block index
    that a level delivers, as the accelerator says. A circuit that the energy set does not list has no line
    (`uncounted` names it).
    """
    return tuple(
        OverheadLine(each.circuit, each.actions, each.pj, each.actions * each.pj)
        for each in _acting(encoded, result, index)
        if each.pj is not None
    )


def uncounted(encoded: Encoded, result: Result, index: IndexLine | None) -> tuple[str, ...]:
    """Circuits that the layer uses and the energy set has no cost for."""
    return tuple(each.circuit for each in _acting(encoded, result, index) if each.pj is None)


@dataclass(frozen=True)
class _Acting:
    """A circuit, how often it acts, and pJ per action (None: the energy set has none)."""

    circuit: str
    actions: int
    pj: float | None


def _acting(encoded: Encoded, result: Result, index: IndexLine | None) -> Iterator[_Acting]:
    for use in encoded.charges:
        actions = _actions(use, encoded, result, index)
        if actions is not None:
            costs = encoded.design.energy.actions.get(use.circuit, {})
            pj = next((costs[name] for name in ACTIONS if name in costs), None)
            yield _Acting(use.circuit, actions, None if pj is None else pj * use.size)


def _actions(use: CircuitUse, encoded: Encoded, result: Result, index: IndexLine | None) -> int | None:
    """How often a circuit acts; None where there is nothing that it serves."""
    match use.per:
        case "computes":
            return None if result.compute is None else result.compute.random
        case "latched_weights":
            return None if result.compute is None else _latched(result)
        case "index_entries":
            if index is None or encoded.block_index is None or not encoded.block_index.bits:
                return None
            return ceil(sum(index.read_bits.values()) / encoded.block_index.bits)
    assert_never(use.per)


def _latched(result: Result) -> int:
    """Weights written into the level next to the MACs that keeps any, in all of its instances."""
    kept: TensorCounts | None = next((level.tensors["A"] for level in result.levels if "A" in level.tensors), None)
    return 0 if kept is None else round(kept.accesses["random_fills"] * kept.utilized_instances)
