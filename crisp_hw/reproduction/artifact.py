"""The folder of the Sparseloop MICRO 2022 artifact: which runs it records, and what they were given."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crisp_hw.errors import InputError

PLACES = (Path(), Path("evaluation_setups"), Path("workspace/2022.micro.artifact/evaluation_setups"))
FOLDERS = {
    "figure 1": "fig1_format_comparison_setup",
    "figure 12": "fig12_eyerissv2_pe_setup",
    "figure 13": "fig13_dstc_setup",
    "figure 15": "fig15_stc_related_setup",
    "table 7": "table7_eyeriss_setup",
}
HINT = (
    "git clone https://github.com/Accelergy-Project/micro22-sparseloop-artifact, and give that folder with --artifact"
)


@dataclass(frozen=True)
class Run:
    """One run: its figure, a name inside of that, the documents, and what was recorded of it (None: nothing was)."""

    figure: str
    name: str
    inputs: tuple[Path, ...]
    stats: Path | None = None


def setups(folder: Path) -> Path:
    """Where the folders of the figures lie; InputError where it is missing, or is something else."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", hint=HINT)
    place = next((folder / each for each in PLACES if (folder / each / FOLDERS["figure 13"]).is_dir()), None)
    if place is None:
        raise InputError(
            f"{folder} is not the Sparseloop MICRO 2022 artifact: no {FOLDERS['figure 13']} in it", hint=HINT
        )
    missing = [name for name in FOLDERS.values() if not (place / name).is_dir()]
    if missing:
        raise InputError(f"{place} lacks {', '.join(missing)}", hint=HINT)
    return place


def runs(place: Path) -> Iterator[Run]:
    """All runs, figure by figure; InputError names a file that one of them lacks."""
    found = [*_formats(place), *_eyeriss_v2(place), *_dstc(place), *_recorded(place, "figure 15", "ref_outputs")]
    found += [*_recorded(place, "table 7", "ref_outputs"), *_recorded(place, "table 7", "dense_outputs")]
    for figure in FOLDERS:
        if not any(run.figure == figure for run in found):
            raise InputError(f"{place / FOLDERS[figure]} records no run", hint=HINT)
    for run in found:
        for path in (*run.inputs, *(() if run.stats is None else (run.stats,))):
            if not path.is_file():
                raise InputError(f"{run.figure}, {run.name}: {path} is missing", hint=HINT)
    yield from found


def density(name: str) -> float:
    """The first number in a name, by which runs are ordered."""
    number = re.search(r"\d+(\.\d+)?", name)
    return float(number[0]) if number else 0.0


def _formats(place: Path) -> Iterator[Run]:
    here = place / FOLDERS["figure 1"]
    for folder in sorted((here / "ref_outputs").glob("output_*"), key=lambda each: density(each.name)):
        _, zeros, form = folder.name.split("_", 2)
        inputs = (
            here / "arch" / "arch.yaml",
            here / "sparse-opt" / f"{form}.yaml",
            here / "workload" / f"spmspm.prob.{zeros}.yaml",
            *_tables(here / "ert_art"),
            folder / "timeloop-mapper.map.yaml",
        )
        yield Run(
            "figure 1", f"{form.replace('_', ' ')}, density {zeros}", inputs, folder / "timeloop-mapper.stats.txt"
        )


def _eyeriss_v2(place: Path) -> Iterator[Run]:
    here, network = place / FOLDERS["figure 12"], "mobilenet0.5-sparse"
    for folder in sorted((here / "ref_outputs" / "uniform_only").glob("L*")):
        inputs = (
            here / "workload" / network / "uniform" / f"{folder.name}.yaml",
            here / "hardware-specs" / "designs" / "arch.yaml",
            here / "hardware-specs" / "configurations" / "SI-SW.yaml",
            *_tables(here / "ert_art"),
            here / "mappings" / network / f"{folder.name}-perfect_factor.yaml",
        )
        stats = folder / "uniform" / "output" / "timeloop-model.stats.txt"
        yield Run("figure 12", folder.name, inputs, stats)


def _dstc(place: Path) -> Iterator[Run]:
    for folder in sorted((place / FOLDERS["figure 13"] / "ref_outputs").glob("B_*-A_*")):
        yield Run("figure 13", folder.name, (folder / "aggregated_input.yaml", *_tables(folder)))


def _recorded(place: Path, figure: str, outputs: str) -> Iterator[Run]:
    """Runs whose folder holds all of their input."""
    top = place / FOLDERS[figure] / outputs
    for file in sorted(top.glob("**/aggregated_input.yaml")):
        folder = file.parent
        mapping = [folder / "map.yaml"] if (folder / "map.yaml").is_file() else []
        name = " ".join(folder.relative_to(top).parts[-2:])
        name = f"{name}, dense" if outputs == "dense_outputs" else name
        yield Run(figure, name, (file, *_tables(folder), *mapping), folder / "output" / "timeloop-model.stats.txt")


def _tables(folder: Path) -> tuple[Path, Path]:
    return folder / "ERT.yaml", folder / "ART.yaml"
