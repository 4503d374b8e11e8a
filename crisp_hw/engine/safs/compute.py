"""Multiply-accumulates that really happen, are gated, are skipped, or do not exist (docs/model.md, section 6.5).

Timeloop: sparse-analysis/compute-gs-analyzer.cpp, CalculateFineGrainedComputeAccesses2Operand.
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.density import Float, Int
from crisp_hw.engine.tiling import Bool
from crisp_hw.spec.sparse import ComputeKind

SLACK = 1e-5  # by which a probability may leave [0, 1] before Timeloop stops (CalculateFlattenedProb)
MICRO = 1e6  # operand densities and probabilities are rounded to 1e-6 (compute-gs-analyzer.cpp)


@dataclass(frozen=True)
class Operand:
    """One input of the MACs: its scalar density, P(its SAF removed the MAC) or None, and whether its zeros are stored.

    With `has_metadata` a zero does not exist at the MAC; without, it arrives and could be gated.
    """

    density: float
    removed: Float | None
    has_metadata: bool


@dataclass(frozen=True)
class Computes:
    """Totals over all MACs, int64[b]; not `legal` where SAFs remove all, or more than the zeros of an operand allow."""

    random: Int
    gated: Int
    skipped: Int
    legal: Bool


def to_micro(value: Float) -> Float:
    """Round to 1e-6, half up."""
    return np.floor(value * MICRO + 0.5) / MICRO


def remaining_computes(total: Int, operands: tuple[Operand, ...]) -> Int:
    """MACs left after every operand SAF that reaches them took its share."""
    left = total.astype(np.float64)
    for operand in operands:
        if operand.removed is not None:
            left = left - np.floor(left * operand.removed)
    return left.astype(np.int64)


def count_computes(total: Int, operands: tuple[Operand, Operand], optimizations: tuple[ComputeKind, ...]) -> Computes:
    """Split the remaining MACs by what their two operands are: nonzero, zero, or absent.

    A pair with a zero is gated where the hardware gates; a pair with one absent operand is skipped where it skips
    (else gated); two absent operands are no MAC at all.

    >>> half = Operand(0.5, None, has_metadata=False)
    >>> count_computes(np.array([100]), (half, Operand(1.0, None, False)), ("gating",)).gated.tolist()
    [50]
    """
    left = remaining_computes(total, operands)
    first, second = (states(operand, other) for operand, other in (operands, operands[::-1]))
    gate, skip = "gating" in optimizations, "skipping" in optimizations
    zero_pair = first[0] * second[1] + first[1] * second[0]
    lone = first[0] * second[2] + first[2] * second[0]
    lone_zero = first[1] * second[2] + first[2] * second[1]
    unaligned = left * lone + left * lone_zero
    nothing = np.zeros(len(left))
    gated = (left * zero_pair + left * (first[1] * second[1])) if gate else nothing
    if gate and not skip:
        gated = gated + unaligned
    skipped = np.floor(unaligned if skip else nothing).astype(np.int64)
    absent = np.floor(left * (first[2] * second[2])).astype(np.int64)
    gated_count = np.floor(gated).astype(np.int64)
    legal = left > 0  # HEAD's check of the sum asks 0 < 0 otherwise
    for operand, other in (operands, operands[::-1]):
        legal = legal & (_given(operand, other) <= 1.0 + SLACK)
    return Computes(left - skipped - gated_count - absent, gated_count, skipped, legal)


def _given(operand: Operand, other: Operand) -> Float:
    """P(nonzero) of an operand, given that the other's SAF let the MAC through; above 1 where the two contradict."""
    passed = np.ones(1) if other.removed is None else 1.0 - to_micro(other.removed)
    density = to_micro(np.array([operand.density]))
    certain = np.where(density > 0, np.inf, 1.0) * np.ones_like(passed)
    return np.divide(density, passed, out=certain, where=passed > 0)


def states(operand: Operand, other: Operand) -> tuple[Float, Float, Float]:
    """P(nonzero), P(zero but present), P(absent) of an operand, given that the other's SAF let the MAC through."""
    nonzero = np.clip(_given(operand, other), 0.0, 1.0)
    zero, none = np.clip(1.0 - _given(operand, other), 0.0, 1.0), np.zeros_like(nonzero)
    return (nonzero, none, zero) if operand.has_metadata else (nonzero, zero, none)
