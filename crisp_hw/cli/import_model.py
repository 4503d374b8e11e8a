"""`crisp-hw import`."""

from pathlib import Path
from typing import Annotated

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import SIZES, STEP, FormatOption, Inputs
from crisp_hw.cli.output import check_output, output_option, show_written
from crisp_hw.command_line import voice


@grouped
def import_model(
    out: Annotated[Path, output_option("The pruned-model file to write (.pt or .safetensors).", "--out", "-o")],
    inputs: Annotated[Inputs, ("network", *SIZES, *STEP)],
    form: FormatOption = "table",
) -> None:
    """Write the zeros of another tool's weights, with the sizes of their layers, as a pruned-model file."""
    from crisp_hw import api

    check_output(out)
    step = {name: getattr(inputs, name) for name in STEP}
    imported = api.import_model(inputs.network_source(), **step)
    api.save_pruned(out, imported)
    for note in imported.provenance.get("read_as", ()):
        voice.note(note)
    show_written((out,), out.parent, form)
