"""Everything that is needed to evaluate: a design, and a design with a mapping."""

from dataclasses import dataclass, field

from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import RULES, Dialect, Rules
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.shown import counted
from crisp_hw.spec.sparse import SparseSpec


@dataclass(frozen=True)
class Design:
    """Hardware, problem, sparse features and energies; the mapping is still open.

    `dialect` names the program whose numbers are wanted.
    """

    architecture: Architecture
    problem: Problem
    sparse: SparseSpec = field(default_factory=SparseSpec)
    energy: EnergyTable = field(default_factory=EnergyTable)
    dialect: Dialect = "head"

    def __repr__(self) -> str:
        bounds = zip(self.problem.dims, self.problem.bounds, strict=True)
        sizes = " ".join(f"{dim}={bound}" for dim, bound in bounds)
        return f"<Design {self.problem.name} ({sizes}) on {self.architecture.chain}>"

    @property
    def rules(self) -> Rules:
        """What that program does where programs differ."""
        return RULES[self.dialect]


@dataclass(frozen=True)
class DesignPoint:
    """A design with its mapping: what every backend evaluates."""

    design: Design
    mapping: LoopMapping
    assumptions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<DesignPoint of {self.design!r} with a mapping of {counted(len(self.mapping.nest.loops), 'loop')}>"
