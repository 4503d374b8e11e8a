"""The fabric's energy table is the parts joined as wired, the committed file is current, and accelerators take it."""

import pytest
from energy_tables import fabric

from crisp_hw.accelerators import load_arch
from crisp_hw.characterization.table import load_energy, lookup
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError

PARTS = load_energy()


def test_the_committed_file_is_what_the_parts_give():
    committed = data_folder("arch") / "energy" / "fabric-45nm.yaml"
    assert committed.read_text(encoding="utf-8") == fabric.render(fabric.bind(PARTS))


def test_the_command_writes_the_same_file(tmp_path):
    fabric.main(["--out", str(tmp_path / "table.yaml")])
    assert (tmp_path / "table.yaml").read_text(encoding="utf-8") == fabric.render(fabric.bind(PARTS))


def test_the_command_names_a_folder_that_is_missing(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        fabric.main(["--out", str(tmp_path / "no" / "table.yaml")])
    assert stop.value.code == 2
    assert "cannot be written" in capsys.readouterr().err


def test_leak_adds_the_data_and_the_metadata_array():
    table = fabric.bind(PARTS)
    both = sum(lookup(PARTS, key, "leak").pj for key in ("sram_256kb_256b", "sram_64kb_64b"))
    assert table.actions["SMEM"]["leak"] == pytest.approx(both, abs=1e-9)
    assert "; plus sram_64kb_64b" in table.sources["SMEM"]["leak"]


def test_every_energy_has_a_source():
    table = fabric.bind(PARTS)
    assert {c: set(a) for c, a in table.actions.items()} == {c: set(a) for c, a in table.sources.items()}
    assert all(source for sources in table.sources.values() for source in sources.values())


def test_a_missing_part_is_named():
    with pytest.raises(InputError, match=r"no part 'sram_1kb_32b'"):
        fabric.bind({key: part for key, part in PARTS.items() if key != "sram_1kb_32b"})


@pytest.mark.parametrize("name", ["dense", "stc", "dstc", "crisp-stc"])
def test_every_accelerator_takes_the_table(name):
    energy = load_arch(name, energy="fabric-45nm").energy
    assert energy.actions == fabric.bind(PARTS).actions


@pytest.mark.parametrize("level", ["DRAM", "SMEM", "LRF"])
def test_one_access_of_the_part_is_one_vector_of_the_level(level):
    storage = load_arch("dense").architecture.level(level)
    part = PARTS[fabric.WIRING[level]["read"][0][0]]
    assert storage.block_size * storage.word_bits == part.access_bits


def test_an_rf_word_is_charged_the_narrowest_array_of_its_size():
    storage = load_arch("dense").architecture.level("RF")
    assert storage.block_size * storage.word_bits < PARTS["sram_1kb_32b"].access_bits == 32
    assert storage.size_words * storage.word_bits == 1024 * 8
