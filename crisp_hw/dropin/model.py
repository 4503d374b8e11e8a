"""What timeloop-model does, without Timeloop: YAML files in, statistics out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from crisp_hw.dropin.masks import with_masks
from crisp_hw.dropin.strict import check_strict
from crisp_hw.engine.energy import COMPUTE_ORDER, compute_energy, lookup_order
from crisp_hw.engine.evaluate import evaluate_point
from crisp_hw.engine.result import report
from crisp_hw.engine.unpriced import unpriced
from crisp_hw.engine.validity import broken_rules
from crisp_hw.errors import CrispError, InputError, MappingError, Where
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.dialect import RULES, Dialect
from crisp_hw.spec.limits import MOST_MACS
from crisp_hw.spec.rules import misfit
from crisp_hw.timeloop.read.accept import accept
from crisp_hw.timeloop.read.accept_architecture import component_names
from crisp_hw.timeloop.read.constrained import check_constraints
from crisp_hw.timeloop.read.lines import with_line
from crisp_hw.timeloop.read.point import point_of
from crisp_hw.timeloop.read.tables import read_areas
from crisp_hw.timeloop.read.unheard import unheard
from crisp_hw.timeloop.stats.detail import Evaluated, details_of
from crisp_hw.timeloop.stats.json_text import stats_json
from crisp_hw.timeloop.stats.map_text import map_text
from crisp_hw.timeloop.stats.text import stats_text
from crisp_hw.timeloop.yaml.documents import InputFiles, input_files, read_documents
from crisp_hw.timeloop.yaml.fields import underscored
from crisp_hw.timeloop.yaml.spelling import as_spelled
from crisp_hw.timeloop.yaml.unused_variables import unused_variables

PREFIX = "timeloop-model"
NEEDED = ("architecture", "problem", "mapping")


def evaluate_files(
    paths: Iterable[str | Path] | InputFiles,
    dialect: Dialect = "head",
    *,
    variables: Mapping[str, Any] | None = None,
) -> Evaluated:
    """Evaluate the mapping that Timeloop's documents describe, as timeloop-model does.

    Parameters
    ----------
    paths
        YAML files in any number and order: architecture, problem, mapping and, where there are any, sparse
        optimizations, ERT and ART. Both the flattened form (0.3, 0.4) and timeloopfe's 0.4 front end are read.
    dialect
        The program whose numbers are wanted: "head", "head-2024" or "micro22" (docs/model.md, section 12).
    variables
        Values for the templates in the files by name, as timeloopfe's `jinja_parse_data`.

    Returns
    -------
    Evaluated
        The design point and its result: cycles, energy in pJ, counts per instance; `result.skipped` lists what the
        documents hold without effect on the numbers.

    Raises
    ------
    InputError
        When the input is wrong, asks for something that is not modelled or, where `InputFiles.strict` asks for that,
        holds something without effect; it names the file and the line.
    MappingError
        When the mapping does not fit the architecture.

    Examples
    --------
    >>> import tempfile
    >>> import crisp_hw
    >>> layer = crisp_hw.evaluate(crisp_hw.WorkloadPattern("resnet50"), "dense", layers="fc")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = evaluate_files(crisp_hw.render(layer, folder))
    >>> found.result.cycles == layer.network.rows[0].result.cycles
    True
    """
    asked = input_files(paths, variables)
    given, notes = _spelled(read_documents(asked), dialect)
    documents = given
    try:
        documents = with_masks(documents)
        notes += unused_variables(documents)
        if is_frontend(documents):
            from crisp_hw.timeloop.frontend.flatten import flatten  # most runs do without it, and start sooner

            documents, more = flatten(documents)
            notes += more
        documents, more = accept(documents)
        done = _evaluate(documents, (*notes, *more), dialect)
    except CrispError as error:
        placed = with_line(error, documents)
        if not given.get("mapping") and error.at is not None and error.at.document == "mapping":
            advice = "no mapping is among the files, crisp-hw map looks for the best one"
            placed.hint = f"{placed.hint}; {advice}" if placed.hint else advice
        raise placed from error
    check_strict(asked, done.result.skipped)
    return done


@dataclass(frozen=True)
class Accepted:
    """What a set of documents says: the design point, and one note per thing in them that changes no number."""

    point: DesignPoint
    notes: tuple[str, ...]


def read_accepted(documents: MarkedDict) -> Accepted:
    """Documents in the flattened form, read as `evaluate_files` reads them; InputError has file and line."""
    try:
        kept, notes = accept(underscored(documents))
        return _accepted(kept, notes, "head")
    except CrispError as error:
        raise with_line(error, documents) from error


def _spelled(documents: MarkedDict, dialect: Dialect) -> tuple[MarkedDict, tuple[str, ...]]:
    """Documents with underscores in their keys, without those that the program passes over; a note for each of these.

    The front end of 2024 is none of that program's inputs: only documents in its own form are read as it does.
    """
    notes: tuple[str, ...] = ()
    if not RULES[dialect].either_spelling and not is_frontend(documents):
        documents, notes = as_spelled(documents)
    heard: MarkedDict = underscored(documents)
    return heard, notes


def texts_of(evaluated: Evaluated) -> dict[str, str]:
    """File name -> content of everything that a run writes."""
    return {
        f"{PREFIX}.stats.txt": stats_text(evaluated),
        f"{PREFIX}.map.txt": map_text(evaluated),
        "stats.json": stats_json(evaluated),
    }


def is_frontend(documents: MarkedDict) -> bool:
    """Is the architecture a list of nodes, as timeloopfe has it?"""
    architecture = documents.get("architecture")
    return isinstance(architecture, dict) and "nodes" in architecture


def _evaluate(documents: MarkedDict, notes: tuple[str, ...], dialect: Dialect) -> Evaluated:
    accepted = _accepted(documents, notes, dialect)
    return evaluated(accepted.point, documents, accepted.notes)


def _accepted(documents: MarkedDict, notes: tuple[str, ...], dialect: Dialect) -> Accepted:
    check_documents(documents, NEEDED)
    point = point_of(documents, dialect)
    check_size(point.design)
    return Accepted(point, (*notes, *check_constraints(documents, point)))


def evaluated(point: DesignPoint, documents: MarkedDict, notes: tuple[str, ...]) -> Evaluated:
    """A design point evaluated; areas and what the ERT lacks are looked up in its documents, as `accept` leaves them.

    Raises MappingError when the mapping does not fit the architecture.
    """
    part = evaluate_point(point)
    if isinstance(part, MappingError):
        raise part
    failures = broken_rules(part)
    result = report(part, failures, (*point.assumptions, *_energy_notes(point, documents.get("ERT"))))
    if not result.valid:
        raise misfit(result.failures, Where("mapping"))
    free = () if documents.get("ERT") is None else unpriced(point.design, result)
    silent = unheard(documents, point.design)
    skipped = (*result.skipped, *notes, *silent)
    result = replace(result, assumptions=(*result.assumptions, *free), skipped=skipped)
    # Timeloop looks for an ART only where there is an ERT
    areas = read_areas(documents["architecture"], documents.get("ART") if documents.get("ERT") is not None else None)
    has_sparse = documents.get("sparse_optimizations") is not None
    x, y = (int(along[0]) for along in part.sparse.macs_mesh)
    bounded = component_names(documents["architecture"], "metadata_storage_depth", "metadata_depth")
    return Evaluated(point, result, x * y, details_of(part), has_sparse, areas, bounded)


def check_documents(documents: MarkedDict, needed: tuple[str, ...]) -> None:
    """Refuse documents of which a needed one is missing."""
    for name in needed:
        if name not in documents:
            there = f"there are {', '.join(documents) or 'none'}"
            raise InputError(f"no document {name!r} in the files", Where(name, mark=documents.mark), there)


def check_size(design: Design) -> None:
    """Refuse problems whose counts are not exact in 64 bits."""
    total = prod(design.problem.bounds)
    if total > MOST_MACS:
        what = f"{total:.2e} multiply-accumulates are too many to count exactly (2^50)"
        raise InputError(what, Where("problem", key="instance"), "use smaller sizes")


def _energy_notes(point: DesignPoint, ert: Any) -> tuple[str, ...]:
    """Where energies are Timeloop's built-in estimates instead of the table's."""
    if ert is None:
        return (
            "there is no ERT, so all energies are Timeloop's built-in estimates (SRAM and DRAM by size and width, "
            "16-bit MACs); `crisp-hw characterize FILES` makes one",
        )
    notes = []
    design = point.design
    for level, kept in zip(design.architecture.levels, point.mapping.nest.keeps, strict=True):
        actions = design.energy.actions.get(level.name, {})
        missing = [op for op in ("reads", "fills", "updates") if not set(lookup_order("random", op)) & set(actions)]
        if missing and kept:
            notes.append(
                f"level {level.name}: the ERT has no energy of {', '.join(missing)}; built-in estimates stand in"
            )
    compute = design.architecture.compute
    if not set(COMPUTE_ORDER["random"]) & set(design.energy.actions.get(compute.name, {})):
        notes.append(
            f"{compute.name}: the ERT has no energy of computations; Timeloop's built-in estimate stands in, "
            f"{compute_energy(design.energy, compute, 'random'):g} pJ each"
        )
    return tuple(notes)
