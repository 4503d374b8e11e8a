"""Accelergy through its command: our documents, its tables, and everything that can go wrong.

accelergy/ERT.yaml and ART.yaml were written by Accelergy 0.4 (commit 6911d15) from the documents of crisp-stc at 45 nm,
with accelergy-cacti-plug-in (291018b, running the CACTI of hwcomponents-cacti 1.0.40) and accelergy-aladdin-plug-in
(5e2e126).
"""

from pathlib import Path

import pytest
import yaml

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization import accelergy
from crisp_hw.characterization.accelergy import ask_accelergy, find_accelergy, read_tables
from crisp_hw.characterization.accelergy_documents import documents
from crisp_hw.characterization.components import circuits
from crisp_hw.characterization.methods import characterize
from crisp_hw.errors import InputError

RECORDED = Path(__file__).with_name("accelergy")
EDGE = load_arch("crisp-stc")
PARTS = circuits(EDGE.architecture, EDGE.constraints.keeps)


@pytest.fixture
def installed(executable, tmp_path, monkeypatch):
    """Puts a stand-in for the command on the PATH."""

    def install(body):
        (tmp_path / "bin").mkdir()
        executable("bin/accelergy", body)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    return install


def agrees(found):
    """Every energy as the table has it; Sparseloop rounded the gated MAC, hence one part in a thousand."""
    want = characterize(EDGE.architecture, EDGE.constraints.keeps, "table").table.actions
    for component, actions in want.items():
        assert found.table.actions[component] == pytest.approx(actions, rel=1e-3, abs=5e-7)


def test_the_recorded_tables_agree_with_the_grid():
    found = read_tables(RECORDED, PARTS, 45)
    agrees(found)
    areas = {each.name: each.area_um2 for each in found.components}
    assert areas["SMEM"] == pytest.approx(859765 + 209046)
    assert areas["selection"] == pytest.approx(113.4)


def test_the_installed_command_agrees_with_the_grid():
    try:
        command = find_accelergy()
    except InputError as error:
        pytest.skip(str(error))
    agrees(ask_accelergy(PARTS, 45, command))


def test_the_command_gets_our_documents_and_its_tables_are_read(installed):
    installed(
        f"test -f architecture.yaml -a -f components.yaml || exit 9\nmkdir $4\ncp {RECORDED}/*.yaml $4\n"
        'test "$1 $2 $3 $5 $6 $7" = "architecture.yaml components.yaml -o -f ERT ART"'
    )
    agrees(characterize(EDGE.architecture, EDGE.constraints.keeps, "accelergy"))


def test_the_documents_name_every_part_and_only_classes_that_they_define():
    texts = documents(PARTS, 45)
    chip = yaml.safe_load(texts["architecture.yaml"])["architecture"]["subtree"][0]
    classes = yaml.safe_load(texts["components.yaml"])["compound_components"]["classes"]
    assert [each["name"] for each in chip["local"]] == [each.name for each in PARTS]
    assert {each["class"] for each in chip["local"]} <= {each["name"] for each in classes}
    assert chip["attributes"]["technology"] == "45nm"
    attributes = {each["name"]: each["attributes"] for each in chip["local"]}
    assert attributes["SMEM"] == {
        "width": 256,
        "depth": 8192,
        "n_banks": 1,
        "metadata_width": 64,
        "metadata_depth": 8192,
    }
    for each in classes:
        names = {part["name"] for part in each["subcomponents"]}
        assert {p["name"] for action in each["actions"] for p in action["subcomponents"]} <= names


def test_without_the_command_it_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"command accelergy is not on the PATH; install version 0.4 .*not on PyPI"):
        load_arch("crisp-stc", energy="accelergy")


MISSING = "2026-01-01 10:00:00 ERROR  Can not find an energy estimator for SRAM(width=256).read()"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            f"echo '{MISSING}'; exit 1",
            r"failed \(exit code 1\): Can not find an energy estimator for SRAM\(width=256\)",
        ),
        ("echo Traceback; echo 'KeyError: x'; exit 255", r"failed \(exit code 255\): Traceback / KeyError: x"),
        ("kill -SEGV $$", r"failed \(exit code -11\)"),
        ("exit 0", r"ended without writing ERT.yaml \(no output\)"),
        ("mkdir out; echo hello > out/ERT.yaml", r"wrote a ERT.yaml that is none"),
        ("mkdir out; printf 'a: [' > out/ERT.yaml", r"ERT.yaml:\d: not YAML"),
        ("mkdir out; printf 'ERT: {version: \"0.4\", tables: []}' > out/ERT.yaml", r"without writing ART.yaml"),
        (
            "mkdir out; cd out; printf 'ERT: {version: \"0.4\", tables: []}' > ERT.yaml; "
            "printf 'ART: {tables: []}' > ART.yaml",
            r"the tables lack DRAM; they have nothing",
        ),
        (
            f"mkdir out; sed s/compute_gated/other/ {RECORDED}/ERT.yaml > out/ERT.yaml; cp {RECORDED}/ART.yaml out",
            r"the table of MAC lacks compute_gated; it has compute, other",
        ),
        (
            f"mkdir out; sed 's/: 0.5608/: -1/' {RECORDED}/ERT.yaml > out/ERT.yaml; cp {RECORDED}/ART.yaml out",
            r"wrote a ERT.yaml that is none: ERT.tables.*energy.*greater than or equal to 0",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence(installed, body, message):
    installed(body)
    with pytest.raises(InputError, match=message):
        ask_accelergy(PARTS, 45)


def test_a_node_that_aladdin_does_not_have_is_told(installed):
    installed(f"echo '{MISSING}'; exit 1")
    with pytest.raises(
        InputError, match=r"Can not find an energy .*; Aladdin's tables are for 45 nm: choose that node"
    ):
        ask_accelergy(PARTS, 65)


def test_every_number_names_tool_version_configuration_and_date():
    for each in read_tables(RECORDED, PARTS, 45).components:
        for cost in each.actions.values():
            assert cost.source.startswith(("accelergy, ERT version 0.4, 45 nm, 20", "not given; assumed because"))
    (mac,) = (each for each in read_tables(RECORDED, PARTS, 45).components if each.name == "MAC")
    assert "class crisp_mac(width=8, global_cycle_seconds=5e-9)" in mac.actions["compute"].source


def test_a_run_that_hangs_is_stopped(installed):
    installed("sleep 3600 &\nwait")
    with pytest.raises(InputError, match=r"accelergy: did not end within 0.3 s"):
        ask_accelergy(PARTS, 45, limit_s=0.3)


def test_nothing_is_run_for_a_node_that_cacti_does_not_have(installed):
    installed("exit 0")
    with pytest.raises(InputError, match="no technology file for 7 nm"):
        ask_accelergy(PARTS, 7)


def test_names_lose_their_place_in_the_tree():
    assert [accelergy._plain(name) for name in ("chip.SMEM", "chip.pe.MAC[1..64]", "RF")] == ["SMEM", "MAC", "RF"]
