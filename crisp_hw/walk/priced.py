"""What the steps of a loop nest take: cycles at the ports of a level, and energy by the numbers of the file.

Instances are taken alike: each moves the mean of those at work, in whole words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from crisp_hw.spec.arch import StorageLevel
from crisp_hw.walk.nested import Moved


@dataclass(frozen=True)
class Words:
    """Words and offsets that one instance moves of a tensor, and how many instances are at work on average."""

    reads: int
    fills: int
    updates: int
    offsets_read: int
    offsets_filled: int
    used: Fraction


def per_instance(moved: Moved) -> Words:
    """The mean of the instances at work.

    >>> per_instance(Moved(reads=7, used=4, visits=2)).reads
    4
    """
    used = Fraction(moved.used, max(moved.visits, 1))

    def mean(total: int) -> int:
        return ceil(total / used) if used else 0

    offsets = mean(moved.offsets_read), mean(moved.offsets_filled)
    return Words(mean(moved.reads), mean(moved.fills), mean(moved.updates), *offsets, used)


@dataclass(frozen=True)
class Run:
    """A run of so many steps, and the instances of the level that is looked at."""

    steps: int
    instances: int


def port_cycles(level: StorageLevel, tensors: Mapping[str, Words], offset_bits: Mapping[str, int], run: Run) -> int:
    """The cycles of a run whose steps wait for the ports of a level; offsets pass in words of their own.

    Steps are stretched by a quotient of two bandwidths, in floating point as Timeloop does: where words fill whole
    cycles, its rounding may take one more.

    >>> words = Words(100, 20, 0, 0, 0, Fraction(1))
    >>> port_cycles(StorageLevel("L", read_bandwidth=8, write_bandwidth=4), {"A": words}, {}, Run(10, 1))
    13
    """
    reads = writes = 0.0
    for name, each in tensors.items():
        bits = offset_bits.get(name, 0) if level.metadata_width_bits else 0
        out = each.reads + each.offsets_read * bits // level.word_bits
        into = each.fills + each.updates + each.offsets_filled * bits // level.word_bits
        reads += ceil(out * each.used / run.instances) / run.steps
        writes += ceil(into * each.used / run.instances) / run.steps
    ports = (
        (reads, level.read_bandwidth),
        (writes, level.write_bandwidth),
        (reads + writes, level.shared_bandwidth),
    )
    slowest = min([1.0, *(width / words for words, width in ports if width is not None and words)])
    return ceil(run.steps / slowest)


def energy_pj(
    level: StorageLevel, costs: Mapping[str, float], words: Words, offset_bits: int, tiles: Sequence[int] = ()
) -> float:
    """Energy of a tensor in all instances of a level: accesses of `block_size` words, and those to offsets.

    Words are one stream, or every one of `tiles` (its words) begins an access of its own.

    >>> level, words = StorageLevel("L", block_size=8), Words(9, 0, 0, 0, 0, Fraction(3))
    >>> energy_pj(level, {"read": 2.0}, words, 0), energy_pj(level, {"read": 2.0}, words, 0, [3, 3, 3])
    (12.0, 18.0)
    """
    fill = costs.get("fill", costs.get("write", 0.0))
    moves = ((words.reads, costs.get("read", 0.0)), (words.fills, fill), (words.updates, costs.get("update", fill)))
    share = Fraction(sum(ceil(Fraction(each, level.block_size)) for each in tiles), sum(tiles) or 1)
    pj = sum(float(count * share if tiles else -(-count // level.block_size)) * each for count, each in moves)
    if offset_bits and level.metadata_width_bits:
        bits = fitting(offset_bits, level.metadata_width_bits)
        offsets = ((words.offsets_read, "metadata_read"), (words.offsets_filled, "metadata_write"))
        pj += sum(-(-count * bits // level.metadata_width_bits) * costs.get(name, 0.0) for count, name in offsets)
    return pj * float(words.used)


def fitting(bits: int, width: int) -> int:
    """The bits that an offset takes in a store of so many: none lies in two accesses.

    >>> fitting(3, 64), fitting(2, 64)
    (4, 2)
    """
    return next(each for each in range(bits, width + 1) if width % each == 0)
