"""The commands of `crisp-prune`. PyTorch is loaded by what runs, not by what parses."""

from collections.abc import Mapping
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from crisp_hw.command_line.formats import Format
from crisp_hw.command_line.job_files import FOLDER_OR_FACTORY
from crisp_hw.command_line.options import FormatOption
from crisp_hw.command_line.program import Program, finish, new_app
from crisp_hw.command_line.shapes import shape_from
from crisp_hw.errors import CrispError, Mark, Where
from crisp_hw.machine.ending import INTERRUPTED
from crisp_prune.cli.examples import EXAMPLES
from crisp_prune.cli.options import config_from, config_options, job_from, job_options, with_options

if TYPE_CHECKING:
    from crisp_prune.config import CrispConfig
    from crisp_prune.options import Job

PROGRAM = Program(
    "crisp-prune",
    "Prune a PyTorch model to N:M sparsity and blocks, for the classes that its user sees.",
    (0, 2, 4, 70, 130, 141),
)
app = new_app(PROGRAM)

RESUME = Parameter(
    "resume",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--resume", help="Continue a run that was interrupted or killed.")],
)
INPUT = Parameter(
    "input_shape",
    Parameter.KEYWORD_ONLY,
    default="",
    annotation=Annotated[
        str,
        typer.Option(
            "--input",
            help="The shape of an input, such as 1,3,224,224, to find the order in which layers are called.",
        ),
    ],
)
FORM = Parameter("form", Parameter.KEYWORD_ONLY, default="table", annotation=FormatOption)
PLANNED = ("pattern", "scope", "nm", "block", "sparsity", "role", "max_sparsity", "seed")
"""Options of the config that a dry run reads."""


class Interrupted(CrispError):
    """An interrupt of a run that can be continued."""

    exit_code = INTERRUPTED


@app.command()
@with_options([*job_options(), *config_options(), RESUME, FORM])
def run(**asked: Any) -> None:
    """Prune and fine-tune a model, and write the pruned-model file and a run directory."""
    _run(job_from(asked), asked["resume"], asked["form"])


@app.command()
@with_options([*job_options(("model", "weights")), *(o for o in config_options() if o.name in PLANNED), INPUT, FORM])
def plan(**asked: Any) -> None:
    """Say which layer would get which pattern and why, and the highest sparsity that can be reached."""
    _plan(config_from(asked), asked)


@app.command("one-shot")
def one_shot(  # noqa: PLR0913 - the options of a command
    model: Annotated[
        str, typer.Option("--model", help="The function that makes the PyTorch model, as package.module:factory.")
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data", help="Inputs to calibrate with: a folder with a sub-folder per class, or package.module:factory."
        ),
        FOLDER_OR_FACTORY,
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The pruned-model file to write (.pt or .safetensors).")],
    nm: Annotated[str, typer.Option("--nm", help="The pattern N:M.")] = "2:4",
    rule: Annotated[
        str, typer.Option("--rule", help="How weights are chosen: magnitude, wanda or sparsegpt.")
    ] = "wanda",
    weights: Annotated[
        Path | None, typer.Option("--weights", help="The state_dict to start from (tensors only).")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="The most inputs to calibrate with.", min=1)] = 128,
    batch_size: Annotated[int, typer.Option("--batch-size", help="The number of samples per batch.", min=1)] = 32,
    form: FormatOption = "table",
) -> None:
    """Prune to N:M without training, by the inputs that layers see, and write the pruned-model file and the weights."""
    _need_torch()
    from crisp_hw.command_line.answers import show
    from crisp_hw.spec.kinds import of_kind
    from crisp_prune.cli.output import say_written
    from crisp_prune.once import Calibrated, prune_once
    from crisp_prune.oneshot import Rule

    of_kind("--rule", rule, Rule)
    asked = Calibrated(model, data, out, nm, cast(Rule, rule), weights, samples, batch_size)
    try:
        document = prune_once(asked)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was kept", Where(mark=Mark(str(out))), "say the same again") from None
    show(document, form)
    say_written(asked.out, asked.saved_weights)


@app.command()
def compare(
    study: Annotated[Path, typer.Argument(help="The YAML file of the study.", metavar="STUDY")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for cells, results and figures.")],
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="The number of processes, each with a cell.", min=1)] = 1,
    done: Annotated[
        bool, typer.Option("--done", help="Compute nothing: say what the cells in the folder say.")
    ] = False,
    form: FormatOption = "table",
) -> None:
    """Compare ways to prune on real images: a table with deviations over seeds, and figures.

    Cells that lie in the folder are not computed again: a study that was interrupted goes on with the same words.
    """
    _need_torch()
    from crisp_hw.command_line.answers import show
    from crisp_prune.cli.studies import compared

    try:
        document = compared(study, out, jobs, done)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", Where(mark=Mark(str(out))), "say the same again to go on") from None
    show(document, form)


def _run(job: "Job", resume: bool, form: Format) -> None:
    _need_torch()
    from crisp_hw.command_line.answers import show
    from crisp_prune.cli.output import bars, outcome_document, say_outcome
    from crisp_prune.job import execute
    from crisp_prune.rundir import standing

    try:
        with bars() as on_step:
            outcome = execute(job, resume, on_step)
    except KeyboardInterrupt:
        said, how = standing(job.run_dir)
        raise Interrupted(said, Where(mark=Mark(str(job.run_dir))), how) from None
    show(outcome_document(job, outcome), form)
    say_outcome(job)


def _plan(config: "CrispConfig", asked: Mapping[str, Any]) -> None:
    _need_torch()
    import torch

    from crisp_hw.command_line.answers import show
    from crisp_prune.geometry import record
    from crisp_prune.job import build_model
    from crisp_prune.plan import make_plan, plan_document, reaching, require_reachable
    from crisp_prune.sites import find_sites

    network = build_model(asked["model"], asked["weights"], config.seed)
    geometry = None
    if asked["input_shape"]:
        sample = torch.zeros(shape_from(asked["input_shape"]))
        geometry = record(network, find_sites(network), lambda: network(sample), sample.shape[0])
    found = make_plan(network, config, geometry)
    show(plan_document(found), asked["form"])
    require_reachable(found, reaching(config, found).target)


def _need_torch() -> None:
    """CrispError where PyTorch is missing, before anything else is looked at."""
    try:
        import torch  # noqa: F401 - whether it can be loaded
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise CrispError("PyTorch is not installed", hint='pip install "crisp-hw[torch]"') from None


finish(app, EXAMPLES)
