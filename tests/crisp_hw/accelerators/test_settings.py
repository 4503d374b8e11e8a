"""An accelerator and its changes in one text: what is read, what a colon in a file's name means, what is refused."""

from pathlib import Path

import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.accelerators.settings import Asked, asked
from crisp_hw.errors import InputError

OWN = "schema: crisp-hw/arch/2\nname: mine\nextends: crisp-stc\n"


def test_text_and_replace_make_the_same():
    text = load_arch("crisp-stc:smem_bandwidth=32,rf_kb=2")
    assert text == load_arch("crisp-stc").replace(smem_bandwidth=32, rf_kb=2)
    assert load_arch("stc: cores=8, smem_bandwidth=none") == load_arch("stc").replace(cores=8, smem_bandwidth=None)


@pytest.mark.parametrize("name", ["plain.yaml", "with:colon.yaml", "cores=2:x.yaml"])
def test_a_file_may_have_colons_and_changes(name, tmp_path):
    path = tmp_path / name
    path.write_text(OWN)
    assert load_arch(str(path)).name == "mine"
    assert load_arch(path).name == "mine"
    assert load_arch(f"{path}:cores=8").name == "mine[cores=8]"


def test_a_path_has_no_changes():
    assert asked(Path("a.yaml:cores=8")) == Asked(Path("a.yaml:cores=8"), {})


def test_energies_follow_the_change_where_they_are_characterized():
    small, large = (load_arch(f"crisp-stc:smem_kb={kb}", energy="table") for kb in (128, 512))
    assert small.energy.actions["SMEM"]["read"] < large.energy.actions["SMEM"]["read"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crisp-stc:", "crisp-stc:: names no parameter; write crisp-stc:cores=8, for example"),
        ("crisp-stc:=8", "crisp-stc:=8: names no parameter"),
        ("crisp-stc:cores=8,", "names no parameter"),
        ("crisp-stc:cores", "crisp-stc:cores: lacks a value; write crisp-stc:cores=NUMBER"),
        ("crisp-stc:cores=many", "crisp-stc:cores=many: 'many' is no number; give a decimal number, or none"),
        ("crisp-stc:cores=010", "'010' is no number"),
        ("crisp-stc:cores=8,cores=4", "crisp-stc:cores: is given twice, as 8 and as 4; give it once"),
        ("crisp-stc:smem_ports=2", "unknown parameter smem_ports; valid: cores, lrf_bandwidth, "),
        (
            "tpu:cores=8",
            "no architecture tpu; valid names: crisp-stc, dense, dstc, eie, eyeriss-v1",
        ),
        (3, "the accelerator is 3, an int; give a name of list_arch(), the path of a .yaml file, or either with"),
        (None, "the accelerator is None; give a name"),
    ],
)
def test_what_is_wrong_is_one_sentence(text, said):
    with pytest.raises(InputError) as caught:
        load_arch(text)
    assert said in str(caught.value)


def test_vectors_and_banks_are_numbers_to_set():
    before, after = load_arch("crisp-stc"), load_arch("crisp-stc:smem_vector_words=16,smem_banks=2")
    level = after.architecture.level("SMEM")
    assert (level.block_size, level.banks) == (16, 2)
    assert after.energy.actions["SMEM"] != before.energy.actions["SMEM"]
    assert after.energy.actions["RF"] == before.energy.actions["RF"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("dram_banks=2", "dram_banks has no effect; no energy of a DRAM follows its banks"),
        ("smem_vector_words=7", "SMEM holds 262144 words, which is no multiple of smem_vector_words=7"),
        ("smem_banks=1.5", "smem_banks must be a whole number, not 1.5"),
        ("smem_banks=3", "outside of the grid"),
    ],
)
def test_vectors_and_banks_that_there_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        load_arch(f"crisp-stc:{changes}")
