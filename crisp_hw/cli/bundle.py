"""`crisp-hw bundle` and `crisp-hw replay`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import FormatOption, Inputs
from crisp_hw.cli.output import check_output, output_option, progress, show_table, show_written
from crisp_hw.cli.verify import DIFFERENT, CountsOption, EnergyTolerance
from crisp_hw.command_line.options import WideOption
from crisp_hw.spec.options import EvaluateOptions

SOURCE = (
    "network",
    "masks",
    "workload",
    "model",
    "input",
    "nm",
    "block",
    "sparsity",
)  # the options that name the network
UNTOLD = (*SOURCE, "backend", "jobs", "cache", "said")  # told elsewhere, or without a say in any number


@grouped
def bundle(
    out: Annotated[Path, output_option("The file to write, such as result.zip.", "--out", "-o")],
    inputs: Inputs,
    options: EvaluateOptions,
    form: FormatOption = "table",
) -> None:
    """Evaluate a network and pack documents, versions, options and results into one file that anybody can replay."""
    from crisp_hw import api
    from crisp_hw.bundles import pack
    from crisp_hw.machine.writing import write_all

    check_output(out)
    source, accelerators = inputs.source(), inputs.accelerators(options.energy)
    with progress() as bar:
        network = api.evaluate(source, accelerators, layers=inputs.layers, options=options, progress=bar).network
    given = asdict(inputs) | asdict(options)
    said = {name: value for name, value in given.items() if name not in UNTOLD}
    said |= {"arch": [each.name for each in accelerators], "setting": inputs.setting or []}
    content = pack(network, options.backend, _origin(inputs), said, _tool(options.backend))
    show_written(write_all(out.parent, {out.name: content}), out.parent, form)


def replay(  # noqa: PLR0913 - the options of a command
    file: Annotated[Path, typer.Argument(help="A file that `crisp-hw bundle` wrote.")],
    backend: Annotated[
        str | None,
        typer.Option("--backend", help="What evaluates: embedded or timeloop. Default: what the bundle was made with."),
    ] = None,
    counts: CountsOption = 0,
    energies: EnergyTolerance = 1e-9,
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Evaluate a bundle again and compare the results with the recorded ones.

    The exit code is 1 when something differs.
    """
    from crisp_hw.bundles import Replayed, load, replay_document
    from crisp_hw.bundles import replay as replay_bundle
    from crisp_hw.validation.results import Tolerance

    content = load(file)
    found: list[Replayed] = []
    with progress() as bar:
        for each in replay_bundle(content, backend, Tolerance(counts, energies)):
            if bar:
                bar(f"{each.arch} {each.layer}", len(found), len(content.results))
            found.append(each)
    show_table(replay_document(content, found), form, wide)
    if not all(each.equal for each in found):
        raise typer.Exit(DIFFERENT)


def _origin(inputs: Inputs) -> dict[str, Any]:
    """Where the network comes from; of a pruned-model file its name and checksum."""
    from crisp_hw.bundles.archive import sha256
    from crisp_hw.io.containers import PRUNED
    from crisp_hw.io.recognise import ANY
    from crisp_hw.machine.files import read_bytes

    if inputs.masks is not None:
        return {"masks": inputs.masks.name, "sha256": sha256(read_bytes(inputs.masks, PRUNED))}
    if inputs.network is not None:
        digest = sha256(read_bytes(Path(inputs.network), ANY))
        return {"weights": Path(inputs.network).name, "sha256": digest, "model": inputs.model, "input": inputs.input}
    return {name: getattr(inputs, name) for name in ("workload", "nm", "block", "sparsity")}


def _tool(backend: str) -> str | None:
    """The Timeloop that evaluates, with the checksum of its program."""
    if backend != "timeloop":
        return None
    from crisp_hw.backends.timeloop import find_tool
    from crisp_hw.bundles.archive import sha256

    tool = find_tool()
    return f"{tool.runner} sha256 {sha256(Path(tool.command[0]).read_bytes())}"
