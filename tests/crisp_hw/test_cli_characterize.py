"""`crisp-hw characterize`, and characterized energies in `crisp-hw evaluate`."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from crisp_hw.characterization.cacti import ELSEWHERE
from crisp_hw.cli import app

RESNET = ("--workload", "resnet50", "--nm", "2:4", "--block", "64", "--sparsity", "0.9", "--layers", "layer4.2.conv3")


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")
    assert result.exit_code == code, result.stderr
    return result


def energies(*arguments):
    rows = csv.DictReader(io.StringIO(run("characterize", *arguments, "--format", "csv").stdout))
    return {(row["part"], row["field"]): float(row["value"]) for row in rows}


def test_every_format_says_the_same():
    numbers = json.loads(run("characterize", "--format", "json").stdout)["numbers"]
    assert {(n["part"], n["field"]): n["value"] for n in numbers} == energies()
    assert "124.61" in run("characterize").stdout
    assert "| SMEM | read | 124.61 |" in run("characterize", "--format", "md").stdout


def test_every_kind_of_circuit_is_listed_with_overheads_and_metadata_on_lines_of_their_own():
    numbers = json.loads(run("characterize", "--format", "json").stdout)["numbers"]
    found = {(n["part"], n["field"]) for n in numbers if n["unit"] == "pJ" and n["source"]}
    assert {("DRAM", "read"), ("MAC", "compute"), ("LRF", "write"), ("adder", "add"), ("wire", "transfer")} <= found
    assert {("selection", "select"), ("offset_decoder", "decode"), ("index_decoder", "decode")} <= found
    assert {(part, "metadata_read") for part in ("DRAM", "SMEM", "LRF")} <= found


def test_node_and_settings_change_the_numbers():
    there, small, big = energies(), energies("--node", "22"), energies("--set", "smem_kb=512")
    assert small["SMEM", "read"] < there["SMEM", "read"] < big["SMEM", "read"]
    assert small["MAC", "compute"] < there["MAC", "compute"] == big["MAC", "compute"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--node", "7"), "no technology file for 7 nm, and numbers beyond 22 to 90 nm would be wrong"),
        (("--arch", "tpu"), "no architecture tpu; valid names"),
        (("--set", "smem_kb=16384"), "outside of the grid"),
        (("--energy", "cacti"), "has no cacti/cacti, so CACTI was not built there"),
        (("--energy", "accelergy"), "the command accelergy is not on the PATH"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(monkeypatch, tmp_path, arguments, message):
    monkeypatch.setenv(ELSEWHERE, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("characterize", *arguments, code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_evaluate_takes_the_table_and_a_changed_memory_costs_more():
    (plain,), (table,), (big,) = (
        list(csv.DictReader(io.StringIO(run("evaluate", *RESNET, *more, "--format", "csv").stdout)))
        for more in ((), ("--energy", "table"), ("--energy", "table", "--set", "smem_kb=512"))
    )
    assert table["energy_uj"] == plain["energy_uj"]
    assert float(big["smem_uj"]) > float(table["smem_uj"])
    assert "characterized by table at 45 nm" in run("evaluate", *RESNET, "--energy", "table", "--notes").stdout


def test_overheads_can_be_left_out():
    (full,), (bare,) = (
        list(csv.DictReader(io.StringIO(run("evaluate", *RESNET, *more, "--format", "csv").stdout)))
        for more in ((), ("--no-overheads",))
    )
    assert float(bare["overhead_uj"]) == 0 < float(full["overhead_uj"])
    assert float(bare["energy_uj"]) == pytest.approx(float(full["model_energy_uj"]))
    assert "Sparseloop does not model" in run("evaluate", *RESNET, "--notes").stdout
