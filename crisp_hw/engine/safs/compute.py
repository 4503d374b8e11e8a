"""Multiply-accumulates that really happen, are gated, are skipped, or do not exist (docs/model.md, section 6.5).

Timeloop: sparse-analysis/compute-gs-analyzer.cpp, CalculateFineGrainedComputeAccesses2Operand.
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, floats, floor, namespace, ratio, to_int
from crisp_hw.spec.sparse import ComputeKind

SLACK = 1e-5  # by which a probability may leave [0, 1] before Timeloop stops (CalculateFlattenedProb)
MICRO = 1e6  # operand densities and probabilities are rounded to 1e-6 (compute-gs-analyzer.cpp)

Share = float | Float
"""A probability of every mapping, or one for all."""


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
    micro: Float = namespace(value).floor(value * MICRO + 0.5) / MICRO
    return micro


def remaining_computes(total: Int, operands: tuple[Operand, ...]) -> Int:
    """MACs left after every operand SAF that reaches them took its share."""
    left = floats(total)
    for operand in operands:
        if operand.removed is not None:
            left = left - namespace(left).floor(left * operand.removed)
    return to_int(left)


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
    many, nothing = floats(left), 0 * left
    zero_pair = first[0] * second[1] + first[1] * second[0]
    lone = first[0] * second[2] + first[2] * second[0]
    lone_zero = first[1] * second[2] + first[2] * second[1]
    unaligned = many * lone + many * lone_zero
    gated = nothing
    if gate:
        both = many * zero_pair + many * (first[1] * second[1])
        gated = floor(both if skip else both + unaligned)
    skipped = floor(unaligned) if skip else nothing
    absent = floor(many * (first[2] * second[2]))
    legal = left > 0  # HEAD's check of the sum asks 0 < 0 otherwise
    for operand, other in (operands, operands[::-1]):
        legal = legal & (_given(operand, other) <= 1.0 + SLACK)
    return Computes(left - skipped - gated - absent, gated, skipped, legal)


def _given(operand: Operand, other: Operand) -> Share:
    """P(nonzero) of an operand, given that the other's SAF let the MAC through; above 1 where the two contradict."""
    density = float(to_micro(np.array([operand.density]))[0])
    if other.removed is None:
        return density
    passed = 1.0 - to_micro(other.removed)
    return ratio(density + 0.0 * passed, passed, np.inf if density > 0 else 1.0)


def states(operand: Operand, other: Operand) -> tuple[Share, Share, Share]:
    """P(nonzero), P(zero but present), P(absent) of an operand, given that the other's SAF let the MAC through."""
    given = _given(operand, other)
    nonzero, zero = _probability(given), _probability(1.0 - given)
    return (nonzero, 0.0, zero) if operand.has_metadata else (nonzero, zero, 0.0)


def _probability(value: Share) -> Share:
    if isinstance(value, float):
        return min(max(value, 0.0), 1.0)
    xp = namespace(value)
    found: Float = xp.minimum(xp.maximum(value, 0.0), 1.0)
    return found
