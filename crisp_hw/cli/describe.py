"""`crisp-hw describe`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import NETWORK, FormatOption, Inputs
from crisp_hw.cli.output import check_output, check_plotting, output_option, say_written, show_table
from crisp_hw.command_line.options import WideOption
from crisp_hw.errors import InputError

if TYPE_CHECKING:
    from crisp_hw.sources import Network
    from crisp_hw.spec.descriptors import PrunedLayer


@grouped
def describe(
    inputs: Annotated[Inputs, NETWORK],
    form: FormatOption = "table",
    wide: WideOption = False,
    picture: Annotated[
        Path | None,
        output_option("The file to draw the mask of one layer to (.png, .svg or .pdf).", "--picture"),
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", help="The layer that --picture draws. Default: the first that has blocks.")
    ] = None,
) -> None:
    """Measure what the masks of a pruned network really are: N:M, blocks, balance, density, bits of metadata."""
    from crisp_hw.report.masks import descriptor_document
    from crisp_hw.sources import resolve, select

    if layer is not None and picture is None:
        raise InputError("--layer chooses what --picture FILE shows", hint="give both")
    check_output(picture)
    network = resolve(inputs.source())
    document = descriptor_document(network.name, select(network.descriptors, inputs.layers), network.read_as)
    if picture is not None:
        _draw(_chosen(network, layer), picture)
    show_table(document, form, wide)


def _chosen(network: "Network", name: str | None) -> "PrunedLayer":
    if network.masks is None:
        raise InputError(f"{network.name} has no masks to draw", hint="a layer table holds none; give a pruned model")
    there = [each for each in network.masks.values() if each.mask is not None]
    masked = [each for each in there if name in (None, each.layer.name)]
    masked.sort(key=lambda each: each.block is None)
    if not masked:
        names = ", ".join(each.layer.name for each in there) or "none"
        raise InputError(f"no layer {name or 'at all'} with a mask in {network.name}", hint=f"there are {names}")
    return masked[0]


def _draw(pruned: "PrunedLayer", picture: Path) -> None:
    check_plotting("--picture")
    from crisp_hw.machine.writing import write_all
    from crisp_hw.report.mask_picture import mask_figure
    from crisp_hw.report.plots import form_of
    from crisp_hw.report.plots import picture as drawn

    form = form_of(picture)
    say_written(write_all(picture.parent, {picture.name: drawn(mask_figure(pruned), form)}), picture.parent)
