"""`crisp-hw measure`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import FormatOption, Inputs
from crisp_hw.cli.output import show_table
from crisp_hw.command_line.options import WideOption
from crisp_hw.errors import InputError

if TYPE_CHECKING:
    from crisp_hw.spec.descriptors import Descriptor


@grouped
def measure(
    inputs: Inputs,
    vectors: Annotated[
        int | None,
        typer.Option("--vectors", help="Vectors that every layer is applied to. Default: the network's.", min=1),
    ] = None,
    precision: Annotated[
        Literal["float16", "bfloat16"],
        typer.Option("--precision", help="The form of weights and vectors: float16 or bfloat16."),
    ] = "float16",
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Time the 2:4 linear layers of a network on this machine's GPU, sparse against dense, beside the model.

    It needs an NVIDIA GPU of compute capability 8.0 or more, and ends with exit code 4 where there is none.
    """
    from crisp_hw.gpu import gpu_timer, timed
    from crisp_hw.pipeline import evaluate_layers
    from crisp_hw.report.gpu import timed_document
    from crisp_hw.sources import resolve, select, sized
    from crisp_hw.spec.options import EvaluateOptions

    accelerators = inputs.accelerators(None)
    if len(accelerators) != 1:
        raise InputError(f"{len(accelerators)} accelerators are given", hint="give one --arch, whose speedup is shown")
    time = gpu_timer(precision)
    network = sized(resolve(inputs.source()))
    chosen = [_applied(each, vectors) for each in select(network.descriptors, inputs.layers)]

    def predict(layers: "Sequence[Descriptor]") -> dict[str, float]:
        rows = evaluate_layers(layers, accelerators, EvaluateOptions(), None, network.masks)
        return {row.layer: row.speedup for row in rows}

    found = timed(chosen, network.masks or {}, time, predict)
    if not found.layers:
        raise InputError(
            f"{network.name} has no layer that can be timed ({found.skipped[0].name}: {found.skipped[0].reason})",
            hint="give a network with 2:4 linear layers",
        )
    show_table(timed_document(network.name, accelerators[0].name, found.layers, found.skipped), form, wide)


def _applied(descriptor: "Descriptor", vectors: int | None) -> "Descriptor":
    """A linear layer on another number of vectors."""
    if vectors is None or descriptor.layer.kind != "linear":
        return descriptor
    return replace(descriptor, layer=replace(descriptor.layer, tokens=vectors))
