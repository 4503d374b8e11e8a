"""What is installed of everything that the project can use, whether it works, and how to get the rest."""

import hashlib
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from crisp_hw.backends.timeloop import RUNNERS, Runner, Settings, installed, run_point
from crisp_hw.backends.timeloop.tools import INSTALL
from crisp_hw.characterization import accelergy, cacti
from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, versions
from crisp_hw.errors import CrispError, InputError
from crisp_hw.report.records import Record
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.documents.upkeep import INSTALLED
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term

SCHEMA = "crisp-hw/doctor/1"
_LIMIT_S = 30.0  # for an example of four multiplications; only a broken installation needs more


@dataclass(frozen=True)
class Tool:
    """Something that may be installed: `version` and `place` as far as known, `problem` when it is there but broken."""

    name: str
    use: str
    there: bool
    advice: str
    version: str | None = None
    place: str | None = None
    problem: str | None = None

    @property
    def status(self) -> str:
        """In a word."""
        return "missing" if not self.there else "broken" if self.problem else "found"


_PACKAGES: tuple[tuple[str, str, str, str], ...] = (  # distribution, module, what for, how to get it
    ("torch", "torch", "pruning, reading run.pt", 'pip install "crisp-hw[torch]"'),
    ("safetensors", "safetensors", "reading .safetensors", 'pip install "crisp-hw[safetensors]"'),
    ("onnx", "onnx", "reading .onnx", 'pip install "crisp-hw[onnx]"'),
    ("matplotlib", "matplotlib", "figures", 'pip install "crisp-hw[plot]"'),
    ("vl-convert-python", "vl_convert", "charts of report.html", 'pip install "crisp-hw[report]"'),
    ("pyarrow", "pyarrow", "tables as .parquet", 'pip install "crisp-hw[parquet]"'),
    ("optuna", "optuna", "explore with --store, --out, tpe or nsga2", 'pip install "crisp-hw[explore]"'),
    ("distributed", "distributed", "explore --scheduler", 'pip install "crisp-hw[explore]"'),
    ("trimesh", "trimesh", "points of a .ply file", 'pip install "crisp-hw[points]"'),
    ("accelergy", "accelergy", "energies from Accelergy", accelergy.INSTALL),
)


def examine(run: Callable[[Runner], str | None] | None = None) -> tuple[Tool, ...]:
    """Everything that the project can use; `run` tries a Timeloop and returns what is wrong with it, if anything.

    >>> [part.name for part in examine(lambda runner: None)][:3]
    ['python', 'numpy', 'timeloop-model']
    """
    python = Tool("python", "everything", True, "", platform.python_version())
    numpy = Tool("numpy", "everything", True, "", versions()["numpy"])
    tools = tuple(_timeloop(runner, run or _trial) for runner in RUNNERS)
    return (python, numpy, *tools, *(_package(*each) for each in _PACKAGES), _cacti())


def doctor_document(parts: tuple[Tool, ...]) -> Document:
    """The parts as a table with what to do about those that are missing or broken.

    >>> doctor_document((Tool("torch", "pruning", False, "pip install torch"),)).records[0]["status"]
    'missing'
    """
    records: list[Record] = [
        {
            "name": part.name,
            "status": part.status,
            "version": part.version,
            "use": part.use,
            "place": part.place,
            "advice": part.problem or (None if part.there else part.advice),
        }
        for part in parts
    ]
    ready = [part.name for part in parts if part.name in RUNNERS and part.status == "found"]
    says = f"--backend timeloop runs {ready[0]}" if ready else "--backend timeloop finds no Timeloop that works"
    content = {"schema": SCHEMA, "versions": versions(), "parts": records}
    return Document("doctor", (table("installed", INSTALLED.columns, records),), {"verdict": (says,)}, records, content)


def _timeloop(runner: Runner, run: Callable[[Runner], str | None]) -> Tool:
    use = "--backend timeloop, verify"
    tool = installed().get(runner)
    if tool is None:
        return Tool(runner, use, False, INSTALL)
    if runner == "pytimeloop":
        return Tool(runner, use, True, INSTALL, _version("pytimeloop"), _place("pytimeloop"), run(runner))
    return Tool(runner, use, True, INSTALL, _fingerprint(Path(tool.command[0])), tool.command[0], run(runner))


def _package(name: str, module: str, use: str, advice: str) -> Tool:
    place = _place(module) or shutil.which(name)
    return Tool(name, use, place is not None, advice, _version(name), place)


def _cacti() -> Tool:
    """CACTI as `characterize` finds it; in another environment, too."""
    name, use = "hwcomponents-cacti", "energies from CACTI"
    try:
        found = cacti.find_cacti()
    except InputError:
        return Tool(name, use, False, cacti.INSTALL)
    return Tool(name, use, True, cacti.INSTALL, found.version, str(found.folder))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _place(module: str) -> str | None:
    spec = find_spec(module)
    return str(Path(spec.origin).parent) if spec and spec.origin else None


def _fingerprint(path: Path) -> str:
    """Timeloop's programs know no version of themselves."""
    return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def _trial(runner: Runner) -> str | None:
    """Runs an example; what is wrong, or None."""
    try:
        found = run_point(_example(), Settings(runner, _LIMIT_S, keeps=False)).result
    except CrispError as error:
        return str(error)
    return None if found.cycles == 4 else f"takes {found.cycles} cycles for four multiplications on one MAC"


def _example() -> DesignPoint:
    """A dot product of four terms out of DRAM on one MAC, one term a cycle, with energies and areas.

    A Timeloop that was built with Accelergy calls it for documents without a table of energies, as nothing that is
    evaluated in earnest lacks; without one, what is tried would be Accelergy and its plug-ins.
    """
    operands = (Tensor(name, ((Term("K"),),)) for name in "AB")
    problem = Problem("dot", ("K",), (4,), (*operands, Tensor("Z", ((Term("K", 1),),), is_output=True)))
    nest = LoopNest((Loop(0, "K", "temporal"),), (frozenset("ABZ"),))
    architecture = Architecture((StorageLevel("DRAM", "DRAM"),), ComputeLevel())
    energies = EnergyTable({"DRAM": dict.fromkeys(("read", "write"), 200.0), architecture.compute.name: {"mac": 1.0}})
    return DesignPoint(Design(architecture, problem, energy=energies), LoopMapping(nest, (4,)))
