"""Options that commands share: fields of a dataclass say what they are, and typer sees them as options of a command."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crisp_hw.cli.completion import COMPLETIONS
from crisp_hw.command_line.job_files import NAME_OR_FILE
from crisp_hw.command_line.options import FormatOption as FormatOption
from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError
from crisp_hw.spec.options import SEARCH, EvaluateOptions, Stated, stated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crisp_hw.sources import Asked, ModelFile, Source
    from crisp_hw.spec.accelerator import Accelerator
    from crisp_hw.spec.patterns import NM

DEFAULT_ARCH = packaged().default
ARCH = ("--arch", "-a")


EnergyOption = Annotated[
    str | None,
    typer.Option("--energy", help=stated(EvaluateOptions)["energy"].help, autocompletion=COMPLETIONS["energy"]),
    NAME_OR_FILE,
]
SET_HELP = (
    "Change one number of the accelerators, for example smem_bandwidth=32 (words per cycle; none means unlimited). "
    "Repeatable; `crisp-hw arch show` lists all numbers."
)
SetOption = Annotated[list[str] | None, typer.Option("--set", help=SET_HELP, autocompletion=COMPLETIONS["setting"])]
IncludeOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--include",
        help="A folder from which templates may include files, besides the folders of FILES themselves. Repeatable.",
    ),
]
DefineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--define", "-D", metavar="NAME=VALUE", help="The value of a variable that templates use. Repeatable."
    ),
]
DataOption = Annotated[
    list[Path] | None,
    typer.Option("--data", help="A YAML file of variables that templates use; -D has priority. Repeatable."),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse documents in which something has no effect, instead of listing it.")
]
Searching = Annotated[EvaluateOptions, SEARCH]
"""The options of a command that looks for mappings and evaluates with the defaults."""


@dataclass(frozen=True)
class Inputs:
    """What is evaluated: a network, its layers, and accelerators."""

    network: Annotated[
        str | None,
        Stated(
            "The network: a pruned-model file (.pt, .safetensors), weights of another tool (.pt, .pth, .bin, .ckpt, "
            ".safetensors, .onnx, .pt2, or a folder of Hugging Face), a packaged layer table by name (resnet50), a "
            ".yaml file of one, or timm:NAME.",
            argument="SOURCE",
        ),
    ] = None
    masks: Annotated[Path | None, Stated("SOURCE, as a pruned-model file (.pt or .safetensors).")] = None
    workload: Annotated[str | None, Stated("SOURCE, as a layer table: a name such as resnet50, or a .yaml file.")] = (
        None
    )
    model: Annotated[
        str | None,
        Stated(
            "The function that makes the PyTorch model of weights of another tool, as package.module:factory; or "
            "timm:NAME."
        ),
    ] = None
    input: Annotated[
        str | None,
        Stated(
            "The sizes of one input of --model, or of an ONNX file that leaves them open, such as 1,3,224,224 (batch, "
            "channels, height, width)."
        ),
    ] = None
    nm: Annotated[str | None, Stated("The N:M pattern that a layer table is pruned to, such as 2:4.")] = None
    block: Annotated[
        int | None, Stated("The side of the square blocks that a layer table is pruned in, in weights.")
    ] = None
    sparsity: Annotated[
        float | None,
        Stated("The share of zeros among the prunable weights of a layer table, from 0 to 1, those of N:M included."),
    ] = None
    phase: Annotated[
        Literal["prefill", "decode"] | None,
        Stated("What a transformer computes: a whole sequence (prefill, the default), or new tokens (decode)."),
    ] = None
    tokens: Annotated[
        int | None,
        Stated("New tokens of a transformer. Default: those of its table, or 1 in the phase decode.", least=1),
    ] = None
    context: Annotated[
        int | None,
        Stated(
            "Tokens before them, whose keys and values are kept. Default: 0, in the phase decode those of the table.",
            least=0,
        ),
    ] = None
    batch: Annotated[int, Stated("Samples at once; all numbers are for all of them.", least=1)] = 1
    arch: Annotated[
        list[str] | None,
        Stated(
            f"An accelerator by name or .yaml file, also with other numbers: {packaged().another}:cores=8,rf_kb=2. "
            f"Repeatable. Default: {DEFAULT_ARCH}.",
            ARCH,
        ),
    ] = None
    layers: Annotated[
        str | None, Stated("Evaluate only the layers whose names match this glob, such as 'layer4.*'.")
    ] = None
    setting: Annotated[list[str] | None, Stated(SET_HELP, ("--set",))] = None

    def __post_init__(self) -> None:
        """SOURCE becomes what --masks or --workload would have said; InputError where one of them is there, too."""
        if self.network is None:
            return
        if self.masks is not None or self.workload is not None:
            option = "--workload" if self.masks is None else "--masks"
            raise InputError(f"SOURCE {self.network} and {option} are given together", hint="give the network once")
        from crisp_hw.sources import kind_of

        match kind_of(self.network):
            case "pruned":
                object.__setattr__(self, "masks", Path(self.network))
            case "table":
                object.__setattr__(self, "workload", self.network)
            case _:
                return
        object.__setattr__(self, "network", None)

    def source(self) -> "Source | Asked":
        """The network, with what is asked of it; InputError unless it is exactly one."""
        from crisp_hw.sources import Asked
        from crisp_hw.spec.transformers import Demand

        demand = Demand(self.phase, self.tokens, self.context, self.batch)
        return self.network_source() if demand == Demand() else Asked(self.network_source(), demand)

    def network_source(self) -> "Source":
        """The network alone."""
        from crisp_hw.io.pruned import load_pruned
        from crisp_hw.sources import WorkloadPattern

        match self.masks, self.workload, self.network:
            case Path(), None, None:
                self._refuse("only for a layer table", f"the masks of {self.masks} say what is pruned", *PRUNING)
                if any(getattr(self, name) is not None for name in SIZES):
                    load_pruned(self.masks)  # a damaged or missing file holds nothing, and is told as what it is
                self._refuse("only for weights of another tool", f"{self.masks} holds the sizes of its layers", *SIZES)
                return self.masks
            case None, str(), None:
                hint = f"{self.workload} holds the sizes of its layers"
                self._refuse("only for weights of another tool", hint, *SIZES)
                nm = None if self.nm is None else _pattern(self.nm)
                return WorkloadPattern(self.workload, nm, self.block, self.sparsity)
            case None, None, str():
                self._refuse("only for a layer table", f"the zeros of {self.network} say what is pruned", *PRUNING)
                return _model_file(self.network, self.model, self.input)
            case _:
                raise InputError("give exactly one network", hint="SOURCE, --masks FILE or --workload NAME")

    def _refuse(self, only: str, hint: str, *names: str) -> None:
        """InputError for options that have no effect on this network."""
        extra = ", ".join(f"--{name}" for name in names if getattr(self, name) is not None)
        if extra:
            raise InputError(f"{extra}: {only}", hint=hint)

    def accelerators(self, energy: str | None) -> "tuple[Accelerator, ...]":
        """The accelerators with the numbers of --set; InputError for one that there is not."""
        return accelerators_of(self.arch, energy, self.setting)


PRUNING, SIZES, STEP = ("nm", "block", "sparsity"), ("model", "input"), ("phase", "tokens", "context")
NETWORK = ("network", "masks", "workload", *SIZES, *PRUNING, "layers")
"""The inputs that say which network, and which of its layers."""
WITHOUT_SOURCE = tuple(name for name in stated(Inputs) if name != "network")
"""The inputs of a command whose own argument may be SOURCE, too."""


def accelerators_of(
    archs: "Sequence[str] | None", energy: str | None, settings: "Sequence[str] | None"
) -> "tuple[Accelerator, ...]":
    """The accelerators that the options name, each with the numbers of --set; InputError for a setting it lacks.

    --set changes all of them alike, so that they keep their names; `--arch NAME:number=value` makes a variant with a
    name of its own.
    """
    from crisp_hw.accelerators.settings import settings as read
    from crisp_hw.sources import load_accelerators
    from crisp_hw.spec.accelerator import changed

    changes = read(list(settings or ()), "--set ")
    loaded = load_accelerators(archs or [DEFAULT_ARCH], energy)
    for each in loaded:
        if each.variant and (lost := each.variant.lost(changes)):
            said = f"--set {', '.join(changes)}: leaves {lost[0]} of --arch {each.name} without effect"
            raise InputError(said, hint="--set applies to every accelerator, so give the number in one place")
    return tuple(changed(each, changes, each.name if changes else None) for each in loaded)


def _model_file(path: str, model: str | None, sizes: str | None) -> "ModelFile":
    from crisp_hw.command_line.shapes import shape_from
    from crisp_hw.sources import ModelFile

    return ModelFile(path, model, None if sizes is None else shape_from(sizes))


def _pattern(text: str) -> "NM":
    from crisp_hw.spec.patterns import nm_of

    try:
        return nm_of(text)
    except InputError as error:
        raise InputError(f"--nm {text}: is no N:M pattern", hint="write 2:4 for two kept of every four") from error
