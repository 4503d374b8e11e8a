"""The artifact's figures from a folder: a small one of the same layout, written here, recorded by the engine itself."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.dropin.model import evaluate_files, texts_of
from crisp_hw.errors import InputError
from crisp_hw.reproduction import Request, reproduce
from crisp_hw.reproduction.artifact import FOLDERS

ARCHITECTURE = """
architecture:
  version: 0.3
  subtree:
    - name: system
      local: [{name: DRAM, class: DRAM, attributes: {datawidth: 16, block-size: 1, metadata_datawidth: 4}}]
      subtree:
        - name: chip
          local:
            - {name: Buffer, class: SRAM, attributes: {datawidth: 16, depth: 1024, width: 16, metadata_datawidth: 4}}
            - {name: MACs, class: intmac, attributes: {datawidth: 16}}
"""
TABLES = {
    "ERT.yaml": """
ERT:
  version: 0.3
  tables:
    - {name: "system.DRAM[1..1]", actions: [{name: read, energy: 200}, {name: write, energy: 200}]}
    - {name: "system.chip.Buffer[1..1]", actions: [{name: read, energy: 2}, {name: write, energy: 2}]}
    - {name: "system.chip.MACs[1..1]", actions: [{name: mac_random, energy: 1}]}
""",
    "ART.yaml": """
ART:
  version: 0.3
  tables: []
""",
}
PROBLEM = """
problem:
  shape:
    name: product
    dimensions: [M, K, N]
    data-spaces:
      - {{name: A, projection: [[[M]], [[K]]]}}
      - {{name: B, projection: [[[K]], [[N]]]}}
      - {{name: Z, projection: [[[M]], [[N]]], read-write: true}}
  instance:
    {{M: 64, K: 32, N: 64, densities: {{A: {{distribution: hypergeometric, density: {a}}},
                                        B: {{distribution: hypergeometric, density: {b}}}}}}}
"""
MAPPING = """
mapping:
  - {target: DRAM, type: temporal, factors: M=64 K=1 N=4, permutation: KMN}
  - {target: Buffer, type: temporal, factors: M=1 K=32 N=16, permutation: KMN}
"""
SPARSE = """
sparse_optimizations:
  targets:
    - name: Buffer
      action-optimization:
        - {type: skipping, options: [{target: B, condition-on: [A]}]}
"""


def write(folder, **texts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)


def record(files, stats):
    """What the engine says of some documents, as a recorded run."""
    stats.parent.mkdir(parents=True, exist_ok=True)
    texts = texts_of(evaluate_files(files, "micro22"))
    stats.write_text(next(text for name, text in texts.items() if name.endswith("stats.txt")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One or two runs of every figure, in the folders of the artifact."""
    place = tmp_path_factory.mktemp("artifact")
    top = place / "workspace" / "2022.micro.artifact" / "evaluation_setups"
    here = {figure: top / folder for figure, folder in FOLDERS.items()}
    one = here["figure 1"]
    write(one / "arch", **{"arch.yaml": ARCHITECTURE})
    write(one / "sparse-opt", **{"bitmask.yaml": SPARSE})
    write(one / "workload", **{"spmspm.prob.0.1.yaml": PROBLEM.format(a=0.1, b=0.1)})
    write(one / "ert_art", **TABLES)
    run = one / "ref_outputs" / "output_0.1_bitmask"
    write(run, **{"timeloop-mapper.map.yaml": MAPPING})
    files = [one / "arch", one / "sparse-opt", one / "workload", one / "ert_art", run / "timeloop-mapper.map.yaml"]
    record(files, run / "timeloop-mapper.stats.txt")

    two, network = here["figure 12"], "mobilenet0.5-sparse"
    write(two / "workload" / network / "uniform", **{"L07.yaml": PROBLEM.format(a=0.5, b=0.5)})
    write(two / "hardware-specs" / "designs", **{"arch.yaml": ARCHITECTURE})
    write(two / "hardware-specs" / "configurations", **{"SI-SW.yaml": SPARSE})
    write(two / "ert_art", **TABLES)
    write(two / "mappings" / network, **{"L07-perfect_factor.yaml": MAPPING})
    files = [two / "workload", two / "hardware-specs", two / "ert_art", two / "mappings"]
    files = [path for folder in files for path in sorted(folder.glob("**/*.yaml"))]
    record(files, two / "ref_outputs" / "uniform_only" / "L07" / "uniform" / "output" / "timeloop-model.stats.txt")
    write(two / "scripts", **{"ground_truth_cycles.yaml": "L07: 65000\n"})

    three = here["figure 13"]
    for a in ("1.0", "0.5"):
        text = ARCHITECTURE + PROBLEM.format(a=a, b=1.0) + MAPPING + SPARSE
        write(three / "ref_outputs" / f"B_1.0-A_{a}", **{"aggregated_input.yaml": text}, **TABLES)
    write(three / "scripts", **{"baseline.yaml": "1.0: {1.0: 4000}\n0.5: {1.0: 2080}\n"})

    for figure, run, a in (
        ("figure 15", "ref_outputs/resnet/WD-0.5/M64/STC", 0.5),
        ("table 7", "ref_outputs/alexnet_conv1", 0.5),
        ("table 7", "dense_outputs/alexnet_conv1", 1.0),
    ):
        text = ARCHITECTURE + PROBLEM.format(a=a, b=1.0) + SPARSE
        write(here[figure] / run, **{"aggregated_input.yaml": text, "map.yaml": MAPPING}, **TABLES)
        record(sorted((here[figure] / run).glob("*.yaml")), here[figure] / run / "output" / "timeloop-model.stats.txt")
    return place


@pytest.fixture
def artifact(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "artifact"))


def test_every_recorded_run_is_computed_anew(artifact):
    found = reproduce("sparseloop", Request(artifact=artifact))
    claims = {each.claim: each for each in found.claims}
    recorded = [each for each in found.claims if each.allowed is not None]
    assert len(recorded) == 2 * 5 and all(each.within for each in recorded)
    assert claims["figure 1, bitmask, density 0.1: cycles"].deviation == 0
    assert claims["figure 15, M64 STC: energy"].within and claims["table 7, alexnet_conv1, dense: cycles"].ours > 0
    assert claims["figure 12, L07: chip"].published == 65000
    half = claims["figure 13, A 0.5, B 1"]
    assert (half.published, half.ours) == (0.52, pytest.approx(0.5, rel=1e-3))
    assert claims["table 7, alexnet_conv1"].published == 1.2
    judged = {each.name: each.within for each in found.bounds if each.within is not None}
    assert judged["figure 13: mean absolute deviation from hardware"] and len(judged) == 3
    assert [panel.title for panel in found.panels] == ["figure 12", "figure 13", "table 7"]


def test_the_setups_alone_are_enough_and_what_differs_is_the_exit_code(artifact, tmp_path):
    setups = artifact / "workspace" / "2022.micro.artifact" / "evaluation_setups"
    stats = setups / FOLDERS["figure 15"] / "ref_outputs/resnet/WD-0.5/M64/STC/output/timeloop-model.stats.txt"
    stats.write_text(stats.read_text().replace("\nCycles: ", "\nCycles: 1"))
    words = ["reproduce", "sparseloop", "--artifact", str(setups), "-o", str(tmp_path / "out"), "--no-plot"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and "figure 15, M64 STC: cycles" in done.stderr
    assert (tmp_path / "out" / "sparseloop.csv").is_file() and (tmp_path / "out" / "sparseloop.md").is_file()


def test_what_is_no_artifact_is_said(artifact, tmp_path):
    with pytest.raises(InputError, match=r"needs the folder of the artifact; git clone .*--artifact"):
        reproduce("sparseloop")
    with pytest.raises(InputError, match="is no folder"):
        reproduce("sparseloop", Request(artifact=tmp_path / "nowhere"))
    with pytest.raises(InputError, match="is not the Sparseloop MICRO 2022 artifact"):
        reproduce("sparseloop", Request(artifact=tmp_path))
    with pytest.raises(InputError, match="artifact has no effect on the reproduction eie"):
        reproduce("eie", Request(artifact=tmp_path))
    setups = artifact / "workspace" / "2022.micro.artifact" / "evaluation_setups"
    (setups / FOLDERS["figure 1"] / "ert_art" / "ERT.yaml").unlink()
    with pytest.raises(InputError, match=r"figure 1, bitmask, density 0.1: .*ERT.yaml is missing"):
        reproduce("sparseloop", Request(artifact=artifact))
    (setups / FOLDERS["figure 13"] / "scripts" / "baseline.yaml").write_text("1.0: fast\n")
    shutil.copy(setups / FOLDERS["figure 12"] / "ert_art" / "ERT.yaml", setups / FOLDERS["figure 1"] / "ert_art")
    with pytest.raises(InputError, match=r"baseline.yaml holds no latencies"):
        reproduce("sparseloop", Request(artifact=artifact))
    shutil.rmtree(setups / FOLDERS["table 7"])
    with pytest.raises(InputError, match="lacks table7_eyeriss_setup"):
        reproduce("sparseloop", Request(artifact=artifact))
