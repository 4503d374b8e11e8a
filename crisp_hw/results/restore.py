"""What is kept of an evaluation, back to the evaluation."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from crisp_hw.errors import InputError
from crisp_hw.results.densities import Blobs, density_of
from crisp_hw.results.saved import SavedCheck, SavedEvaluation, SavedPoint, SavedProblem, SavedResult, SavedRow
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.evaluation import DensityCheck, LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.problem import Problem, Tensor
from crisp_hw.spec.result import Result

T = TypeVar("T")
MOST_BYTES = 2**33  # of one mask: 2^36 weights at a bit each, a hundred times the largest published layer


def restored(saved: SavedEvaluation) -> NetworkEvaluation:
    """The evaluation again; InputError where a number names a part that is not there, or a mask is damaged.

    >>> from crisp_hw.results.keep import kept
    >>> restored(kept(NetworkEvaluation("nothing", ()))) == NetworkEvaluation("nothing", ())
    True
    """
    masks = {name: _bits(name, text) for name, text in saved.masks.items()}
    problems = [_problem(each, masks) for each in saved.parts.problems]
    rows = tuple(_row(row, saved, problems) for row in saved.rows)
    return NetworkEvaluation(saved.name, rows, saved.skipped, saved.assumptions, saved.provenance, saved.parameters)


def _row(row: SavedRow, saved: SavedEvaluation, problems: Sequence[Problem]) -> LayerEvaluation:
    parts = saved.parts
    return LayerEvaluation(
        arch=row.arch,
        descriptor=_shared(parts.descriptors, row.descriptor, "descriptors"),
        point=_point(row.point, saved, problems),
        result=_result(row.result, saved),
        dense=_result(row.dense, saved),
        real_macs=row.real_macs,
        tried=row.tried,
        valid=row.valid,
        index=row.index,
        sources=_shared(parts.sources, row.sources, "sources"),
        check=None if row.check is None else _check(row.check, saved),
        overheads=row.overheads,
        silicon=None if row.silicon is None else _shared(parts.silicon, row.silicon, "silicon"),
        gap=row.gap,
    )


def _point(point: SavedPoint, saved: SavedEvaluation, problems: Sequence[Problem]) -> DesignPoint:
    parts = saved.parts
    design = Design(
        _shared(parts.architectures, point.architecture, "architectures"),
        _shared(problems, point.problem, "problems"),
        _shared(parts.sparse, point.sparse, "sparse"),
        _shared(parts.energies, point.energy, "energies"),
        point.dialect,
    )
    nest = _shared(parts.nests, point.nest, "nests")
    return DesignPoint(design, LoopMapping(nest, point.bounds, point.residuals), point.assumptions)


def _problem(problem: SavedProblem, masks: Blobs) -> Problem:
    tensors = (
        Tensor(each.name, each.ranks, each.is_output, density_of(each.density, masks)) for each in problem.tensors
    )
    return Problem(problem.name, problem.dims, problem.bounds, tuple(tensors))


def _result(result: SavedResult, saved: SavedEvaluation) -> Result:
    return replace(_shared(saved.parts.results, result.result, "results"), assumptions=result.assumptions)


def _check(check: SavedCheck, saved: SavedEvaluation) -> DensityCheck:
    return DensityCheck(check.density, _result(check.model, saved), check.tiles)


def _shared(parts: Sequence[T], number: int, name: str) -> T:
    if not 0 <= number < len(parts):
        raise InputError(f"a row refers to number {number} of {name}, of which there are {len(parts)}")
    return parts[number]


def _bits(name: str, text: str) -> bytes:
    """The bits of a mask."""
    try:
        packed = zlib.decompressobj()
        bits = packed.decompress(base64.b64decode(text, validate=True), MOST_BYTES)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise InputError(f"the bits of {name} cannot be unpacked") from error
    if not packed.eof:
        raise InputError(f"the bits of {name} end early")
    return bits
