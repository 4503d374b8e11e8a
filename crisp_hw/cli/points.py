"""`crisp-hw points`: sparse convolutions over a point cloud."""

from math import inf
from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import FormatOption, Inputs, Searching
from crisp_hw.cli.output import progress, show_table
from crisp_hw.command_line.options import WideOption

PATTERN = ("nm", "block", "sparsity", "arch", "setting")


@grouped
def points(  # noqa: PLR0913 - the options of a command
    scan: Annotated[Path, typer.Argument(help="The scan: a .ply file, or a .bin file as KITTI's.")],
    voxel_size: Annotated[float, typer.Option("--voxel-size", help="The side of a voxel, in the scan's unit.")],
    inputs: Annotated[Inputs, PATTERN],
    searching: Searching,
    network: Annotated[
        str, typer.Option("--network", help="The network: minkunet, or a .yaml file of convolutions.")
    ] = "minkunet",
    epsilon: Annotated[
        float,
        typer.Option(
            "--epsilon",
            help="Run matrix products as one padded batch as long as 1 - fewest / most rows is not larger (0 to 1).",
        ),
    ] = 0.0,
    mm_thresh: Annotated[
        float,
        typer.Option("--mm-thresh", help="Make batches only of products with fewer rows than this. Default: any."),
    ] = inf,
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Compute what a network of sparse convolutions takes on a scan: gather, matrix products in groups, scatter."""
    from crisp_hw import api
    from crisp_hw.points.priced import traffic_cost
    from crisp_hw.report.points import points_document
    from crisp_hw.sources import WorkloadPattern

    accelerators = inputs.accelerators(searching.energy)
    cloud = api.point_cloud(scan, voxel_size, network=network, epsilon=epsilon, mm_thresh=mm_thresh)
    pattern = WorkloadPattern(cloud.workload, inputs.nm, inputs.block, inputs.sparsity)
    with progress() as bar:
        found = api.evaluate(pattern, accelerators, options=searching, progress=bar).network
    costs = {each.name: traffic_cost(cloud.layers, each) for each in accelerators}
    show_table(points_document(cloud.name, cloud.layers, found, costs, accelerators), form, wide)
