"""The table of docs/backends.md: the installed Timeloop against the embedded engine, on every distinct layer.

`python tools/verified_layers.py measure` runs timeloop-model (on PATH; some minutes) and writes the record
tests/golden/verified-layers.json; `... write` puts the table of that record into the page.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from crisp_hw import api
from crisp_hw.spec.patterns import NM
from crisp_hw.verification import Verified, verify_documents

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "tests" / "golden" / "verified-layers.json"
PAGE = ROOT / "docs" / "backends.md"
ARCHS = ("dense", "stc", "crisp-stc", "dstc")
NETWORKS = {
    "ResNet-50, 2:4, blocks of 64, 90 %": api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9),
    "ResNet-50, 1:4, blocks of 16, 90 %": api.WorkloadPattern("resnet50", NM(1, 4), 16, 0.9),
    "VGG-16, 2:4, blocks of 64, 90 %": api.WorkloadPattern("vgg16", NM(2, 4), 64, 0.9),
    "MobileNetV2 with depthwise layers, 2:4, blocks of 16, 70 %": api.WorkloadPattern("mobilenetv2", NM(2, 4), 16, 0.7),
}
HEADING = (
    "| network | dense | stc | crisp-stc | dstc: equal | dstc: cycles differ (by 1) | worst energy |\n"
    "|---|---|---|---|---|---|---|\n"
)
TABLE = re.compile(re.escape(HEADING) + r"(?:\|.*\n)+")


@dataclass(frozen=True)
class Agreement:
    """The distinct layers of one network on one accelerator: sets of documents, and those equal in every figure.

    `cycles_differ` counts those whose cycles are not the same, `worst_energy` is the largest relative difference of
    the total.
    """

    network: str
    arch: str
    sets: int
    equal: int
    cycles_differ: int
    worst_energy: float


def measure(network: str, source: api.WorkloadPattern, arch: str, layers: str | None = None) -> Agreement:
    """Run every distinct set of documents of a network on an accelerator through both backends."""
    rows = api.evaluate(source, arch, layers=layers).network.rows
    distinct = {tuple(api.rendered(row).items()): row.layer for row in rows}
    found = [verify_documents(layer, dict(texts)) for texts, layer in distinct.items()]
    if refused := next((each.error for each in found if each.error), None):
        raise SystemExit(f"{network}, {arch}: {refused}")
    return Agreement(
        network,
        arch,
        len(found),
        sum(each.equal for each in found),
        sum(any(difference.what == "cycles" for difference in each.differences) for each in found),
        max(map(_energy_apart, found)),
    )


def _energy_apart(found: Verified) -> float:
    if found.embedded is None or found.timeloop is None or not found.timeloop.result.energy_pj:
        return 0.0
    theirs = found.timeloop.result.energy_pj
    return abs(found.embedded.energy_pj - theirs) / theirs


def table(found: Sequence[Agreement]) -> str:
    """The table of a record, one row per network.

    >>> cells = [Agreement("net", arch, 9, 9 if arch != "dstc" else 4, 0, 1.3e-6) for arch in ARCHS]
    >>> table(cells).splitlines()[-1]
    '| net | 9 of 9 | 9 of 9 | 9 of 9 | 4 of 9 | 0 | 1.3e-6 |'
    """
    return HEADING + "".join(_rows(found))


def _rows(found: Sequence[Agreement]) -> Iterator[str]:
    for network in dict.fromkeys(each.network for each in found):
        cells = {each.arch: each for each in found if each.network == network}
        equal = [f"{cells[arch].equal} of {cells[arch].sets}" for arch in ARCHS]
        worst = f"{max(each.worst_energy for each in cells.values()):.1e}".replace("e-0", "e-")
        yield f"| {' | '.join([network, *equal, str(cells['dstc'].cycles_differ), worst])} |\n"


def read_record() -> list[Agreement]:
    """The committed record."""
    return [Agreement(**each) for each in json.loads(RECORD.read_text(encoding="utf-8"))["layers"]]


def page() -> str:
    """The page with the table of the record."""
    text = PAGE.read_text(encoding="utf-8")
    found, times = TABLE.subn(lambda _: table(read_record()), text)
    if times != 1:
        raise SystemExit(f"{PAGE}: has {times} tables with the heading of this one; put one there")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure again, or write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("measure", "write"))
    if parser.parse_args(arguments).what == "measure":
        found = [measure(name, source, arch) for name, source in NETWORKS.items() for arch in ARCHS]
        record = {"program": "timeloop-model", "layers": [asdict(each) for each in found]}
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
