"""Writes the SRAM table from CACTI: `python -m crisp_hw.characterize.cacti --out arch/energy/cacti-45nm.yaml`.

Needs the package hwcomponents-cacti (Python 3.12 or newer), which builds and runs the real CACTI 7; nothing else in
the project does, because everything else reads the table.
"""

import argparse
import hashlib
import importlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crisp_hw.data_files import write_text
from crisp_hw.errors import CrispError, InputError

NODES_NM = (22, 32, 45, 65, 90)  # CACTI's own nodes; between and beyond them the wrapper interpolates or extrapolates
CYCLE_S = 1e-9  # leak is charged per cycle of 1 ns; not given by the paper; assumed because Sparseloop's designs use it
INSTALL = "use Python 3.12 or newer and run: pip install --no-binary hwcomponents-cacti hwcomponents-cacti"


@dataclass(frozen=True)
class SramQuery:
    """One single-ported, single-banked SRAM: `depth` entries of `width_bits`, one entry moved per access."""

    key: str
    width_bits: int
    depth: int
    use: str

    @property
    def size_bits(self) -> int:
        """Capacity in bits."""
        return self.width_bits * self.depth


@dataclass(frozen=True)
class SramNumbers:
    """What CACTI says of one SRAM: pJ per access, uW, um2, ns."""

    read_pj: float
    write_pj: float
    leakage_uw: float
    area_um2: float
    access_ns: float
    cycle_ns: float


QUERIES = (
    SramQuery("sram_256kb_256b", 256, 8192, "SMEM data: one access moves a vector of 32 int8 words"),
    SramQuery("sram_256kb_64b", 64, 32768, "SMEM data when one access moves 8 int8 words; also the first check value"),
    SramQuery("sram_64kb_64b", 64, 8192, "SMEM metadata: one 2-bit offset for each of the 262144 words SMEM can hold"),
    SramQuery("sram_32kb_64b", 64, 4096, "SMEM metadata when at most half of SMEM holds sparse weights"),
    SramQuery("sram_4kb_32b", 32, 1024, "RF holding the 16 x 64 accumulators of a core as int32, one per access"),
    SramQuery("sram_1kb_128b", 128, 64, "RF with the 16 rows of one position side by side: 16 int8 words per access"),
    SramQuery(
        "sram_1kb_32b", 32, 256, "RF at the narrowest width CACTI takes: charged whole for one word; second check"
    ),
)


def check_query(query: SramQuery, node_nm: int) -> None:
    """Raises InputError for a query that the wrapper would not hand to CACTI as it stands but scale afterwards.

    >>> check_query(SramQuery("rf", 8, 1024, "one int8 word per access"), 45)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: rf: CACTI takes widths of 32 bits or more in steps of 8, not 8; ask for a wider array
    """
    if node_nm not in NODES_NM:
        raise InputError(f"{query.key}: CACTI has the nodes {NODES_NM} nm, not {node_nm}; choose one of them")
    if query.width_bits < 32 or query.width_bits % 8:
        limit = "CACTI takes widths of 32 bits or more in steps of 8"
        raise InputError(f"{query.key}: {limit}, not {query.width_bits}; ask for a wider array")
    if query.depth < 64:
        raise InputError(f"{query.key}: CACTI takes 64 entries or more, not {query.depth}; ask for a deeper array")


def load_tool() -> Any:
    """The module hwcomponents_cacti; InputError saying how to install it when it is missing."""
    try:
        return importlib.import_module("hwcomponents_cacti")
    except ModuleNotFoundError as error:
        raise InputError(f"CACTI cannot be asked because the module {error.name} is missing; {INSTALL}") from error


def measure(query: SramQuery, node_nm: int = 45) -> SramNumbers:
    """Asks CACTI for one SRAM; raises InputError for an illegal query or a missing tool (no doctest: needs CACTI)."""
    check_query(query, node_nm)
    model = load_tool().SRAM(
        tech_node=float(f"{node_nm}e-9"),
        width=query.width_bits,
        depth=query.depth,
        size=query.size_bits,
        n_rw_ports=1,
        n_banks=1,
    )
    return SramNumbers(
        read_pj=model.read_energy * 1e12,
        write_pj=model.write_energy * 1e12,
        leakage_uw=model.cacti_leak_power * 1e6,
        area_um2=model.cacti_area * 1e12,
        access_ns=model.access_time * 1e9,
        cycle_ns=model.cycle_period * 1e9,
    )


def configuration() -> str:
    """Names the CACTI configuration of the installed package, with its checksum."""
    path = Path(load_tool().__file__).with_name("default_cfg.cfg")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return (
        f"default_cfg.cfg of the package, sha256 {digest}...: CACTI 7.0, cache type ram, itrs-lstp cells and "
        "periphery, 300 K, access mode fast, optimised for leakage power, 1 read-write port, 1 bank"
    )


HEAD = """\
# Energy of SRAM arrays as CACTI computed it. Written by
#   python -m crisp_hw.characterize.cacti --out arch/energy/cacti-{node}nm.yaml
# so run that again rather than edit this file.
#
# schema: crisp-hw/parts/1. Each entry is one array:
#   key          name that architectures and lookups use: sram_<capacity>_<access width>
#   kind         measured (a tool computed the numbers; provenance says how) or cited (each number has its source)
#   use          what it stands for
#   access_bits  bits that one access moves; an access is never split, so a narrower word is charged whole
#   pj           pJ per action: read and write per access, leak per cycle of 1 ns
#   area_um2     um2; leakage_uw: uW; access_ns, cycle_ns: access time and random cycle time, ns
#   provenance   tool, version, python, configuration, exact query, date
"""


def _plain(value: float) -> float:
    """Six significant digits; a Python float prints without the bare exponent that YAML 1.1 would read as text."""
    return float(f"{value:.6g}")


def render(node_nm: int, numbers: Sequence[tuple[SramQuery, SramNumbers]], today: date) -> str:
    """The YAML text of the table, six significant digits as CACTI prints them."""
    setup = configuration()
    tool = (
        f'tool: hwcomponents-cacti, version: "{version("hwcomponents-cacti")}", python: "{platform.python_version()}"'
    )
    lines = [HEAD.format(node=node_nm) + "schema: crisp-hw/parts/1", "entries:"]
    for query, found in numbers:
        asked = (
            f"SRAM(tech_node={node_nm}e-9, width={query.width_bits}, depth={query.depth}, size={query.size_bits}, "
            "n_rw_ports=1, n_banks=1)"
        )
        leak_pj = found.leakage_uw * 1e-6 * CYCLE_S * 1e12
        lines += [
            f"  - key: {query.key}",
            "    kind: measured",
            f'    use: "{query.use}"',
            f"    access_bits: {query.width_bits}",
            f"    pj: {{read: {_plain(found.read_pj)}, write: {_plain(found.write_pj)}, leak: {leak_pj:.6f}}}",
            f"    area_um2: {_plain(found.area_um2)}",
            f"    leakage_uw: {_plain(found.leakage_uw)}",
            f"    access_ns: {_plain(found.access_ns)}",
            f"    cycle_ns: {_plain(found.cycle_ns)}",
            "    provenance:",
            f"      {{{tool}, date: {today.isoformat()},",
            f'       query: "{asked}",',
            f'       configuration: "{setup}"}}',
        ]
    return "\n".join(lines) + "\n"


def write_table(path: Path, node_nm: int) -> None:
    """Asks every query and writes the table in one step."""
    text = render(node_nm, [(query, measure(query, node_nm)) for query in QUERIES], date.today())
    write_text(path, text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the command line and writes the table; a missing tool or folder is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m crisp_hw.characterize.cacti", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write")
    parser.add_argument("--node-nm", type=int, choices=NODES_NM, default=45, help="technology node in nm")
    options = parser.parse_args(arguments)
    try:
        write_table(options.out, options.node_nm)
    except CrispError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
