"""The committed parts load with a source beside every number, and a wrong file or question is told plainly."""

from pathlib import Path

import pytest
import yaml

from crisp_hw.characterization.table import load_energy, lookup
from crisp_hw.errors import InputError

PARTS = load_energy()
SOURCES = ("Horowitz 2014", "Aladdin", "Accelergy wire", "Sparseloop", "not given; assumed because")


@pytest.mark.parametrize("key", PARTS)
def test_every_number_has_a_source(key):
    part = PARTS[key]
    assert part.actions
    for entry in part.actions.values():
        measured = entry.source.startswith("hwcomponents-cacti 1.")
        assert measured == key.startswith("sram_")
        assert measured or entry.source.startswith(SOURCES)


@pytest.mark.parametrize("key", PARTS)
def test_every_area_has_a_source(key):
    assert (PARTS[key].area_um2 is None) == (PARTS[key].area_source == "")


def test_the_arithmetic_that_the_citations_state():
    aladdin = {
        "mult": 8.63,
        "add": 0.0857,
        "mult_idle": 0.24,
        "add_idle": 0.0119,
        "latch": 0.009,
        "latch_idle": 0.00037,
    }
    compute = aladdin["mult"] / 16 + aladdin["add"] / 4
    gated = aladdin["mult_idle"] / 16 + aladdin["add_idle"] / 4
    assert lookup(PARTS, "mac_int8", "compute").pj == pytest.approx(compute, abs=5e-5)
    assert lookup(PARTS, "mac_int8", "compute_gated").pj == pytest.approx(gated, abs=1e-5)
    assert PARTS["mac_int8"].area_um2 == 4600 / 16 + 179 / 4
    assert lookup(PARTS, "latch_8b", "read").pj == pytest.approx(8 * aladdin["latch"])
    assert lookup(PARTS, "latch_8b", "gated_read").pj == pytest.approx(8 * aladdin["latch_idle"])
    assert lookup(PARTS, "dram_lpddr4_64b", "read").pj == 64 * 8
    horowitz = lookup(PARTS, "mult_int8", "compute").pj + lookup(PARTS, "add_int32", "compute").pj
    assert lookup(PARTS, "mac_int8_horowitz", "compute").pj == pytest.approx(horowitz)
    assert lookup(PARTS, "mux_4to1_8b", "select").pj == pytest.approx(9 * 0.0181 / 4, abs=5e-5)


def test_unknown_keys_and_actions_list_what_there_is():
    with pytest.raises(
        InputError, match=r"no part 'sram_512kb_64b', and none is interpolated; the table has .*sram_256kb_64b"
    ):
        lookup(PARTS, "sram_512kb_64b", "read")
    with pytest.raises(InputError, match=r"sram_256kb_64b has no action 'update'; it has leak, read, write"):
        lookup(PARTS, "sram_256kb_64b", "update")


CITED = {
    "key": "p",
    "kind": "cited",
    "use": "a test",
    "access_bits": 8,
    "actions": {"read": {"pj": 1.5, "source": "us"}},
}


def write(folder: Path, entries: object) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"schema": "crisp-hw/parts/1", "entries": entries}))
    return path


def test_a_users_table_loads_by_path_or_by_text(tmp_path):
    path = write(tmp_path, [CITED])
    assert load_energy(path) == load_energy(str(path))
    assert lookup(load_energy(path), "p", "read").pj == 1.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": {"read": {"pj": 1.5}}}, r"mine.yaml:\d+: parts of p.actions.read.source: is missing"),
        (
            {"actions": {"read": {"pj": -1.0, "source": "us"}}},
            r"parts of p.actions.read.pj: .*greater than or equal to 0",
        ),
        (
            {"actions": {"read": {"pj": float("nan"), "source": "us"}}},
            r"parts of p.actions.read.pj: should be a number",
        ),
        ({"actions": {"read": {"pj": "1.5", "source": "us"}}}, r"parts of p.actions.read.pj: should be a number"),
        ({"actions": {}}, r"parts of p.actions: should not be empty"),
        ({"area_um2": 3.0}, r"parts of p.*area_um2 and area_source must be given together"),
        ({"colour": "red"}, r"parts of p.colour: is not known here"),
        ({"kind": "guessed"}, r"mine.yaml:\d+: parts of p.kind: 'guessed' is not known here; known are measured"),
        ({"kind": "measured"}, r"parts of p.pj: is missing"),
    ],
)
def test_a_wrong_entry_is_named_with_its_field(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        load_energy(write(tmp_path, [CITED | change]))


def test_repeated_keys_missing_files_and_foreign_schemas_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"mine.yaml:\d+: parts of p: the key is already taken"):
        load_energy(write(tmp_path, [CITED, CITED]))
    with pytest.raises(InputError, match=r"none.yaml: cannot be read"):
        load_energy(tmp_path / "none.yaml")
    (tmp_path / "other.yaml").write_text("schema: crisp-hw/energy/1\nentries: []\n")
    with pytest.raises(InputError, match=r"other.yaml:1: parts.schema: should be crisp-hw/parts/1"):
        load_energy(tmp_path / "other.yaml")
