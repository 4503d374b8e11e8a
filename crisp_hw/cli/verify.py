"""`crisp-hw verify` and `crisp-hw doctor`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import WITHOUT_SOURCE, FormatOption, Inputs, Searching
from crisp_hw.cli.output import progress, show_table
from crisp_hw.command_line.options import WideOption
from crisp_hw.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crisp_hw.timeloop.yaml.texts import Documents


Runner = Literal["timeloop-model", "pytimeloop", "timeloop-mapper"]
DIFFERENT = 1  # exit code: compared, and something differs

DocumentsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SOURCE | FILES",
        help="A network, or Timeloop's YAML files: files given together are one set, and each folder is one.",
    ),
]
RunnerOption = Annotated[
    Runner | None,
    typer.Option(
        "--runner",
        help="What runs Timeloop: timeloop-model, pytimeloop or timeloop-mapper. Default: the first that is installed.",
    ),
]
LimitOption = Annotated[
    float, typer.Option("--time-limit", min=0.1, help="The most seconds that one run of Timeloop may take.")
]
CountsOption = Annotated[
    int, typer.Option("--counts", min=0, help="The largest difference of two counts that still passes as equal.")
]
EnergyTolerance = Annotated[
    float,
    typer.Option(
        "--energies", min=0.0, help="The largest relative difference of two energies that still passes as equal."
    ),
]


@grouped
def verify(  # noqa: PLR0913 - the options of a command
    inputs: Annotated[Inputs, WITHOUT_SOURCE],
    searching: Searching,
    documents: DocumentsArgument = None,
    runner: RunnerOption = None,
    time_limit: LimitOption = 300.0,
    counts: CountsOption = 0,
    energies: EnergyTolerance = 1e-9,
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Compare the embedded engine with an installed Timeloop on the same documents, count by count.

    The exit code is 1 when something differs by more than Timeloop's own rounding.
    """
    from crisp_hw.backends.timeloop import Settings, find_tool
    from crisp_hw.validation.results import Tolerance
    from crisp_hw.verification import verification_document, verify_documents

    settings = Settings(find_tool(runner).runner, time_limit)
    if documents and len(documents) == 1 and _is_network(documents[0]):
        inputs, documents = replace(inputs, network=str(documents[0])), None
    if documents and (inputs != Inputs() or searching.said):
        raise InputError("give documents, or a network with its options (--masks, --workload, --arch, ...), not both")
    if documents:
        from crisp_hw.timeloop.yaml.texts import find_documents

        sets: Mapping[str, Documents] = find_documents(documents)
    else:
        sets = _rendered(inputs, searching)
    found = []
    with progress() as bar:
        for number, (name, texts) in enumerate(sets.items()):
            if bar:
                bar(name, number, len(sets))
            found.append(verify_documents(name, texts, settings, Tolerance(counts, energies)))
    show_table(verification_document(found), form, wide)
    if not all(each.agrees for each in found):
        raise typer.Exit(DIFFERENT)


def _is_network(path: Path) -> bool:
    """Is the one word that was given a network, and no folder or file of Timeloop's?"""
    from crisp_hw.io.containers import CONTAINERS
    from crisp_hw.workloads import is_workload

    return path.suffix in CONTAINERS or is_workload(path)


def _rendered(inputs: Inputs, searching: Searching) -> "dict[str, Documents]":
    """The documents of every layer with its best mapping; layers of one shape and pattern have the same, once."""
    from crisp_hw import api

    source, accelerators = inputs.source(), inputs.accelerators(searching.energy)
    with progress() as bar:
        rows = api.evaluate(source, accelerators, layers=inputs.layers, options=searching, progress=bar).network.rows
    names: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for row in rows:
        names.setdefault(tuple(api.rendered(row).items()), []).append(f"{row.arch}/{row.layer}")
    return {_joined(same): dict(texts) for texts, same in names.items()}


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} like it"


def doctor(form: FormatOption = "table", wide: WideOption = False) -> None:
    """Say which optional tools and packages are installed, whether they work, and how to get the others."""
    from crisp_hw.doctor import doctor_document, examine

    show_table(doctor_document(examine()), form, wide)
