"""An evaluation as it is kept: what rows have in common stands once, and rows refer to it by number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crisp_hw.results.densities import DensityEntry
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.dialect import Dialect
from crisp_hw.spec.encoded import IndexLine, OverheadLine
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.evaluation import TileCheck
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.problem import Term
from crisp_hw.spec.result import Result
from crisp_hw.spec.silicon import Silicon
from crisp_hw.spec.sparse import SparseSpec


@dataclass(frozen=True)
class SavedTensor:
    """`spec.problem.Tensor`, its density by kind."""

    name: str
    ranks: tuple[tuple[Term, ...], ...]
    is_output: bool
    density: DensityEntry


@dataclass(frozen=True)
class SavedProblem:
    """`spec.problem.Problem`."""

    name: str
    dims: tuple[str, ...]
    bounds: tuple[int, ...]
    tensors: tuple[SavedTensor, ...]


@dataclass(frozen=True)
class SavedResult:
    """A result: its number among the results, which have no assumptions there, and its assumptions."""

    result: int
    assumptions: tuple[str, ...]


@dataclass(frozen=True)
class SavedCheck:
    """`spec.evaluation.DensityCheck`."""

    density: str
    model: SavedResult
    tiles: tuple[TileCheck, ...]


@dataclass(frozen=True)
class SavedPoint:
    """`spec.design.DesignPoint`: the numbers of its parts, and what it has for itself."""

    architecture: int
    problem: int
    sparse: int
    energy: int
    dialect: Dialect
    nest: int
    bounds: tuple[int, ...]
    residuals: tuple[int, ...] | None
    assumptions: tuple[str, ...]


@dataclass(frozen=True)
class SavedRow:
    """`spec.evaluation.LayerEvaluation`."""

    arch: str
    descriptor: int
    point: SavedPoint
    result: SavedResult
    dense: SavedResult
    real_macs: int
    tried: int
    valid: int
    index: IndexLine | None
    sources: int
    check: SavedCheck | None
    overheads: tuple[OverheadLine, ...]
    silicon: int | None = None
    gap: float | None = None


@dataclass(frozen=True)
class SavedParts:
    """What rows share, each once, numbered from 0."""

    architectures: tuple[Architecture, ...]
    problems: tuple[SavedProblem, ...]
    sparse: tuple[SparseSpec, ...]
    energies: tuple[EnergyTable, ...]
    nests: tuple[LoopNest, ...]
    descriptors: tuple[Descriptor, ...]
    sources: tuple[Mapping[str, str], ...]
    results: tuple[Result, ...]
    silicon: tuple[Silicon, ...] = ()


@dataclass(frozen=True)
class SavedEvaluation:
    """`spec.evaluation.NetworkEvaluation`; `masks` are the bits of densities, packed by zlib, in base64."""

    name: str
    parts: SavedParts
    rows: tuple[SavedRow, ...]
    skipped: tuple[Skipped, ...]
    assumptions: tuple[str, ...]
    provenance: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, int | float | None]]
    masks: Mapping[str, str]
