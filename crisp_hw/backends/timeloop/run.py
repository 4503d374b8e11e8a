"""A design point through the installed Timeloop: documents into a fresh folder, its figures back."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crisp_hw.backends.timeloop.archive import refine
from crisp_hw.backends.timeloop.failure import ToolError, complaint, crash, rejected, rejections
from crisp_hw.backends.timeloop.metadata import with_metadata
from crisp_hw.backends.timeloop.nest import expected_nest, read_nest
from crisp_hw.backends.timeloop.pinned import mapper_documents
from crisp_hw.backends.timeloop.result import result
from crisp_hw.backends.timeloop.stats import read_stats
from crisp_hw.backends.timeloop.tools import Runner, Tool, find_tool
from crisp_hw.backends.timeloop.wires import read_wires
from crisp_hw.characterization.accelergy_run import CONFIG
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.process import LOG_BYTES, Finished, run
from crisp_hw.machine.staging import scratch
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.dialect import PUBLIC
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.result import Result, unmapped
from crisp_hw.spec.rules import Failure, Rule
from crisp_hw.timeloop.read.tables import read_energy
from crisp_hw.timeloop.render.documents import render
from crisp_hw.timeloop.yaml.fields import required
from crisp_hw.timeloop.yaml.texts import merged

LOG_NAME = "timeloop.log"
_OUTPUT_BYTES = 64 * 2**20  # the archive of a design of ours has about 0.2 MiB
_NO_ARCHIVE = "Timeloop's energies, instances and bandwidths are rounded to two decimals: it wrote no archive"
_ONLY_MAPPER = "timeloop-mapper ran a space of this one mapping: no timeloop-model is installed"
_ILLEGAL = "illegal operand probability"  # sparse-analysis/compute-gs-analyzer.cpp


@dataclass(frozen=True)
class Settings:
    """`runner` None takes the first that is installed; a run is ended after `limit_s` seconds.

    `keeps` says whether documents and log of a run that failed stay in a folder that its error names.
    """

    runner: Runner | None = None
    limit_s: float = 300.0
    keeps: bool = True


@dataclass(frozen=True)
class TimeloopRun:
    """What came back: the result, the seconds it took, and what Accelergy made where Timeloop asked it for energies.

    `energy` is that table (None: the documents' own), `tables` are the files that it wrote, by name.
    """

    result: Result
    tool: Tool
    seconds: float
    energy: EnergyTable | None = None
    tables: Mapping[str, str] = field(default_factory=dict)


DEFAULTS = Settings()


def evaluate(point: DesignPoint) -> Result:
    """Evaluate one design point with the installed Timeloop; its documents are those that `render` writes.

    An invalid mapping is a Result whose `reasons` say why. Raises ToolError when no Timeloop is installed, or it
    crashes, hangs or writes what cannot be read (the message names the kept log), InputError where it refuses the
    documents.
    """
    return run_point(point).result


def run_point(point: DesignPoint, settings: Settings = DEFAULTS) -> TimeloopRun:
    """As `evaluate`, with a choice of runner and time limit."""
    return run_documents(render(point), point, settings)


def run_documents(documents: Mapping[str, str], point: DesignPoint, settings: Settings = DEFAULTS) -> TimeloopRun:
    """Run documents (file name -> text) unchanged; `point` is what they say, to read the figures back.

    timeloop-mapper, which reads no mapping, gets documents of its own with constraints that leave only this one.
    """
    if point.design.dialect not in PUBLIC:
        raise InputError(
            f"the installed Timeloop cannot speak the dialect {point.design.dialect}", hint="leave it at head"
        )
    tool = find_tool(settings.runner)
    given = mapper_documents(point) if tool.runner == "timeloop-mapper" else documents
    with scratch() as place:
        folder = place / "run"
        folder.mkdir()
        try:
            names = [_written(folder, name, text) for name, text in sorted(given.items())]
            done = _run(tool, names, folder, settings.limit_s)
            found = _result_of(done, folder, tool, point)
            tables = _made_tables(folder, tool)
            energy = _energy(tables)
            found = with_metadata(found, point, energy) if found.valid else found
            return TimeloopRun(found, tool, done.seconds, energy, tables)
        except (ToolError, InputError) as error:
            told = error.within(tool.runner)
            if settings.keeps:
                kept = folder.replace(tempfile.mkdtemp(prefix="crisp-hw-timeloop-"))
                where = f"its documents and log are kept in {kept / LOG_NAME}"
                told.hint = "; ".join([*filter(None, [told.hint]), where])
            raise told from error


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that a run sees: none that change Timeloop's numbers.

    >>> environment({"PATH": "/bin", "TIMELOOP_DISABLE_LINK_TRANSFERS": "1"})
    {'PATH': '/bin', 'TIMELOOP_HIDE_INCONSEQUENTIAL_STATS': '0'}
    """
    kept = {name: value for name, value in given.items() if not name.startswith("TIMELOOP_")}
    return kept | {"TIMELOOP_HIDE_INCONSEQUENTIAL_STATS": "0"}  # or levels without accesses are left out


def _home(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Another home where Accelergy, which Timeloop may call, could not write its configuration and finds none."""
    home = Path(given.get("HOME", ""))
    has_own = (home / CONFIG).is_file() or (home.is_absolute() and os.access(home, os.W_OK))
    return {} if has_own else {"HOME": str(folder)}


def is_rounded(found: Result) -> bool:
    """Are energies, instances and bandwidths those that Timeloop prints, with two decimals?"""
    return _NO_ARCHIVE in found.assumptions


def _run(tool: Tool, names: Sequence[str], folder: Path, limit_s: float) -> Finished:
    try:
        variables = environment(os.environ) | _home(os.environ, folder)
        return run((*tool.command, *names), folder, folder / LOG_NAME, limit_s, variables)
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        said = f"{tool.command[0]} cannot be started ({error.strerror}); run `crisp-hw doctor`"
        raise ToolError(said) from error


def _written(folder: Path, name: str, text: str) -> str:
    """Timeloop takes files that end in .yaml and no others."""
    if Path(name).name != name or not name.endswith((".yaml", ".yml")) or name.startswith("-"):
        raise InputError(f"document {name!r} needs a plain file name that ends in .yaml")
    (folder / name).write_text(text, encoding="utf-8")
    return name


def _result_of(done: Finished, folder: Path, tool: Tool, point: DesignPoint) -> Result:
    """The result of a finished run: figures, reasons of an invalid mapping, or an error in words."""
    log = _text(done.log, LOG_BYTES) if done.ending != "log too long" else ""
    match done.ending:
        case "out of time":
            raise ToolError(f"ended after {done.seconds:.0f} s without a result", hint="allow more time")
        case "log too long":
            raise ToolError(f"ended because it printed more than {LOG_BYTES >> 20} MiB")
        case "exited":
            pass
    if found := rejections(log):
        return rejected(found, point.assumptions)
    if _ILLEGAL in log:
        return unmapped((Failure(Rule.SAF_CONTRADICTION, ""),), point.assumptions)
    if done.status != 0 and (said := complaint(log)):
        raise InputError(f"refuses the documents: {said}")
    if died := crash(done.status, log):
        raise ToolError(f"died of {died}")
    if done.status != 0:
        raise ToolError(f"ended with status {done.status} without saying why")
    return _figures(folder, tool, point)


def _figures(folder: Path, tool: Tool, point: DesignPoint) -> Result:
    """The figures that a successful run left, checked against each other and against the mapping that was asked for."""
    printed = folder / f"{tool.prefix}.stats.txt"
    if not printed.is_file():
        raise ToolError(f"ended without an error, but wrote no {printed.name}")
    text = _text(printed, _OUTPUT_BYTES)
    stats = read_stats(text)
    notes = (*point.assumptions, _ONLY_MAPPER) if tool.runner == "timeloop-mapper" else point.assumptions
    archive, nest = folder / f"{tool.prefix}.map+stats.xml", folder / f"{tool.prefix}.map.txt"
    if nest.is_file() and (ran := read_nest(_text(nest, _OUTPUT_BYTES))) != expected_nest(point):
        raise ToolError(f"ran the loops {ran}, asked for were {expected_nest(point)}")
    names = [tensor.name for tensor in point.design.problem.tensors]
    if not archive.is_file():
        return result(stats, (*notes, _NO_ARCHIVE), read_wires(text, None, names))
    whole = _text(archive, _OUTPUT_BYTES)
    return result(refine(stats, whole, names), notes, read_wires(text, whole, names))


def _made_tables(folder: Path, tool: Tool) -> dict[str, str]:
    """The tables that Accelergy made for this run, by file name; empty where it was not asked.

    Timeloop looks for areas only where there are energies.
    """
    paths = [folder / f"{tool.prefix}.{name}.yaml" for name in ("ERT", "ART")]
    return {path.name: _text(path, _OUTPUT_BYTES) for path in paths if path.is_file()} if paths[0].is_file() else {}


def _energy(tables: Mapping[str, str]) -> EnergyTable | None:
    """The energies of such tables."""
    if not tables:
        return None
    try:
        documents = merged(tables)
        return read_energy(required(documents, "ERT", Where("ERT")))
    except InputError as error:
        raise ToolError(f"wrote tables that cannot be read ({error})") from error


def _text(path: Path, limit: int) -> str:
    """A file that is not too long; bytes that are no text become question marks, which no parser takes for figures."""
    if path.stat().st_size > limit:
        raise ToolError(f"wrote {path.stat().st_size >> 20} MiB into {path.name}, more than {limit >> 20}")
    return path.read_text(encoding="utf-8", errors="replace")
