"""Files to begin with: written once, complete, and checked in every line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.accelerators.check import mistakes
from crisp_hw.cli import app
from crisp_hw.workloads import list_workloads, load_workload


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words, code=0):
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="crisp-hw")
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", list_arch())
def test_a_copy_is_the_accelerator_under_the_name_of_its_file(name, folder):
    assert run("arch", "copy", name, "mine.yaml").stderr == "wrote mine.yaml to .\n"
    assert load_arch(folder / "mine.yaml") == replace(load_arch(name), name="mine")
    assert "extends" not in (folder / "mine.yaml").read_text()
    assert run("arch", "check", "mine.yaml").stdout.split() == ["without", "a", "mistake:", "-", "mine.yaml"]


@pytest.mark.parametrize("name", list_arch())
def test_a_new_one_is_what_it_is_like_until_it_is_changed(name, folder):
    run("arch", "new", "mine", "--from", name)
    assert load_arch(folder / "mine.yaml") == replace(load_arch(name), name="mine")
    text = (folder / "mine.yaml").read_text()
    example = "\n".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith(("# levels", "#  ")))
    (folder / "mine.yaml").write_text(f"{text}{example}\n")
    before, after = (load_arch(each).architecture for each in (name, folder / "mine.yaml"))
    (level,) = (each for each in after.levels if each.size_words != before.level(each.name).size_words)
    assert level.size_words / before.level(level.name).size_words in (2, 0.5) and level.read_bandwidth == 32


@pytest.mark.parametrize("name", list_workloads())
def test_a_copied_workload_is_the_same(name, folder):
    run("workload", "copy", name, "deeper.yaml")
    assert load_workload(folder / "deeper.yaml") == load_workload(name)


@pytest.mark.parametrize(
    "words",
    [("arch", "copy", "stc", "a.yaml"), ("arch", "new", "a", "--from", "stc"), ("workload", "copy", "vgg16", "a.yaml")],
)
def test_nothing_is_replaced_without_being_told(words, folder):
    (folder / "a.yaml").write_text("mine")
    assert "a.yaml: is there already; choose another name, or replace it with --force" in run(*words, code=2).stderr
    assert (folder / "a.yaml").read_text() == "mine"
    run(*words, "--force")
    assert (folder / "a.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("arch", "copy", "simba", "a.yaml"), "no packaged accelerator simba; it is not packaged"),
        (("arch", "copy", "fabric", "a.yaml"), "no packaged accelerator fabric; there are crisp-stc"),
        (("arch", "copy", "stc", "a.txt"), "a.txt: is no name of a YAML file"),
        (("arch", "copy", "stc", "."), "is no name"),
        (("arch", "new", "a/b"), "'a/b' is no name"),
        (("arch", "new", "stc", "--from", "stc"), "stc.yaml would extend itself"),
        (("arch", "new", "a", "--from", "stc", "--out", "stc.yaml"), "stc.yaml would extend itself"),
        (("arch", "new", "a", "--from", "crisp"), "it is called crisp-stc"),
        (("workload", "copy", "bert", "a.yaml"), "the packaged transformers are bert-base"),
        (("workload", "copy", "a.yaml", "b.yaml"), "is a file already"),
    ],
)
def test_what_cannot_be_written_is_refused(words, said, folder):
    assert said in run(*words, code=2).stderr
    assert list(folder.iterdir()) == []


WRONG_FORM = """\
schema: crisp-hw/arch/2
name: mine
extends: fabric
runs: [{name: a, problem: tensor}]
levels:
  SMEM:
    size_kb: {value: -3, source: "a source"}
    read_bandwith: {value: 3, source: "a source"}
  RF:
    word_bits: many
"""
WRONG_WORDS = """\
schema: crisp-hw/arch/2
name: mine
extends: fabric
runs: [{name: a, across: {X: 4}}]
levels:
  SMEM:
    size_words: {value: 33, source: "a source"}
constraints:
  SMEM: {keep: [A, B], temporal: [N, M, G], y: [G, M], spatial: fill}
  DRAM: {keep: [A, B], temporal: [K, N, G], order: free, inner: [K]}
"""


def test_every_mistake_of_the_form_is_named_with_its_line(folder):
    (folder / "a.yaml").write_text(WRONG_FORM)
    found = json.loads(run("arch", "check", "a.yaml", "-f", "json", code=2).stdout)
    assert [(each["line"], each["place"]) for each in found["mistakes"]] == [
        (4, "arch of a.problem"),
        (7, "arch.levels.SMEM.size_kb.value"),
        (8, "arch.levels.SMEM.read_bandwith"),
        (10, "arch.levels.RF.word_bits"),
    ]
    assert found["mistakes"][2]["hint"] == "did you mean read_bandwidth?"


def test_every_mistake_of_what_it_says_is_named(folder):
    (folder / "a.yaml").write_text(WRONG_WORDS)
    said = [each.reason for each in mistakes(folder / "a.yaml")]
    assert said == [
        "SMEM holds 33 words, which is no multiple of its 32 vector_words",
        "it fills the array with [] x ['G', 'M']",
        "DRAM keeps only A, B",
        "constraints of RF, SMEM say `spatial: fill`",
        "the problem gemm has no X",
    ]


def test_levels_that_are_none_are_all_named(folder):
    rules = WRONG_WORDS[WRONG_WORDS.index("constraints") :].replace("  SMEM:", "  SMAM:").replace("  DRAM:", "  HBM:")
    (folder / "a.yaml").write_text(f"schema: crisp-hw/arch/2\nname: a\nextends: stc\n{rules}")
    assert [str(each) for each in mistakes(Path("a.yaml"))] == [
        "a.yaml:5: arch.constraints.SMAM: there is no such level; did you mean SMEM?",
        "a.yaml:6: arch.constraints.HBM: there is no such level; known are DRAM, SMEM, RF, LRF",
    ]


def test_files_are_checked_apart_and_the_exit_code_is_2(folder):
    run("arch", "new", "fine")
    (folder / "a.yaml").write_text(WRONG_FORM)
    (folder / "b.yaml").write_text("name: b\nname: c\n")
    checked = run("arch", "check", "fine.yaml", "a.yaml", "b.yaml", "gone.yaml", code=2)
    assert "without a mistake:\n  - fine.yaml" in checked.stdout
    assert checked.stderr == "crisp-hw: 6 mistakes in 3 of 4 files\n"
    assert run("arch", "check", "a.yaml", "-q", code=2).stderr == "crisp-hw: 4 mistakes in 1 of 1 files\n"


def test_an_energy_table_that_is_missing_is_a_mistake_of_the_file(folder):
    run("arch", "new", "mine")
    (folder / "mine.yaml").write_text((folder / "mine.yaml").read_text() + "energy: gone\n")
    (only,) = mistakes(folder / "mine.yaml")
    assert only.at.mark.line == len((folder / "mine.yaml").read_text().splitlines())


TABLE = """\
schema: crisp-hw/workload/1
name: net
source: made up for a test
layers:
  - {name: a, kind: linear, in_channels: 64, out_channels: 10}
  - {name: a, kind: linear, in_channels: 64, out_channels: 10}
  - {name: b, kind: conv2d, in_channels: 3, out_channels: 4, kernel: [9, 9], input_size: [4, 4], groups: 2}
totals: {layers: 3, weights: 0, macs: 1}
"""


def test_every_mistake_of_a_layer_table_is_named(folder):
    (folder / "net.yaml").write_text(TABLE)
    found = json.loads(run("workload", "check", "net.yaml", "-f", "json", code=2).stdout)
    assert [each["line"] for each in found["mistakes"]] == [6, 7, 7, 8, 8]
    (folder / "net.yaml").write_text(TABLE.replace("kernel: [9, 9]", "kernal: 9").replace("10}", "x}"))
    checked = run("workload", "check", "net.yaml", code=2)
    assert "3 mistakes" in checked.stderr and "did you mean kernel?" in checked.stdout
    run("workload", "copy", "vgg16", "net.yaml", "--force")
    assert "without a mistake" in run("workload", "check", "net.yaml").stdout
