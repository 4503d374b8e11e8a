"""One row of the mapper's table, in a process of its own: `python benchmarks/judged.py ROW LIMIT_S RANDOM_S`.

Prints JSON: what the search claims, and its opponents: a mapping by hand, and random ones. The limit is in processor
seconds, and ends a search as Ctrl-C does.
"""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from random_mappings import best_of_random
from rows import ROWS, Row

from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import CrispError
from crisp_hw.mapper.found import Found, SearchStatus
from crisp_hw.spec.options import SearchOptions, stated


@contextmanager
def interrupted_after(cpu_s: float) -> Iterator[None]:
    """KeyboardInterrupt once this process has taken so many more processor seconds; never with 0."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass
class Watch:
    """The best EDP at moments of a search, in processor seconds since it began."""

    start: float = field(default_factory=time.process_time)
    steps: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, status: SearchStatus) -> None:
        """Take note of a better mapping."""
        if status.best_cycles is None or status.best_energy_pj is None:
            return
        edp = status.best_cycles * status.best_energy_pj
        if not self.steps or edp < self.steps[-1][1]:
            self.steps.append((time.process_time() - self.start, edp))

    def after(self, cpu_s: float) -> float | None:
        """The best so many seconds after the beginning; None where there was none yet."""
        return min((edp for when, edp in self.steps if when <= cpu_s), default=None)


def judged(row: Row, limit_s: float, random_s: float) -> dict[str, Any]:
    """Everything that the table says of a row but for its memory."""
    if missing := [name for name in row.options if name not in stated(SearchOptions)]:
        return {"claim": f"not run: no option {', '.join(missing)}"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "design.yaml"
        path.write_text(yaml.safe_dump(row.documents(), sort_keys=False), encoding="utf-8")
        said = _searched(row, path, limit_s)
        said["hand"] = _by_hand(row, Path(folder)) if row.hand else None
        said["random"] = best_of_random(path, random_s) if row.group == "dataflows" and random_s else None
    return said


def _searched(row: Row, path: Path, limit_s: float) -> dict[str, Any]:
    watch, start, cpu = Watch(), time.perf_counter(), time.process_time()
    options = SearchOptions(**dict.fromkeys(row.options, True))
    said: dict[str, Any]
    try:
        with interrupted_after(limit_s):
            found = map_files([path], "edp", options=options, progress=watch).found
        said = _claimed(found)
    except KeyboardInterrupt:
        said = {"claim": "nothing found in time"}
    except CrispError as error:
        said = {"claim": f"refused: {error}"}
    soon = watch.after(row.asked.soon_s) if row.asked.soon_s else None
    return {**said, "soon": soon, "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - start}


def _claimed(found: Found) -> dict[str, Any]:
    ended = ", stopped" if found.interrupted else ""
    if found.proven:
        claim = "proven"
    else:
        claim = f"gap {found.gap:,.1%}{ended}" if found.gap is not None else f"no bound{ended}"
    why = f" ({found.uncovered})" if found.uncovered else ""
    return {
        "claim": claim + why,
        "gap": 0.0 if found.proven else found.gap,
        "cycles": found.cycles,
        "energy_pj": found.energy_pj,
        "edp": found.cycles * found.energy_pj,
        "tried": found.tried,
    }


def _by_hand(row: Row, folder: Path) -> float:
    """EDP of the mapping by hand, as `crisp-hw model` says."""
    documents = {key: value for key, value in row.documents().items() if key not in ("mapspace_constraints", "mapper")}
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(documents, sort_keys=False), encoding="utf-8")
    assert row.hand is not None
    result = evaluate_files([path, row.hand]).result
    return result.cycles * result.energy_pj


if __name__ == "__main__":
    name, limit, random = sys.argv[1:]
    print(json.dumps(judged(ROWS[name], float(limit), float(random))))
