"""The mapper's table: what a row says, whether that is what was asked, and the lines that are printed."""

from dataclasses import dataclass
from typing import Any

from rows import NETWORK_S, Row

SAME = 1e-3  # asked values are known to four digits
NEAR = 1.01
CORES = 2  # on which the searches of a network share out its ten minutes
HEADS = f"{'design':34} {'claimed':28} {'cycles x pJ':>11} {'by hand':>10} {'random':>10} {'CPU s':>7} {'wall s':>7}"


@dataclass(frozen=True)
class Line:
    """One row with what it came to (`judged.judged`), the memory that it took, and timeloop-mapper's EDP."""

    row: Row
    said: dict[str, Any]
    peak_mb: float
    peer: float | None = None

    @property
    def misses(self) -> list[str]:
        """What was asked and is not so."""
        said, asked = self.said, self.row.asked
        if "edp" not in said:
            return [str(said["claim"]).partition(":")[0]]
        found = []
        gap = said["gap"]
        if gap is None or gap > asked.gap:
            found.append("not proven" if asked.gap == 0 else f"gap above {asked.gap:.0%}")
        if asked.edp is not None and said["edp"] > asked.edp * (1 + SAME):
            found.append(f"{said['edp'] / asked.edp - 1:.1%} above {asked.edp:.4g}")
        if asked.cpu_s is not None and said["cpu_s"] > asked.cpu_s:
            found.append(f"over {asked.cpu_s:g} s")
        if asked.soon_s is not None and (said["soon"] is None or said["soon"] > said["edp"] * NEAR):
            found.append(f"after {asked.soon_s:g} s {_far(said)}")
        return found + [f"worse than {name} by {said['edp'] / edp - 1:.2%}" for name, edp in self.better]

    @property
    def better(self) -> list[tuple[str, float]]:
        """Opponents that found something better."""
        hand, drawn = self.said.get("hand"), (self.said.get("random") or {}).get("edp")
        opponents = {"by hand": hand, "random": drawn, "timeloop-mapper": self.peer}
        # the peer prints hundredths of a microjoule
        return [(name, edp) for name, edp in opponents.items() if edp and self.said["edp"] > edp * (1 + 1e-6)]

    def text(self, *, beside: bool) -> str:
        """The line of the table."""
        said = self.said
        drawn = (said.get("random") or {}).get("edp")
        figures = f"{_edp(said.get('edp')):>11} {_edp(said.get('hand')):>10} {_edp(drawn):>10}"
        seconds = f"{said.get('cpu_s', 0.0):7.1f} {said.get('wall_s', 0.0):7.1f} {self.peak_mb:6.0f}"
        peer = _edp(self.peer) if beside else "not here"
        verdict = "; ".join(self.misses) or "as asked"
        return f"{self.row.name:34} {_short(said['claim']):28} {figures} {seconds} {peer:>11}  {verdict}"


def heads() -> str:
    """The names of the columns."""
    return f"{HEADS} {'MB':>6} {'tl-mapper':>11}  as asked, or what is missing"


def whole_network(lines: list[Line]) -> str:
    """The convolutions of ResNet-50 together; empty where there are none."""
    here = [line for line in lines if line.row.group == "resnet50"]
    if not here:
        return ""
    slowest = max(here, key=lambda line: line.said.get("cpu_s", 0.0))
    proven = sum(line.said.get("gap") == 0 for line in here)
    total, most = sum(line.said.get("cpu_s", 0.0) for line in here), slowest.said.get("cpu_s", 0.0)
    late = max(total / CORES, most) > NETWORK_S
    return (
        f"ResNet-50: {proven} of {len(here)} convolutions proven in {total:,.1f} CPU s; "
        f"slowest {slowest.row.name.removeprefix('resnet50-')}, {most:.1f} CPU s"
        f"{f'; over {NETWORK_S / 60:g} minutes on {CORES} cores' if late else ''}"
    )


def _far(said: dict[str, Any]) -> str:
    return "nothing" if said["soon"] is None else f"{said['soon'] / said['edp'] - 1:.1%} above the result"


def _edp(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _short(claim: str) -> str:
    return claim if len(claim) <= 28 else claim[:27] + "…"
