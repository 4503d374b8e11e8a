"""How an accelerator runs a layer, as its file says it: an ordered list of cases, each with its formulas.

A formula is text, because its numbers are those of a layer, of what is known of its zeros, and of the fabric (which
`replace` may change); `encode` computes it, and `encode.scope` lists the names that it may use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from crisp_hw.errors import Where
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.sparse import ActionKind, ComputeKind, Format

ProblemKind = Literal["gemm", "gathered", "convolution"]
Per = Literal["computes", "latched_weights", "index_entries"]
Take = Literal["best", "first"]
Role = Literal["backing", "buffer", "accumulator", "latch"]
GEMM_DIMS = ("G", "M", "N", "K")
CONVOLUTION_DIMS = ("G", "M", "C", "R", "S", "P", "Q", "N")
ROLES: tuple[Role, ...] = ("backing", "buffer", "accumulator", "latch")


def dims_of(problem: ProblemKind) -> tuple[str, ...]:
    """The dimensions of a problem: those of a matrix product, or of a convolution as it is."""
    return CONVOLUTION_DIMS if problem == "convolution" else GEMM_DIMS


@dataclass(frozen=True)
class Formula:
    """An expression, and where it stands in the user's file."""

    text: str
    at: Where = field(default_factory=Where, compare=False, repr=False)


@dataclass(frozen=True)
class Nonzeros:
    """How the nonzeros of an operand lie.

    "structured": every tile holds the share `value` of its words. "scattered": they lie anywhere, the share `value` of
    the layer's own words; padding thins them out, so that their number stays.
    """

    kind: Literal["structured", "scattered"]
    value: Formula


@dataclass(frozen=True)
class RankRule:
    """A fibertree rank, or `times` of them in a row; bits None are the level's metadata width."""

    format: Format
    metadata_bits: Formula | None = None
    payload_bits: Formula | None = None
    times: int = 1
    flattened: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FormatRule:
    """How a level stores a tensor, when `when` holds: ranks **outermost first**, as Sparseloop writes them.

    `inner_to_outer`: loops are assigned to ranks from the innermost on.
    """

    level: str
    tensor: str
    ranks: tuple[RankRule, ...]
    inner_to_outer: bool = False
    when: Formula | None = None


@dataclass(frozen=True)
class ActionRule:
    """A storage SAF of a level: accesses to each target are avoided where all of its leaders are empty."""

    level: str
    kind: ActionKind
    options: tuple[tuple[str, tuple[str, ...]], ...]
    when: Formula | None = None


@dataclass(frozen=True)
class Limit:
    """Loops of a dimension that a level may hold in time although its constraint has none: at most `most`."""

    level: str
    dim: str
    most: Formula


@dataclass(frozen=True)
class Charge:
    """A circuit that Sparseloop does not count: an action of the energy table's `circuit` per something counted.

    `size` is that of this circuit over that of the table's.
    """

    circuit: str
    per: Per
    size: Formula


@dataclass(frozen=True)
class IndexRule:
    """An index that moves with the weights: `entries` of `bits` each for the whole layer."""

    bits: Formula
    entries: Formula


@dataclass(frozen=True)
class Remark:
    """What a case assumes, when `when` holds; formulas in braces are computed."""

    text: str
    when: Formula | None = None
    at: Where = field(default_factory=Where, compare=False, repr=False)


@dataclass(frozen=True)
class Sweep:
    """A name that takes every whole number from `first` to `last`: the case stands for one case for each."""

    name: str
    first: Formula
    last: Formula


@dataclass(frozen=True)
class Case:
    """One way to run a layer, where `when` holds.

    `across` says how many elements of each dimension the lanes of the array take at once, and one of those that it does
    not name (empty: as many as they are, of the dimensions of the accelerator's constraints).
    `pads` are numbers that a dimension must be a multiple of. `constraints` None are the accelerator's own.
    """

    name: str
    when: Formula | None = None
    each: Sweep | None = None
    problem: ProblemKind = "gemm"
    across: Mapping[str, Formula] = field(default_factory=dict)
    pads: Mapping[str, Formula] = field(default_factory=dict)
    weights: Nonzeros | None = None
    activations: Nonzeros | None = None
    formats: tuple[FormatRule, ...] = ()
    actions: tuple[ActionRule, ...] = ()
    compute: tuple[ComputeKind, ...] = ()
    limits: tuple[Limit, ...] = ()
    charges: tuple[Charge, ...] = ()
    index: IndexRule | None = None
    remarks: tuple[Remark, ...] = ()
    constraints: Constraints | None = None

    @property
    def exploits(self) -> bool:
        """Does it do anything about zeros of the operands?"""
        return bool(self.formats or self.actions or self.compute)


@dataclass(frozen=True)
class Runs:
    """All cases of an accelerator, and how it runs a layer that is not pruned, which speedups are relative to.

    `take`: of all cases that fit a layer the best in the objective, or the first. `parameters` are numbers of the file
    that formulas may name, `does` a sentence on what the accelerator does about zeros, `skips` why
    it does not run a layer that no case fits (empty: such a layer is a mistake).
    """

    cases: tuple[Case, ...] = (Case("dense"),)
    baseline: Case = field(default_factory=lambda: Case("dense"))
    take: Take = "best"
    parameters: Mapping[str, float] = field(default_factory=dict)
    does: str = "exploits no zeros"
    skips: str = ""

    def __repr__(self) -> str:
        return f"<Runs {', '.join(case.name for case in self.cases)}: {self.does}>"


DENSE = Runs()
"""A fabric that runs everything dense, with as many columns at once as it has lanes."""
