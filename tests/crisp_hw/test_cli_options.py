"""Options are stated once; the command line and Python take the same; what is said has an effect or is named."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.accelerators.templates import full_text
from crisp_hw.cli import app
from crisp_hw.cli.grouped import WRITTEN, grouped
from crisp_hw.cli.options import Inputs
from crisp_hw.errors import InputError
from crisp_hw.pipeline import UNUSED, unused_options
from crisp_hw.sources import load_accelerators, resolve, select
from crisp_hw.spec.options import SEARCH, EvaluateOptions, SearchOptions, stated

COMMANDS = get_command(app).commands
PRUNED = crisp_hw.WorkloadPattern("resnet50", crisp_hw.NM(2, 4), 64, 0.9)
DENSE = crisp_hw.WorkloadPattern("resnet50")


def names(command):
    return {each.name for each in COMMANDS[command].params}


def unused(options, *archs, source=PRUNED, layers="layer4.2.*"):
    chosen = select(resolve(source).descriptors, layers)
    return unused_options(options, load_accelerators(archs), chosen)


@pytest.mark.parametrize("command", ["evaluate", "render", "bundle", "verify"])
def test_every_command_on_networks_takes_the_same_inputs(command):
    own = {"network"} if command == "verify" else set()  # its own argument may be a network, too
    assert {*stated(Inputs), *SEARCH} - own <= names(command)


@pytest.mark.parametrize("command", ["evaluate", "bundle"])
def test_what_python_takes_the_command_line_takes(command):
    assert {each.name for each in fields(EvaluateOptions)} - {"said"} <= names(command)


@pytest.mark.parametrize("command", ["render", "bundle", "verify"])
def test_one_option_has_one_declaration_everywhere(command):
    def told(which):
        return {each.name: (each.opts, each.help, each.default) for each in COMMANDS[which].params}

    shared = (stated(Inputs).keys() | stated(EvaluateOptions).keys()) & names(command)
    assert {name: told(command)[name] for name in shared} == {name: told("evaluate")[name] for name in shared}


def test_the_defaults_of_the_command_line_are_those_of_python_but_for_processes():
    found = {each.name: WRITTEN.get(each.name, lambda text: text)(each.default) for each in COMMANDS["evaluate"].params}
    differ = {each.name for each in fields(EvaluateOptions) if each.name in found and found[each.name] != each.default}
    assert differ == {"jobs"}


def test_options_keep_their_order_and_defaults():
    @grouped
    def command(first: int, searching: Annotated[EvaluateOptions, ("jobs", "cache")], last: str = "x") -> None:
        found.append((first, searching, last))

    found = []
    command(first=1, jobs=2, cache=False, last="y")
    assert found == [(1, EvaluateOptions(jobs=2, cache=False), "y")]
    assert command.__name__ == "command"


@pytest.mark.parametrize("name", ["objective", "density", "packing", "offsets"])
def test_a_word_that_an_option_does_not_know_is_refused_with_those_it_knows(name):
    with pytest.raises(InputError, match=f"unknown {name} 'none of them'; there are "):
        EvaluateOptions(**{name: "none of them"})


@pytest.mark.parametrize(
    ("options", "archs", "source"),
    [
        (EvaluateOptions(activation_density=0.5), ("dense", "stc", "crisp-stc"), PRUNED),
        (EvaluateOptions(activation_nm="4:8"), ("dense", "stc", "crisp-stc"), PRUNED),
        (EvaluateOptions(packing="position-skipping"), ("crisp-stc",), PRUNED),
        (EvaluateOptions(density="hybrid"), ("dense",), PRUNED),
        (EvaluateOptions(density="hybrid"), ("stc", "crisp-stc"), DENSE),
        (EvaluateOptions(offsets="mask"), ("dense", "dstc"), PRUNED),
        (EvaluateOptions(offsets="mask"), ("stc",), DENSE),
        (EvaluateOptions(block_index=False), ("stc", "dstc"), PRUNED),
        (EvaluateOptions(overheads=False), ("dense", "dstc"), PRUNED),
        (EvaluateOptions(said=frozenset({"packing"})), ("stc",), PRUNED),
    ],
)
def test_an_option_without_effect_is_named(options, archs, source):
    (name,) = options.chosen
    assert unused(options, *archs, source=source) == (f"option {name} has no effect: {UNUSED[name]}",)


def test_an_option_that_a_remark_alone_speaks_of_has_no_effect(tmp_path):
    own, stated = tmp_path / "own.yaml", "activations: {scattered: 0.5}"
    own.write_text(
        full_text("dstc", "own").replace("activations: {scattered: activation_density}", stated), encoding="utf-8"
    )
    options = EvaluateOptions(activation_density=0.9)
    assert unused(options, str(own)) == (f"option activation_density has no effect: {UNUSED['activation_density']}",)


def test_an_option_with_effect_is_not_named_and_neither_are_defaults():
    every = EvaluateOptions("energy", "reference", "embedded", 0.5, False, "hybrid", "position-skipping", jobs=2)
    assert unused(every, "crisp-stc", "dstc") == unused(EvaluateOptions(), "dense") == ()
    assert unused(EvaluateOptions(activation_nm="4:8"), "dstc") == ()
    assert unused(EvaluateOptions(offsets="mask", overheads=False), "dense", "crisp-stc") == ()
    both = unused(EvaluateOptions(block_index=False, overheads=False), "crisp-stc")
    assert both == (f"option block_index has no effect: {UNUSED['block_index']}",)


def test_offsets_as_masks_store_more_bits():
    number, mask = (
        crisp_hw.evaluate(PRUNED, "stc", layers="layer4.2.conv3", options=EvaluateOptions(offsets=offsets))
        for offsets in ("coordinate", "mask")
    )
    assert number.network.rows[0].result != mask.network.rows[0].result


def evaluated(*words):
    return CliRunner().invoke(app, ["evaluate", "--workload", "resnet50", "--nm", "2:4", "--layers", "fc", *words])


def test_what_the_command_line_says_counts_also_where_it_says_the_default():
    said = evaluated("--arch", "stc", "--packing", "skipping", "--offsets", "mask", "--format", "json").stdout
    assert "option packing has no effect" in said
    assert "option offsets" not in said and "option activation_density" not in said


def test_a_number_that_is_set_twice_is_refused():
    refused = evaluated("--set", "smem_bandwidth=32", "--set", "smem_bandwidth=16")
    assert refused.exit_code == 2
    assert "--set smem_bandwidth: is given twice, as 32 and as 16; give it once" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--wide", "--format", "csv"), "--wide has no effect"),
        (("--no-plot",), "--no-plot has no effect"),
        (("--wide", "--format", "md"), ""),
    ],
)
def test_an_option_about_the_output_without_effect_is_named(words, said):
    found = evaluated("--arch", "stc", *words)
    assert (found.exit_code, said in found.stderr, bool(said)) == (0, True, "no effect" in found.stderr)


def test_options_of_a_search_are_those_of_python():
    found = {each.name: each.default for each in COMMANDS["map"].params}
    options = {each.name: each.default for each in fields(SearchOptions)}
    assert stated(SearchOptions).keys() == {"budget", "seed", "device", "both_axes", "imperfect"} <= found.keys()
    assert all(found[name] == options[name] for name in stated(SearchOptions))


def test_where_mappings_are_evaluated_is_not_offered_but_taken():
    """On no GPU was a search measured: help is silent, and what was written before goes on working."""
    shown = CliRunner().invoke(app, ["map", "--help"], env={"COLUMNS": "200"})
    assert "--seed" in shown.output
    assert "--device" not in shown.output
    assert any("--device" in each.opts for each in COMMANDS["map"].params)


def test_model_writes_into_the_current_folder_unless_told_otherwise(tmp_path, monkeypatch):
    """Through the whole parser, which an option before the command asks for."""
    documents = Path(__file__).parent / "dropin" / "documents"
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["--debug", "model", str(documents / "dense-flat.yaml")])
    assert found.exit_code == 0, found.output
    assert (tmp_path / "timeloop-model.stats.txt").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "--layers", "a", "--layers", "b"], "--layers: is given twice"),
        (["evaluate", "-f", "json", "--format", "csv"], "--format / -f: is given twice"),
        (["evaluate", "--cache", "--no-cache"], "--cache / --no-cache: is given twice"),
        (["model", "a.yaml", "-o", "x", "-o", "y"], "--out / -o: is given twice"),
        (["model", "a.yaml", "--dialect", "head", "--dialect", "micro22"], "--dialect: is given twice"),
        (["workload", "show", "resnet50", "-f", "md", "-f", "md"], "--format / -f: is given twice"),
    ],
)
def test_an_option_stands_once(words, said):
    result = CliRunner().invoke(app, words, prog_name="crisp-hw")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("number", ["010", "0x10", "1_000", "４", "inf", "nan", "", " "])
def test_numbers_of_set_are_decimal(number):
    words = ["evaluate", "--workload", "resnet50", "--nm", "2:4", "--set", f"cores={number}"]
    result = CliRunner().invoke(app, words, prog_name="crisp-hw")
    assert result.exit_code == 2 and "is no number; give a decimal number" in result.stderr


def test_an_empty_name_of_energies_is_none():
    words = ["evaluate", "--workload", "resnet50", "--nm", "2:4", "--energy", ""]
    result = CliRunner().invoke(app, words, prog_name="crisp-hw")
    assert result.exit_code == 2 and "no energy table ''" in result.stderr
