"""Hints by meaning: what they promise is there, and letters are asked last."""

import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from crisp_hw import cli as hw
from crisp_hw import list_arch, list_workloads, meanings
from crisp_hw.command_line.program import commands_of
from crisp_prune import cli as prune

PROGRAMS = {"crisp-hw": hw.app, "crisp-prune": prune.app}
COMMANDS = {f"{program} {words}" for program, app in PROGRAMS.items() for words, _ in commands_of(app)}
GROUPS = {f"{program} {group.name}" for program, app in PROGRAMS.items() for group in app.registered_groups}
OPTIONS = {name for command in get_command(hw.app).commands.values() for each in command.params for name in each.opts}
HINTS = [
    *(hint for _, hint in meanings._OPTIONS.values() if hint),
    *(hint for table in meanings._COMMANDS.values() for hint in table.values()),
    *meanings._FILES.values(),
    *meanings._NETWORKS.values(),
    *meanings._ACCELERATORS.values(),
]


def refused(program, *words):
    done = CliRunner().invoke(PROGRAMS[program], words, prog_name=program)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


@pytest.mark.parametrize("hint", sorted(set(HINTS)))
def test_every_command_and_option_that_a_hint_names_exists(hint):
    for quoted in re.findall(r"`(crisp-(?:hw|prune)[^`]*)`", hint):
        words = re.match(r"crisp-\w+(?: [a-z]+)*", quoted)[0]
        known = [name for name in (*COMMANDS, *GROUPS, *PROGRAMS) if f"{quoted} ".startswith(f"{name} ")]
        assert words in {*COMMANDS, *GROUPS, *PROGRAMS} or known, quoted
        assert any(name in COMMANDS for name in known) or re.search("--help|--version", quoted), quoted
    for option in re.findall(r"(?<![\w-])--[a-z-]+", hint):
        assert option in {*OPTIONS, "--version", "--help", "--resume", "--model", "--from"}, option


def test_no_word_has_two_meanings():
    for table in (meanings._OPTIONS, *meanings._COMMANDS.values(), meanings._FILES, meanings._NETWORKS):
        words = [word for row in table for word in row.split()]
        assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("program", ["crisp-hw", "crisp-hw arch", "crisp-hw workload", "crisp-hw cache", "crisp-prune"])
def test_no_word_with_a_meaning_is_a_command(program):
    words = {word for row in meanings._COMMANDS[program] for word in row.split()}
    assert not {f"{program} {word}" for word in words} & {*COMMANDS, *GROUPS}


def test_no_name_with_a_meaning_is_packaged():
    assert not {word for row in meanings._NETWORKS for word in row.split()} & set(list_workloads())
    assert not {word for row in meanings._ACCELERATORS for word in row.split()} & set(list_arch())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evaluate", "--images", "4"), "--batch is the option for that"),
        (("evaluate", "--threads", "4"), "--jobs is the option for that"),
        (("evaluate", "--num-workers=4"), "--jobs is the option for that"),
        (("evaluate", "--architecture", "x"), "--arch is the option for that"),
        (("evaluate", "--output", "x"), "--out is the option for that"),
        (("evaluate", "--model", "x"), "give exactly one network; SOURCE"),
        (("evaluate", "--onnx", "x"), "the file stands without an option: `crisp-hw evaluate net.onnx`"),
        (("evaluate", "--precision", "4"), "bits are numbers of the accelerator"),
        (("evaluate", "--frequency", "4"), "time is cycles over the clock"),
        (("evaluate", "--seed", "4"), "nothing is drawn by chance here"),
        (("evaluate", "--objektive", "x"), "did you mean --objective?"),
        (("evaluate", "--foo"), "`crisp-hw evaluate --help` says what there is"),
        (("prune",), "`crisp-prune run` prunes a PyTorch model"),
        (("search",), "`crisp-hw map` searches a mapping"),
        (("run",), "`crisp-hw evaluate` says what a pruned network costs"),
        (("timeloop-model", "a.yaml"), "`crisp-hw model` does what timeloop-model does"),
        (("evalute",), "did you mean evaluate?"),
        (("xyz",), "`crisp-hw --help` says what there is"),
        (("arch", "validate"), "`crisp-hw arch check` names every mistake"),
        (("cache", "purge"), "`crisp-hw cache clear`"),
        (("workload", "new"), "`crisp-hw workload copy`"),
    ],
)
def test_words_of_other_tools(words, said):
    assert said in refused("crisp-hw", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evaluate",), "`crisp-hw evaluate` says what a pruned network costs"),
        (("train",), "`crisp-prune run` prunes and fine-tunes a model"),
        (("dry-run",), "`crisp-prune plan` says what a run would do"),
        (("run", "--batch", "4"), "--batch-size is the option for that"),
        (("run", "--pruning-ratio", "4"), "--sparsity is the option for that"),
        (("plan", "--batch", "4"), "`crisp-prune plan --help` says what there is"),
    ],
)
def test_words_of_other_tools_in_crisp_prune(words, said):
    assert said in refused("crisp-prune", *words)
