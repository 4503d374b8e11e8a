"""The commands of `crisp-prune`."""

from collections.abc import Mapping
from inspect import Parameter
from typing import Annotated, Any

import torch
import typer
from typer.core import TyperGroup

from crisp_hw.errors import CrispError, Mark, Where
from crisp_hw.machine.ending import INTERRUPTED, ended
from crisp_prune.cli.options import config_from, config_options, job_from, job_options, shape_from, with_options
from crisp_prune.cli.output import bars, print_outcome, print_plan
from crisp_prune.cli.start import PROGRAM
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import record
from crisp_prune.job import Job, build_model, execute
from crisp_prune.plan import make_plan, require_reachable
from crisp_prune.rundir import CHECKPOINT
from crisp_prune.sites import find_sites

_PARSER = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
PASSING = (typer.Exit, typer.Abort, _PARSER)
"""What the parser itself says and ends."""


class ErrorBoundary(TyperGroup):
    """Ends every command in one sentence, before typer meets an interrupt or a closed pipe; it says nothing of them."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the options; help is printed here."""
        found: list[Any] = []
        made = super().make_context
        if code := ended(PROGRAM, lambda: found.append(made(*args, **more)), passing=PASSING):
            raise typer.Exit(code)
        return found[0]

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's context is click's
        """Run the command."""
        invoke = super().invoke
        if code := ended(PROGRAM, lambda: invoke(ctx), bool(ctx.params.get("debug")), PASSING):
            raise typer.Exit(code)
        return None


EXIT_CODES = (
    "Exit codes: 0 the command is done; 2 a file, an option or a value is refused; 4 an outside tool or the machine "
    "failed; 70 a defect of this program; 130 interrupted; 141 nobody reads the output any more."
)

app = typer.Typer(
    cls=ErrorBoundary,
    help="Prune a PyTorch model to N:M sparsity and blocks, for the classes that its user sees.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

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
PLANNED = ("nm", "block", "sparsity", "role", "max_sparsity", "seed")
"""Options of the config that a dry run reads."""


class Interrupted(CrispError):
    """An interrupt of a run that can be continued."""

    exit_code = INTERRUPTED


@app.callback()
def program(
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error, too.")] = False,
) -> None:
    """Prune a PyTorch model to N:M sparsity and blocks, for the classes that its user sees."""


@app.command()
@with_options([*job_options(), *config_options(), RESUME])
def run(**asked: Any) -> None:
    """Prune and fine-tune a model, and write the pruned-model file and a run directory."""
    _run(job_from(asked), asked["resume"])


@app.command()
@with_options([*job_options(("model", "weights")), *(o for o in config_options() if o.name in PLANNED), INPUT])
def plan(**asked: Any) -> None:
    """Say which layer would get which pattern and why, and the highest sparsity that can be reached."""
    _plan(config_from(asked), asked)


def _run(job: Job, resume: bool) -> None:
    try:
        with bars() as on_step:
            outcome = execute(job, resume, on_step)
    except KeyboardInterrupt:
        if not (job.run_dir / CHECKPOINT).exists():
            raise
        raise Interrupted("interrupted", Where(mark=Mark(str(job.run_dir))), "continue with --resume") from None
    print_outcome(job, outcome)


def _plan(config: CrispConfig, asked: Mapping[str, Any]) -> None:
    network = build_model(asked["model"], asked["weights"], config.seed)
    geometry = None
    if asked["input_shape"]:
        sample = torch.zeros(shape_from(asked["input_shape"]))
        geometry = record(network, find_sites(network), lambda: network(sample), sample.shape[0])
    found = make_plan(network, config, geometry)
    print_plan(found)
    require_reachable(found, config.sparsity)
