"""What the mapper proves, in what time, and by whom it is beaten: `python benchmarks/mapper.py [--only g512,engine]`.

Every design of `rows` is searched in a process of its own. Its line holds what is claimed, cycles x pJ, processor and
wall seconds, the most memory, and what others find: a mapping by hand, random mappings, and timeloop-mapper where it
is on PATH. At the end of a line stands what was asked and is not so. Each search ends after 60 processor seconds, as
Ctrl-C ends it, those of ResNet-50 after the ten minutes that all of them may take, or after --limit; the line then
says how far the best may be off. Besides designs, groups of them and the sections of `sections` may be named; random
small spaces by brute force have `small_spaces.py`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from beside import edp_of, installed
from compare import RESULTS, machine
from rows import ROWS, Row, chosen
from sections import SECTIONS
from table import Line, heads, whole_network

JUDGED = Path(__file__).with_name("judged.py")
RANDOM_S = 60.0
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS.values()))


def line_of(row: Row, given: argparse.Namespace) -> Line:
    """One row by a process of its own."""
    limit = row.limit_s if given.limit is None else given.limit
    words = [sys.executable, str(JUDGED), row.name, str(limit), str(given.random)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    out, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said: dict[str, Any]
    if process.returncode:
        last = (errors.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        said = {"claim": f"failed: {last}"}
    else:
        said = json.loads(out)
    peer = edp_of(row.documents(), limit or row.limit_s) if installed() and not row.options else None
    return Line(row, said, usage.ru_maxrss / 1024, peer)


def designs(rows: list[Row], given: argparse.Namespace) -> Iterable[str]:
    """The lines of the table, each as soon as it is known."""
    beside = installed()
    yield heads()
    lines = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for line in pool.map(lambda row: line_of(row, given), rows):
            lines.append(line)
            yield line.text(beside=beside)
    if total := whole_network(lines):
        yield total
    missed = [line.row.name for line in lines if line.misses]
    yield f"{len(lines) - len(missed)} of {len(lines)} as asked" + (f"; not {', '.join(missed)}" if missed else "")
    if not beside:
        yield "timeloop-mapper is not on PATH: nothing stands beside"


def preface(given: argparse.Namespace) -> str:
    """The command and the machine."""
    about = machine()
    load = f"load {os.getloadavg()[0]:.1f}"
    limit = "" if given.limit is None else f"--limit {given.limit:g}"
    said = [f"--only {given.only}" if given.only else "", limit, f"--random {given.random:g}"]
    said.append(f"--jobs {given.jobs}" if given.jobs > 1 else "")
    command = " ".join(["$ python benchmarks/mapper.py", *filter(None, said)])
    system = f"{about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}"
    return f"{command}    # {time.strftime('%Y-%m-%d')}, {system}, NumPy {about['numpy']}, {load}"


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = f"designs, groups ({', '.join(GROUPS)}) and sections ({', '.join(SECTIONS)}), separated by commas"
    found.add_argument("--only", default="", help=f"{names} [all designs]")
    found.add_argument("--limit", type=float, help="CPU seconds of each search; 0: no end [60; of resnet50 600]")
    found.add_argument("--random", type=float, default=RANDOM_S, help="CPU seconds of random mappings [60]")
    found.add_argument("--jobs", type=int, default=1, help="designs that are searched at once [1]")
    found.add_argument("--keep", metavar="NAME", help="write what is printed to benchmarks/results/NAME.txt, too")
    found.add_argument("--golden", type=Path, help="section golden: folder with mapper.jsonl.gz")
    found.add_argument("--timeloop-mapper", type=Path, help="section golden: the program, to measure it once more")
    found.add_argument("--device", default="numpy", help="sections: where batches are evaluated")
    return found


def main() -> None:
    """Print the table, and the sections that are named."""
    options = parser()
    given = options.parse_args()
    words = given.only.split(",") if given.only else list(GROUPS)
    try:
        rows = chosen([word for word in words if word not in SECTIONS])
    except KeyError as error:
        options.error(f"no design {error}; there are {', '.join((*GROUPS, *ROWS, *SECTIONS))}")
    kept = [preface(given)]
    for text in designs(rows, given) if rows else ():
        print(text, flush=True)
        kept.append(text)
    if given.keep:
        (RESULTS / f"{given.keep}.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    for name in words:
        if name in SECTIONS:
            SECTIONS[name](given)


if __name__ == "__main__":
    main()
