"""Energies and areas from the command `accelergy`, with this project's own compound components."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, TypeVar, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crisp_hw.characterization.accelergy_documents import component_class, documents
from crisp_hw.characterization.accelergy_run import TABLES, fingerprint, run_accelergy
from crisp_hw.characterization.assemble import ASSUMED, NO_DRAM_LEAK, NO_LEAK, listed
from crisp_hw.characterization.components import Circuit, Dram, Latches, Mac, Overhead, Sram, words
from crisp_hw.characterization.sram import check_node
from crisp_hw.errors import InputError
from crisp_hw.machine.positions import plain
from crisp_hw.machine.process import Completed
from crisp_hw.machine.staging import scratch
from crisp_hw.machine.store import open_store, read, write
from crisp_hw.machine.yaml_files import read_yaml_file
from crisp_hw.spec.characterization import Characterization, Component, Cost
from crisp_hw.spec.violations import first_violation

Tables = TypeVar("Tables", bound=BaseModel)
COMMAND = "accelergy"
ALADDIN_NM = 45  # the plug-in serves Aladdin's 40 nm tables for 40 and 45 nm only
LIMIT_S = 300.0  # not given; assumed because a run with a few CACTI arrays takes about 5 s
INSTALL = (
    "install version 0.4 from github.com/Accelergy-Project/accelergy (it is not on PyPI) with the plug-ins "
    "accelergy-cacti-plug-in and accelergy-aladdin-plug-in of the same place"
)
SERVES = (
    "arrays are served by accelergy-cacti-plug-in, logic by accelergy-aladdin-plug-in (github.com/Accelergy-Project): "
    "see that both are where its configuration says"
)
ALONE = "run `accelergy` by itself, to see whether it works at all"
KIND, RECORD = "accelergy", "1"  # of entries in the store; another RECORD when what is kept of an answer changes
SKIPPED = Cost(0.0, "not given; assumed because a skipped operation takes no cycle and toggles nothing")


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Action(_Loose):
    name: str
    energy: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Energies(_Loose):
    name: str
    actions: list[_Action]


class _Area(_Loose):
    name: str
    area: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _ErtTables(_Loose):
    version: str
    tables: list[_Energies]


class _ArtTables(_Loose):
    tables: list[_Area]


class _Ert(_Loose):
    ERT: _ErtTables


class _Art(_Loose):
    ART: _ArtTables


def find_accelergy() -> Path:
    """The installed command; InputError that says how to install it."""
    found = shutil.which(COMMAND)
    if found is None:
        raise InputError(f"the command {COMMAND} is not on the PATH; {INSTALL}, or choose the energy table")
    return Path(found)


def ask_accelergy(
    circuits: tuple[Circuit, ...], node_nm: int, command: Path | None = None, limit_s: float = LIMIT_S
) -> Characterization:
    """The costs of all circuits as Accelergy estimates them (no doctest: needs Accelergy).

    Raises InputError when the command is missing, fails, takes longer than `limit_s` seconds (its process group is
    killed), or writes no energy or area reference table, or one that lacks a component or an action.
    """
    check_node(node_nm)
    command = command or find_accelergy()
    texts = documents(circuits, node_nm)
    key = sha256(json.dumps([fingerprint(command), texts]).encode()).hexdigest()
    store = open_store(KIND, RECORD)
    kept = _kept(read(store, key)) if store else None
    with scratch() as folder:
        if kept:
            (folder / "out").mkdir()
            _write(folder / "out", kept.tables)
            return read_tables(folder / "out", circuits, node_nm, asked=kept.asked)
        _write(folder, texts)
        done = run_accelergy(command, list(texts), folder, limit_s)
        found = read_tables(folder / "out", circuits, node_nm, done)
        if store:
            tables = {name: (folder / "out" / name).read_text(encoding="utf-8") for name in TABLES}
            write(store, key, {"tables": tables, "asked": date.today().isoformat()})
        return found


@dataclass(frozen=True)
class _Kept:
    """The tables of an earlier run, by file name, and on which day it was (ISO date)."""

    tables: dict[str, str]
    asked: str


def _kept(record: object) -> _Kept | None:
    """A record of the store as a value; None unless it is whole."""
    tables = record.get("tables") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(tables, dict) or set(tables) != set(TABLES):
        return None
    return _Kept({name: str(tables[name]) for name in TABLES}, str(record.get("asked")))


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def read_tables(
    folder: Path,
    circuits: tuple[Circuit, ...],
    node_nm: int,
    done: Completed | None = None,
    asked: str | None = None,
) -> Characterization:
    """ERT.yaml and ART.yaml of a folder as costs; `done` is the run that wrote them, for the errors.

    `asked` is the day of that run (ISO date); None: today.
    """
    if done is not None and done.status != 0:
        advice = _advice(done, node_nm)
        raise InputError(f"{COMMAND} failed (exit code {done.status}): {_reason(done)}; {advice}")
    ert, art = _read(folder / "ERT.yaml", _Ert, done), _read(folder / "ART.yaml", _Art, done)
    energies = {_plain(each.name): {a.name: a.energy for a in each.actions} for each in ert.ERT.tables}
    areas = {_plain(each.name): each.area for each in art.ART.tables}
    how = f"accelergy, ERT version {ert.ERT.version}, {node_nm} nm, {asked or date.today().isoformat()}"
    components = tuple(_component(each, energies, areas, how) for each in circuits)
    return Characterization(COMMAND, node_nm, components, ASSUMED, listed(node_nm))


def _read(path: Path, model: type[Tables], done: Completed | None) -> Tables:
    if not path.exists():
        raise InputError(f"{COMMAND} ended without writing {path.name} ({done.tail if done else 'no run'}); {ALONE}")
    try:
        return model.model_validate(plain(read_yaml_file(path)))
    except ValidationError as error:
        wrong = first_violation(error.errors(include_url=False))
        raise InputError(f"{COMMAND} wrote a {path.name} that is none: {wrong}; {INSTALL}") from error


def _plain(name: str) -> str:
    """chip.SMEM[1..4] -> SMEM."""
    return name.partition("[")[0].rpartition(".")[2]


def _component(
    circuit: Circuit, energies: Mapping[str, Mapping[str, float]], areas: Mapping[str, float], how: str
) -> Component:
    name = circuit.name
    if name not in energies or name not in areas:
        raise InputError(f"{COMMAND}: the tables lack {name}; they have {', '.join(sorted(energies)) or 'nothing'}")
    chosen, attributes = component_class(circuit)
    said = ", ".join(f"{key}={value}".replace('"', "") for key, value in attributes.items())
    how = f"{how}, templates/accelergy, class {chosen}({said})"
    found = {action: Cost(pj, how) for action, pj in energies[name].items()}
    if isinstance(circuit, Latches) and not circuit.metadata_bits:
        found = {action: cost for action, cost in found.items() if "metadata" not in action}
    needed, extra = _completed(circuit)
    for action in needed:
        if action not in found:
            raise InputError(f"{COMMAND}: the table of {name} lacks {action}; it has {', '.join(found) or 'nothing'}")
    many = circuit.vectors if isinstance(circuit, Latches) else 1
    return Component(name, words(circuit), found | extra, areas[name] * many, f"{how}, x {many}" if many > 1 else how)


def _completed(circuit: Circuit) -> tuple[tuple[str, ...], dict[str, Cost]]:
    """Actions that the tables must have, and those that our documents leave out because they cost nothing."""
    match circuit:
        case Dram():
            return ("read", "write", "update"), {"leak": NO_DRAM_LEAK}
        case Sram():
            return ("read", "write", "update", "leak"), {}
        case Latches():
            return ("read", "write", "update"), {"leak": NO_LEAK}
        case Mac():
            return ("compute", "compute_gated"), {"compute_skipped": SKIPPED, "leak": NO_LEAK}
        case Overhead(name, _):
            return ("select" if name == "selection" else "decode",), {}
    assert_never(circuit)


def _advice(done: Completed, node_nm: int) -> str:
    if node_nm != ALADDIN_NM:
        return f"Aladdin's tables are for {ALADDIN_NM} nm: choose that node"
    return SERVES if "Can not find an" in done.output else ALONE


def _reason(done: Completed) -> str:
    """The line that says what went wrong, without Accelergy's time stamps; the last lines where there is none."""
    for line in done.output.splitlines():
        for mark in ("Can not find an energy estimator", "Can not find an area estimator", "Problem encountered:"):
            if mark in line:
                return mark + line.partition(mark)[2][:300]
    return done.tail[-600:]
