"""The sparsity patterns of a weight matrix, and the density models that Sparseloop knows, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NM:
    """Exactly (or at most) `n` nonzeros in every aligned group of `m` consecutive columns of one row."""

    n: int
    m: int


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


Density = FixedStructured | Hypergeometric
