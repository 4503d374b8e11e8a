"""crisp-prune: parse, run one job or one dry run, print."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from crisp_hw.errors import CrispError, InputError
from crisp_hw.spec.descriptors import Role
from crisp_prune.config import CrispConfig
from crisp_prune.data import ImageTransform
from crisp_prune.geometry import record
from crisp_prune.job import Job, Outcome, build_model, execute
from crisp_prune.plan import Plan, make_plan, require_reachable
from crisp_prune.sites import find_sites
from crisp_prune.train import Progress

app = typer.Typer(
    help="Prune a PyTorch model to N:M and blocks, for the classes that matter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ModelOption = Annotated[str, typer.Option("--model", help="package.module:factory of the torch model")]
WeightsOption = Annotated[Path | None, typer.Option(help="initial state_dict (tensors only)")]
NmOption = Annotated[str, typer.Option("--nm", help="fine-grained pattern, such as 2:4")]
BlockOption = Annotated[int, typer.Option(help="side of the square blocks, a multiple of M")]
SparsityOption = Annotated[float, typer.Option(help="target over all prunable weights, N:M counted")]
RoleOption = Annotated[list[str], typer.Option("--role", help="GLOB=hybrid|nm|dense, repeatable; the last match wins")]
CeilingOption = Annotated[list[str], typer.Option("--max-sparsity", help="GLOB=FRACTION, repeatable")]


@app.command()
def run(
    model: ModelOption,
    data: Annotated[str, typer.Option(help="folder of class sub-folders, or package.module:factory")],
    out: Annotated[Path, typer.Option(help="pruned-model file to write (.pt or .safetensors)")],
    classes: Annotated[str, typer.Option(help="label indices 3,5,7, or random:3, or all")] = "all",
    nm: NmOption = "2:4",
    block: BlockOption = 64,
    sparsity: SparsityOption = 0.9,
    run_dir: Annotated[Path | None, typer.Option(help="run directory; default: beside --out")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="continue a killed run")] = False,
    validate: Annotated[str | None, typer.Option(help="validation data; default: a held-back share of --data")] = None,
    weights: WeightsOption = None,
    seed: Annotated[int, typer.Option(help="of initial weights, classes, samples and data order")] = 0,
    epochs: Annotated[int, typer.Option(help="of fine-tuning, all iterations together")] = 50,
    lr: Annotated[float, typer.Option(help="peak learning rate")] = 0.01,
    momentum: Annotated[float, typer.Option(help="of SGD")] = 0.9,
    weight_decay: Annotated[float, typer.Option(help="of SGD")] = 5e-4,
    sr_ste: Annotated[float, typer.Option(help="pull on weights that N:M dropped; 2e-4 is usual, 0 none")] = 0.0,
    score: Annotated[str, typer.Option(help="cass, signed or magnitude")] = "cass",
    online: Annotated[bool, typer.Option("--online", help="score with the last epoch's gradients")] = False,
    normalize: Annotated[str, typer.Option(help="weight or sum")] = "weight",
    ramp: Annotated[str, typer.Option(help="linear or cubic")] = "linear",
    role: RoleOption = [],  # noqa: B006 (typer needs a list and copies it)
    max_sparsity: CeilingOption = [],  # noqa: B006
    batch_size: Annotated[int, typer.Option(help="samples per batch")] = 32,
    per_class: Annotated[int, typer.Option(help="training samples of each class, at most")] = 256,
    holdout: Annotated[float, typer.Option(help="share held back without --validate")] = 0.2,
    image_size: Annotated[int, typer.Option(help="pixels of a folder's images after the centre crop")] = 224,
    raw_pixels: Annotated[bool, typer.Option("--raw-pixels", help="pixels in [0, 1], not normalised")] = False,
    amp: Annotated[str, typer.Option(help="off, bf16 or fp16")] = "off",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
) -> None:
    """Prune and fine-tune; write the pruned-model file and a run directory."""
    n, m = _pattern(nm)
    config = CrispConfig(
        sparsity=sparsity,
        n=n,
        m=m,
        block=block,
        score=cast(Any, score),
        online=online,
        normalize=cast(Any, normalize),
        ramp=cast(Any, ramp),
        roles=_roles(role),
        max_sparsity=_ceilings(max_sparsity),
        sr_ste=sr_ste,
        epochs=epochs,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        amp=cast(Any, amp),
        seed=seed,
    )
    job = Job(
        model=model,
        data=data,
        out=out,
        run_dir=run_dir or out.with_name(f"{out.stem}-run"),
        classes=classes,
        weights=weights,
        validate=validate,
        config=config,
        batch_size=batch_size,
        per_class=per_class,
        holdout=holdout,
        image=ImageTransform(image_size, not raw_pixels),
        device=device,
    )
    with _bars() as on_step:
        outcome = execute(job, resume, on_step)
    _print_outcome(job, outcome)


@app.command()
def plan(
    model: ModelOption,
    nm: NmOption = "2:4",
    block: BlockOption = 64,
    sparsity: SparsityOption = 0.9,
    input_shape: Annotated[str, typer.Option("--input", help="1,3,224,224: roles by order of call")] = "",
    weights: WeightsOption = None,
    role: RoleOption = [],  # noqa: B006
    max_sparsity: CeilingOption = [],  # noqa: B006
) -> None:
    """Dry run: which layer gets what and why, and the highest reachable sparsity."""
    n, m = _pattern(nm)
    roles, ceilings = _roles(role), _ceilings(max_sparsity)
    config = CrispConfig(sparsity=sparsity, n=n, m=m, block=block, roles=roles, max_sparsity=ceilings)
    network = build_model(model, weights, config.seed)
    geometry = None
    if input_shape:
        sample = torch.zeros(_shape(input_shape))
        geometry = record(network, find_sites(network), lambda: network(sample), sample.shape[0])
    found = make_plan(network, config, geometry)
    _print_plan(found)
    require_reachable(found, config.sparsity)


def main() -> None:
    """Entry point: an error of the user's is one line on stderr and an exit code, without a traceback."""
    try:
        app()
    except CrispError as error:
        print(f"crisp-prune: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def _pattern(text: str) -> tuple[int, int]:
    """N and M of "2:4"."""
    n, colon, m = text.partition(":")
    if not (colon and n.isdecimal() and m.isdecimal()):
        raise InputError(f"--nm {text!r} is no pattern; write N:M such as 2:4")
    return int(n), int(m)


def _shape(text: str) -> tuple[int, ...]:
    """Positive extents from "1,3,224,224"."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise InputError(f"--input {text!r} is no shape; write batch,channels,height,width such as 1,3,224,224")
    return tuple(int(part) for part in parts)


def _assignments(option: str, items: list[str]) -> Iterator[tuple[str, str]]:
    """Glob and value of every GLOB=VALUE."""
    for item in items:
        glob, equals, value = item.rpartition("=")
        if not equals or not glob:
            raise InputError(f"{option} {item!r}: write GLOB=VALUE")
        yield glob, value


def _roles(items: list[str]) -> dict[str, Role]:
    """--role options as the config wants them."""
    roles: dict[str, Role] = {}
    for glob, value in _assignments("--role", items):
        if value not in get_args(Role):
            raise InputError(f"--role {glob}={value}: choose one of {', '.join(get_args(Role))}")
        roles[glob] = cast(Role, value)
    return roles


def _ceilings(items: list[str]) -> dict[str, float]:
    """--max-sparsity options as the config wants them."""
    ceilings = {}
    for glob, value in _assignments("--max-sparsity", items):
        try:
            ceilings[glob] = float(value)
        except ValueError:
            raise InputError(f"--max-sparsity {glob}={value}: {value!r} is no number") from None
    return ceilings


@contextmanager
def _bars() -> Iterator[Callable[[Progress], None]]:
    """A callback that moves a progress bar on stderr; nothing is drawn when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("scoring", total=None)

        def on_step(progress: Progress) -> None:
            text = f"iteration {progress.iteration}, sparsity {progress.sparsity:.3f}"
            bars.update(task, description=text, completed=progress.step, total=progress.total)

        yield on_step


def _print_outcome(job: Job, outcome: Outcome) -> None:
    """Three lines: what was reached, what it cost, where it lies."""
    before, after = outcome.before, outcome.after
    print(f"sparsity {outcome.sparsity:.4f} (target {job.config.sparsity})")
    print(
        f"top-1 over all outputs {before.top1_all:.4f} -> {after.top1_all:.4f}, "
        f"among the classes {before.top1_classes:.4f} -> {after.top1_classes:.4f} ({after.samples} samples)"
    )
    print(f"wrote {job.out} and {job.run_dir}/report.md")


def _print_plan(found: Plan) -> None:
    """The dry run as a table."""
    table = Table("layer", "role", "matrix", "blocks", "reach", "why")
    for layer in found.layers:
        rows, columns = layer.grid.shape
        reach = "-" if layer.role == "dense" else f"{1 - layer.lowest_kept / layer.weights:.4f}"
        matrix = f"{layer.grid.rows} x {layer.grid.columns}"
        table.add_row(layer.name, layer.role, matrix, f"{rows} x {columns}", reach, layer.reason)
    # A pipe has no width of its own: leave room for long layer names instead of cutting them at 80 columns.
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)
    for entry in found.skipped:
        print(f"skipped {entry.name}: {entry.reason}")
    targets = ", ".join(f"{target:.3f}" for target in found.targets)
    print(f"{found.total} prunable weights; highest reachable sparsity {found.highest:.4f}; targets {targets}")
