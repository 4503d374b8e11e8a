"""Write the pages that docs/reports.md shows: `python tools/report_pages.py demo-out/run.pt docs/reports`.

The first argument is what examples/digits.py wrote. Commands are run where their paths are those of the reader.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DIGITS = "crisp-hw evaluate demo-out/run.pt --arch dense --arch stc --arch dstc --arch crisp-stc --out demo-out"
STUDY = "crisp-hw explore space.yaml --out study"
PAGES = {"digits.html": (DIGITS, "demo-out"), "study.html": (STUDY, "study")}


def main(run: str, folder: str) -> None:
    """Run both commands and keep their pages."""
    target = Path(folder)
    with tempfile.TemporaryDirectory() as place:
        there = Path(place)
        (there / "demo-out").mkdir()
        shutil.copy(run, there / "demo-out" / "run.pt")
        shutil.copy(target / "space.yaml", there)
        for name, (command, out) in PAGES.items():
            subprocess.run(command.split(), cwd=there, check=True)
            shutil.copy(there / out / "report.html", target / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
