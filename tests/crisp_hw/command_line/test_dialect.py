"""Both programs speak one dialect: the same options of every command, the same end for every error."""

import json
import subprocess
import sys
from inspect import signature
from typing import Annotated, Literal, get_args, get_origin

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from crisp_hw import cli as hw
from crisp_hw.command_line import voice
from crisp_hw.command_line.options import EACH
from crisp_hw.command_line.program import commands_of
from crisp_prune import cli as prune

PROGRAMS = {"crisp-hw": hw.app, "crisp-prune": prune.app}
COMMANDS = [(program, words) for program, app in PROGRAMS.items() for words, _ in commands_of(app)]
FC = ["evaluate", "--workload", "resnet50", "--layers", "fc", "--arch", "stc"]


def run(program, *words):
    return CliRunner().invoke(PROGRAMS[program], [str(word) for word in words], prog_name=program)


def command_of(program, words):
    found = get_command(PROGRAMS[program])
    for word in words.split():
        found = found.commands[word]
    return found


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version(program, flag):
    assert run(program, flag).stdout.startswith(f"{program} 0.")


@pytest.mark.parametrize(("program", "words"), COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_every_command(program, words, flag, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(program, *words.split(), flag)
    assert shown.exit_code == 0 and "Of every command" in shown.stdout and "--verbose" in shown.stdout
    assert "…" not in shown.stdout  # no name and no word is cut at 80 columns
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize(("program", "words"), COMMANDS)
def test_help_names_what_an_option_takes(program, words):
    for each in command_of(program, words).params:
        flag = each.param_type_name == "option" and each.is_flag
        assert flag == (each.metavar == ""), each.name
        assert "<" not in (each.metavar or "") and each.metavar is not None, each.name


def choices(kind):
    """What a type lets one choose from, in a union too."""
    return get_args(kind) if get_origin(kind) is Literal else [one for each in get_args(kind) for one in choices(each)]


def test_help_names_choices_that_do_not_fit_their_column():
    of_all = [command.callback for app in PROGRAMS.values() for _, command in commands_of(app)]
    of_each = [each.annotation for callback in of_all for each in signature(callback).parameters.values()]
    options = [get_args(annotation)[:2] for annotation in of_each if get_origin(annotation) is Annotated]
    found = [(told.help, choices(kind)) for kind, told in options if told.metavar == "CHOICE"]
    assert len(found) > 10
    for text, offered in found:
        assert [each for each in offered if each not in text] == [], text


@pytest.mark.slow
def test_an_option_is_spelled_alike_in_all_commands():
    spelled = {}
    for program, words in COMMANDS:
        for each in command_of(program, words).params:
            if each.param_type_name == "option":
                assert spelled.setdefault(each.opts[0], each.opts) == each.opts, f"{program} {words}"


@pytest.mark.parametrize(("program", "words"), COMMANDS)
def test_every_answer_has_a_form(program, words):
    flags = {flag for each in command_of(program, words).params for flag in each.opts}
    assert ("--format" in flags) == (words != "cache clear")


@pytest.mark.parametrize("asked", [["-f", "jsn"], ["--format=JSON"], ["-fjso"]])
def test_a_misspelt_format_is_refused_in_the_form_that_is_meant(asked):
    done = run("crisp-hw", "arch", "list", *asked)
    assert done.exit_code == 2 and json.loads(done.stdout)["error"]["exit_code"] == 2
    assert run("crisp-hw", "arch", "list", "-f", "cvs").stdout == ""


@pytest.mark.parametrize(("program", "words"), COMMANDS)
def test_options_of_every_command(program, words):
    names = {each.name: each.opts for each in command_of(program, words).params}
    assert set(EACH) <= set(names) and names["quiet"] == ["--quiet", "-q"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["flyy"], "no such command 'flyy'"),
        (["--nothing"], "no such option: --nothing"),
        (["-q", "-v"], "--quiet and --verbose are given together; give one of them"),
    ],
)
def test_what_the_parser_refuses_is_one_sentence(program, words, said):
    refused = run(program, *words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{program}: error: {said}") and refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        (
            "crisp-hw",
            ["evaluate", "resnet50", "--objective", "speed"],
            "'speed' is not one of 'cycles', 'energy', 'edp'",
        ),
        ("crisp-hw", ["evaluate", "resnet50", "--jobs", "some"], "some"),
        ("crisp-hw", ["evaluate", "resnet50", "--activation-density", "half"], "half"),
        ("crisp-hw", ["map", "a.yaml", "--budget", "-3"], "-3"),
        ("crisp-prune", ["run", "--lr", "fast"], "fast"),
    ],
)
def test_a_refused_value_is_told_with_its_option_and_without_words_of_pydantic(program, words, said):
    refused = run(program, *words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert said in refused.stderr and words[-2] in refused.stderr
    assert "Input should" not in refused.stderr and "Value error" not in refused.stderr


@pytest.mark.parametrize(
    ("program", "words"),
    [("crisp-prune", ["plan", "--nothing", "-f", "json"]), ("crisp-hw", ["evaluate", "--nothing", "--format=json"])],
)
def test_and_json_for_who_asks_for_it(program, words):
    refused = run(program, *words)
    told = json.loads(refused.stdout)["error"]
    assert (refused.exit_code, told["exit_code"], told["kind"]) == (2, 2, "InputError")
    assert told["message"] in refused.stderr


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("crisp-prune", ["plan", "--model", "a:b", "--model", "c:d"]),
        ("crisp-prune", ["run", "--lr", "1", "--lr", "2"]),
        ("crisp-hw", ["evaluate", "-q", "--quiet"]),
    ],
)
def test_an_option_stands_once(program, words):
    refused = run(program, *words)
    assert refused.exit_code == 2 and "is given twice; give it once" in refused.stderr


def test_quiet_prints_the_answer_alone():
    usual, quiet, before = run("crisp-hw", *FC), run("crisp-hw", *FC, "-q"), run("crisp-hw", "-q", *FC)
    assert quiet.stdout == before.stdout != usual.stdout
    assert usual.stdout.startswith(quiet.stdout)
    assert run("crisp-hw", *FC, "-q", "-f", "csv").stderr == "" != run("crisp-hw", *FC, "-f", "csv").stderr


def test_quiet_does_not_silence_what_is_wrong(tmp_path):
    assert "cannot be read" in run("crisp-hw", "describe", tmp_path / "gone.pt", "-q").stderr


def test_verbose_says_what_happens_and_changes_no_answer():
    usual, verbose = run("crisp-hw", *FC), run("crisp-hw", *FC, "-v")
    assert verbose.stdout == usual.stdout
    assert usual.stderr == "" and "crisp-hw: " in verbose.stderr


def test_debug_stands_before_and_behind_the_command():
    for words in (["--debug", "arch", "show", "nothing"], ["arch", "show", "nothing", "--debug"]):
        assert "Traceback" in run("crisp-hw", *words).stderr
    assert "Traceback" not in run("crisp-hw", "arch", "show", "nothing").stderr


def test_what_one_command_was_told_is_not_told_to_the_next():
    run("crisp-hw", "-q", "--debug", "arch", "list")
    run("crisp-hw", "arch", "list")
    assert not voice.quiet() and not voice.debugging()


@pytest.mark.process
@pytest.mark.parametrize("package", ["crisp_hw", "crisp_prune"])
def test_python_runs_the_package(package):
    done = subprocess.run([sys.executable, "-m", package, "-V"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(package.replace("_", "-"))


@pytest.mark.process
def test_crisp_prune_answers_without_loading_pytorch():
    code = "import sys; from crisp_prune.cli import app; from typer.main import get_command; get_command(app)"
    code += "; print([name for name in ('torch', 'pandas', 'pydantic') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
