"""Variants of one accelerator in one evaluation: rows, columns, folders and the command line keep them apart."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from crisp_hw import api
from crisp_hw.cli import app
from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import NM

SMALL = api.WorkloadPattern("resnet50", NM(2, 4))
FC = ("evaluate", "--workload", "resnet50", "--nm", "2:4", "--layers", "fc", "--no-cache")


@pytest.fixture(scope="module")
def found():
    crisp = api.load_arch("crisp-stc")
    archs = [crisp, crisp.replace(smem_bandwidth=8), crisp.replace(name="big", cores=8), "crisp-stc:rf_kb=2"]
    return api.evaluate(SMALL, archs, layers="fc")


def test_changed_parameters_are_columns_with_the_value_of_each(found):
    frame = found.to_frame()
    assert list(frame["arch"]) == ["crisp-stc", "crisp-stc[smem_bandwidth=8]", "big", "crisp-stc[rf_kb=2]"]
    assert list(frame.columns[:4]) == ["arch", "smem_bandwidth", "cores", "rf_kb"]
    assert list(frame["smem_bandwidth"]) == [24, 8, 24, 24]
    assert list(frame["cores"]) == [4, 4, 8, 4]
    assert list(found.totals()["smem_bandwidth"]) == [24, 8, 24, 24]
    assert frame["cycles"].nunique() > 1


def test_without_variants_there_are_no_such_columns():
    assert "smem_bandwidth" not in api.evaluate(SMALL, layers="fc").to_frame()


def test_every_variant_has_a_folder(found, tmp_path):
    files = api.render(found, tmp_path)
    folders = {path.relative_to(tmp_path).parts[0] for path in files}
    assert folders == {"crisp-stc", "crisp-stc[smem_bandwidth=8]", "big", "crisp-stc[rf_kb=2]"}


def test_names_that_are_no_folder_are_mapped_to_one(tmp_path):
    crisp = api.load_arch("crisp-stc")
    long = crisp.replace(**{f"{level}_{way}_bandwidth": 64 for level in ("lrf", "rf", "smem") for way in ("read",)})
    found = api.evaluate(SMALL, [crisp.replace(name="../a/b"), long.replace(dram_bandwidth=8, cores=8)], layers="fc")
    folders = {path.relative_to(tmp_path).parts[:-2] for path in api.render(found, tmp_path)}
    assert len(folders) == 2
    assert all(len(parts) == 1 and len(parts[0]) <= 110 for parts in folders)
    assert not (tmp_path.parent / "a").exists()


def test_two_of_one_name_are_refused():
    crisp = api.load_arch("crisp-stc")
    with pytest.raises(InputError, match=r"accelerator crisp-stc is given twice.*replace\(name="):
        api.evaluate(SMALL, [crisp, "crisp-stc"], layers="fc")
    with pytest.raises(InputError, match="accelerator wide is given twice"):
        api.evaluate(SMALL, [crisp.replace(name="wide", cores=n) for n in (2, 8)], layers="fc")


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_the_command_line_takes_variants():
    found = run(*FC, "-f", "csv", "--arch", "crisp-stc", "-a", "crisp-stc:smem_bandwidth=8,cores=8")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [row["arch"] for row in rows] == ["crisp-stc", "crisp-stc[smem_bandwidth=8,cores=8]"]
    assert [(row["smem_bandwidth"], row["cores"]) for row in rows] == [("24", "4"), ("8", "8")]


def test_set_applies_to_all_and_keeps_their_names():
    found = json.loads(run(*FC, "-f", "json", "-a", "stc", "-a", "crisp-stc:cores=8", "--set", "rf_kb=2").stdout)
    assert [(row["arch"], row["rf_kb"], row["cores"]) for row in found["layers"]] == [
        ("stc", 2, 4),
        ("crisp-stc[cores=8]", 2, 8),
    ]


def test_set_takes_no_effect_from_a_variant():
    found = run(*FC, "-a", "crisp-stc:smem_read_bandwidth=8", "--set", "smem_bandwidth=16")
    assert found.exit_code == 2
    assert "--set smem_bandwidth: leaves smem_read_bandwidth of --arch crisp-stc[smem_read_bandwidth=8]" in found.stderr


def test_other_commands_take_variants():
    shown = run("arch", "show", "crisp-stc:smem_bandwidth=32", "-f", "json")
    assert json.loads(shown.stdout)["name"] == "crisp-stc[smem_bandwidth=32]"
    assert run("characterize", "--arch", "crisp-stc:smem_kb=512").exit_code == 0
