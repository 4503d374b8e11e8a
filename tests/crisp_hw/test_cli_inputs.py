"""Files that a user names, at the door of every command: no wait, one short sentence, exit code 2."""

import os

import pytest
from products import DOT
from typer.testing import CliRunner

from crisp_hw.cli import app
from crisp_hw.data_files import data_folder

NET = """\
schema: crisp-hw/workload/1
name: n
source: made by hand
layers:
- {name: first, kind: conv2d, in_channels: 3, out_channels: 16, kernel: [1, 1], input_size: [4, 4]}
- {name: x, kind: conv2d, in_channels: 64, out_channels: 32, kernel: [1, 1], input_size: [6, 6]}
- {name: last, kind: linear, in_channels: 16, out_channels: 10}
"""
OWN = "schema: crisp-hw/arch/2\nname: mine\nextends: fabric\nruns: [{name: dense}]\n"
EVALUATE = ("evaluate", "--workload", "net.yaml", "--nm", "2:4", "--layers", "x", "--no-cache")
ENERGY = (data_folder("arch") / "energy" / "fabric-45nm.yaml").read_text()
ERT = "ERT: {version: 0.4, tables: [TABLES]}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET)
    return tmp_path


def refused(arguments, said):
    result = CliRunner().invoke(app, arguments, prog_name="crisp-hw")
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.count("\n") == 1 and len(result.stderr) < 600
    assert said in result.stderr, result.stderr


PLACES = {
    "arch": (*EVALUATE, "-a", "x.yaml"),
    "workload": ("evaluate", "--workload", "x.yaml", "--nm", "2:4"),
    "energy": (*EVALUATE, "--energy", "x.yaml"),
    "masks": ("evaluate", "--masks", "x.pt"),
    "safetensors": ("describe", "x.safetensors"),
    "model": ("model", "x.yaml"),
    "map": ("map", "x.yaml"),
    "replay": ("replay", "x.zip"),
    "validate": ("validate", "x.jsonl.gz"),
    "show": ("arch", "show", "x.yaml"),
    "layers": ("workload", "show", "x.yaml"),
}


@pytest.mark.parametrize("what", ["pipe", "link to a pipe", "device", "folder"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_regular_file(folder, place, what):
    name = next(word for word in reversed(PLACES[place]) if word.startswith("x."))
    match what:
        case "pipe":
            os.mkfifo(folder / name)
        case "link to a pipe":
            os.mkfifo(folder / "p")
            (folder / name).symlink_to("p")
        case "device":
            (folder / name).symlink_to("/dev/zero")
        case "folder":
            (folder / name).mkdir()
    files_or_folder = what == "folder" and place in ("model", "map")
    refused(PLACES[place], "no YAML file in this folder" if files_or_folder else "not a regular file")


@pytest.mark.parametrize(
    "words",
    [
        ("bundle", "--workload", "net.yaml", "--nm", "2:4", "--layers", "x", "--no-cache", "-o"),
        ("validate", "net.yaml", "--page"),
    ],
)
def test_a_pipe_as_an_output_stays_a_pipe(folder, words):
    os.mkfifo(folder / "x.png")
    refused([*words, "x.png"], "x.png: cannot be written (it is a pipe, not a regular file)")
    assert (folder / "x.png").is_fifo()


@pytest.mark.parametrize("place", PLACES)
def test_links_in_a_circle(folder, place):
    name = next(word for word in reversed(PLACES[place]) if word.startswith("x."))
    (folder / name).symlink_to(name)
    refused(PLACES[place], "cannot be read (too many levels of symbolic links)")


@pytest.mark.parametrize("far", ["x" * 5000, "/".join(["y" * 200] * 30)])
@pytest.mark.parametrize("place", PLACES)
def test_names_that_are_too_long(folder, place, far):
    name = next(word for word in reversed(PLACES[place]) if word.startswith("x."))
    refused([f"{far}{name[1:]}" if word == name else word for word in PLACES[place]], "file name too long")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN + "constraints: {SMEN: {keep: [A, B], temporal: [N]}}", "x.yaml:5: arch.constraints.SMEN: there is no"),
        (OWN + "constraints:\n  RF2:\n    keep: [Z]\n    temporal: [K]", "x.yaml:6: arch.constraints.RF2: there is no"),
        (OWN + "levels:\n  L2: {word_bits: {value: 8, source: by hand}}", "x.yaml:6: arch.levels.L2"),
        (OWN + "constraints: {smem: {keep: [A, B], temporal: [N]}}", "arch.constraints.smem: there is no such level"),
        (OWN + "name: other", "x.yaml:5: the key 'name' is there already, in line 2"),
        (OWN + "levels:\n  RF: {size_kb: {value: 1, value: 2, source: by hand}}", "x.yaml:6: the key 'value' is there"),
        (OWN + "levels:\n  RF: {}\n  LRF: {}\n  RF: {}", "x.yaml:8: the key 'RF' is there already, in line 6"),
        (OWN + "compute: {name: SMEM}", "x.yaml:5: arch.compute.name: SMEM is the name of another component"),
        (OWN + "compute: {name: dram}", "arch.compute.name: dram is the name of another component"),
        (OWN + "compute: {name: selection}", "arch.compute.name: selection is the name of another component"),
        (OWN + "levels: {RF: {size_kb: {value: 010, source: by hand}}}", "found '010'; write a whole number"),
        (OWN + "levels: {RF: {size_kb: {value: 4:16, source: by hand}}}", "found '4:16'; write a whole number"),
        (OWN + "levels: {RF: {fanout_y: {value: 99999999, source: by hand}}}", "less than or equal to 16777216"),
        (OWN + "levels: {RF: {size_kb: {value: 1e30, source: by hand}}}", "less than or equal to 1099511627776"),
        (OWN + "levels: {SMEM: {read_bandwidth: {value: .inf, source: by hand}}}", "found '.inf'"),
        (OWN + "constraints: {RF: {keep: [Z, Z], temporal: [K]}}", "Z is given twice"),
        (OWN + "constraints: {LRF: {keep: [A], temporal: [N], inner: [N]}}", "inner has an effect with `order: free`"),
        (OWN + "constraints: {LRF: {keep: [A], temporal: [N], no_link_transfer: [Z]}}", "on spatial loops only"),
        (OWN + "extends: ../../x", "the key 'extends' is there already"),
        (OWN.replace("fabric", "../../x"), "must be the name of an arch file"),
        (OWN.replace("fabric", "Fabric"), "there is no Fabric.yaml beside the file, and none is packaged"),
        (OWN.replace("fabric", "fabrik.yaml"), "and none is packaged; did you mean fabric?"),
        (OWN.replace("fabric", "x.yaml"), "extends itself"),
        (OWN + "levels:\n  Smem: {size_kb: {value: 8, source: by hand}}", "lack Smem; did you mean SMEM?"),
        (OWN.replace("runs: [{name: dense}]\n", ""), "arch.runs: is missing"),
        (OWN.replace("dense", "x" * 5000), "should have at most 60 characters"),
        (OWN + f"notes: {{{', '.join(f'k{i}: {i}' for i in range(999))}}}", "found a mapping of 999 keys"),
        (OWN + f"levels: [{'1, ' * 9999}1]", "found a list of 10000 values"),
        ("", "x.yaml: the file is empty"),
        ("- 1", "is not a mapping of fields, but a list of 1 values"),
        ("a: !!python/object/apply:os.system [ls]", "the tag tag:yaml.org,2002:python/object/apply:os means"),
        ("a: [", "not YAML"),
        ("{" * 70 + "}" * 70, "a key must be text"),
        ("a: " + "[" * 70 + "]" * 70, "nested more than 60 levels deep"),
        ("\0", "not YAML"),
    ],
)
def test_arch_files(folder, text, said):
    (folder / "x.yaml").write_text(text)
    refused((*EVALUATE, "-a", "x.yaml"), said)


BOMB = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a0: &a0 [1]\n{BOMB}" + NET, "more than 300,000 values, aliases counted in full"),
        (f"layers:\n  a: &a0 {{k: 1}}\n{BOMB}", "more than 300,000 values"),
        (NET.replace("made by hand", f"&a {'y' * 9000}") + f"skipped: [{', '.join(['*a'] * 9000)}]", "300,000 values"),
        (
            NET.replace("in_channels: 64", "in_channels: 1000000000"),
            "layer x.in_channels: should be less than or equal",
        ),
        (NET.replace("[6, 6]", "[99999999, 6]"), "layer x.input_size[0]: should be less than or equal to 16777216"),
        (NET.replace("[6, 6]", "[9999999, 9999999]"), "MACs are more than 1,125,899,906,842,624"),
        (NET.replace("in_channels: 64, out_channels: 32", "in_channels: 16777216, out_channels: 4097"), "weights are"),
        (NET.replace("64", "9" * 400), "a whole number of 400 digits"),
        (NET.replace("[6, 6]", "[6:30, 6]"), "found '6:30'; write a whole number in decimal digits only"),
        (NET.replace("64", "0100"), "found '0100'; write a whole number"),
        (NET.replace("64", "64.0"), "found 64.0"),
        (NET.replace("name: x", "name: first"), "x.yaml:6: workload layer first: the name is taken, at x.yaml:5"),
        (NET[: NET.index("layers")] + "layers: []", "workload.layers: should not be empty"),
        (NET[: NET.index("layers")], "needs either layers or a config"),
        (NET + "layers: []", "x.yaml:8: the key 'layers' is there already, in line 4"),
    ],
)
def test_layer_tables(folder, text, said):
    (folder / "x.yaml").write_text(text)
    refused(("evaluate", "--workload", "x.yaml", "--nm", "2:4", "--layers", "x", "--no-cache"), said)


@pytest.mark.parametrize("source", ["2024-99-99", "2024-01-31", "2024-01-31T25:00:00Z", "12:30:45", "1_000", "0x1F"])
def test_what_looks_like_a_date_or_a_number_is_text(folder, source):
    (folder / "net.yaml").write_text(NET.replace("made by hand", source))
    result = CliRunner().invoke(app, [*EVALUATE, "-f", "json"], prog_name="crisp-hw")
    assert result.exit_code == 0, result.output


def test_a_pattern_without_quotes_is_text(folder):
    scheme = "schema: crisp-hw/arch/1\nname: mine\nextends: fabric\nscheme: {kind: stc, max_pattern: {value: 2:4, "
    (folder / "x.yaml").write_text(scheme + "source: by hand}}\n")
    result = CliRunner().invoke(app, [*EVALUATE, "-a", "x.yaml", "-f", "json"], prog_name="crisp-hw")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("    compute:\n", "    computes:\n"), "energy.components.MAC.computes: nothing looks up such an action; did"),
        (
            ("    read:\n", "    raed:\n"),
            "energy.components.DRAM.raed: nothing looks up such an action; did you mean read",
        ),
        (("    select:\n", "    selects:\n"), "energy.components.selection.selects: nothing looks up"),
        (("  SMEM:\n", "  SMEN:\n"), "components.SMEN: no architecture has such a component; did you mean SMEM"),
        (("  MAC:\n", "  PEX:\n"), "energy.components.PEX: no architecture has such a component"),
        (("  index_decoder:\n", "  index_decoders:\n"), "energy.components.index_decoders: no architecture has"),
        (("components:\n", "components:\n  DRAM: {}\n"), "the key 'DRAM' is there already"),
        (("components:\n", "components:\n  L9: {}\n"), "energy.components.L9: no architecture has such a component"),
    ],
)
def test_names_of_an_energy_table(folder, change, said):
    lines = "".join(
        f"  {component}:\n" + "".join(f"    {action}:\n      {{value: 1.0, source: by hand}}\n" for action in actions)
        for component, actions in {
            **dict.fromkeys(("DRAM", "SMEM", "RF", "LRF"), ("read", "write", "leak")),
            "MAC": ("compute", "leak"),
            "selection": ("select",),
            "offset_decoder": ("decode",),
            "index_decoder": ("decode",),
        }.items()
    )
    text = f"schema: crisp-hw/energy/1\nname: e\nunit: pJ per action\ncomponents:\n{lines}".replace(
        "    leak:\n      {value: 1.0", "    leak:\n      {value: 0.0"
    )
    (folder / "e.yaml").write_text(text)
    result = CliRunner().invoke(app, [*EVALUATE, "--energy", "e.yaml"], prog_name="crisp-hw")
    assert result.exit_code == 0, result.output
    assert change[0] in text
    (folder / "e.yaml").write_text(text.replace(*change, 1))
    refused((*EVALUATE, "--energy", "e.yaml"), said)


@pytest.mark.parametrize(
    ("component", "lost", "named"),
    [("MAC", "compute", "compute"), ("SMEM", "read", "read"), ("RF", "write", "write"), ("LRF", "read", "read")],
)
def test_an_action_that_every_layer_needs(folder, component, lost, named):
    import yaml

    table = yaml.safe_load(ENERGY)
    del table["components"][component][lost]
    table["components"][component].pop("update", None) if lost == "write" else None
    (folder / "e.yaml").write_text(yaml.safe_dump(table))
    said = f"energy.components.{component}: has no energy of {named}, which every layer needs"
    refused((*EVALUATE, "--energy", "e.yaml"), said)


def test_a_table_may_price_the_components_of_another_architecture_of_the_run(folder):
    (folder / "pe.yaml").write_text(OWN + "compute: {name: PEX}\n")
    both = ENERGY.replace("components:\n", "components:\n  PEX:\n    compute: {value: 1.0, source: by hand}\n")
    (folder / "e.yaml").write_text(both)
    result = CliRunner().invoke(
        app, [*EVALUATE, "-a", "pe.yaml", "-a", "dense", "--energy", "e.yaml"], prog_name="crisp-hw"
    )
    assert result.exit_code == 0, result.output
    refused((*EVALUATE, "-a", "dense", "--energy", "e.yaml"), "energy.components.PEX: no architecture has such")


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ("", "Mul: the ERT has no energy of computations; Timeloop's built-in estimate stands in, 0.25 pJ each"),
        ("{name: top.Mul, actions: []}", "Mul: the ERT has no energy of computations"),
        ("{name: top.Mul, actions: [{name: computes, energy: 2}]}", "Mul: the ERT has no energy of computations"),
        ("{name: top.Mull, actions: [{name: compute, energy: 2}]}", "Mul: the ERT has no energy of computations"),
        ("{name: top.Mul, actions: [{name: compute, energy: 2}]}", ""),
        ("{name: top.Mul, actions: [{name: mac_random, energy: 2}]}", ""),
    ],
)
def test_a_computation_without_an_energy_is_named(folder, tables, named):
    (folder / "in.yaml").write_text(DOT + ERT.replace("TABLES", tables))
    result = CliRunner().invoke(app, ["model", "in.yaml", "-f", "json"], prog_name="crisp-hw")
    assert result.exit_code == 0, result.output
    assert named in result.stdout
    assert bool(named) == ("Mul: the ERT has no energy of computations" in result.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*EVALUATE, "-a", "y" * 5000), "no architecture 'yyyy"),
        (("evaluate", "--workload", "y" * 5000, "--nm", "2:4"), "no workload named 'yyyy"),
        ((*EVALUATE, "--energy", "y" * 5000), "no energy table 'yyyy"),
        ((*EVALUATE, "--energy", "../energy/reference"), "no energy table ../energy/reference"),
        ((*EVALUATE, "--set", "cores=2", "--set", "cores=2"), "cores: is given twice"),
        ((*EVALUATE, "--set", "smem_kb=2", "--set", "rf_kb=1", "--set", "smem_kb=4"), "smem_kb: is given twice"),
        ((*EVALUATE, "--set", "smem_bandwidth=none", "--set", "smem_bandwidth=1"), "smem_bandwidth: is given twice"),
        ((*EVALUATE, "--set", "cores=1e9"), "cores=1e+09 is more than 16,777,216"),
        ((*EVALUATE, "--set", "smem_bandwidth=1e300"), "is more than 1,099,511,627,776"),
        ((*EVALUATE, "--set", "smem_kb=1e13"), "is more than 1,099,511,627,776"),
        ((*EVALUATE, "--set", "rf_size_words=1e18"), "is more than 9,007,199,254,740,992"),
    ],
)
def test_options(folder, arguments, said):
    refused(arguments, said)


@pytest.mark.parametrize("long", ['"' + "x" * 5000 + '"', f"[{'1, ' * 2000}1]", "y" * 3000, "9" * 250, "1" * 20])
@pytest.mark.parametrize("spot", ["Far, type", "Near, class", "temporal", "12 V", "U, V]", "{U: 12", "DRAM,"])
def test_documents_with_one_long_value(folder, spot, long):
    first = spot.split(",")[0].split(" ")[0].split(":")[-1].strip("{]")
    (folder / "in.yaml").write_text(DOT.replace(spot, spot.replace(first or "12", long, 1)))
    refused(["model", "in.yaml"], "in.yaml")
