"""Architecture files: the packaged four, and what a user's own may say wrong."""

import re

import pytest
import yaml

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.spec.accelerator import CrispStc, DenseScheme, Dstc, Stc
from crisp_hw.spec.patterns import NM


def fabric():
    document = yaml.safe_load((data_folder("arch") / "fabric.yaml").read_text())
    return {**document, "scheme": {"kind": "dense"}, "energy": "reference"}


def written(folder, document):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def test_the_four_share_size_and_array():
    accelerators = [load_arch(name) for name in list_arch()]
    assert [a.scheme for a in accelerators] == [CrispStc(), DenseScheme(), Dstc(), Stc(NM(2, 4))]
    for accelerator in accelerators:
        arch = accelerator.architecture
        assert [level.name for level in arch.levels] == ["LRF", "RF", "SMEM", "DRAM"]
        assert (accelerator.cores, arch.compute.instances) == (4, 256)
        assert [level.size_words for level in arch.levels[1:]] == [1024, 256 * 1024, None]
        assert arch.levels[0].size_words * arch.levels[0].instances == 256
        assert (arch.level("SMEM").read_bandwidth, arch.level("SMEM").block_size) == (24, 32)


@pytest.mark.parametrize("name", ["crisp-stc", "dense", "dstc", "stc"])
@pytest.mark.parametrize("energy", [None, "reference"])
def test_every_number_has_a_source(name, energy):
    accelerator = load_arch(name, energy)
    for level in accelerator.architecture.levels:
        assert {f"{level.name}.word_bits", f"{level.name}.vector_words"} <= set(accelerator.sources)
    assert all(len(text) > 8 for text in accelerator.sources.values())
    table = accelerator.energy
    assert {(c, a) for c, row in table.actions.items() for a in row} == {
        (c, a) for c, row in table.sources.items() for a in row
    }


def test_energy_by_name_or_by_path():
    by_path = load_arch("dense", str(data_folder("arch") / "energy" / "reference.yaml"))
    assert by_path.energy == load_arch("dense", "reference").energy
    assert by_path.energy.actions["SMEM"]["read"] == 124.7
    assert load_arch("dense").energy != by_path.energy


def test_a_file_of_ones_own_extends_the_packaged_fabric(tmp_path):
    own = {
        "schema": "crisp-hw/arch/1",
        "name": "wide",
        "extends": "fabric",
        "scheme": {"kind": "crisp-stc"},
        "levels": {"SMEM": {"read_bandwidth": {"value": 48, "source": "two ports"}}},
    }
    wide = load_arch(written(tmp_path, own))
    level = wide.architecture.level("SMEM")
    assert (level.read_bandwidth, level.write_bandwidth, level.size_words) == (48, 24, 262144)
    assert wide.sources["SMEM.read_bandwidth"] == "two ports"


def test_unknown_names_list_the_valid_ones(tmp_path):
    with pytest.raises(InputError, match="valid names: crisp-stc, dense, dstc, stc"):
        load_arch("fabric")
    with pytest.raises(InputError, match=r"no energy table gold; valid names: table, .*fabric-45nm, reference"):
        load_arch("dense", "gold")


@pytest.mark.parametrize("level", ["SMEM", "LRF"])
def test_a_missing_level_is_named_with_its_file(tmp_path, level):
    document = fabric()
    del document["levels"][level]
    with pytest.raises(InputError, match=rf"mine\.yaml:\d+: arch\.levels: lack {level}"):
        load_arch(written(tmp_path, document))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["levels"]["SMEM"]["read_bandwidth"].update(value=-1),
            r"levels\.SMEM\.read_bandwidth\.value: should be greater than 0, found -1",
        ),
        (lambda d: d["levels"]["SMEM"]["read_bandwidth"].pop("source"), r"levels\.SMEM\.read_bandwidth\.source"),
        (lambda d: d["levels"]["SMEM"].update(ports=2), r"levels\.SMEM\.ports"),
        (lambda d: d["levels"]["RF"]["word_bits"].update(value="8"), r"levels\.RF\.word_bits\.value"),
        (lambda d: d["levels"]["RF"].update(size_words={"value": 9, "source": "wrong twice"}), "RF has both size_kb"),
        (
            lambda d: d["levels"]["SMEM"]["size_kb"].update(value=0.01),
            "SMEM holds 10.24 words, which is no multiple",
        ),
        (lambda d: d["scheme"].update(kind="tpu"), r"scheme\.kind"),
        (lambda d: d["scheme"].update(kind="stc"), "scheme stc lacks max_pattern"),
        (
            lambda d: d["scheme"].update(kind="stc", max_pattern={"value": "5:4", "source": "nonsense"}),
            "scheme.max_pattern: 5:4 keeps more than it has",
        ),
        (lambda d: d["constraints"].pop("RF"), r"arch\.constraints: lack RF"),
        (lambda d: d["constraints"]["DRAM"].update(keep=["A"]), "the outermost level keeps A, B and Z"),
        (lambda d: d["constraints"]["SMEM"].update(x=["N"]), "constraints.SMEM: it feeds 1 x 4 children"),
        (lambda d: d["constraints"]["SMEM"].pop("spatial"), "constraints.SMEM: it feeds 1 x 4 children; say `spatial"),
        (lambda d: d["constraints"]["RF"].update(x=["N", "K"]), "constraints.RF: it fills the array"),
        (lambda d: d["constraints"]["SMEM"].update(spatial="fill"), "SMEM"),
        (lambda d: d.update(energy="gold"), "no energy table gold"),
        (lambda d: d.update(schema="crisp-hw/arch/2"), "schema"),
        (lambda d: d.update(levels={k: d["levels"][k] for k in reversed(d["levels"])}), "in this order"),
        (lambda d: d.update(extends="mine"), "extends itself"),
        (lambda d: d.update(extends="nothing"), "arch.extends: neither"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, change, message):
    document = fabric()
    change(document)
    with pytest.raises(InputError, match=message) as caught:
        load_arch(written(tmp_path, document))
    assert re.search(r"mine\.yaml:\d+: ", str(caught.value)) and "\n" not in str(caught.value)


OWN = "schema: crisp-hw/arch/1\nname: mine\nextends: fabric\nscheme: {kind: crisp-stc}\n"
SOURCE = "source: by hand"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "levels:\n  SMEM:\n    size_kb:\n      value: 1.7\n      " + SOURCE,
            "7: arch.levels.SMEM.size_kb: SMEM holds 1740.8",
        ),
        (
            "levels:\n  RF: {fanout_y: {value: 9999999, " + SOURCE + "}}\n  LRF: {}",
            "7: arch.levels.LRF: 639,999,936 instances of LRF are more than 16,777,216",
        ),
        (
            "constraints:\n  LRF: {keep: [A], temporal: [N]}\n  RF: {keep: [Z], temporal: [K], x: [K], y: [M]}",
            "7: arch.constraints.RF: it feeds 4 x 16",
        ),
        ("constraints:\n  DRAM:\n    temporal: [K]\n    keep: [A]", "8: arch.constraints.DRAM.keep: DRAM keeps only A"),
        ("energy: gold", "5: arch.energy: no energy table gold"),
    ],
)
def test_the_line_of_what_is_wrong(text, said, tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN + text)
    with pytest.raises(InputError) as caught:
        load_arch(tmp_path / "mine.yaml")
    assert str(caught.value).startswith(f"{tmp_path}/mine.yaml:{said}")


def test_a_table_without_a_component_is_named(tmp_path):
    table = yaml.safe_load((data_folder("arch") / "energy" / "reference.yaml").read_text())
    del table["components"]["LRF"]
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump(table))
    with pytest.raises(InputError, match=r"table\.yaml:\d+: energy\.components: has no energies of LRF"):
        load_arch("dense", str(path))


def test_not_a_mapping(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(InputError, match="not a mapping of fields"):
        load_arch(path)
