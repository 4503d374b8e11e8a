"""What a shell offers for the words of `crisp-hw`: accelerators, networks, layers, energies, numbers to set."""

from collections.abc import Iterable
from pathlib import Path

import typer

from crisp_hw.command_line.completion import completing


@completing
def accelerators(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The packaged accelerators; behind the colon of one what can be changed of it."""
    name, colon, changes = incomplete.partition(":")
    if not colon:
        return _with_key("arch", "runs")
    said, comma, _ = changes.rpartition(",")
    return [f"{name}:{said}{comma}{each}" for each in _numbers_of([name])]


def _numbers_of(archs: list[str]) -> list[str]:
    from crisp_hw.sources import load_accelerators
    from crisp_hw.spec.accelerator import replaceable

    return [
        f"{name}="
        for name in dict.fromkeys(
            name for each in load_accelerators(archs) for name in (*replaceable(each), *each.numbers)
        )
    ]


def _with_key(folder: str, key: str) -> list[str]:
    """The packaged files that have a key, by their text alone: to read YAML takes longer than a keystroke may."""
    from crisp_hw.data_files import data_folder

    files = (data_folder("arch").parent / folder).glob("*.yaml")
    return sorted(path.stem for path in files if f"\n{key}:" in path.read_text(encoding="utf-8"))


@completing
def workloads(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The packaged workloads."""
    from crisp_hw.data_files import data_folder

    return sorted(path.stem for path in data_folder("workloads").glob("*.yaml"))


@completing
def energies(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The packaged tables of energies, and the ways to characterize."""
    from crisp_hw.characterization.methods import METHODS

    return [*METHODS, *_with_key("arch/energy", "components")]


@completing
def layers(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The layers of the network that the line names before."""
    named = [ctx.params.get(name) for name in ("network", "masks", "workload")]
    # Before an option that has no value yet, the parser leaves what stands without an option where it was.
    given = [each for each in (*named, *ctx.args) if each]
    return layers_of(str(given[0])) if given else ()


def layers_of(network: str) -> tuple[str, ...]:
    """The names of the layers of a network; some error for what is none."""
    if Path(network).suffix not in ("", ".yaml", ".yml"):
        from crisp_hw.io.names import layer_names

        return layer_names(Path(network))
    from crisp_hw.data_files import data_folder
    from crisp_hw.machine.files import read_text
    from crisp_hw.machine.yaml_text import read_yaml_text

    file = Path(network) if network.endswith((".yaml", ".yml")) else data_folder("workloads") / f"{network}.yaml"
    return tuple(str(layer["name"]) for layer in read_yaml_text(read_text(file), str(file))[0]["layers"])


@completing
def settings(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """What can be changed of the accelerators that the line names before."""
    return _numbers_of(_archs_of(ctx))


def _archs_of(ctx: typer.Context) -> list[str]:
    from crisp_hw.data_files import packaged

    return ctx.params.get("arch") or [packaged().default]


@completing
def figures(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """What can be explained, on the accelerators or of Timeloop's files that the line names before."""
    if any(each.name == "files" for each in ctx.command.params):
        from crisp_hw.dropin.model import evaluate_files
        from crisp_hw.explanation.subject import subjects

        # As in `layers`: before an option without a value, files stand where the parser left them.
        files = ctx.params.get("files") or [Path(each) for each in ctx.args]
        return subjects(evaluate_files(files).point.design) if files else ()
    from crisp_hw.sources import load_accelerators

    found = [each.architecture for each in load_accelerators(_archs_of(ctx))]
    levels = [level.name for each in found for level in reversed(each.levels)]
    parts = [
        *(each.compute.name for each in found),
        *levels,
        *(f"{level}.{name}" for level in levels for name in "ABZ"),
    ]
    return list(dict.fromkeys(("cycles", "energy", *parts)))


@completing
def backends(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The ways of evaluating."""
    from crisp_hw.backends import BACKENDS

    return list(BACKENDS)


COMPLETIONS = {
    "arch": accelerators,
    "network": workloads,
    "workload": workloads,
    "layers": layers,
    "energy": energies,
    "backend": backends,
    "setting": settings,
}
"""By the name of the option or argument."""
