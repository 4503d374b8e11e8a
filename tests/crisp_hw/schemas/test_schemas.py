"""What a command prints as JSON is what its schema says, and the schemas on disk are those of the program."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import schemas as tool
from evaluations import KINDS, evaluation
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.documents.document import json_text
from crisp_hw.pruned_file import save_pruned
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.schemas import SCHEMAS, json_schema
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM

ROOT = Path(__file__).parents[3]
ONE = ["resnet50", "--nm", "2:4", "--layers", "fc"]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def checked(text):
    """The content of a JSON text, held against the schema that it names."""
    content = json.loads(text)
    assert next(iter(content)) == "schema"
    SCHEMAS[content["schema"]].model_validate_json(text)
    return content["schema"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of results, Timeloop's files of a layer, and a bundle."""
    folder = tmp_path_factory.mktemp("json")
    assert run("evaluate", *ONE, "--out", folder / "a", "--no-plot").exit_code == 0
    assert run("render", *ONE, "--out", folder / "files").exit_code == 0
    assert run("bundle", *ONE, "--out", folder / "b.zip").exit_code == 0
    return folder


NET = (
    "schema: crisp-hw/point-network/1\nname: n\nsource: by hand\nlayers: [{name: a, in_channels: 4, out_channels: 8}]\n"
)
SPACE = "schema: crisp-hw/space/1\nsource: resnet50\nlayers: fc\nspace: {cores: [4, 8], rf_kb: [0.001, 1]}\n"
COMMANDS = {
    "result/2": ["report", "{a}"],
    "comparison/1": ["compare", "{a}", "{b}"],
    "replay/1": ["replay", "{b}"],
    "explanation/1": ["evaluate", *ONE, "--explain", "cycles"],
    "model/1": ["model", "{files}", "-o", "{out}"],
    "map/1": ["map", "{open}", "-o", "{out}"],
    "accelerators/1": ["arch", "list"],
    "accelerator/1": ["arch", "show", "dstc"],
    "characterization/1": ["characterize"],
    "workloads/1": ["workload", "list"],
    "workload-table/1": ["workload", "show", "mobilenetv2"],
    "points/1": ["points", "{scan}", "--voxel-size", "1", "--network", "{net}"],
    "exploration/1": ["explore", "{space}", "-o", "{out}"],
    "description/1": ["describe", "resnet50", "--nm", "2:4", "--block", "64", "--sparsity", "0.9"],
    "kept/1": ["cache", "info"],
    "doctor/1": ["doctor"],
    "written/1": ["render", *ONE, "-o", "{out}"],
    "error/1": ["arch", "show", "nothing"],
    "mistakes/1": ["arch", "check", "{wrong}"],
    "validation/1": ["validate", "{case}"],
    "check/1": ["check", "{masks}", "--positions", "2"],
    "reproduction/1": ["reproduce", "eie", "-o", "{out}", "--no-plot"],
}


def small_masks(folder):
    layer = PrunedLayer(Layer("fc", "linear", 16, 8), "nm", np.tile([True, False], (16, 4)), NM(2, 4))
    save_pruned(folder / "run.safetensors", PrunedModel("run", (layer,)))
    return folder / "run.safetensors"


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_is_what_its_schema_says(name, place, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("schema: crisp-hw/arch/1\nname: x\nextends: fabric\n")
    net = tmp_path / "net.yaml"
    net.write_text(NET)
    scan = tmp_path / "scan.bin"
    scan.write_bytes(np.arange(12, dtype="<f4").tobytes())
    space = tmp_path / "space.yaml"
    space.write_text(SPACE)
    files = sorted((place / "files").rglob("*.yaml"))
    names = {
        "{a}": [place / "a"],
        "{b}": [place / "b.zip"],
        "{files}": files,
        "{open}": [path for path in files if path.name not in ("mapping.yaml", "sparse_optimizations.yaml")],
        "{out}": [tmp_path],
        "{wrong}": [wrong],
        "{net}": [net],
        "{scan}": [scan],
        "{space}": [space],
        "{masks}": [small_masks(tmp_path)],
        "{case}": [ROOT / "tests/golden/crisp-small.jsonl"],
    }
    words = [each for word in COMMANDS[name] for each in names.get(word, [word])]
    assert checked(run(*words, "--format", "json").stdout) == f"crisp-hw/{name}"
    for path in tmp_path.rglob("*.json"):
        assert checked(path.read_text()) == f"crisp-hw/{name}"


@pytest.mark.slow
def test_the_result_on_disk_is_what_is_printed(place):
    assert checked((place / "a" / "result.json").read_text()) == "crisp-hw/result/2"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_evaluation_is_what_its_schema_says(kind):
    assert checked(json_text(evaluation_document(evaluation(kind).network))) == "crisp-hw/result/2"


def test_every_schema_has_a_command_that_shows_it():
    elsewhere = {f"crisp-hw/{name}/1" for name in ("verification", "measurement")}
    elsewhere |= {f"crisp-prune/{name}/1" for name in ("plan", "run", "lab", "one-shot")}
    assert {f"crisp-hw/{name}" for name in COMMANDS} | elsewhere == SCHEMAS.keys()


def test_what_crisp_prune_prints_is_what_its_schemas_say():
    torch = pytest.importorskip("torch", reason="crisp_prune prunes models of torch")
    from crisp_prune import CrispConfig
    from crisp_prune.cli.output import outcome_document
    from crisp_prune.plan import make_plan, plan_document

    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Linear(32, 4))
    plan = make_plan(model, CrispConfig(sparsity=0.6, block=8))
    assert checked(json_text(plan_document(plan))) == "crisp-prune/plan/1"
    reached = SimpleNamespace(top1_all=0.5, top1_classes=0.75, samples=8)
    job = SimpleNamespace(config=SimpleNamespace(sparsity=0.6), out=Path("run.pt"), run_dir=Path("run"))
    outcome = SimpleNamespace(before=reached, after=reached, sparsity=0.59, target=0.6, budget=None)
    assert checked(json_text(outcome_document(job, outcome))) == "crisp-prune/run/1"


def test_every_schema_that_the_program_names_is_there():
    sources = (path for package in ("crisp_hw", "crisp_prune") for path in (ROOT / package).rglob("*.py"))
    read = {
        "arch",
        "queued",
        "point-network",
        "energy",
        "workload",
        "sram-grid",
        "parts",
        "bundle",
        "pruned-model",
        "prune-job",
        "study",
        "space",
    }
    named = {found for path in sources for found in re.findall(r'"crisp-(?:hw|prune)/([a-z-]+)/\d+"', path.read_text())}
    assert named - read == {name.split("/")[1] for name in SCHEMAS}


@pytest.mark.parametrize(("name", "text"), tool.texts().items())
def test_the_schemas_on_disk_are_current(name, text):
    assert (ROOT / "docs" / "schemas" / name).read_text(encoding="utf-8") == text, "make them again"


def test_no_other_file_is_among_them():
    assert {path.name for path in (ROOT / "docs" / "schemas").glob("*.json")} == set(tool.texts())


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_names_its_version_and_allows_nothing_else(name):
    made = json_schema(name)
    assert made["properties"]["schema"]["const"] == name and made["additionalProperties"] is False
    assert "schema" in made["required"] and made["description"]
