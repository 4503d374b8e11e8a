"""The sparsity patterns of a weight matrix, and the density models that Sparseloop knows, as plain values."""

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.spec.kinds import of_kind, wrong_kind

_NM_TEXT = re.compile(r"(\d{1,4}):(\d{1,4})", re.ASCII)


@dataclass(frozen=True)
class NM:
    """Exactly (or at most) `n` nonzeros in every aligned group of `m` consecutive columns of one row."""

    n: int
    m: int

    def __post_init__(self) -> None:
        of_kind("n of N:M", self.n, int)
        of_kind("m of N:M", self.m, int)

    def __str__(self) -> str:
        """As it is written everywhere: 2:4."""
        return f"{self.n}:{self.m}"


def nm_of(pattern: object, name: str = "nm") -> NM:
    """The N:M pattern that a text such as "2:4" is, or that is given as one.

    >>> nm_of("2:4"), nm_of(NM(1, 4))
    (NM(n=2, m=4), NM(n=1, m=4))
    """
    if isinstance(pattern, NM):
        return pattern
    found = _NM_TEXT.fullmatch(pattern) if isinstance(pattern, str) else None
    if found is None:
        raise wrong_kind(name, pattern, "", 'write "2:4" for two kept of every four, or NM(2, 4)')
    return NM(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class TwoRank:
    """N:M of N:M (HighLight): of every `outer.m` aligned groups of `inner.m` columns at most `outer.n` hold a nonzero,
    and each of these obeys `inner`.

    >>> str(TwoRank(NM(1, 2), NM(2, 4)))
    '1:2 of 2:4'
    """

    outer: NM
    inner: NM

    def __str__(self) -> str:
        return f"{self.outer} of {self.inner}"


@dataclass(frozen=True)
class RowPattern:
    """How many rows obey an N:M pattern as their tightest (VEGETA: 1:4, 2:4 and 4:4 beside each other)."""

    nm: NM
    rows: int

    def __str__(self) -> str:
        return f"{self.nm} in {self.rows}"


@dataclass(frozen=True)
class Dense:
    """Every element is kept."""


@dataclass(frozen=True)
class Unstructured:
    """A fraction `density` of the elements is nonzero, anywhere."""

    density: float


@dataclass(frozen=True)
class Hybrid:
    """CRISP: `kept` of the `total` blocks (side `block`) of every block row survive; inside them `nm` holds."""

    nm: NM
    block: int
    kept: int
    total: int


Pattern = Dense | NM | Unstructured | Hybrid


@dataclass(frozen=True)
class FixedStructured:
    """Sparseloop `fixed_structured`: a tile of n elements holds n * density nonzeros, rounded to a neighbour."""

    density: float


@dataclass(frozen=True)
class Hypergeometric:
    """Sparseloop `hypergeometric`: ceil(density * size) nonzeros scattered uniformly over the tensor."""

    density: float


@dataclass(frozen=True)
class Banded:
    """Sparseloop `banded` (`diagonal`: width 0): of a square matrix the words with |row - column| <= `band_width`."""

    band_width: int


@dataclass(frozen=True)
class Actual:
    """The mask of the tensor itself, bool with one axis per rank: every tile holds what it holds.

    The mask is copied and read-only. Equal masks are equal values, whatever array they came from.

    >>> mask = np.eye(2, dtype=bool)
    >>> Actual(mask) == Actual(mask.copy()), Actual(mask).density
    (True, 0.5)
    """

    mask: NDArray[np.bool_] = field(compare=False, repr=False)
    digest: str = field(init=False)
    nonzeros: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        kept = np.array(self.mask, dtype=np.bool_, order="C")
        kept.setflags(write=False)
        content = blake2b(f"{kept.shape}".encode(), digest_size=16)
        content.update(np.packbits(kept).tobytes())
        object.__setattr__(self, "mask", kept)
        object.__setattr__(self, "digest", content.hexdigest())
        object.__setattr__(self, "nonzeros", int(kept.sum()))

    @property
    def shape(self) -> tuple[int, ...]:
        """Words along each rank."""
        return self.mask.shape

    @property
    def density(self) -> float:
        """Nonzeros over words."""
        return self.nonzeros / self.mask.size


@dataclass(frozen=True)
class HybridBlocks:
    """The masks of a `Hybrid` pattern, all equally likely: kept blocks by block row, then N:M groups, independently.

    The tensor has `shape`; its last rank runs over matrix columns, of which the first `columns` are real. Its other
    ranks enumerate matrix rows, the last of them fastest: `block_rows` says in which block row each lies (-1: padding,
    always zero). What the last column cuts off is narrower: a group of w columns keeps min(n, w).
    """

    pattern: Hybrid
    shape: tuple[int, ...]
    block_rows: tuple[int, ...]
    columns: int

    def __post_init__(self) -> None:
        nm, block, total = self.pattern.nm, self.pattern.block, self.pattern.total
        if block % nm.m:
            raise InputError(
                f"blocks of {block} do not hold whole groups of {nm.m}", hint="give a block that m divides"
            )
        if total != ceil(self.columns / block) or not 0 <= self.pattern.kept <= total:
            raise InputError(f"{self.pattern.kept} of {total} blocks of {block} do not fit {self.columns} columns")
        if prod(self.shape[:-1]) != len(self.block_rows) or not 0 < self.columns <= self.shape[-1]:
            raise InputError(
                (
                    f"{len(self.block_rows)} rows and {self.columns} columns do not fit a tensor of "
                    f"{' x '.join(map(str, self.shape))}"
                ),
                hint="give the block row of every row, padding included",
            )

    @property
    def density(self) -> float:
        """Expected nonzeros over words."""
        nm, kept, total = self.pattern.nm, self.pattern.kept, self.pattern.total
        whole, rest = divmod(self.columns, nm.m)
        rows = sum(row >= 0 for row in self.block_rows)
        return rows * (whole * nm.n + min(rest, nm.n)) * kept / total / (len(self.block_rows) * self.shape[-1])


@dataclass(frozen=True)
class PatternedLines:
    """The masks of a tensor whose lines along one rank each obey a pattern, all equally likely and independent.

    The tensor has `shape`; lines run along rank `axis`, of whose words the first `columns` are real. The other ranks
    enumerate lines, the last of them fastest: `lines` says which of the `patterns` each obeys (-1: padding, always
    zero). N:M alone is 1:1 of it. What the last column cuts off is shorter: of g groups min(n, g) hold something, and
    a group of w words keeps min(n, w).

    >>> rows = PatternedLines((TwoRank(NM(1, 1), NM(2, 4)), TwoRank(NM(1, 2), NM(2, 4))), (0, 1), (2, 8), 1, 8)
    >>> rows.density
    0.375
    """

    patterns: tuple[TwoRank, ...]
    lines: tuple[int, ...]
    shape: tuple[int, ...]
    axis: int
    columns: int

    def __post_init__(self) -> None:
        for nm in (nm for each in self.patterns for nm in (each.outer, each.inner)):
            if nm.m < 1 or not 0 <= nm.n <= nm.m:
                raise InputError(f"{nm} is no N:M pattern", hint="n must be 0 to m")
        others = prod(length for rank, length in enumerate(self.shape) if rank != self.axis)
        if not 0 <= self.axis < len(self.shape) or others != len(self.lines):
            sizes = " x ".join(map(str, self.shape))
            said = f"{len(self.lines)} lines along rank {self.axis} do not fit a tensor of {sizes}"
            raise InputError(said, hint="give the pattern of every line, padding included")
        if not 0 < self.columns <= self.shape[self.axis]:
            raise InputError(f"{self.columns} words do not fit lines of {self.shape[self.axis]}")
        if not all(-1 <= line < len(self.patterns) for line in self.lines):
            raise InputError(f"lines name patterns beyond the {len(self.patterns)} that are given")

    @property
    def density(self) -> float:
        """Expected nonzeros over words."""
        held = [expected_in_line(each, self.columns) for each in self.patterns]
        return sum(held[line] for line in self.lines if line >= 0) / prod(self.shape)


def expected_in_line(pattern: TwoRank, columns: int) -> float:
    """Nonzeros that a line of `columns` words holds on average.

    >>> expected_in_line(TwoRank(NM(1, 2), NM(2, 4)), 12)
    4.0
    """
    outer, inner = pattern.outer, pattern.inner
    side, total = outer.m * inner.m, 0.0
    for width, alike in ((side, columns // side), (columns % side, 1)):
        whole, rest = divmod(width, inner.m)
        groups = whole + (rest > 0)
        if groups and alike:
            total += alike * min(outer.n, groups) / groups * (whole * inner.n + min(rest, inner.n))
    return total


BySize = FixedStructured | Hypergeometric
"""What is known of a tile depends on its number of words alone."""

ByShape = Actual | HybridBlocks | PatternedLines
"""It depends on the tile's extent along every rank; beyond what public Sparseloop has."""

Density = BySize | Banded | ByShape
