"""All commands of `crisp-hw`."""

from crisp_hw.cli import accelerators, cache, networks
from crisp_hw.cli.bundle import bundle, replay
from crisp_hw.cli.characterize import characterize
from crisp_hw.cli.check import check
from crisp_hw.cli.describe import describe
from crisp_hw.cli.evaluate import evaluate, render
from crisp_hw.cli.examples import EXAMPLES
from crisp_hw.cli.explore import explore
from crisp_hw.cli.import_model import import_model
from crisp_hw.cli.map import map_files
from crisp_hw.cli.measure import measure
from crisp_hw.cli.model import model
from crisp_hw.cli.points import points
from crisp_hw.cli.reproduce import reproduce
from crisp_hw.cli.results import compare, report
from crisp_hw.cli.validate import validate
from crisp_hw.cli.verify import doctor, verify
from crisp_hw.command_line.program import Program, finish, new_app

PROGRAM = Program(
    "crisp-hw",
    "Compute cycles and energy of pruned neural networks on sparse accelerators, as Timeloop and Sparseloop do.",
    (0, 1, 2, 3, 4, 70, 130, 141),
)
NETWORKS, FILES, CHECKS, STOCK = (
    "Pruned networks",
    "Timeloop's files",
    "Comparing and reproducing",
    "Hardware, workloads, tools",
)

app = new_app(PROGRAM)
for command in (evaluate, explore, report, describe, render):
    app.command(rich_help_panel=NETWORKS)(command)
app.command("import", rich_help_panel=NETWORKS)(import_model)
app.command(rich_help_panel=NETWORKS)(points)
app.command(rich_help_panel=FILES)(model)
app.command("map", rich_help_panel=FILES)(map_files)
for command in (compare, verify, validate, check, reproduce, measure, bundle, replay):
    app.command(rich_help_panel=CHECKS)(command)
app.add_typer(accelerators.app, name="arch", rich_help_panel=STOCK)
app.add_typer(networks.app, name="workload", rich_help_panel=STOCK)
app.command(rich_help_panel=STOCK)(characterize)
app.command(rich_help_panel=STOCK)(doctor)
app.add_typer(cache.app, name="cache", rich_help_panel=STOCK)
finish(app, EXAMPLES)
