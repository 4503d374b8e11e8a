"""`crisp-hw model` on documents of either dialect."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.dropin.model import evaluate_files, texts_of
from crisp_hw.errors import InputError

RANKS = [{"format": "B", "metadata-word-bits": 1, "payload-word-bits": 0}]


def documents():
    """An outer product of 4 x 4 lanes over 3 steps, both operands packed: 3 of 4 and 2 of 4 nonzero."""
    buffer = {"datawidth": 8, "depth": 64, "width": 8, "metadata_storage_width": 8, "metadata_storage_depth": 64}
    array = {"datawidth": 8, "meshX": 4, "meshY": 4}
    local = [
        {"name": "DRAM", "class": "DRAM", "attributes": {"datawidth": 8, "width": 64}},
        {"name": "LRF", "class": "storage", "subclass": "SRAM_MD", "attributes": {**buffer, "n_banks": 2}},
        {"name": "MAC[0..15]", "class": "compute", "attributes": array},
    ]
    spaces = [{"name": name, "projection": [[[dim]], [["K"]]]} for name, dim in zip("AB", "MN", strict=True)]
    spaces.append({"name": "Z", "projection": [[["M"]], [["N"]]], "read-write": True})
    densities = {name: {"distribution": "fixed-structured", "density": d} for name, d in (("A", 0.75), ("B", 0.5))}
    formats = [{"name": name, "ranks": RANKS} for name in "AB"]
    packed = [{"type": "position-skipping", "target": name, "condition-on": []} for name in "AB"]
    return {
        "architecture": {"version": 0.3, "subtree": [{"name": "system", "local": local}]},
        "problem": {
            "shape": {"name": "outer", "dimensions": ["M", "N", "K"], "data-spaces": spaces},
            "instance": {"M": 4, "N": 4, "K": 3, "densities": densities},
        },
        "mapping": [
            {"target": "LRF", "type": "datatype", "keep": ["A", "B"], "bypass": ["Z"], "stream": ["Z"]},
            {"target": "LRF", "type": "spatial", "factors": "M4 N4", "permutation": "MNK", "split": 1},
            {"target": "DRAM", "type": "temporal", "factors": "K3"},
        ],
        "sparse_optimizations": {
            "targets": [
                {"name": "LRF", "representation-format": {"data-spaces": formats}, "action-optimization": packed}
            ]
        },
    }


@pytest.fixture
def files(tmp_path):
    paths = []
    for name, content in documents().items():
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump({name: content}))
    return paths


def test_the_artifacts_documents_run_as_they_are(files, tmp_path):
    arguments = ["model", *map(str, files), "--out", str(tmp_path), "--dialect", "micro22", "--format", "json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    assert "position skipping" in done.stdout
    macs = json.loads((tmp_path / "stats.json").read_text())["levels"]["MAC"]
    # 3 x 2 nonzeros in one pass of 4 x 4 lanes, three times
    assert (macs["random_computes"], macs["avg_utilized_instances"], macs["cycles"]) == (18, 6, 3)


def test_averages_are_whole_in_public_timeloop_alone(files):
    text = files[1].read_text().replace("density: 0.75", "density: 0.6")
    files[1].write_text(text)
    evaluated = evaluate_files(files, "micro22")
    assert evaluated.average_macs == pytest.approx((0.6 * 2 + 0.4 * 3) / 4 * 2 / 4 * 16)  # 2.4 nonzeros of 4
    assert "(average) : 4.8\n" in texts_of(evaluated)["timeloop-model.stats.txt"]


def test_public_timeloop_refuses_them_with_file_and_line(files):
    with pytest.raises(InputError, match=r"\.yaml:\d+: .* is unknown to public Timeloop.*--dialect micro22"):
        evaluate_files(files)
