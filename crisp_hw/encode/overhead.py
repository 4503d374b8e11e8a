"""What hardware for N:M and blocks does beside Sparseloop's model: selecting activations, decoding offsets and indices.

Beside it, because the model's SAFs skip for free: a document for timeloop-model has no component that a
`skipping_spatial` action would use, and its own total must stay comparable.
"""

from math import ceil

from crisp_hw.spec.encoded import Encoded, IndexLine, OverheadLine
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.result import Result, TensorCounts

CANDIDATES = 4  # the M that the energy tables' selection and offset decoder are for


def overhead_lines(encoded: Encoded, result: Result, index: IndexLine | None) -> tuple[OverheadLine, ...]:
    """Actions and energy in pJ of the circuits that this layer uses beside the model (docs/energy.md has the formulas).

    selection: one M:1 multiplexer per MAC that computes, on lanes that N:M weights select for. offset_decoder: one
    per kept weight that is written into a latch. index_decoder: one per block index that a level delivers. A circuit
    that the energy set does not list has no line (`uncounted` names it).
    """
    return tuple(
        OverheadLine(name, actions, pj, actions * pj)
        for name, actions, pj in _candidates(encoded, result, index)
        if pj is not None
    )


def uncounted(encoded: Encoded, result: Result, index: IndexLine | None) -> tuple[str, ...]:
    """Circuits that the layer uses and the energy set has no cost for."""
    return tuple(name for name, _, pj in _candidates(encoded, result, index) if pj is None)


def _candidates(encoded: Encoded, result: Result, index: IndexLine | None) -> tuple[tuple[str, int, float | None], ...]:
    """(circuit, actions, pJ per action or None)."""
    found: list[tuple[str, int, float | None]] = []
    nm, costs = encoded.selects, encoded.design.energy.actions
    if nm is not None and result.compute is not None:
        select, decode = costs.get("selection", {}).get("select"), costs.get("offset_decoder", {}).get("decode")
        found.append(("selection", result.compute.random, _times(select, selector_size(nm))))
        found.append(("offset_decoder", _latched(result), _times(decode, decoder_size(nm))))
    if index is not None and encoded.block_index is not None and encoded.block_index.bits:
        bits = sum(index.read_bits.values())
        found.append(
            ("index_decoder", ceil(bits / encoded.block_index.bits), costs.get("index_decoder", {}).get("decode"))
        )
    return tuple(found)


def selector_size(nm: NM) -> float:
    """Two-way selectors of an M:1 multiplexer over those of the 4:1 one of the energy tables: M - 1 over 3.

    >>> [selector_size(NM(2, m)) for m in (2, 4, 16)]
    [0.3333333333333333, 1.0, 5.0]
    """
    return (nm.m - 1) / (CANDIDATES - 1)


def decoder_size(nm: NM) -> float:
    """Gates of a one-hot decoder with M outputs over those with 4: M ceil(log2 M) over 8.

    >>> [decoder_size(NM(2, m)) for m in (2, 4, 8)]
    [0.25, 1.0, 3.0]
    """
    return _gates(nm.m) / _gates(CANDIDATES)


def _gates(outputs: int) -> int:
    return outputs * (outputs - 1).bit_length()


def _times(pj: float | None, size: float) -> float | None:
    return None if pj is None else pj * size


def _latched(result: Result) -> int:
    """Weights written into the level next to the MACs, in all of its instances."""
    counts: TensorCounts | None = result.levels[0].tensors.get("A")
    return 0 if counts is None else round(counts.accesses["random_fills"] * counts.utilized_instances)
