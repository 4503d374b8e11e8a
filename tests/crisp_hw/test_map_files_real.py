"""The installed timeloop-mapper, where there is one, is never better, and timeloop-model reads what is found."""

import re
import shutil
import subprocess

import pytest
import yaml

from crisp_hw.dropin.map_files import map_files
from crisp_hw.report.mapping import texts_of

pytestmark = pytest.mark.skipif(
    shutil.which("timeloop-mapper") is None or shutil.which("timeloop-model") is None,
    reason="timeloop-mapper is not on PATH (github.com/NVlabs/timeloop)",
)
ROUNDED = 1e-3  # timeloop-mapper takes metrics this close for equal, and prints pJ per compute with three decimals


def sram(name, instances, depth):
    attributes = {"depth": depth, "width": 16, "word_bits": 16, "meshX": instances, "read_bandwidth": 2}
    return {"name": f"{name}[1..{instances}]", "class": "SRAM", "attributes": attributes}


DOCUMENTS = {
    "architecture": {
        "version": "0.4",
        "subtree": [
            {
                "name": "system",
                "local": [
                    {"name": "DRAM[1..1]", "class": "DRAM", "attributes": {"width": 16, "word_bits": 16}},
                    sram("SMEM", 1, 64),
                    sram("RF", 2, 8),
                    {"name": "MAC[1..4]", "class": "intmac", "attributes": {"datawidth": 16, "meshX": 4}},
                ],
            }
        ],
    },
    "problem": {
        "shape": {
            "name": "gemm",
            "dimensions": ["M", "N", "K"],
            "data_spaces": [
                {"name": "A", "projection": [[["M"]], [["K"]]]},
                {"name": "B", "projection": [[["K"]], [["N"]]]},
                {"name": "Z", "projection": [[["M"]], [["N"]]], "read_write": True},
            ],
        },
        "instance": {"M": 2, "N": 2, "K": 2},
    },
}
CONSTRAINTS = {
    "all open": [{"target": "DRAM", "type": "temporal", "factors": "K=1 M=1", "permutation": "NKM"}],
    "some open": [
        {"target": "RF", "type": "bypass", "keep": ["Z"]},
        {"target": "SMEM", "type": "temporal", "factors": "M<=2", "permutation": "K_N", "no_reuse": ["A"]},
        {"target": "DRAM", "type": "temporal", "default_max_factor": 2, "rmw_first_update": ["Z"]},
        {"target": "RF", "type": "utilization", "min": 0.5},
    ],
    "cut factors": [
        {"target": "SMEM", "type": "spatial", "factors": "K=2", "split": 999, "no_multicast_no_reduction": ["B"]},
        {"target": "RF", "type": "temporal", "factors": "K=0 N=1"},
        {"target": "SMEM", "type": "bypass", "keep": ["A"], "bypass": ["B"]},
    ],
}
METRICS = {"cycles": ["delay", "energy"], "energy": ["energy", "delay"], "edp": ["edp"]}


def run(tool, folder, documents):
    (folder / f"{tool}.yaml").write_text(yaml.safe_dump(documents, sort_keys=False))
    done = subprocess.run([tool, f"{tool}.yaml"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


@pytest.mark.parametrize("constraints", CONSTRAINTS)
@pytest.mark.parametrize("objective", METRICS)
def test_timeloop_finds_nothing_better_and_reads_what_was_found(constraints, objective, tmp_path):
    how = {"algorithm": "linear_pruned", "victory_condition": 0, "timeout": 1_000_000_000, "num_threads": 1}
    mapper = {**how, "optimization_metrics": METRICS[objective], "live_status": False}
    documents = {**DOCUMENTS, "mapspace_constraints": CONSTRAINTS[constraints], "mapper": mapper}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(documents, sort_keys=False))
    mapped = map_files([tmp_path / "all.yaml"])
    assert mapped.found.objective == objective
    said = re.findall(r"pJ/Compute =\s*([\d.]+) \| Cycles = (\d+)", run("timeloop-mapper", tmp_path, documents))[-1]
    macs = 2 * 2 * 2
    theirs = {"cycles": int(said[1]), "energy": float(said[0]) * macs}
    ours = {"cycles": mapped.found.cycles, "energy": mapped.found.energy_pj}
    for scores in (theirs, ours):
        scores["edp"] = scores["cycles"] * scores["energy"]
    assert ours[objective] <= theirs[objective] * (1 + ROUNDED)
    mapping = yaml.safe_load(texts_of(mapped)["map.yaml"])
    run("timeloop-model", tmp_path, {**DOCUMENTS, **mapping})
    statistics = (tmp_path / "timeloop-model.stats.txt").read_text()
    assert f"\nCycles: {mapped.found.cycles}\n" in statistics
    assert f"\nEnergy: {mapped.found.energy_pj / 1e6:.2f} uJ\n" in statistics
