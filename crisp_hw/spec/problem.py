"""The einsum that is computed: dimensions, tensors and the density of each tensor."""

from dataclasses import dataclass
from functools import cached_property

from crisp_hw.spec.patterns import Density, FixedStructured

FULL = FixedStructured(1.0)


@dataclass(frozen=True)
class Term:
    """`coefficient` * `dim` in the index expression of a tensor rank."""

    dim: str
    coefficient: int = 1


@dataclass(frozen=True)
class Tensor:
    """A tensor ("data space"): each rank is a sum of terms; the output is read and written."""

    name: str
    ranks: tuple[tuple[Term, ...], ...]
    is_output: bool = False
    density: Density = FULL

    @cached_property
    def dims(self) -> frozenset[str]:
        """Problem dimensions that the tensor depends on."""
        return frozenset(term.dim for rank in self.ranks for term in rank)

    @cached_property
    def plain(self) -> tuple[str, ...] | None:
        """The dimension of each rank where every rank is a dimension as it is; None where one slides or strides."""
        if any(len(rank) != 1 or abs(rank[0].coefficient) != 1 for rank in self.ranks):
            return None
        return tuple(rank[0].dim for rank in self.ranks)


@dataclass(frozen=True)
class Problem:
    """Dimensions (one letter each) with their bounds, and the tensors over them.

    >>> a = Tensor("A", ((Term("M"),), (Term("K"),)))
    >>> Problem("gemm", ("M", "N", "K"), (2, 3, 4), (a,)).bound("K")
    4
    """

    name: str
    dims: tuple[str, ...]
    bounds: tuple[int, ...]
    tensors: tuple[Tensor, ...]

    @cached_property
    def place(self) -> dict[str, int]:
        """Index of each dimension."""
        return {dim: index for index, dim in enumerate(self.dims)}

    def bound(self, dim: str) -> int:
        """Size of one dimension."""
        return self.bounds[self.dims.index(dim)]

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name (KeyError when there is none)."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(name)
