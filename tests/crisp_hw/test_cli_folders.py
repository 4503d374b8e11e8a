"""A folder in the place of Timeloop's files, where outputs go by themselves, and what they never replace."""

import re
from pathlib import Path

import pytest
import yaml
from products import DOT, gemv
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.cli import app
from crisp_hw.cli.map import LARGE

OF_MODEL = ["stats.json", "timeloop-model.map.txt", "timeloop-model.stats.txt"]
OF_MAP = ["map.txt", "map.yaml", "pareto.csv", "stats.json", "stats.txt"]
OF_CHARACTERIZE = ["ART.yaml", "ERT.yaml"]
FILES = ["architecture.yaml", "mapping.yaml", "problem.yaml"]
FLAT = Path(__file__).parent / "dropin" / "documents" / "dense-flat.yaml"


def run(command, *arguments, code=0):
    done = CliRunner().invoke(app, [command, *map(str, arguments)], prog_name="crisp-hw")
    assert done.exit_code == code, done.stderr
    return done


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def layer(tmp_path, monkeypatch):
    """A folder of Timeloop's files with a note beside them, below the working directory, which is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "layer"
    folder.mkdir()
    for name, document in yaml.safe_load(FLAT.read_text()).items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({name: document}))
    (folder / "notes.txt").write_text("no YAML: {")
    (folder / ".hidden.yaml").write_text("no YAML: {")
    return folder


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with the files of a small matrix product without a mapping, below the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "small"
    folder.mkdir()
    for name, document in gemv().items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({name: document}))
    return folder


def test_a_folder_stands_for_its_yaml_files_to_the_model(layer):
    files = [layer / name for name in FILES]
    assert run("model", layer, "-f", "json").stdout == run("model", *files, "-f", "json").stdout
    assert crisp_hw.model(layer).cycles == crisp_hw.model(files).cycles == crisp_hw.model([layer]).cycles


def test_a_folder_stands_for_its_yaml_files_to_the_mapper(small):
    files = sorted(small.iterdir())
    assert run("map", small, "-f", "json").stdout == run("map", *files, "-f", "json").stdout
    assert crisp_hw.find_mapping(small).found == crisp_hw.find_mapping(files).found


def test_a_folder_stands_for_its_yaml_files_when_they_are_characterized(layer):
    whole = run("characterize", layer, "-f", "csv").stdout
    assert whole == run("characterize", *(layer / name for name in FILES), "-f", "csv").stdout


def test_a_folder_and_files_may_stand_together(layer, tmp_path):
    moved = (layer / "mapping.yaml").rename(tmp_path / "mine.yaml")
    assert run("model", layer, moved, "-o", "out")
    done = run("model", layer, layer / "problem.yaml", code=2)
    assert "problem.yaml: the file is given twice" in done.stderr


@pytest.mark.parametrize("command", ["model", "map", "characterize"])
def test_a_folder_without_yaml_files_names_one_that_has_some(layer, tmp_path, command):
    (tmp_path / "empty").mkdir()
    done = run(command, "empty", code=2)
    assert "empty: there is no YAML file in this folder; they end in .yaml, .yml" in done.stderr
    done = run(command, tmp_path, code=2)
    assert f"there is no YAML file in this folder; give one of its folders, such as {layer}" in done.stderr
    assert "nowhere" in run(command, "nowhere", code=2).stderr
    assert names(tmp_path) == ["empty", "layer"]


def test_the_model_writes_into_this_folder_unless_told(layer, tmp_path):
    run("model", layer)
    assert names(tmp_path) == ["layer", *OF_MODEL]
    run("model", layer, "-o", "out")
    assert names(tmp_path / "out") == OF_MODEL


def test_an_explanation_alone_writes_nothing(layer, tmp_path):
    run("model", layer, "--explain", "cycles")
    assert names(tmp_path) == ["layer"]
    run("model", layer, "--explain", "cycles", "-o", "out")
    assert names(tmp_path / "out") == OF_MODEL


def test_the_mapper_writes_into_this_folder_or_beside_its_files(small, tmp_path, monkeypatch):
    run("map", small)
    assert names(tmp_path) == [*OF_MAP[:3], "small", *OF_MAP[3:]]
    monkeypatch.chdir(small)
    before = names(small)
    for _ in range(2):  # the second *.yaml does not take in what the first has written
        run("map", *small.glob("*.yaml"))
    assert names(small) == sorted([*before, "out"]) and names(small / "out") == OF_MAP


def test_characterized_tables_go_into_this_folder_unless_told(layer, tmp_path):
    run("characterize", layer)
    assert names(tmp_path) == [*OF_CHARACTERIZE, "layer"]
    run("characterize", layer, "-o", "out")
    assert names(tmp_path / "out") == OF_CHARACTERIZE


def test_no_file_of_the_input_is_replaced(layer, small, monkeypatch):
    monkeypatch.chdir(layer)
    (layer / "ERT.yaml").write_text("ERT: {version: '0.4', tables: []}")
    before = {path: path.read_bytes() for folder in (layer, small) for path in folder.iterdir()}
    for given in (".", "ERT.yaml"):
        done = run("characterize", given, *([] if given == "." else ["architecture.yaml"]), code=2)
        assert "ERT.yaml: would be replaced, and is one of FILES; give --out" in done.stderr
    (small / "problem.yaml").rename(small / "map.yaml")
    before[small / "map.yaml"] = before.pop(small / "problem.yaml")
    for out in (small, layer / ".." / "small"):
        done = run("map", small, "-o", out, code=2)
        assert "map.yaml: would be replaced, and is one of FILES; give --out" in done.stderr
    assert {path: path.read_bytes() for folder in (layer, small) for path in folder.iterdir()} == before


def test_an_out_that_is_a_file_is_refused_before_anything_is_computed(layer, small, tmp_path):
    for command, folder in (("model", layer), ("map", small), ("characterize", layer)):
        done = run(command, folder, "-o", small / "problem.yaml", code=2)
        assert "problem.yaml: is a file; give a folder to --out" in done.stderr
    assert names(tmp_path) == ["layer", "small"]


class Told(Exception):
    """Ends a search that would take long, once its size is told."""


def told_of(monkeypatch, *arguments):
    """What is said on stderr before a search begins, which it then does not."""

    def stopped(*given, **named):
        raise Told

    monkeypatch.setattr("crisp_hw.mapper.parallel.search", stopped)
    done = CliRunner().invoke(app, ["map", *map(str, arguments)], prog_name="crisp-hw")
    return re.sub(r"(?m)^crisp-hw: (internal )?error:.*", "", done.stderr)


def test_what_has_no_effect_is_named_before_the_search(small, monkeypatch):
    (small / "mapper.yaml").write_text("mapper: {optimization_metrics: [delay], timeout: 3}")
    assert "timeout" in told_of(monkeypatch, small)
    assert "timeout" not in told_of(monkeypatch, small, "-q")


def test_the_size_of_a_long_search_and_how_to_end_it_are_told_before_it(small, monkeypatch):
    assert "searching" not in told_of(monkeypatch, small)
    documents = gemv()
    documents["problem"]["instance"] = {"M": 2**10 * 3**6, "K": 2**10 * 3**6}
    parts = documents["architecture"]["subtree"][0]["local"]
    parts[1:1] = [{**parts[1], "name": f"{name}[1..1]"} for name in ("L3", "L2")]
    for name, document in documents.items():
        (small / f"{name}.yaml").write_text(yaml.safe_dump({name: document}))
    said = told_of(monkeypatch, small)
    found = re.search(r"searching ([\d,]+) factorizations in ([\d,]+) ways to keep and bypass(.*)", said)
    assert int(found[1].replace(",", "")) >= LARGE and "Ctrl-C ends it with the best so far, --budget N" in found[3]
    assert "searching" not in told_of(monkeypatch, small, "--budget", "10")


OWN = "schema: crisp-hw/arch/2\nname: mine\nextends: fabric\nruns: [{name: dense}]\n"
RENDER = ("render", "--workload", "resnet50", "--layers", "fc", "--no-cache")


@pytest.mark.parametrize(("name", "said"), [("\\e[31mx", "wrote _[31mx-"), ("a\\nb", "wrote a_b-")])
def test_the_name_of_an_accelerator_does_not_steer_the_terminal(tmp_path, name, said):
    (tmp_path / "x.yaml").write_text(OWN.replace("mine", f'"{name}"'))
    words = [*RENDER, "-a", str(tmp_path / "x.yaml"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words, prog_name="crisp-hw")
    assert result.exit_code == 0 and said in result.stderr and result.stderr.count("\n") == 1


def test_a_name_of_an_accelerator_that_no_folder_can_have_is_cut(tmp_path):
    (tmp_path / "x.yaml").write_text(OWN.replace("mine", "n" * 9000))
    words = [*RENDER, "-a", str(tmp_path / "x.yaml"), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, words, prog_name="crisp-hw").exit_code == 0
    (made,) = (tmp_path / "out").iterdir()
    assert made.name.startswith("n" * 100 + "-") and len(made.name) == 109


def test_templates_include_from_a_folder_that_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inside").mkdir()
    (tmp_path / "in.yaml").write_text("a: 1")
    (tmp_path / "inside" / "in.yaml").write_text("{{ include_text('../dot.yaml') }}")
    (tmp_path / "dot.yaml").write_text(DOT)
    outside = "outside of the folders of the files given; allow its folder with --include"
    assert outside in run("model", "inside/in.yaml", code=2).stderr
    run("model", "inside/in.yaml", "--include", ".")
    assert "gone: is no folder to include from" in run("map", "inside/in.yaml", "--include", "gone", code=2).stderr
