"""Densities as files hold them: the kind by name, masks as bits beside the text."""

from collections.abc import Mapping
from hashlib import sha256
from math import prod
from typing import Annotated, Literal, assert_never

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import (
    NM,
    Actual,
    Banded,
    ByShape,
    Density,
    FixedStructured,
    Hybrid,
    HybridBlocks,
    Hypergeometric,
    PatternedLines,
    TwoRank,
)

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Blobs = Mapping[str, bytes]
"""The bits of masks by name, equal masks once: one bit per word, row-major."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MaskEntry(_Strict):
    """A tensor's own mask: `shape` words along each rank; `entry` names its bits."""

    kind: Literal["mask"]
    shape: list[Count]
    entry: str


class BlocksEntry(_Strict):
    """`spec.patterns.HybridBlocks`, field by field."""

    kind: Literal["blocks"]
    n: Count
    m: Annotated[int, Field(ge=1)]
    block: Annotated[int, Field(ge=1)]
    kept: Count
    total: Count
    shape: list[Count]
    block_rows: list[int]
    columns: Count


class LineEntry(_Strict):
    """`spec.patterns.TwoRank`: n:m of groups that hold something, of inner_n:inner_m."""

    n: Count
    m: Annotated[int, Field(ge=1)]
    inner_n: Count
    inner_m: Annotated[int, Field(ge=1)]


class LinesEntry(_Strict):
    """`spec.patterns.PatternedLines`, field by field."""

    kind: Literal["lines"]
    patterns: list[LineEntry]
    lines: list[int]
    shape: list[Count]
    axis: Count
    columns: Count


class ShareEntry(_Strict):
    """A share of nonzeros, as Sparseloop spreads them over the tensor."""

    kind: Literal["fixed_structured", "hypergeometric"]
    density: Share


class BandEntry(_Strict):
    """`spec.patterns.Banded`."""

    kind: Literal["banded"]
    band_width: Count


ShapedEntry = Annotated[MaskEntry | BlocksEntry | LinesEntry, Field(discriminator="kind")]
"""What Timeloop's documents cannot say."""

DensityEntry = Annotated[MaskEntry | BlocksEntry | LinesEntry | ShareEntry | BandEntry, Field(discriminator="kind")]


def density_entry(density: Density, blobs: dict[str, bytes]) -> DensityEntry:
    """A density as an entry; the bits of a mask are added to `blobs`.

    >>> bits = {}
    >>> density_entry(Actual(np.array([True, False, True])), bits).shape, list(bits.values())
    ([3], [b'\\xa0'])
    """
    match density:
        case Actual() | HybridBlocks() | PatternedLines():
            return shaped_entry(density, blobs)
        case FixedStructured(share):
            return ShareEntry(kind="fixed_structured", density=share)
        case Hypergeometric(share):
            return ShareEntry(kind="hypergeometric", density=share)
        case Banded(width):
            return BandEntry(kind="banded", band_width=width)
    assert_never(density)


def shaped_entry(density: ByShape, blobs: dict[str, bytes]) -> MaskEntry | BlocksEntry | LinesEntry:
    """A density by shape as an entry; the bits of a mask are added to `blobs`.

    >>> shaped_entry(HybridBlocks(Hybrid(NM(2, 4), 4, 1, 2), (2, 8), (0, 0), 8), {}).kept
    1
    """
    match density:
        case Actual(mask):
            bits = np.packbits(mask).tobytes()
            name = f"masks/{sha256(bits).hexdigest()}"
            blobs[name] = bits
            return MaskEntry(kind="mask", shape=list(mask.shape), entry=name)
        case HybridBlocks(Hybrid(nm, block, kept, total), shape, rows, columns):
            given = {"n": nm.n, "m": nm.m, "block": block, "kept": kept, "total": total, "columns": columns}
            return BlocksEntry(kind="blocks", shape=list(shape), block_rows=list(rows), **given)
        case PatternedLines(patterns, lines, shape, axis, columns):
            kinds = [
                LineEntry(n=each.outer.n, m=each.outer.m, inner_n=each.inner.n, inner_m=each.inner.m)
                for each in patterns
            ]
            return LinesEntry(
                kind="lines", patterns=kinds, lines=list(lines), shape=list(shape), axis=axis, columns=columns
            )
    assert_never(density)


def density_of(entry: DensityEntry, blobs: Blobs) -> Density:
    """The density of an entry; InputError where its mask is not there or is not as long as its shape.

    >>> density_of(ShareEntry(kind="hypergeometric", density=0.5), {})
    Hypergeometric(density=0.5)
    """
    match entry:
        case MaskEntry() | BlocksEntry() | LinesEntry():
            return shaped_density(entry, blobs)
        case ShareEntry(kind="fixed_structured"):
            return FixedStructured(entry.density)
        case ShareEntry():
            return Hypergeometric(entry.density)
        case BandEntry():
            return Banded(entry.band_width)
    assert_never(entry)


def shaped_density(entry: MaskEntry | BlocksEntry | LinesEntry, blobs: Blobs) -> ByShape:
    """The same of an entry by shape.

    >>> shaped_density(MaskEntry(kind="mask", shape=[3], entry="masks/1"), {"masks/1": b"\\xa0"}).nonzeros
    2
    """
    match entry:
        case MaskEntry():
            words, bits = prod(entry.shape), blobs.get(entry.entry, b"")
            if len(bits) != -(-words // 8):
                raise InputError(f"{entry.entry}: has {len(bits)} bytes, not one bit for each of {words} words")
            return Actual(np.unpackbits(np.frombuffer(bits, np.uint8), count=words).astype(bool).reshape(entry.shape))
        case BlocksEntry():
            pattern = Hybrid(NM(entry.n, entry.m), entry.block, entry.kept, entry.total)
            return HybridBlocks(pattern, tuple(entry.shape), tuple(entry.block_rows), entry.columns)
        case LinesEntry():
            kinds = tuple(TwoRank(NM(each.n, each.m), NM(each.inner_n, each.inner_m)) for each in entry.patterns)
            return PatternedLines(kinds, tuple(entry.lines), tuple(entry.shape), entry.axis, entry.columns)
    assert_never(entry)
