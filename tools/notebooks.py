"""Execute the notebooks of docs/notebooks and keep their outputs: `python tools/notebooks.py docs/notebooks/*.ipynb`.

Each runs in an empty folder of its own, from the first cell to the last, with a cache of searches of its own and one
thread, so that what is kept is what tests/test_notebooks.py finds when it runs them again.
"""

import argparse
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

PATIENCE = 600  # seconds a cell may take; a limit that only a defect reaches
DIFFERS = "differs"  # the tag of a cell whose output depends on the machine: only its kinds of output are compared
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def execute(path: Path) -> NotebookNode:
    """The notebook of a file with the outputs that its cells give now; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory(prefix="crisp-hw-notebook-") as name:
        folder = Path(name) / "work"
        folder.mkdir()
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # also where no venv is activated
            "CRISP_HW_CACHE": f"{name}/searches",
            "IPYTHONDIR": f"{name}/ipython",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "100",
        }
        how = {"timeout": PATIENCE, "record_timing": False, "coalesce_streams": True}  # one output, not one per write
        client = NotebookClient(notebook, kernel_name="python3", resources=in_folder(folder), **how)
        client.execute(env=environment, cwd=str(folder))
    return notebook


def in_folder(folder: Path) -> dict[str, dict[str, str]]:
    """What nbclient is told so that a notebook runs in a folder."""
    return {"metadata": {"path": str(folder)}}


def differences(kept: NotebookNode, now: NotebookNode) -> list[str]:
    """A sentence for each cell whose output is not the one that was kept.

    Text is compared to the digit, tables included; of pictures only that they are there.
    """
    wrong = []
    for number, (old, new) in enumerate(zip(kept.cells, now.cells, strict=True), 1):
        if old.cell_type != "code":
            continue
        compared = kinds if DIFFERS in old.metadata.get("tags", ()) else shown
        if compared(old) != compared(new):
            wrong.append(f"cell {number}:\n{old.source}\n--- kept\n{compared(old)}\n--- now\n{compared(new)}")
    return wrong


def shown(cell: NotebookNode) -> str:
    """What a cell prints and gives as text, and the kinds of everything else."""
    printed = "".join(each.text for each in cell.outputs if each.output_type == "stream" and each.name == "stdout")
    values = [each.data.get("text/plain", "") for each in cell.outputs if "data" in each]
    return ADDRESS.sub("0x...", "\n".join([printed, *values, *kinds(cell)])).strip()


def kinds(cell: NotebookNode) -> list[str]:
    """The kinds of the values and pictures that a cell gives, in order."""
    return [kind for each in cell.outputs if "data" in each for kind in sorted(each.data)]


def main() -> None:
    """Execute every notebook that is named, and write it back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", type=Path, nargs="*")
    for path in parser.parse_args().notebooks:
        nbformat.write(execute(path), path)


if __name__ == "__main__":
    main()
