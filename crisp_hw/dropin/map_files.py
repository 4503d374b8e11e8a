"""What timeloop-mapper does, without Timeloop: YAML files in, the best mapping and its statistics out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crisp_hw.dropin.masks import with_masks
from crisp_hw.dropin.model import check_documents, check_size, evaluated, is_frontend
from crisp_hw.dropin.strict import check_strict
from crisp_hw.errors import CrispError, InputError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, derived, mark_of
from crisp_hw.mapper.axes import both_axes
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.found import Found, Progress
from crisp_hw.mapper.parallel import ParallelSearch
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.options import SearchOptions
from crisp_hw.timeloop.read.accept import accept
from crisp_hw.timeloop.read.constraints import ARCHITECTURE, DOCUMENTS, read_mapspace
from crisp_hw.timeloop.read.lines import with_line
from crisp_hw.timeloop.read.mapper import MapperSettings, read_mapper
from crisp_hw.timeloop.read.point import read_design
from crisp_hw.timeloop.stats.detail import Evaluated
from crisp_hw.timeloop.yaml.documents import InputFiles, input_files, load_documents
from crisp_hw.timeloop.yaml.fields import key_at
from crisp_hw.timeloop.yaml.unused_variables import unused_variables

NEEDED = ("architecture", "problem")
OWN = ("mapper", "mapping", *DOCUMENTS)  # read here; all others are for `accept`


@dataclass(frozen=True)
class Mapped:
    """The best mapping of some documents, evaluated as `crisp-hw model` evaluates it, and how it was found.

    `choices` counts the combinations of keep and bypass that were searched, `left_out` those that no mapping can run,
    by reason. `added` are the levels that were put between the two axes of a mesh (`mapper.axes`).
    """

    evaluated: Evaluated
    found: Found
    choices: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Mapped {self.evaluated.point.design.problem.name}: {self.found!r}>"


@dataclass(frozen=True)
class MapBegun:
    """What is about to be searched: the size of the mapspace, whether any document constrains it, and what of the
    documents has no effect."""

    factorizations: int
    choices: int
    constrained: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _How:
    """How to search, and whom to tell."""

    search: ParallelSearch
    options: SearchOptions | None
    progress: Progress | None
    began: Callable[[MapBegun], None] | None


def map_files(  # noqa: PLR0913 - what a caller may say of a search, all but the files by name
    paths: Iterable[str | Path] | InputFiles,
    objective: str | None = None,
    *,
    options: SearchOptions | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
    variables: Mapping[str, Any] | None = None,
    began: Callable[[MapBegun], None] | None = None,
) -> Mapped:
    """Find the best mapping for Timeloop's documents, as timeloop-mapper does.

    Parameters
    ----------
    paths
        YAML files in any number and order: architecture, problem and, where there are any, constraints, mapper, sparse
        optimizations, ERT and ART. Both the flattened form (0.3, 0.4) and timeloopfe's 0.4 front end are read. A
        mapping among the flattened documents is not used.
    objective
        "cycles", "energy" (pJ) or "edp" (their product); None takes what the mapper document asks for, else "edp".
    options
        Budget, seed, memory and device of the search.
    progress
        Called with the state of the search from time to time.
    jobs
        The number of processes (`mapper.parallel`).
    variables
        Values for the templates in the files by name, as timeloopfe's `jinja_parse_data`.
    began
        Called before the search with what is searched, and what of the files has no effect on it.

    Returns
    -------
    Mapped
        The mapping with its result and a certificate; `evaluated.result.skipped` lists what has no effect.

    Raises
    ------
    InputError
        When the input is wrong or asks for something that is not modelled; it names the file and the line.
    MappingError
        When no mapping fits.
    """
    asked = input_files(paths, variables)
    documents = load_documents(asked)
    try:
        documents = with_masks(documents)
        notes = unused_variables(documents)
        if is_frontend(documents):
            from crisp_hw.timeloop.frontend.flatten import flatten  # most runs do without it, and start sooner

            documents, more = flatten(documents, for_mapper=True)
            notes += more
        own, rest, parted = _parted(documents)
        settings = _settings(own, objective)
        accepted, unused = accept(rest)
        check_strict(asked, (*notes, *parted, *unused, *settings.notes))
        found = _map(
            accepted, own, settings, (*notes, *parted, *unused), _How(ParallelSearch(jobs), options, progress, began)
        )
    except CrispError as error:
        raise with_line(error, documents) from error
    check_strict(asked, found.evaluated.result.skipped)
    return found


def _parted(documents: MarkedDict) -> tuple[MarkedDict, MarkedDict, list[str]]:
    """The documents that are read here, the others, and notes about what has no effect."""
    if "constraints" in documents:
        advice = f"timeloop-mapper reads {', '.join(DOCUMENTS)}"
        at = key_at(Where(), documents, "constraints")
        raise InputError("the document 'constraints' is for the front end alone", at, advice)
    own = documents.derived({key: value for key, value in documents.items() if key in OWN})
    rest = documents.derived({key: value for key, value in documents.items() if key not in OWN})
    notes = [f"{own.keys_at['mapping']}: mapping: not used, the mapper searches for one"] if "mapping" in own else []
    architecture = next((key for key in ("architecture", "arch") if key in rest), None)
    held = rest[architecture] if architecture else None
    if architecture and isinstance(held, dict) and "constraints" in held:
        if others := [name for name in ARCHITECTURE if name in own]:
            why = f"Timeloop would pass over {others[0]}"
            at = key_at(Where("architecture"), held, "constraints")
            raise InputError(f"there are constraints in it, and {why}", at, "put them together")
        own.put(ARCHITECTURE[0], held["constraints"], mark_of(held, "constraints") or Mark("architecture", 1))
        rest[architecture] = derived(held, {key: value for key, value in held.items() if key != "constraints"})
    return own, rest, notes


def _settings(own: MarkedDict, objective: str | None) -> MapperSettings:
    """What to minimise: the caller's word goes before the document's."""
    if objective is None:
        return read_mapper(own.get("mapper"))
    asked = read_mapper(own["mapper"]) if own.get("mapper") is not None else None
    notes = () if asked is None else asked.notes
    if asked and asked.objective != objective:
        notes = (*notes, f"{own.keys_at['mapper']}: mapper: its metrics give way to the objective {objective}")
    return MapperSettings(objective, notes)


def _map(
    accepted: MarkedDict,
    own: MarkedDict,
    settings: MapperSettings,
    notes: tuple[str, ...],
    how: _How,
) -> Mapped:
    check_documents(accepted, NEEDED)
    design = read_design(accepted)
    check_size(design)
    options = how.options or SearchOptions()
    given = {key: own[key] for key in DOCUMENTS if key in own}
    mapspace = read_mapspace(given, design, imperfect=options.imperfect)
    notes = (*notes, *mapspace.notes, *settings.notes)
    constraints, added = mapspace.constraints, tuple[str, ...]()
    if options.both_axes:
        apart = both_axes(design, constraints)
        design, constraints, added, notes = apart.design, apart.constraints, apart.added, (*notes, *apart.notes)
    chosen = choices(design, constraints)
    if how.began:
        size = sum(space.size for space in chosen.spaces)
        how.began(MapBegun(size, len(chosen.spaces), any(key in own for key in DOCUMENTS), notes))
    # what says which mappings there are is in the design and the constraints by now
    options = replace(options, both_axes=False, imperfect=False)
    found = how.search(design, constraints, settings.objective, options, how.progress)
    best = evaluated(DesignPoint(design, found.mapping, found.assumptions), accepted, notes)
    return Mapped(best, found, len(chosen.spaces), chosen.left_out, added)
