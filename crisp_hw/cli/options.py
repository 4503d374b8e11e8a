"""Options that commands share, and what their texts mean."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli.choices import Density as Density
from crisp_hw.cli.choices import DialectName as DialectName
from crisp_hw.cli.choices import Dstc as Dstc
from crisp_hw.cli.choices import Format as Format
from crisp_hw.cli.choices import Objective as Objective
from crisp_hw.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crisp_hw.api import Source
    from crisp_hw.spec.accelerator import Accelerator
    from crisp_hw.spec.patterns import NM

DEFAULT_ARCH = "crisp-stc"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="What to print.")]
WideOption = Annotated[bool, typer.Option("--wide", help="Every column in the tables, however wide.")]
MasksOption = Annotated[Path | None, typer.Option("--masks", help="Pruned-model file (.pt or .safetensors).")]
WorkloadOption = Annotated[
    str | None, typer.Option("--workload", help="Layer table by name or .yaml path, instead of --masks.")
]
NmOption = Annotated[str | None, typer.Option("--nm", help="N:M pattern of --workload, such as 2:4.")]
BlockOption = Annotated[int | None, typer.Option("--block", help="Side of the blocks of --workload, in weights.")]
SparsityOption = Annotated[
    float | None,
    typer.Option("--sparsity", help="Share of zeros of --workload over its prunable weights, N:M counted."),
]
ArchOption = Annotated[
    list[str] | None, typer.Option("--arch", "-a", help="Accelerator by name or .yaml path; repeatable [crisp-stc].")
]
LayersOption = Annotated[str | None, typer.Option("--layers", help="Only layers whose name matches this GLOB.")]
EnergyOption = Annotated[str | None, typer.Option("--energy", help="Energy table by name or .yaml path.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another number of the accelerators, e.g. smem_bandwidth=32 (none: unlimited)."),
]
ObjectiveOption = Annotated[Objective, typer.Option("--objective", help="What the mapper minimises.")]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        help="Processes that search for mappings; default: one, from the second second on every core if that pays.",
    ),
]
CacheOption = Annotated[
    bool,
    typer.Option("--cache/--no-cache", help="Keep what searches find, and read it back (`crisp-hw cache`)."),
]
ActivationOption = Annotated[float, typer.Option("--activation-density", help="Share of nonzero activations (DSTC).")]
IndexOption = Annotated[bool, typer.Option("--block-index/--no-block-index", help="Count fetches of the block index.")]
DensityOption = Annotated[
    Density,
    typer.Option("--density", help="Weights by statistical model, by the masks themselves, or by blocks with N:M."),
]
DstcOption = Annotated[
    Dstc, typer.Option("--dstc", help="DSTC as if zeros cost nothing, or with lanes that packing leaves idle.")
]
OverheadOption = Annotated[
    bool,
    typer.Option(
        "--overheads/--no-overheads", help="Charge what Sparseloop does not: block index, selection, decoders."
    ),
]
BackendOption = Annotated[str, typer.Option("--backend", help="What evaluates: embedded, or an installed Timeloop.")]


def source_of(
    masks: Path | None, workload: str | None, nm: str | None, block: int | None, sparsity: float | None
) -> "Source":
    """The network that the options name; InputError unless it is exactly one."""
    from crisp_hw.api import WorkloadPattern

    match masks, workload:
        case Path(), None:
            given = {"--nm": nm, "--block": block, "--sparsity": sparsity}
            extra = ", ".join(name for name, value in given.items() if value is not None)
            if extra:
                raise InputError(f"{extra}: only with --workload; the masks of {masks} say what is pruned")
            return masks
        case None, str():
            return WorkloadPattern(workload, None if nm is None else _pattern(nm), block, sparsity)
        case _:
            raise InputError("give exactly one of --masks FILE and --workload NAME")


def accelerators_of(
    archs: "Sequence[str] | None", energy: str | None, settings: "Sequence[str] | None"
) -> "tuple[Accelerator, ...]":
    """The accelerators that the options name, each with the numbers of --set; InputError for a setting it lacks."""
    from crisp_hw.api import load_accelerators

    changes = dict(_setting(text) for text in settings or ())
    return tuple(accelerator.replace(**changes) for accelerator in load_accelerators(archs or [DEFAULT_ARCH], energy))


def _pattern(text: str) -> "NM":
    from crisp_hw.spec.patterns import NM

    found = re.fullmatch(r"(\d{1,4}):(\d{1,4})", text)
    if not found:
        raise InputError(f"--nm {text}: is no N:M pattern; write 2:4 for two kept of every four")
    return NM(int(found[1]), int(found[2]))


def _setting(text: str) -> tuple[str, float | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set {text}: lacks a value; write {text}=NUMBER")
    if value == "none":
        return name, None
    try:
        number = float(value)
    except ValueError as error:
        raise InputError(f"--set {text}: {value!r} is no number; give a number, or none for unlimited") from error
    return name, int(number) if number.is_integer() else number
