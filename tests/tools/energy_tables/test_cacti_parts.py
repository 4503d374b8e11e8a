"""The committed SRAM parts are CACTI's, and the generator writes them again."""

import re
from dataclasses import replace
from datetime import date

import pytest
import yaml
from energy_tables import cacti_parts

from crisp_hw.characterization import cacti
from crisp_hw.characterization.table import load_energy
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError

COMMITTED = data_folder("arch") / "energy" / "cacti-45nm.yaml"
ENTRIES = {entry["key"]: entry for entry in yaml.safe_load(COMMITTED.read_text())["entries"]}

# CACTI at 45 nm, itrs-lstp, measured independently of the generator: pJ to four digits
ANCHORS = {
    ("sram_256kb_64b", "read"): 44.72,
    ("sram_256kb_64b", "write"): 38.49,
    ("sram_1kb_32b", "read"): 1.324,
    ("sram_1kb_32b", "write"): 2.065,
    ("sram_64kb_64b", "read"): 25.87,  # Sparseloop's MICRO 2022 artifact has 25.8695 and 19.6486 for the same array
    ("sram_64kb_64b", "write"): 19.65,
}


@pytest.mark.parametrize(("key", "action"), ANCHORS)
def test_known_arrays_to_four_digits(key, action):
    assert float(f"{ENTRIES[key]['pj'][action]:.4g}") == ANCHORS[key, action]


@pytest.mark.parametrize("query", cacti_parts.QUERIES, ids=lambda query: query.key)
def test_every_query_is_committed_as_it_was_asked(query):
    entry, array = ENTRIES[query.key], query.array
    assert entry["access_bits"] == array.width_bits
    asked = f"width={array.width_bits}, depth={array.depth}, size={array.size_bits}, n_rw_ports=1, n_banks=1"
    assert entry["provenance"]["query"] == f"SRAM(tech_node=45e-9, {asked})"
    capacity, width = query.key.removeprefix("sram_").split("_")
    assert (capacity, width) == (f"{array.size_bits // 8192}kb", f"{array.width_bits}b")


@pytest.mark.parametrize("key", ENTRIES)
def test_every_number_has_tool_version_query_configuration_and_date(key):
    provenance = ENTRIES[key]["provenance"]
    assert provenance["tool"] == "hwcomponents-cacti"
    assert provenance["version"].count(".") == 2
    assert re.search(r"sha256 [0-9a-f]{16}\.\.\.: .*itrs-lstp", provenance["configuration"])
    assert isinstance(provenance["date"], date)


@pytest.mark.parametrize("key", ENTRIES)
def test_leak_is_the_leakage_power_over_one_nanosecond(key):
    assert ENTRIES[key]["pj"]["leak"] == pytest.approx(ENTRIES[key]["leakage_uw"] * 1e-3, abs=5e-7)


def test_a_wider_or_larger_array_costs_more_per_access():
    reads = {key: part.actions["read"].pj for key, part in load_energy().items() if key.startswith("sram_")}
    assert reads["sram_256kb_256b"] > reads["sram_256kb_64b"] > reads["sram_64kb_64b"] > reads["sram_32kb_64b"]
    assert reads["sram_1kb_128b"] > reads["sram_4kb_32b"] > reads["sram_1kb_32b"]


def test_the_generator_writes_what_cacti_says(make_package, tmp_path):
    make_package()
    cacti_parts.main(["--out", str(tmp_path / "table.yaml"), "--node-nm", "65"])
    parts = load_energy(tmp_path / "table.yaml")
    assert set(parts) == set(ENTRIES)
    part = parts["sram_256kb_64b"]
    assert {action: entry.pj for action, entry in part.actions.items()} == {"read": 1.25, "write": 2.0, "leak": 5e-5}
    assert "9.8.7, SRAM(tech_node=65e-9, width=64, depth=32768" in part.actions["read"].source
    assert part.area_um2 == 3400.0


def test_without_the_tool_it_ends_with_code_2_and_writes_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(cacti.ELSEWHERE, str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit) as stop:
        cacti_parts.main(["--out", str(tmp_path / "table.yaml")])
    assert stop.value.code == 2
    assert "CACTI was not built there" in capsys.readouterr().err
    assert not (tmp_path / "table.yaml").exists()


def test_cacti_gives_the_committed_numbers_again():
    try:
        tool = cacti.find_cacti()
    except InputError as error:
        pytest.skip(str(error))
    found = [(query, cacti.ask(replace(query.array, node_nm=45), tool)) for query in cacti_parts.QUERIES]
    again = yaml.safe_load(cacti_parts.render(tool, found, 45))["entries"]
    numbers = ("key", "access_bits", "pj", "area_um2", "leakage_uw", "access_ns", "cycle_ns")
    assert [[entry[field] for field in numbers] for entry in again] == [
        [entry[field] for field in numbers] for entry in ENTRIES.values()
    ]
