"""Asks the real CACTI 7 that the package hwcomponents-cacti builds; answers are kept in the user's cache folder.

Only the package's files are used (the program, its technology parameters, its default configuration): nothing is
imported, so any Python can ask, and nothing is written beside the package.
"""

import csv
import hashlib
import os
import re
import sys
from dataclasses import asdict, dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from crisp_hw.characterization.sram import SramArray, SramNumbers, check_array
from crisp_hw.errors import InputError
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.process import complete
from crisp_hw.machine.staging import scratch
from crisp_hw.machine.store import open_store, read, write

PACKAGE = "hwcomponents_cacti"
KIND, RECORD = "cacti", "1"  # of entries in the store; another RECORD when what is kept of an answer changes
ELSEWHERE = "CRISP_HW_CACTI"  # environment variable: folder of the package in another environment
LIMIT_S = 120.0  # not given; assumed because the largest array of the committed grid takes about 2 s
CYCLE_S = 1e-9  # leak is charged per cycle of 1 ns; not given by the paper; assumed because Sparseloop's designs use it
INSTALL = "use Python 3.12 or newer and run: pip install --no-binary hwcomponents-cacti hwcomponents-cacti"
COLUMNS = {  # of CACTI's result file; energies in nJ, leakage in mW per bank, area in mm2
    "read_pj": (" Dynamic read energy (nJ)", 1e3),
    "write_pj": (" Dynamic write energy (nJ)", 1e3),
    "leakage_uw": (" Standby leakage per bank(mW)", 1e3),
    "area_um2": (" Area (mm2)", 1e6),
    "access_ns": (" Access time (ns)", 1.0),
    "cycle_ns": (" Random cycle time (ns)", 1.0),
}
ORGANISATION = (" Ndwl", " Ndbl", " Nspd", " Ndcm", " Ndsam_level_1", " Ndsam_level_2")


@dataclass(frozen=True)
class Cacti:
    """A built CACTI: the package's folder and version, its default configuration and the checksum of that file."""

    folder: Path
    version: str
    configuration: str
    digest: str

    @property
    def setup(self) -> str:
        """The configuration in words, with its checksum."""
        return (
            f"default_cfg.cfg of the package, sha256 {self.digest[:16]}...: CACTI 7.0, cache type ram, itrs-lstp cells "
            "and periphery, 300 K, access mode fast, optimised for leakage power, 1 read-write port"
        )


@dataclass(frozen=True)
class Measured:
    """CACTI's answer about one array, and on which day it was given (ISO date)."""

    array: SramArray
    numbers: SramNumbers
    asked: str


def find_cacti() -> Cacti:
    """The installed CACTI, or that of $CRISP_HW_CACTI; InputError that says exactly what is missing."""
    elsewhere = os.environ.get(ELSEWHERE)
    if elsewhere:
        folder = Path(elsewhere).absolute()
    else:
        found = find_spec(PACKAGE)
        if found is None or not found.submodule_search_locations:
            running = ".".join(map(str, sys.version_info[:3]))
            raise InputError(
                f"CACTI cannot be asked because the package hwcomponents-cacti is not installed for this Python "
                f"{running}; {INSTALL}; or set {ELSEWHERE} to the folder {PACKAGE} of an environment that has it"
            )
        folder = Path(next(iter(found.submodule_search_locations)))
    for needed in ("cacti/cacti", "cacti/tech_params", "default_cfg.cfg"):
        if not (folder / needed).exists():
            raise InputError(f"{folder}: has no {needed}, so CACTI was not built there; {INSTALL}")
    content = (folder / "default_cfg.cfg").read_bytes()
    lines = content.decode("utf-8").splitlines()
    return Cacti(folder, _version(folder), "\n".join(lines) + "\n", hashlib.sha256(content).hexdigest())


def _version(folder: Path) -> str:
    for info in sorted(folder.parent.glob(f"{PACKAGE}-*.dist-info")):
        return info.name.removeprefix(f"{PACKAGE}-").removesuffix(".dist-info")
    return "unknown version"


def ask(array: SramArray, tool: Cacti | None = None, limit_s: float = LIMIT_S) -> Measured:
    """CACTI's numbers of one array, from the cache where it was asked before.

    Raises InputError for an array that CACTI does not take as it stands, a missing tool, and a CACTI that fails, runs
    for more than `limit_s` seconds or prints no result (no doctest: needs CACTI).
    """
    check_array(array)
    tool = tool or find_cacti()
    text = configuration_text(tool.configuration, array)
    key = hashlib.sha256(f"{tool.version}\n{text}".encode()).hexdigest()
    store = open_store(KIND, RECORD)
    kept = _kept(array, read(store, key)) if store else None
    if kept:
        return kept
    found = Measured(array, _run(tool, text, array, limit_s), date.today().isoformat())
    if store:
        write(store, key, {"array": asdict(array), "numbers": asdict(found.numbers), "asked": found.asked})
    return found


def configuration_text(default: str, array: SramArray) -> str:
    """The package's default configuration with the array appended: CACTI takes the last of repeated lines."""
    block = array.width_bits // 8
    lines = (
        f"-size (bytes) {block * array.depth}",
        "-read-write port 1",
        f"-block size (bytes) {block}",
        f"-technology (u) {array.node_nm / 1000}",
        f"-output/input bus width {array.width_bits}",
        f"-UCA bank {array.banks}",
        '-cache type "ram"',
        "-tag size (b) 0",
        "-associativity 1",
    )
    return default.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


def _kept(array: SramArray, record: object) -> Measured | None:
    """A cache record as a value; None unless it is whole."""
    if not isinstance(record, dict):
        return None
    numbers, asked = record.get("numbers"), record.get("asked")
    if not isinstance(numbers, dict) or set(numbers) != set(SramNumbers.__dataclass_fields__):
        return None
    return Measured(array, SramNumbers(**numbers), str(asked))


def _run(tool: Cacti, text: str, array: SramArray, limit_s: float) -> SramNumbers:
    with scratch() as place:
        query = place / "query.cfg"
        query.write_text(text, encoding="utf-8")
        done = complete(["./cacti", "-infile", str(query)], tool.folder / "cacti", limit_s)
        result = query.with_name("query.cfg.out")
        if done.status != 0 or not result.exists():
            raise InputError(
                f"CACTI gave no result for {array} (exit code {done.status}: {done.tail}); change the array"
            )
        return numbers_of(result.read_text(encoding="utf-8"), array)


def numbers_of(text: str, array: SramArray) -> SramNumbers:
    """CACTI's result file (CSV, the last line counts) as numbers; InputError when it is not one."""
    rows = list(csv.DictReader(text.splitlines()))
    try:
        last = rows[-1]
        values = {name: float(f"{float(last[column]) * unit:.6g}") for name, (column, unit) in COLUMNS.items()}
        cut = "x".join(re.sub(r"\s", "", last[column]) for column in ORGANISATION)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"CACTI's result for {array} cannot be read ({in_our_words(error)}); reinstall the package"
        ) from error
    values["leakage_uw"] = float(f"{values['leakage_uw'] * array.banks:.6g}")
    return SramNumbers(**values, organisation=cut)
