"""Timeloop's own files: `model` and `find_mapping` read them, `render` writes them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Unpack

from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import CrispError, InputError
from crisp_hw.mapper.found import Progress
from crisp_hw.returned import BestMapping, EvaluatedMapping, Evaluation
from crisp_hw.spec.dialect import Dialect
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.keywords import options_from, with_fields
from crisp_hw.spec.kinds import check_callable, check_path, of_kind, wrong_kind
from crisp_hw.spec.options import Objective, SearchFields, SearchOptions
from crisp_hw.timeloop.render.documents import render as render_point
from crisp_hw.timeloop.render.front_end import FRONT_ENDS, FrontEnd
from crisp_hw.timeloop.yaml.documents import InputFiles


def render(evaluation: Evaluation, folder: str | Path, front_end: FrontEnd | None = None) -> tuple[Path, ...]:
    """Write the Timeloop documents of every row into FOLDER/ARCH/LAYER/, all of them or none.

    Parameters
    ----------
    evaluation
        What `evaluate` returned.
    folder
        A folder, which is made where it is missing.
    front_end
        None writes the flattened form; "v4" writes for timeloopfe's 0.4 front end, which pytimeloop loads.

    Returns
    -------
    tuple of Path
        The files that were written.

    Examples
    --------
    >>> import tempfile
    >>> from crisp_hw import evaluate
    >>> found = evaluate("resnet50", "stc", nm="2:4", layers="fc")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in render(found, folder))
    ['ART.yaml', 'ERT.yaml', 'architecture.yaml', 'mapping.yaml', 'problem.yaml', 'sparse_optimizations.yaml']
    """
    from crisp_hw.machine.writing import folder_name, write_all

    if not isinstance(evaluation, Evaluation):
        raise wrong_kind("the evaluation", evaluation, "what evaluate(...) returned")
    check_path("the folder", folder)
    of_kind("front_end", front_end, FrontEnd | None)
    contents = {
        f"{folder_name(row.arch)}/{row.layer}/{name}": text.encode()
        for row in evaluation.network.rows
        for name, text in rendered(row, front_end).items()
    }
    return write_all(Path(folder), contents)


def rendered(row: LayerEvaluation, front_end: FrontEnd | None = None) -> dict[str, str]:
    """Return the Timeloop documents of one row, texts by file name; errors name the layer and the accelerator."""
    write = render_point if front_end is None else FRONT_ENDS[front_end]
    try:
        return write(row.point, row.sources)
    except CrispError as error:
        raise error.within(f"layer {row.layer} on {row.arch}") from error


def model(files: str | Path | Sequence[str | Path] | InputFiles, dialect: Dialect = "head") -> EvaluatedMapping:
    """Evaluate the mapping of Timeloop's own YAML files, as timeloop-model and `crisp-hw model` do.

    Parameters
    ----------
    files
        One file or several, or a folder of them: architecture, problem, mapping and, where there are any,
        sparse optimizations, ERT and ART.
    dialect
        The Timeloop whose numbers are wanted: "head", "head-2024" or "micro22".

    Returns
    -------
    EvaluatedMapping
        Its `cycles`, `energy_pj` and `energy_uj`; `result` has every count, and in `skipped` what the files hold
        without effect.

    Raises
    ------
    InputError
        When a file is wrong or asks for something that is not modelled; it names the file and the line.
    MappingError
        When the mapping does not fit.

    Examples
    --------
    >>> import tempfile
    >>> from crisp_hw import evaluate
    >>> found = evaluate("resnet50", "stc", nm="2:4", layers="fc")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model(render(found, folder)).cycles == found.network.rows[0].result.cycles
    True
    """
    return EvaluatedMapping(evaluate_files(_files(files), of_kind("dialect", dialect, Dialect)))


@with_fields(SearchOptions)
def find_mapping(
    files: str | Path | Sequence[str | Path] | InputFiles,
    objective: str | None = None,
    *,
    options: SearchOptions | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
    **fields: Unpack[SearchFields],
) -> BestMapping:
    """Find the best mapping for Timeloop's own YAML files, as timeloop-mapper does (`dropin.map_files`).

    Parameters
    ----------
    files
        One file or several, or a folder of them: architecture, problem and, where there are any, constraints,
        mapper, sparse optimizations, ERT and ART.
    objective
        "cycles", "energy" (pJ) or "edp"; None takes what the mapper document asks for, else "edp".
    options
        Budget, seed, memory and device of the search as one value, instead of `fields`.
    progress
        Called with the state of the search from time to time.
    jobs
        The number of processes.
    **fields
        The fields of SearchOptions: `budget`, the most mappings to evaluate, and so on.

    Returns
    -------
    BestMapping
        The mapping, its counts, and whether it is proven to be the best.

    Raises
    ------
    InputError
        When a file is wrong or asks for something that is not modelled; it names the file and the line.
    MappingError
        When no mapping fits.
    """
    said = options_from(SearchOptions, options, fields)
    check_callable("progress", progress)
    wanted = of_kind("objective", objective, Objective | None)
    many = of_kind("jobs", jobs, int)
    return BestMapping(map_files(_files(files), wanted, options=said, progress=progress, jobs=many))


def _files(files: str | Path | Sequence[str | Path] | InputFiles) -> Sequence[str | Path] | InputFiles:
    """The paths of one file or several."""
    if isinstance(files, str | Path):
        return [files]
    if isinstance(files, InputFiles):
        return files
    paths = list(files) if isinstance(files, Iterable) else [files]
    for each in paths:
        check_path("the file", each, "one path or several of Timeloop's YAML files")
    if not paths:
        raise InputError("no file is given", hint="give architecture and problem, and what else there is")
    return paths
