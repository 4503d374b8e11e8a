"""Writes the SRAM parts from CACTI into arch/energy/cacti-45nm.yaml."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crisp_hw.characterization.cacti import CYCLE_S, Cacti, Measured, ask, find_cacti
from crisp_hw.characterization.sram import NODES_NM, SramArray
from crisp_hw.errors import CrispError
from crisp_hw.machine.writing import write_text


@dataclass(frozen=True)
class SramQuery:
    """One single-banked SRAM of the table: its key, its array, what it stands for."""

    key: str
    array: SramArray
    use: str


QUERIES = (
    SramQuery("sram_256kb_256b", SramArray(256, 8192), "SMEM data: one access moves a vector of 32 int8 words"),
    SramQuery(
        "sram_256kb_64b",
        SramArray(64, 32768),
        "SMEM data when one access moves 8 int8 words; also the first check value",
    ),
    SramQuery(
        "sram_64kb_64b",
        SramArray(64, 8192),
        "SMEM metadata: one 2-bit offset for each of the 262144 words SMEM can hold",
    ),
    SramQuery("sram_32kb_64b", SramArray(64, 4096), "SMEM metadata when at most half of SMEM holds sparse weights"),
    SramQuery(
        "sram_4kb_32b", SramArray(32, 1024), "RF holding the 16 x 64 accumulators of a core as int32, one per access"
    ),
    SramQuery(
        "sram_1kb_128b",
        SramArray(128, 64),
        "RF with the 16 rows of one position side by side: 16 int8 words per access",
    ),
    SramQuery(
        "sram_1kb_32b",
        SramArray(32, 256),
        "RF at the narrowest width CACTI takes: charged whole for one word; second check",
    ),
)


HEAD = """\
# Energy of SRAM arrays as CACTI computed it. Written by
#   python tools/energy_tables/cacti_parts.py --out arch/energy/cacti-{node}nm.yaml
# so run that again rather than edit this file.
#
# schema: crisp-hw/parts/1. Each entry is one array:
#   key          name that architectures and lookups use: sram_<capacity>_<access width>
#   kind         measured (a tool computed the numbers; provenance says how) or cited (each number has its source)
#   use          what it stands for
#   access_bits  bits that one access moves; an access is never split, so a narrower word is charged whole
#   pj           pJ per action: read and write per access, leak per cycle of 1 ns
#   area_um2     um2; leakage_uw: uW; access_ns, cycle_ns: access time and random cycle time, ns
#   provenance   tool, version, configuration, exact query, date
"""


def _plain(value: float) -> float:
    """Six significant digits; a Python float prints without the bare exponent that YAML 1.1 would read as text."""
    return float(f"{value:.6g}")


def render(tool: Cacti, found: Sequence[tuple[SramQuery, Measured]], node_nm: int) -> str:
    """The YAML text of the table, six significant digits as CACTI prints them."""
    lines = [HEAD.format(node=node_nm) + "schema: crisp-hw/parts/1", "entries:"]
    for query, measured in found:
        array, numbers = measured.array, measured.numbers
        asked = (
            f"SRAM(tech_node={array.node_nm}e-9, width={array.width_bits}, depth={array.depth}, "
            f"size={array.size_bits}, n_rw_ports=1, n_banks={array.banks})"
        )
        leak_pj = numbers.leakage_uw * 1e-6 * CYCLE_S * 1e12
        lines += [
            f"  - key: {query.key}",
            "    kind: measured",
            f'    use: "{query.use}"',
            f"    access_bits: {array.width_bits}",
            f"    pj: {{read: {_plain(numbers.read_pj)}, write: {_plain(numbers.write_pj)}, leak: {leak_pj:.6f}}}",
            f"    area_um2: {_plain(numbers.area_um2)}",
            f"    leakage_uw: {_plain(numbers.leakage_uw)}",
            f"    access_ns: {_plain(numbers.access_ns)}",
            f"    cycle_ns: {_plain(numbers.cycle_ns)}",
            "    provenance:",
            f'      {{tool: hwcomponents-cacti, version: "{tool.version}", date: {measured.asked},',
            f'       query: "{asked}",',
            f'       configuration: "{tool.setup}, 1 bank"}}',
        ]
    return "\n".join(lines) + "\n"


def write_table(path: Path, node_nm: int) -> None:
    """Asks every query and writes the table in one step."""
    tool = find_cacti()
    found = [(query, ask(replace(query.array, node_nm=node_nm), tool)) for query in QUERIES]
    write_text(path, render(tool, found, node_nm))


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the command line and writes the table; a missing tool or folder is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python tools/energy_tables/cacti_parts.py", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write")
    parser.add_argument("--node-nm", type=int, choices=NODES_NM, default=45, help="technology node in nm")
    options = parser.parse_args(arguments)
    try:
        write_table(options.out, options.node_nm)
    except CrispError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
