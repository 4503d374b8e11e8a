"""`crisp-hw describe`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import check_output, check_plotting, output_option, say_written, show
from crisp_hw.errors import InputError, Mark, Where

if TYPE_CHECKING:
    from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel


def describe(
    file: Annotated[Path, typer.Argument(help="The pruned-model file (.pt or .safetensors).")],
    form: FormatOption = "table",
    picture: Annotated[
        Path | None,
        output_option("The PNG file to draw the mask of one layer to.", "--picture"),
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", help="The layer that --picture draws. Default: the first that has blocks.")
    ] = None,
) -> None:
    """Measure what the masks of a pruned network really are: N:M, blocks, balance, density, bits of metadata."""
    from crisp_hw import api
    from crisp_hw.report.masks import descriptor_document

    if layer is not None and picture is None:
        raise InputError("--layer chooses what --picture FILE.png shows", hint="give both")
    check_output(picture)
    model = api.load_pruned(file)
    document = descriptor_document(model.name, api.describe(model))
    if picture is not None:
        _draw(_chosen(model, layer), picture)
    show(document, form)


def _chosen(model: "PrunedModel", name: str | None) -> "PrunedLayer":
    masked = [each for each in model.layers if each.mask is not None]
    if name is None:
        masked.sort(key=lambda each: each.block is None)
    else:
        masked = [each for each in masked if each.layer.name == name]
    if not masked:
        names = ", ".join(each.layer.name for each in model.layers if each.mask is not None) or "none"
        raise InputError(f"no layer {name or 'at all'} with a mask in {model.name}", hint=f"there are {names}")
    return masked[0]


def _draw(pruned: "PrunedLayer", picture: Path) -> None:
    check_plotting("--picture")
    if picture.suffix != ".png":
        raise InputError("pictures are PNG files", Where(mark=Mark(str(picture))), "let the name end in .png")
    from crisp_hw.machine.writing import write_all
    from crisp_hw.report.mask_picture import mask_figure
    from crisp_hw.report.plots import png

    say_written(write_all(picture.parent, {picture.name: png(mask_figure(pruned))}), picture.parent)
