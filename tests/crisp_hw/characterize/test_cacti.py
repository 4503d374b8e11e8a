"""The committed SRAM numbers are CACTI's, and the generator refuses what CACTI would not answer itself."""

import importlib.util
from datetime import date

import pytest
import yaml

from crisp_hw.characterize import cacti
from crisp_hw.characterize.table import load_energy
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError

ENTRIES = {
    entry["key"]: entry
    for entry in yaml.safe_load((data_folder("arch") / "energy" / "cacti-45nm.yaml").read_text())["entries"]
}
INSTALLED = importlib.util.find_spec("hwcomponents_cacti") is not None
needs_cacti = pytest.mark.skipif(not INSTALLED, reason="hwcomponents-cacti is not installed: CACTI cannot be asked")

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


@pytest.mark.parametrize("query", cacti.QUERIES, ids=lambda query: query.key)
def test_every_query_is_committed_as_it_was_asked(query):
    entry = ENTRIES[query.key]
    assert entry["access_bits"] == query.width_bits
    asked = f"width={query.width_bits}, depth={query.depth}, size={query.size_bits}, n_rw_ports=1, n_banks=1"
    assert entry["provenance"]["query"] == f"SRAM(tech_node=45e-9, {asked})"
    capacity, width = query.key.removeprefix("sram_").split("_")
    assert (capacity, width) == (f"{query.size_bits // 8192}kb", f"{query.width_bits}b")


@pytest.mark.parametrize("key", ENTRIES)
def test_every_number_has_tool_version_query_configuration_and_date(key):
    provenance = ENTRIES[key]["provenance"]
    assert provenance["tool"] == "hwcomponents-cacti"
    assert provenance["version"].count(".") == 2
    assert provenance["python"].startswith("3.")
    assert "itrs-lstp" in provenance["configuration"]
    assert isinstance(provenance["date"], date)


@pytest.mark.parametrize("key", ENTRIES)
def test_leak_is_the_leakage_power_over_one_nanosecond(key):
    assert ENTRIES[key]["pj"]["leak"] == pytest.approx(ENTRIES[key]["leakage_uw"] * 1e-3, abs=5e-7)


def test_a_wider_or_larger_array_costs_more_per_access():
    reads = {key: part.actions["read"].pj for key, part in load_energy().items() if key.startswith("sram_")}
    assert reads["sram_256kb_256b"] > reads["sram_256kb_64b"] > reads["sram_64kb_64b"] > reads["sram_32kb_64b"]
    assert reads["sram_1kb_128b"] > reads["sram_4kb_32b"] > reads["sram_1kb_32b"]


@pytest.mark.parametrize(
    ("width", "depth", "node", "message"),
    [
        (8, 1024, 45, r"x: CACTI takes widths of 32 bits or more in steps of 8, not 8"),
        (36, 1024, 45, r"x: .* not 36"),
        (64, 32, 45, r"x: CACTI takes 64 entries or more, not 32"),
        (64, 1024, 28, r"x: CACTI has the nodes \(22, 32, 45, 65, 90\) nm, not 28"),
    ],
)
def test_a_query_that_would_be_scaled_is_refused(width, depth, node, message):
    with pytest.raises(InputError, match=message):
        cacti.measure(cacti.SramQuery("x", width, depth, "a test"), node)


def test_a_missing_tool_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(cacti.importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"hwcomponents_cacti is missing; use Python 3.12 .* pip install"):
        cacti.load_tool()


@pytest.mark.skipif(INSTALLED, reason="hwcomponents-cacti is installed")
def test_the_command_ends_with_code_2_and_writes_nothing_without_the_tool(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cacti.main(["--out", str(tmp_path / "table.yaml")])
    assert stop.value.code == 2
    assert "hwcomponents_cacti is missing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@needs_cacti
def test_cacti_gives_the_committed_numbers_again(tmp_path):
    cacti.main(["--out", str(tmp_path / "table.yaml")])
    again = yaml.safe_load((tmp_path / "table.yaml").read_text())["entries"]
    numbers = ("key", "access_bits", "pj", "area_um2", "leakage_uw", "access_ns", "cycle_ns")
    assert [[entry[field] for field in numbers] for entry in again] == [
        [entry[field] for field in numbers] for entry in ENTRIES.values()
    ]
