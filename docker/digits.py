"""`digits.py GOLDEN.csv FOUND.csv` compares figures with recorded ones; `digits.py --cacti` asks CACTI again."""

import csv
import sys
from importlib.util import find_spec
from pathlib import Path

DIGITS = 9  # of energies; counts are whole
ROWS = ("arch", "layer")
CACTI = {"read_pj": 25.8695, "write_pj": 19.6486}  # sram_64kb_64b in arch/energy/cacti-45nm.yaml


def read(path: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Rows of a CSV file by accelerator and layer."""
    with Path(path).open(newline="", encoding="utf-8") as lines:
        return {tuple(row[name] for name in ROWS): row for row in csv.DictReader(lines)}


def rounded(text: str | None) -> str:
    """A figure with the digits that every machine finds again."""
    return f"{float(text):.{DIGITS}g}" if text else "nothing"


def compare(golden: str, found: str) -> list[str]:
    """What is not as recorded, in words."""
    wanted, there = read(golden), read(found)
    return [
        f"{' '.join(key)}: {name} is {rounded(there.get(key, {}).get(name))}, recorded {rounded(value)}"
        for key, row in wanted.items()
        for name, value in row.items()
        if name not in ROWS and rounded(there.get(key, {}).get(name)) != rounded(value)
    ]


def ask_cacti() -> list[str]:
    """The same for one array of the committed table."""
    from crisp_hw.characterization.cacti import ask
    from crisp_hw.characterization.sram import SramArray

    numbers = ask(SramArray(width_bits=64, depth=8192)).numbers
    pairs = {name: (f"{getattr(numbers, name):.6g}", f"{value:.6g}") for name, value in CACTI.items()}
    return [f"CACTI: {name} is {found}, recorded {value}" for name, (found, value) in pairs.items() if found != value]


def main(arguments: list[str]) -> int:
    """0 when everything is as recorded, 1 when not, 2 when it was not asked properly."""
    match arguments:
        case ["--cacti"] if find_spec("hwcomponents_cacti") is None:
            return _said("CACTI: not installed, left out", 0)
        case ["--cacti"]:
            wrong, what = ask_cacti(), "CACTI"
        case [golden, found]:
            wrong, what = compare(golden, found), f"{len(read(golden))} designs"
        case _:
            return _said(str(__doc__), 2)
    return _said("\n".join(wrong), 1) if wrong else _said(f"{what}: as recorded", 0)


def _said(text: str, status: int) -> int:
    sys.stdout.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
