"""An evaluation to what is kept of it."""

import base64
import json
import pickle
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

from crisp_hw.results.densities import density_entry
from crisp_hw.results.head import plain_provenance
from crisp_hw.results.saved import (
    SavedCheck,
    SavedEvaluation,
    SavedParts,
    SavedPoint,
    SavedProblem,
    SavedResult,
    SavedRow,
    SavedTensor,
)
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.result import Result
from crisp_hw.spec.spelling import plain_value


def kept(network: NetworkEvaluation) -> SavedEvaluation:
    """Everything of an evaluation, what rows share once.

    >>> kept(NetworkEvaluation("nothing", ())).parts.results
    ()
    """
    pools = _Pools()
    rows = tuple(_row(row, pools) for row in network.rows)
    return SavedEvaluation(
        network.name,
        SavedParts(**{name: tuple(pool.values) for name, pool in pools.by_name().items()}),
        rows,
        network.skipped,
        network.assumptions,
        plain_provenance(network.provenance),
        network.parameters,
        {name: base64.b64encode(zlib.compress(bits, 9)).decode() for name, bits in sorted(pools.masks.items())},
    )


@dataclass
class _Pool:
    """Equal values once, each with its number."""

    values: list[Any] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    alike: dict[bytes, int] = field(default_factory=dict)
    seen: dict[int, tuple[Any, int]] = field(default_factory=dict)  # by identity: most rows share the very object

    def number(self, value: Any) -> int:
        """The number of a value, which is new where no equal one is there."""
        if id(value) in self.seen:
            return self.seen[id(value)][1]
        alike = pickle.dumps(value)  # made in a tenth of the time; equal values seldom differ in it
        if alike not in self.alike:
            self.alike[alike] = self.numbers.setdefault(json.dumps(plain_value(value)), len(self.values))
        number = self.alike[alike]
        if number == len(self.values):
            self.values.append(value)
        self.seen[id(value)] = value, number  # with the value, so that nothing else takes its identity
        return number


@dataclass
class _Pools:
    """The parts of an evaluation, and the bits of masks by name."""

    architectures: _Pool = field(default_factory=_Pool)
    problems: _Pool = field(default_factory=_Pool)
    sparse: _Pool = field(default_factory=_Pool)
    energies: _Pool = field(default_factory=_Pool)
    nests: _Pool = field(default_factory=_Pool)
    descriptors: _Pool = field(default_factory=_Pool)
    sources: _Pool = field(default_factory=_Pool)
    results: _Pool = field(default_factory=_Pool)
    silicon: _Pool = field(default_factory=_Pool)
    masks: dict[str, bytes] = field(default_factory=dict)

    def by_name(self) -> dict[str, _Pool]:
        """All but the masks."""
        return {name: pool for name, pool in vars(self).items() if isinstance(pool, _Pool)}


def _row(row: LayerEvaluation, pools: _Pools) -> SavedRow:
    return SavedRow(
        arch=row.arch,
        descriptor=pools.descriptors.number(row.descriptor),
        point=_point(row.point, pools),
        result=_result(row.result, pools),
        dense=_result(row.dense, pools),
        real_macs=row.real_macs,
        tried=row.tried,
        valid=row.valid,
        index=row.index,
        sources=pools.sources.number(dict(row.sources)),
        check=None if row.check is None else _check(row.check, pools),
        overheads=row.overheads,
        silicon=None if row.silicon is None else pools.silicon.number(row.silicon),
        gap=row.gap,
    )


def _point(point: DesignPoint, pools: _Pools) -> SavedPoint:
    design, mapping = point.design, point.mapping
    return SavedPoint(
        architecture=pools.architectures.number(design.architecture),
        problem=pools.problems.number(_problem(design.problem, pools.masks)),
        sparse=pools.sparse.number(design.sparse),
        energy=pools.energies.number(design.energy),
        dialect=design.dialect,
        nest=pools.nests.number(mapping.nest),
        bounds=mapping.bounds,
        residuals=mapping.residuals,
        assumptions=point.assumptions,
    )


def _problem(problem: Problem, masks: dict[str, bytes]) -> SavedProblem:
    tensors = (
        SavedTensor(each.name, each.ranks, each.is_output, density_entry(each.density, masks))
        for each in problem.tensors
    )
    return SavedProblem(problem.name, problem.dims, problem.bounds, tuple(tensors))


def _result(result: Result, pools: _Pools) -> SavedResult:
    return SavedResult(pools.results.number(replace(result, assumptions=())), result.assumptions)


def _check(check: DensityCheck, pools: _Pools) -> SavedCheck:
    return SavedCheck(check.density, _result(check.model, pools), check.tiles)
