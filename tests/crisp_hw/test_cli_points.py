"""`crisp-hw points`: totals add up, a limit of bandwidth takes time, and what is wrong is said."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

NETWORK = """\
schema: crisp-hw/point-network/1
name: small
source: made by hand
layers:
  - {name: stem, in_channels: 4, out_channels: 32, kernel: 3}
  - {name: down, in_channels: 32, out_channels: 64, kernel: 2, stride: 2}
  - {name: up, in_channels: 64, out_channels: 32, kernel: 2, stride: 2, transposed: true}
"""


@pytest.fixture
def scan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    points = np.random.default_rng(3).uniform(0, 4, (300, 4)).astype("<f4")
    (tmp_path / "scan.bin").write_bytes(points.tobytes())
    (tmp_path / "small.yaml").write_text(NETWORK)
    return ["points", "scan.bin", "--voxel-size", "0.5", "--network", "small.yaml", "--no-cache"]


def told(words):
    result = CliRunner().invoke(app, [*words, "-f", "json"], prog_name="crisp-hw")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.slow
def test_totals_are_products_and_traffic(scan):
    free = told([*scan, "--nm", "2:4", "-a", "dense", "-a", "crisp-stc", "--set", "dram_bandwidth=none"])
    slow = told([*scan, "--nm", "2:4", "-a", "dense", "-a", "crisp-stc", "--set", "dram_bandwidth=4"])
    for totals in (*free["totals"], *slow["totals"]):
        assert totals["cycles"] == totals["product_cycles"] + totals["traffic_cycles"]
        assert totals["energy_uj"] == pytest.approx(totals["product_uj"] + totals["traffic_uj"])
        assert totals["speedup"] == totals["dense_cycles"] / totals["cycles"]
    assert [each["traffic_cycles"] for each in free["totals"]] == [0, 0]
    assert any("no bandwidth at its outermost level" in each for each in free["assumptions"])
    words = [(each["gather_words"], each["scatter_words"]) for each in slow["layers"]]
    assert all(each["traffic_cycles"] * 2 * 4 >= sum(map(sum, words)) > 0 for each in slow["totals"])
    assert [each["traffic_uj"] for each in free["totals"]] == [each["traffic_uj"] for each in slow["totals"]]


def test_epsilon_makes_fewer_kernels_and_pads(scan):
    tight, loose = told([*scan, "--epsilon", "0"]), told([*scan, "--epsilon", "1"])
    assert [each["kernels"] for each in loose["layers"]] == [2, 1, 1]
    assert sum(each["kernels"] for each in tight["layers"]) > 4
    assert {each["padding"] for each in tight["layers"]} == {0.0} and loose["layers"][0]["padding"] > 0
    alone = told([*scan, "--epsilon", "1", "--mm-thresh", "0"])
    assert [each["padding"] for each in alone["layers"]] == [0.0] * 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"--epsilon": "2"}, "epsilon is a share from 0 to 1, not 2"),
        ({"--voxel-size": "-1"}, "the size of voxels must be a positive number, not -1"),
        ({"--network": "vgg16"}, "no network over points named vgg16; there is minkunet"),
        ({"--nm": "5:4"}, "5:4"),
    ],
)
def test_what_is_wrong_is_said(scan, words, said):
    given = {"--voxel-size": "0.5", "--network": "small.yaml", **words}
    spelled = [text for pair in given.items() for text in pair]
    result = CliRunner().invoke(app, ["points", "scan.bin", *spelled], prog_name="crisp-hw")
    assert (result.exit_code, result.stdout) == (2, "") and said in result.stderr, result.output
