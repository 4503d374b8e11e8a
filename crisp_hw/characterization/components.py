"""The components of an architecture that have to be characterized, as circuits: which array, how many bits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from crisp_hw.characterization.sram import MIN_DEPTH, MIN_WIDTH_BITS, WIDTH_STEP_BITS, SramArray
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, OperandBits, StorageLevel

OFFSET_BITS = (
    2  # of metadata for every word that a level can hold: one offset for M = 4 (NVIDIA's 2:4, CRISP's 1:4 to 3:4)
)
SELECTION, OFFSET_DECODER, INDEX_DECODER = "selection", "offset_decoder", "index_decoder"
OVERHEADS = (SELECTION, OFFSET_DECODER, INDEX_DECODER)
"""Components beside the levels: what N:M and blocks need and Sparseloop's model does not count."""


@dataclass(frozen=True)
class Dram:
    """A memory outside of the chip: `bits` per access, and `metadata_bits` per access to metadata (0: as many)."""

    name: str
    bits: int
    metadata_bits: int = 0


@dataclass(frozen=True)
class Sram:
    """An SRAM level: its data array, and its metadata array where it holds operands."""

    name: str
    data: SramArray
    metadata: SramArray | None


@dataclass(frozen=True)
class Latches:
    """A level too small for an SRAM: `vectors` registers of `bits`, of which an access moves one, and `metadata_bits`
    beside each where it holds operands."""

    name: str
    bits: int
    metadata_bits: int
    vectors: int = 1


@dataclass(frozen=True)
class Mac:
    """The multiply-accumulate unit of integers: `bits` wide, or with `operands` of widths of their own."""

    name: str
    bits: int
    operands: OperandBits | None = None


@dataclass(frozen=True)
class Overhead:
    """A selection multiplexer, an offset decoder or an index decoder, for words of `bits`."""

    name: str
    bits: int


Circuit = Dram | Sram | Latches | Mac | Overhead


def circuits(arch: Architecture, keeps: Mapping[str, frozenset[str]], node_nm: int = 45) -> tuple[Circuit, ...]:
    """One circuit per level, outermost first, the MAC, and the overheads.

    An access moves one vector of the level; an array narrower than CACTI takes becomes the narrowest, charged whole.
    Metadata has an array of its own in the levels that keep A or B: two bits for every word that the level can hold.
    Raises InputError for an SRAM without a size.

    >>> from crisp_hw.spec.arch import ComputeLevel
    >>> rf = StorageLevel("RF", word_bits=8, size_words=1024)
    >>> circuits(Architecture((rf,), ComputeLevel()), {"RF": frozenset("Z")})[0].data.depth
    256
    """
    levels = tuple(_level(level, keeps.get(level.name, frozenset("AB")), node_nm) for level in reversed(arch.levels))
    unit = arch.compute
    return (
        *levels,
        Mac(unit.name, unit.word_bits, unit.operands),
        *(Overhead(name, unit.word_bits) for name in OVERHEADS),
    )


def _level(level: StorageLevel, keeps: frozenset[str], node_nm: int) -> Circuit:
    bits = level.word_bits * level.block_size
    if level.technology == "DRAM":
        return Dram(level.name, bits, level.metadata_width_bits)
    if level.size_words is None:
        raise InputError(f"level {level.name}: an SRAM without a size has no energy per access; give it a size")
    _check_cuts(level)
    operands = bool(keeps & {"A", "B"})
    capacity = level.word_bits * level.size_words
    if are_latches(level):
        return Latches(
            level.name, bits, level.metadata_width_bits if operands else 0, max(1, level.size_words // level.block_size)
        )
    width = level.metadata_width_bits or MIN_WIDTH_BITS
    metadata = _array(OFFSET_BITS * level.size_words, width, node_nm) if operands else None
    return Sram(level.name, replace(_array(capacity, bits, node_nm), banks=level.banks), metadata)


def _check_cuts(level: StorageLevel) -> None:
    """InputError for ports, and for banks of registers: no method has numbers for them."""
    if level.ports > 1:
        said = f"level {level.name}: {level.ports} ports; the arrays of every method have one port to read and write"
        raise InputError(said, hint="take 1, and say with its bandwidths what the level moves in a cycle")
    if level.banks > 1 and are_latches(level):
        raise InputError(f"level {level.name}: {level.banks} banks of registers are one", hint="leave banks out")


def are_latches(level: StorageLevel) -> bool:
    """Is a level too small for the smallest array that CACTI takes?

    >>> are_latches(StorageLevel("LRF", word_bits=8, size_words=64))
    True
    """
    return level.size_words is not None and level.word_bits * level.size_words < MIN_WIDTH_BITS * MIN_DEPTH


def _array(capacity_bits: int, width_bits: int, node_nm: int) -> SramArray:
    """The array that holds the capacity, no narrower or shallower than CACTI takes."""
    width = max(MIN_WIDTH_BITS, -(-width_bits // WIDTH_STEP_BITS) * WIDTH_STEP_BITS)
    return SramArray(width, max(MIN_DEPTH, -(-capacity_bits // width)), 1, node_nm)


def words(circuit: Circuit) -> str:
    """What a component was taken to be.

    >>> words(Latches("LRF", 8, 8))
    'registers of 8 bits and 8 bits of metadata'
    """
    match circuit:
        case Dram(_, bits, metadata_bits):
            own = f", {metadata_bits} bits of metadata" if metadata_bits not in (0, bits) else ""
            return f"LPDDR4, {bits} bits per access{own}"
        case Sram(_, data, metadata):
            return f"{data}" + (f"; metadata {metadata}" if metadata else "")
        case Latches(_, bits, metadata_bits, vectors):
            many = f"{vectors} " if vectors > 1 else ""
            return f"{many}registers of {bits} bits" + (
                f" and {metadata_bits} bits of metadata" if metadata_bits else ""
            )
        case Mac(_, _, OperandBits(weights, activations, sums)):
            return f"multiply int{weights} by int{activations}, accumulate int{sums}"
        case Mac(_, bits):
            return f"multiply-accumulate of int{bits}"
        case Overhead("selection", bits):
            return f"4:1 multiplexer of {bits} bits: one of four activations for a kept weight"
        case Overhead("offset_decoder", _):
            return "2-bit offset to four select lines"
        case Overhead():
            return "block index to address: one 32-bit addition"
    assert_never(circuit)
