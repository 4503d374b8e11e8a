"""Joins the characterized parts into the energy table of the shared fabric.

`python tools/energy_tables/fabric.py --out arch/energy/fabric-45nm.yaml` writes what `bind` returns.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crisp_hw.characterization.table import EnergyData, EnergyEntry, lookup
from crisp_hw.characterization.table import load_energy as load_parts
from crisp_hw.errors import CrispError
from crisp_hw.machine.writing import write_text
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.silicon import Area

Wire = tuple[tuple[str, str], ...]
"""The (part, action) pairs that one action of a component sets off; their energies add up."""


def _array(data: str, metadata: str) -> dict[str, Wire]:
    """Actions of a storage level; a partial sum's update writes the array as a fill does."""
    stems = (("read", "read"), ("write", "write"), ("update", "write"))
    plain: dict[str, Wire] = {action: ((data, part),) for action, part in stems}
    return plain | {f"metadata_{action}": ((metadata, part),) for action, part in stems if metadata}


_LATCH = ("gated_read", "gated_write", "metadata_read", "metadata_write", "gated_metadata_read", "gated_metadata_write")

WIRING: Mapping[str, Mapping[str, Wire]] = {
    "DRAM": _array("dram_lpddr4_64b", "dram_lpddr4_64b"),
    "SMEM": _array("sram_256kb_256b", "sram_64kb_64b")
    | {"leak": (("sram_256kb_256b", "leak"), ("sram_64kb_64b", "leak"))},
    "RF": _array("sram_1kb_32b", "") | {"leak": (("sram_1kb_32b", "leak"),)},
    "LRF": _array("latch_8b", "")
    | {action: (("latch_8b", action),) for action in _LATCH}
    | {"metadata_update": (("latch_8b", "metadata_write"),)},
    "MAC": {action: (("mac_int8", action),) for action in ("compute", "compute_gated", "compute_skipped")},
    "selection": {"select": (("mux_4to1_8b", "select"),)},
    "offset_decoder": {"decode": (("onehot_4", "decode"),)},
    "index_decoder": {"decode": (("add_int32_aladdin", "decode"),)},
}

ASSUMED: Mapping[str, Mapping[str, EnergyEntry]] = {
    "DRAM": {"leak": EnergyEntry(0.0, "not given; assumed because the energy per bit is all that is published")},
    "LRF": {"leak": EnergyEntry(0.0, "not given; assumed because the gated energy is already the idle energy")},
    "MAC": {"leak": EnergyEntry(0.0, "not given; assumed because the gated energy is already the idle energy")},
}


AREAS: Mapping[str, tuple[str, ...]] = {
    "SMEM": ("sram_256kb_256b", "sram_64kb_64b"),
    "RF": ("sram_1kb_32b",),
    "LRF": ("latch_8b", "latch_8b"),
    "MAC": ("mac_int8",),
    "selection": ("mux_4to1_8b",),
    "offset_decoder": ("onehot_4",),
    "index_decoder": ("add_int32_aladdin",),
}
"""The parts that one instance of a component consists of; DRAM is not on the chip."""

SIZE_WORDS = {"SMEM": 262144, "RF": 1024, "LRF": 1}
"""Words of a level (arch/fabric.yaml) whose area it is."""


def bind(parts: EnergyData, wiring: Mapping[str, Mapping[str, Wire]] = WIRING) -> EnergyTable:
    """pJ per action of every component of the fabric, with its source; InputError when a part is missing.

    >>> from crisp_hw.characterization.table import load_energy
    >>> bind(load_energy()).actions["SMEM"]["metadata_read"]
    25.8695
    """
    entries = {
        component: {action: _sum(parts, wire) for action, wire in actions.items()} | dict(ASSUMED.get(component, {}))
        for component, actions in wiring.items()
    }
    return EnergyTable(
        {component: {action: entry.pj for action, entry in row.items()} for component, row in entries.items()},
        {component: {action: entry.source for action, entry in row.items()} for component, row in entries.items()},
        {component: area for component, keys in AREAS.items() if component in wiring for area in _area(parts, keys)},
    )


def _area(parts: EnergyData, keys: tuple[str, ...]) -> Iterator[Area]:
    """The areas of some parts added up; none where one of them has none."""
    areas = [(key, parts[key].area_um2, parts[key].area_source) for key in keys]
    known = [um2 for _, um2, _ in areas if um2 is not None]
    if len(known) == len(areas):
        yield Area(round(sum(known), 6), "; plus ".join(f"{key}: {source}" for key, _, source in areas))


def _sum(parts: EnergyData, wire: Wire) -> EnergyEntry:
    """The energies of one wire added up, rounded to the 1e-6 pJ in which leakage is printed."""
    found = [(key, lookup(parts, key, action)) for key, action in wire]
    sources = "; plus ".join(f"{key}: {entry.source}" for key, entry in found)
    return EnergyEntry(round(sum(entry.pj for _, entry in found), 6), sources)


HEAD = """\
# Energies of the fabric of arch/fabric.yaml at 45 nm: CACTI for the arrays, published tables for logic and DRAM.
# Written by python tools/energy_tables/fabric.py --out arch/energy/fabric-45nm.yaml
# from cacti-45nm.yaml and cited.yaml beside it (their heads explain the sources), so run that again rather than edit.
# pJ per action; a storage action moves one vector of the level (DRAM 64 bits, SMEM 32 words, RF and LRF one word).
# One RF word is charged one whole access of a 32-bit array, the narrowest that CACTI takes: nothing is scaled.
schema: crisp-hw/energy/1
name: fabric-45nm
unit: pJ per action
components:
"""


def _plain(value: float) -> str:
    """A number to 1e-6 without an exponent, which YAML 1.1 would read as text."""
    text = f"{value:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def render(table: EnergyTable) -> str:
    """The YAML text of an energy table."""
    lines = []
    for component, actions in table.actions.items():
        lines.append(f"  {component}:")
        lines += [
            f'    {action}: {{value: {_plain(value)}, source: "{table.sources[component][action]}"}}'
            for action, value in actions.items()
        ]
    if table.areas:
        lines.append("areas:  # um2 of one instance")
    for name, area in table.areas.items():
        size = f"size_words: {SIZE_WORDS[name]}, " if name in SIZE_WORDS else ""
        lines.append(f'  {name}: {{value: {_plain(area.um2)}, {size}source: "{area.source}"}}')
    return HEAD + "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the command line and writes the table; an error is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python tools/energy_tables/fabric.py", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write")
    options = parser.parse_args(arguments)
    try:
        write_text(options.out, render(bind(load_parts())))
    except CrispError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
