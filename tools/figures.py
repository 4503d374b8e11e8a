"""The pictures of docs/images, each from the line that docs/figures.md shows beside it.

`python tools/figures.py [NAME...]` draws those named, or all, into docs/images. The mask of a pruned layer needs the
run.pt of `python examples/digits.py --out demo-out`, which trains a minute.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from crisp_hw import NM, Evaluation, WorkloadPattern, api
from crisp_hw.report.mask_picture import mask_figure
from crisp_hw.report.plots import saved

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
RUN = ROOT / "demo-out" / "run.pt"
MASKED = "stage2.conv"
ARCHS = ("dense", "stc", "dstc", "crisp-stc")


@cache
def resnet50() -> Evaluation:
    """The network of the README on the shipped accelerators."""
    return api.evaluate(WorkloadPattern("resnet50", NM(2, 4), 64, 0.9), ARCHS)


@cache
def vgg16() -> Evaluation:
    """A network whose layers all have room for their names."""
    return api.evaluate(WorkloadPattern("vgg16", NM(2, 4), 64, 0.9), ARCHS)


def draw_mask(file: Path) -> None:
    """The mask of one layer of the digits, as `crisp-hw describe` draws it."""
    (layer,) = [each for each in api.load_pruned(RUN).layers if each.layer.name == MASKED]
    saved(mask_figure(layer), file)


def draw_study(results: str, name: str, file: Path) -> None:
    """A figure of a study of the pruning lab, from the cells that are kept of it."""
    from crisp_prune.lab.cell import measured_from  # loads PyTorch, which the other pictures do without
    from crisp_prune.lab.figures import draw as draw_cells

    cells = json.loads((ROOT / "benchmarks" / "results" / results).read_text(encoding="utf-8"))["cells"]
    with TemporaryDirectory() as folder:
        draw_cells([measured_from({"seconds": 0.0, **cell}) for cell in cells], Path(folder))
        copyfile(Path(folder) / name, file)


DRAWN: Mapping[str, Callable[[Path], object]] = {
    "resnet50-totals.png": lambda file: resnet50().plot("totals", save=file),
    "resnet50-speedup.png": lambda file: resnet50().plot("speedup", save=file),
    "resnet50-speedup-column.png": lambda file: resnet50().plot("speedup", width="column", save=file),
    "vgg16-speedup.png": lambda file: vgg16().plot("speedup", save=file),
    "resnet50-energy.png": lambda file: resnet50().plot("energy", save=file),
    "resnet50-roofline.png": lambda file: resnet50().plot("roofline", save=file),
    "resnet50-mapping.png": lambda file: resnet50().plot(
        "mapping", layer="layer3.0.conv2", arch="crisp-stc", width="column", save=file
    ),
    "digits-mask.png": draw_mask,
    "accuracy-against-classes-0.9.png": lambda file: draw_study(
        "classes.json", "accuracy-against-classes-0.9.png", file
    ),
    "accuracy-against-cost-4.png": lambda file: draw_study("cycles.json", "accuracy-against-cost-4.png", file),
}
"""Name -> what draws it."""


def draw(names: Sequence[str], folder: Path) -> list[Path]:
    """Draw some of them into a folder; KeyError for a name that there is not."""
    files = [folder / name for name in names]
    for file in files:
        DRAWN[file.name](file)
    return files


def main(arguments: Sequence[str]) -> None:
    """Draw the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(DRAWN)}; default: all")
    names = parser.parse_args(arguments).names
    if wrong := [name for name in names if name not in DRAWN]:
        parser.error(f"no picture {wrong[0]}; choose of {', '.join(DRAWN)}")
    for file in draw(names or list(DRAWN), IMAGES):
        sys.stdout.write(f"{file.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
