"""Options that commands share come from one place, and bundling takes every option that changes a number."""

from dataclasses import fields

import pytest
from typer.main import get_command

from crisp_hw.cli import app
from crisp_hw.cli import options as opt
from crisp_hw.cli.groups import Inputs, Modelling, Searching, choices, grouped
from crisp_hw.pipeline import EvaluateOptions

COMMANDS = get_command(app).commands


def names(command):
    return {each.name for each in COMMANDS[command].params}


@pytest.mark.parametrize("command", ["evaluate", "render", "bundle", "verify"])
def test_every_command_on_networks_takes_the_same_inputs(command):
    wanted = {each.name for group in (Inputs, Searching) for each in fields(group)}
    assert wanted <= names(command)


@pytest.mark.parametrize("command", ["evaluate", "bundle"])
def test_what_changes_numbers_can_be_bundled(command):
    assert {each.name for each in fields(Modelling)} <= names(command)


@pytest.mark.parametrize("command", ["evaluate", "bundle"])
def test_one_option_has_one_declaration_everywhere(command):
    def told(which):
        return {each.name: (each.opts, each.help, each.default) for each in COMMANDS[which].params}

    shared = {each.name for group in (Inputs, Modelling, Searching) for each in fields(group)}
    assert {name: told(command)[name] for name in shared} == {name: told("evaluate")[name] for name in shared}


def test_the_groups_cover_all_that_the_api_takes():
    said = choices(
        Inputs(objective=opt.Objective.energy, energy="reference"),
        Modelling(0.5, False, "timeloop", opt.Density.hybrid, opt.Dstc.packing, False),
        Searching(3, False),
    )
    assert said == EvaluateOptions(
        "energy", "reference", "timeloop", 0.5, False, "hybrid", "position-skipping", False, 3, False
    )
    assert all(getattr(said, each.name) != each.default for each in fields(EvaluateOptions))


def test_options_keep_their_order_and_defaults():
    @grouped
    def command(first: int, searching: Searching, last: str = "x") -> None:
        found.append((first, searching, last))

    found = []
    command(first=1, jobs=2, cache=False, last="y")
    assert found == [(1, Searching(2, False), "y")]
    assert command.__name__ == "command"
