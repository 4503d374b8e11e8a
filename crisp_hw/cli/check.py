"""`crisp-hw check`."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import FormatOption, Inputs
from crisp_hw.cli.output import progress, show_table
from crisp_hw.command_line.options import WideOption
from crisp_hw.errors import InputError
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.options import PackingModel

DIFFERENT = 1  # exit code: compared, and something differs
MOST_PRODUCTS = 2_000_000  # of a layer: some seconds of single steps

WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="The weights of the network (a state dict), scaled to int8. Default: integers that --seed draws.",
    ),
]
PositionsOption = Annotated[
    int, typer.Option("--positions", min=1, help="Output positions of every layer, so that it is small.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The seed of activations, and of weights where drawn.")]

PackingOption = Annotated[
    PackingModel,
    typer.Option(
        "--packing",
        "--dstc",
        help="How nonzeros of both operands get into lanes where a file knows two ways: packed pass by pass "
        "(position-skipping), or wherever neither is zero, tiles that meet nothing left out (skipping).",
    ),
]


@grouped
def check(  # noqa: PLR0913 - the options of a command
    inputs: Inputs,
    weights: WeightsOption = None,
    positions: PositionsOption = 16,
    seed: SeedOption = 0,
    packing: PackingOption = "position-skipping",
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Do on integers, step by step, what the accelerators do with masks, and hold it against product and model.

    Activations are gathered by block index and selected by offset, or meet weights by bitmaps, windows slide over
    images, or columns pass through queues. The exit code is 1 when a product is not that of the matrices, or a count is
    not the model's.
    """
    from crisp_hw.accelerators.queued import read_queued_pes
    from crisp_hw.extract.integers import integer_weights
    from crisp_hw.sources import resolve, select
    from crisp_hw.verification.convolutions import check_windows, images, runs_windows
    from crisp_hw.verification.steps import check_layer, check_queues, operands
    from crisp_hw.verification.steps_document import steps_document

    network, accelerators = resolve(inputs.source()), inputs.accelerators(None)
    if network.masks is None:
        raise InputError(
            f"{network.name} is a layer table and has no masks", hint="give a pruned-model file or weights"
        )
    names = [each.layer.name for each in select(network.descriptors, inputs.layers)]
    chosen = [network.masks[name] for name in names]
    small = [each for each in chosen if each.layer.rows * each.layer.columns * positions <= MOST_PRODUCTS]
    skipped = [Skipped(each.layer.name, f"takes more than {MOST_PRODUCTS:,} products") for each in chosen]
    skipped = [each for each in skipped if each.name not in {one.layer.name for one in small}]
    if not small:
        raise InputError("every layer is too large for single steps", hint="choose small ones: --layers, --positions")
    given = {} if weights is None else integer_weights(weights, [each.layer for each in small])
    machines = [each.machine for each in accelerators if each.machine is not None] or [read_queued_pes()]
    found = []
    with progress() as bar:
        for number, each in enumerate(small):
            if bar:
                bar(each.layer.name, number, len(small))
            matrix = operands(each, positions, given.get(each.layer.name), seed)
            windows = images(each, positions, given.get(each.layer.name), seed)
            for one in (one for one in accelerators if one.machine is None):
                as_it_is = runs_windows(one, each.layer)
                found.append(check_windows(windows, one) if as_it_is else check_layer(matrix, one, packing=packing))
            found += [check_queues(matrix, machine) for machine in machines]
    said = f"weights are drawn with seed {seed}" if weights is None else f"weights are those of {weights}, as int8"
    show_table(steps_document(found, skipped, f"{said}; {positions} positions of activations are drawn"), form, wide)
    if not all(each.agrees for each in found):
        raise typer.Exit(DIFFERENT)
