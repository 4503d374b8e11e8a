"""Architecture files: the packaged four, and what a user's own may say wrong."""

import re

import pytest
import yaml

from crisp_hw.accelerators import list_arch, load_arch
from crisp_hw.accelerators.templates import full_text
from crisp_hw.data_files import data_folder
from crisp_hw.descriptors import pattern_descriptor
from crisp_hw.encode import encodings
from crisp_hw.errors import InputError
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, Hybrid


def fabric():
    document = yaml.safe_load((data_folder("arch") / "fabric.yaml").read_text())
    return {**document, "runs": [{"name": "dense"}], "energy": "reference"}


def written(folder, document):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def test_the_four_share_size_and_array():
    accelerators = [load_arch(name) for name in ("crisp-stc", "dense", "dstc", "stc")]
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
        "schema": "crisp-hw/arch/2",
        "name": "wide",
        "extends": "crisp-stc",
        "levels": {"SMEM": {"read_bandwidth": {"value": 48, "source": "two ports"}}},
    }
    wide = load_arch(written(tmp_path, own))
    level = wide.architecture.level("SMEM")
    assert (level.read_bandwidth, level.write_bandwidth, level.size_words) == (48, 24, 262144)
    assert wide.sources["SMEM.read_bandwidth"] == "two ports"


def test_unknown_names_list_the_valid_ones(tmp_path):
    with pytest.raises(
        InputError, match="valid names: crisp-stc, dense, dstc, eie, eyeriss-v1, eyeriss-v2-pe, highlight"
    ):
        load_arch("fabric")
    with pytest.raises(InputError, match=r"no energy table gold; valid names: table, .*fabric-45nm, reference"):
        load_arch("dense", "gold")


@pytest.mark.parametrize("level", ["SMEM", "LRF"])
def test_a_missing_level_is_named_with_its_file(tmp_path, level):
    document = fabric()
    del document["levels"][level]
    with pytest.raises(InputError, match=rf"mine\.yaml:\d+: arch\.constraints\.{level}: there is no such level"):
        load_arch(written(tmp_path, document))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["levels"]["SMEM"]["read_bandwidth"].update(value=-1),
            r"levels\.SMEM\.read_bandwidth\.value: should be greater than 0, found -1",
        ),
        (lambda d: d["levels"]["SMEM"]["read_bandwidth"].pop("source"), r"levels\.SMEM\.read_bandwidth\.source"),
        (lambda d: d["levels"]["SMEM"].update(doors=2), r"levels\.SMEM\.doors"),
        (lambda d: d["levels"]["RF"]["word_bits"].update(value="8"), r"levels\.RF\.word_bits\.value"),
        (lambda d: d["levels"]["RF"].update(size_words={"value": 9, "source": "wrong twice"}), "RF has both size_kb"),
        (
            lambda d: d["levels"]["SMEM"]["size_kb"].update(value=0.01),
            "SMEM holds 10.24 words, which is no multiple",
        ),
        (lambda d: d["runs"][0].update(when="n >"), r"arch\.runs\[0\]\.when: .*neither a number nor an expression"),
        (lambda d: d["runs"][0].update(when="nn > 0"), r"runs\[0\]\.when: no formula knows nn"),
        (lambda d: d["runs"][0].update(when="sin(n)"), r"runs\[0\]\.when: there is no function sin"),
        (lambda d: d["runs"][0].update(across={"X": 4}), r"runs\[0\]\.across\.X: the problem gemm has no X"),
        (lambda d: d["runs"][0].update(across={"M": 4}), r"runs\[0\]\.across\.M: the lanes take no M at once"),
        (
            lambda d: d["runs"][0].update(problem="convolution"),
            r"constraints\.RF\.x: nothing of the problem convolution lies along x",
        ),
        (
            lambda d: d["baseline"].update(problem="convolution"),
            r"constraints\.RF\.x: nothing of the problem convolution lies along x",
        ),
        (lambda d: d["runs"][0].update(problem="fft"), r"problem: should be"),
        (lambda d: d["constraints"].pop("RF"), r"arch\.constraints: lack RF"),
        (lambda d: d["constraints"]["DRAM"].update(keep=["A"]), "the outermost level keeps A, B and Z"),
        (lambda d: d["constraints"]["SMEM"].update(x=["N"]), "constraints.SMEM: it feeds 1 x 4 children"),
        (lambda d: d["constraints"]["SMEM"].pop("spatial"), "constraints.SMEM: it feeds 1 x 4 children; say `spatial"),
        (lambda d: d["constraints"]["RF"].update(x=["N", "K"]), "constraints.RF: it fills the array"),
        (lambda d: d["constraints"]["SMEM"].update(spatial="fill", y=["M"]), "at most one level fills the array"),
        (lambda d: d.update(energy="gold"), "no energy table gold"),
        (lambda d: d.update(schema="crisp-hw/arch/3"), "schema"),
        (lambda d: d.update(extends="mine"), "extends itself"),
        (lambda d: d.update(extends="nothing"), "arch.extends: there is no nothing.yaml"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, change, message):
    document = fabric()
    change(document)
    with pytest.raises(InputError, match=message) as caught:
        load_arch(written(tmp_path, document))
    assert re.search(r"mine\.yaml:\d+: ", str(caught.value)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["other", "other.yaml"])
def test_a_file_may_be_extended_by_its_name_with_the_ending(tmp_path, name):
    document = fabric()
    document["levels"]["SMEM"]["size_kb"]["value"] = 64
    written(tmp_path, document).rename(tmp_path / "other.yaml")
    (tmp_path / "mine.yaml").write_text(f"schema: crisp-hw/arch/2\nname: mine\nextends: {name}\n")
    assert load_arch(tmp_path / "mine.yaml").name == "mine"


OWN = "schema: crisp-hw/arch/2\nname: mine\nextends: crisp-stc\n\n"
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


OLD = "schema: crisp-hw/arch/1\nname: mine\nextends: fabric\n"


@pytest.mark.parametrize("kind", ["dense", "dstc", "crisp-stc", "stc"])
def test_files_of_the_older_schema_are_read_and_it_is_said(tmp_path, kind):
    limit = ', max_pattern: {value: "2:4", source: by hand}' if kind == "stc" else ""
    (tmp_path / "mine.yaml").write_text(f"{OLD}scheme: {{kind: {kind}{limit}}}\n")
    mine, packaged = load_arch(tmp_path / "mine.yaml"), load_arch(kind)
    assert mine.runs == packaged.runs
    assert mine.energy == packaged.energy or kind == "dstc"  # which describes the latches of the fabric anew
    assert mine.notes == ("mine: mine.yaml is of the schema crisp-hw/arch/1 and was read as crisp-hw/arch/2",)


def test_a_file_of_the_older_schema_without_a_scheme_lacks_the_scheme(tmp_path):
    (tmp_path / "mine.yaml").write_text(OLD)
    with pytest.raises(InputError, match=r"mine\.yaml:1: arch\.scheme: is missing; write scheme: \{kind: \.\.\.\}"):
        load_arch(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ("{kind: tpu}", "4: arch.scheme.kind: there is no scheme"),
        ('{kind: stc, max_pattern: {value: "5:4", source: nonsense}}', "4: arch.scheme.max_pattern: 5:4 keeps more"),
        ('{kind: dense, max_pattern: {value: "2:4", source: nonsense}}', "the scheme takes no max_pattern"),
        ("{kind: stc, most: 3}", "4: arch.scheme.most: is not a known field"),
    ],
)
def test_wrong_schemes_of_the_older_schema_are_named(tmp_path, scheme, message):
    (tmp_path / "mine.yaml").write_text(f"{OLD}scheme: {scheme}\n")
    with pytest.raises(InputError) as caught:
        load_arch(tmp_path / "mine.yaml")
    assert message in str(caught.value)


def test_a_bare_number_comes_from_nowhere_that_is_told(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN + "levels: {SMEM: {read_bandwidth: 48}}\n")
    mine = load_arch(tmp_path / "mine.yaml")
    assert mine.architecture.level("SMEM").read_bandwidth == 48
    assert mine.sources["SMEM.read_bandwidth"] == "no source given"


def test_energies_follow_the_sizes_of_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN + "levels: {SMEM: {size_kb: 64}}\n")
    small, packaged = load_arch(tmp_path / "mine.yaml").energy.actions, load_arch("crisp-stc").energy.actions
    assert small["SMEM"]["read"] < packaged["SMEM"]["read"] and small["RF"] == packaged["RF"]


def test_energies_are_those_of_the_node_of_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN + "technology: {node_nm: 22}\n")
    small, packaged = load_arch(tmp_path / "mine.yaml"), load_arch("crisp-stc")
    assert small.energy.actions["SMEM"]["read"] < packaged.energy.actions["SMEM"]["read"]
    assert small.energy == load_arch("crisp-stc", "table", 22).energy and small.technology.node_nm == 22


def renamed(base, names, energies):
    """The file of a packaged accelerator under another name, its levels called otherwise."""
    text = full_text(base, "other").replace("energy: eie", f"energy: {energies}")
    for old, new in names.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return text.replace("technology: Far", "technology: DRAM")


@pytest.mark.parametrize("base", list_arch())
def test_a_copy_with_other_names_of_levels_encodes_the_same(tmp_path, base):
    names = {"DRAM": "Far", "SMEM": "Shared", "LRF": "Near", "RF": "Sums"}
    energies = data_folder("arch") / "energy" / f"{base}.yaml"  # of one with a table of its own
    (tmp_path / "other.yaml").write_text(renamed(base, names, energies))
    other, packaged = load_arch(tmp_path / "other.yaml"), load_arch(base)
    layer = Layer("l", "conv2d", 128, 96, (3, 3), padding=(1, 1), input_size=(14, 14))
    if packaged.runs.skips:  # convolutions
        layer = Layer("l", "linear", 128, 864)
    pruned = pattern_descriptor(layer, Hybrid(NM(2, 4), 32, 9, 27), "hybrid")
    ways = [list(encodings(pruned, each)) for each in (other, packaged)]
    assert len(ways[0]) == len(ways[1])
    for mine, theirs in zip(*ways, strict=True):
        assert mine.design.problem == theirs.design.problem
        assert len(mine.design.sparse.formats) == len(theirs.design.sparse.formats)
        assert [b.factors for b in mine.constraints.levels] == [b.factors for b in theirs.constraints.levels]
    renaming = {names.get(name, name): actions for name, actions in packaged.energy.actions.items()}
    assert dict(other.energy.actions) == renaming
