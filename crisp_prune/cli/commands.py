"""The commands of `crisp-prune`."""

from collections.abc import Mapping
from inspect import Parameter
from typing import Annotated, Any

import torch
import typer

from crisp_prune.cli.ending import interruptible
from crisp_prune.cli.options import config_from, config_options, job_from, job_options, shape_from, with_options
from crisp_prune.cli.output import bars, print_outcome, print_plan
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import record
from crisp_prune.job import Job, build_model, execute
from crisp_prune.plan import make_plan, require_reachable
from crisp_prune.sites import find_sites

app = typer.Typer(
    help="Prune a PyTorch model to N:M and blocks, for the classes that matter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

RESUME = Parameter(
    "resume",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--resume", help="continue a killed run")],
)
INPUT = Parameter(
    "input_shape",
    Parameter.KEYWORD_ONLY,
    default="",
    annotation=Annotated[str, typer.Option("--input", help="1,3,224,224: roles by order of call")],
)
PLANNED = ("nm", "block", "sparsity", "role", "max_sparsity", "seed")
"""Options of the config that a dry run reads."""


@app.command()
@with_options([*job_options(), *config_options(), RESUME])
def run(**asked: Any) -> None:
    """Prune and fine-tune; write the pruned-model file and a run directory."""
    raise typer.Exit(interruptible(lambda: _run(job_from(asked), asked["resume"])))


@app.command()
@with_options([*job_options(("model", "weights")), *(o for o in config_options() if o.name in PLANNED), INPUT])
def plan(**asked: Any) -> None:
    """Dry run: which layer gets what and why, and the highest reachable sparsity."""
    raise typer.Exit(interruptible(lambda: _plan(config_from(asked), asked)))


def _run(job: Job, resume: bool) -> None:
    with bars() as on_step:
        outcome = execute(job, resume, on_step)
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
