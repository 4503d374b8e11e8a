"""`crisp-hw evaluate` and `crisp-hw render`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli import options as opt
from crisp_hw.cli.explain import ExplainOption, check_single, explanation_of, show_explanation
from crisp_hw.cli.output import check_folder, check_plotting, progress, say_written, show
from crisp_hw.errors import InputError

if TYPE_CHECKING:
    from crisp_hw.spec.evaluation import NetworkEvaluation

OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for tables, pictures and the whole result.")
]
PlotOption = Annotated[
    bool | None, typer.Option("--plot/--no-plot", help="Pictures in --out or not.", show_default="--plot")
]
DensityOption = Annotated[float, typer.Option("--activation-density", help="Share of nonzero activations (DSTC).")]
IndexOption = Annotated[bool, typer.Option("--block-index/--no-block-index", help="Count fetches of the block index.")]
WeightsOption = Annotated[
    opt.Density,
    typer.Option("--density", help="Weights by statistical model, by the masks themselves, or by blocks with N:M."),
]
DstcOption = Annotated[
    opt.Dstc, typer.Option("--dstc", help="DSTC as if zeros cost nothing, or with lanes that packing leaves idle.")
]
OverheadOption = Annotated[
    bool,
    typer.Option(
        "--overheads/--no-overheads", help="Charge what Sparseloop does not: block index, selection, decoders."
    ),
]
BackendOption = Annotated[str, typer.Option("--backend", help="What evaluates: embedded, or an installed Timeloop.")]


def evaluate(  # noqa: PLR0913 - the options of a command
    masks: opt.MasksOption = None,
    workload: opt.WorkloadOption = None,
    nm: opt.NmOption = None,
    block: opt.BlockOption = None,
    sparsity: opt.SparsityOption = None,
    arch: opt.ArchOption = None,
    layers: opt.LayersOption = None,
    form: opt.FormatOption = opt.Format.table,
    wide: opt.WideOption = False,
    out: OutOption = None,
    plot: PlotOption = None,
    objective: opt.ObjectiveOption = opt.Objective.cycles,
    energy: opt.EnergyOption = None,
    setting: opt.SetOption = None,
    activation_density: DensityOption = 0.6,
    block_index: IndexOption = True,
    backend: BackendOption = "embedded",
    density: WeightsOption = opt.Density.model,
    dstc: DstcOption = opt.Dstc.skipping,
    explain: ExplainOption = None,
    overheads: OverheadOption = True,
    jobs: opt.JobsOption = None,
    cache: opt.CacheOption = True,
) -> None:
    """Cycles and energy of a pruned network, each layer with its best mapping."""
    from crisp_hw import api
    from crisp_hw.report.evaluation import evaluation_document

    source = opt.source_of(masks, workload, nm, block, sparsity)
    accelerators = opt.accelerators_of(arch, energy, setting)
    _check_output(out, plot)
    if explain is not None:
        check_single(accelerators, api.select(api.resolve(source).descriptors, layers), backend)
    choices = api.EvaluateOptions(str(objective), energy, backend, activation_density, block_index, str(density))
    choices = replace(choices, dstc=dstc.value, overheads=overheads, jobs=jobs, cache=cache)
    with progress() as bar:
        network = api.evaluate(source, accelerators, layers=layers, options=choices, progress=bar).network
    if out is not None:
        _save(network, out, plot is not False)
    if explain is not None:
        show_explanation(explanation_of(network.rows[0], explain), form)
        return
    show(evaluation_document(network, wide), form)


def render(  # noqa: PLR0913 - the options of a command
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; documents go to OUT/ARCH/LAYER/.")],
    masks: opt.MasksOption = None,
    workload: opt.WorkloadOption = None,
    nm: opt.NmOption = None,
    block: opt.BlockOption = None,
    sparsity: opt.SparsityOption = None,
    arch: opt.ArchOption = None,
    layers: opt.LayersOption = None,
    objective: opt.ObjectiveOption = opt.Objective.cycles,
    energy: opt.EnergyOption = None,
    setting: opt.SetOption = None,
    jobs: opt.JobsOption = None,
    cache: opt.CacheOption = True,
) -> None:
    """Timeloop's documents of every layer, with its best mapping."""
    from crisp_hw import api
    from crisp_hw.report.files import write_all

    source = opt.source_of(masks, workload, nm, block, sparsity)
    accelerators = opt.accelerators_of(arch, energy, setting)
    check_folder(out)
    choices = api.EvaluateOptions(str(objective), energy, jobs=jobs, cache=cache)
    with progress() as bar:
        found = api.evaluate(source, accelerators, layers=layers, options=choices, progress=bar)
    texts = {
        f"{row.arch}/{row.layer}/{name}": text.encode()
        for row in found.network.rows
        for name, text in api.documents(row).items()
    }
    files = write_all(out, texts)
    say_written(files, out)


def _check_output(out: Path | None, plot: bool | None) -> None:
    check_folder(out)
    if plot and out is None:
        raise InputError("--plot writes pictures into a folder; give one with --out")
    if out is not None and plot is not False:
        check_plotting("--plot")


def _save(network: "NetworkEvaluation", out: Path, plot: bool) -> None:
    from crisp_hw.report.files import save

    say_written(save(network, out, plot), out)
