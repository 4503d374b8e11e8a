"""Files that are odd rather than broken: what a user may write and mean something else by."""

import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

import crisp_hw
from crisp_hw.accelerators import files, load_arch
from crisp_hw.accelerators.check import mistakes
from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_files import mapping_of
from crisp_hw.spec.layer import Layer, Workload

FIVE = yaml.safe_load((Path(__file__).parent / "five.yaml").read_text(encoding="utf-8"))


def refusal(folder, place, value):
    """What is said of the five levels with one other value."""
    document = deepcopy(FIVE)
    *above, last = place.split(".")
    part = document
    for key in above:
        part = part.setdefault(key, {})
    part[last] = value
    path = folder / "odd.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return [str(each) for each in mistakes(path)]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("levels.Weights.size_kb", "64KB", "found '64KB'; write the number without a unit, 64"),
        ("levels.Weights.size_kb", "64 KiB", "write the number without a unit, 64"),
        ("technology.clock_ghz", "1.5 GHz", "write the number without a unit, 1.5"),
        ("levels.Weights.size_kb", "large", "write a number, or {value: NUMBER, source: where it comes from}"),
        ("levels.Weights.size_kb", True, "found True; write a number, or"),
        ("levels.Weights.size_kb", float("inf"), "write a number, or"),
    ],
)
def test_a_unit_or_a_word_where_a_number_stands_is_answered_with_a_number(place, value, said, tmp_path):
    assert any(said in told for told in refusal(tmp_path, place, value))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("technology.node_nm", 5, "no technology file for 5 nm"),
        ("levels.Weights.size_kb", 10**9, "Weights"),
        ("levels.Inputs", {"role": "buffer"}, "without a size has no energy"),
    ],
)
def test_what_no_energy_is_known_for_has_the_file_and_the_line_of_its_method(place, value, said, tmp_path):
    (told,) = refusal(tmp_path, place, value)
    lines = (tmp_path / "odd.yaml").read_text(encoding="utf-8").splitlines()
    at = 1 + next(number for number, line in enumerate(lines) if line.startswith("energy:"))
    assert said in told and told.startswith(f"{tmp_path / 'odd.yaml'}:{at}: ")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("constraints.Far.keep", ["A", "B"], "the outermost level keeps A, B and Z"),
        ("levels.Größe", {"size_kb": 1}, "lack Größe"),
        ("levels", {"Far": {"technology": "DRAM"}, "reg.file": {"size_kb": 1}}, "'reg.file' cannot be the name of a"),
        ("compute.name", "Mul.Add", "compute.name"),
        ("technology.node_nm", 45.4, "no technology has 45.4 nm; give a whole number"),
        ("levels.Sums.network.word_bits", 8, "word_bits has no effect without wire_pj_per_bit_mm and tile_width_um"),
        ("levels.Sums.network.wire_pj_per_bit_mm", 0.1, "no effect without tile_width_um: a hop takes word_bits x mm"),
        ("levels.Sums.network.tile_width_um", 9, "tile_width_um has no effect without wire_pj_per_bit_mm"),
        ("levels.Sums.network", {"hop_pj": 1, "tile_width_um": 9}, "no effect beside hop_pj, which is the energy of a"),
        ("levels.on_chip", {"size_kb": 1}, "no level can be called on_chip: columns have that name"),
        ("levels.Near.fanout_x", 10**9, "less than or equal to"),
        ("compute.word_bits.A", 0, "greater than 0"),
        ("extends", "odd", "odd"),
        ("levels.Sums.fanout_y", 1, "feeds 1 x 1 children"),
        ("levels.Far.fanout_x", 2, "Far is the outermost level, so nothing feeds 2 of it"),
        ("levels.Far.fanout_y", 2, "Far is the outermost level, so nothing feeds 2 of it"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(place, value, said, tmp_path):
    told = refusal(tmp_path, place, value)
    assert any(said in each for each in told) and all(each.startswith(f"{tmp_path / 'odd.yaml'}:") for each in told)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            {"each": {"name": "keep", "from": 1, "to": 10**9}, "when": "keep > rows"},
            "keep would take 1,000,000,000 values here; let it take at most",
        ),
        (
            {"weights": {"structured": "density - 2"}, "compute": ["gating"]},
            "density - 2 is -1 here; it must be a share of the words",
        ),
        ({"when": "1 / (rows - rows) > 0"}, "divides by zero"),
        ({"when": "9 ** 9 ** 9 > 0"}, "powers go up to"),
    ],
)
def test_what_a_case_cannot_mean_is_refused_with_its_line(case, said, tmp_path):
    path = tmp_path / "odd.yaml"
    document = deepcopy(FIVE) | {"runs": [{"name": "odd", **case}]}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    with pytest.raises(InputError, match=rf"odd.yaml:\d+: .*{re.escape(said)}"):
        crisp_hw.evaluate(Workload("one", (Layer("fc", "linear", 32, 64),)), path, cache=False)


def test_a_file_is_parsed_once_and_read_again_when_it_has_changed(tmp_path, monkeypatch):
    parsed = []
    monkeypatch.setattr(files, "mapping_of", lambda *given: parsed.append(given[1].stem) or mapping_of(*given))
    files._parsed.cache_clear()
    path = tmp_path / "mine.yaml"
    for number in (512, 512, 256):
        size = f"levels: {{SMEM: {{size_kb: {{value: {number}, source: made up}}}}}}"
        path.write_text(f"schema: crisp-hw/arch/2\nextends: crisp-stc\nname: mine\n{size}\n")
        assert load_arch(path).architecture.level("SMEM").size_words == number * 1024
    assert sorted(parsed) == ["crisp-stc", "fabric", "mine", "mine"]


def test_what_a_network_says_of_hops_is_named_where_no_word_takes_one(tmp_path):
    document = deepcopy(FIVE)
    for name in ("Far", "Sums"):
        document["levels"][name]["network"] = {"hop_pj": 1.0, "fill_cycles": 2}
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    said = "Far feeds one child, so that no word takes a hop and what its network says of hops has no effect"
    assert [note for note in load_arch(path).notes if "hop" in note] == [said]


def test_a_computation_is_not_given_what_leaks():
    edge = load_arch("crisp-stc")
    with pytest.raises(InputError, match=r"energy\.MAC\.leak: a computation does not leak here; give what leaks to"):
        edge.replace(**{"energy.MAC.leak": 7})
    leaking = edge.replace(**{"energy.MAC.leak": 0, "energy.SMEM.leak": 7})
    assert leaking.energy.actions["SMEM"]["leak"] == 7


def test_words_of_a_level_that_are_narrower_than_those_of_the_macs_are_named():
    said = (
        "RF keeps Z in words of 8 bits and MAC takes 24: its room, its traffic and their energies are those of 8 bits"
    )
    narrow = load_arch("crisp-stc").replace(**{"compute.word_bits.Z": 24})
    assert [note for note in narrow.notes if "in words of" in note] == [said]
    assert not [note for note in load_arch("systolic").notes if "in words of" in note]


def said_of_case(folder, case, **other):
    """What is said of the five levels with a sparse case that says more."""
    document = deepcopy(FIVE) | other
    document["runs"][0] |= case
    path = folder / "odd.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return [str(each) for each in mistakes(path)]


ACTION = {"level": "Inputs", "type": "skipping", "options": [{"target": "B", "condition_on": ["A"]}]}
FORMAT = {"level": "Near", "tensor": "A", "ranks": [{"format": "CP"}]}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"activations": {"scattered": 0.1}}, "zeros of B have no effect: no format, no action and no compute of this"),
        ({"formats": [], "actions": []}, "zeros of A have no effect"),
        ({"actions": [ACTION, ACTION]}, "Inputs has the same action twice"),
        ({"actions": [ACTION | {"options": [{"target": "A", "condition_on": ["B"]}]}]}, "B has no zeros in this case"),
        (
            {"actions": [ACTION | {"options": [{"target": "B", "condition_on": ["Z"]}]}]},
            "Z has no zeros that are known",
        ),
        ({"formats": [FORMAT, FORMAT]}, "Near has two formats of A"),
        ({"formats": [FORMAT, FORMAT | {"when": "m > 4"}]}, "Near has two formats of A"),
        ({"formats": [FORMAT | {"level": "Sums"}]}, "a format of A has no effect in Sums, which does not keep it"),
        ({"compute": ["gating", "gating"]}, "gating is given twice"),
        ({"each": {"name": "keep", "from": 1, "to": 2}}, "keep has no effect, because no formula of the case names it"),
        ({"when": "kind == 'lnear'"}, "kind is never 'lnear'; did you mean linear?"),
        ({"when": "role in ['nm', 'hybird']"}, "role is never 'hybird'; did you mean hybrid?"),
    ],
)
def test_what_would_have_no_effect_in_a_case_is_refused_with_its_line(case, said, tmp_path):
    told = said_of_case(tmp_path, case)
    assert any(said in each for each in told) and all(each.startswith(f"{tmp_path / 'odd.yaml'}:") for each in told)


def test_features_are_named_once_and_formats_may_differ_by_when(tmp_path):
    twice = said_of_case(tmp_path, {"features": ["more", "more"]}, features={"more": {"charges": []}})
    assert any("more is given twice" in each for each in twice)
    apart = [FORMAT | {"when": "m > 4"}, FORMAT | {"when": "m <= 4"}]
    assert not [each for each in said_of_case(tmp_path, {"formats": apart}) if "two formats" in each]


def test_a_circuit_has_no_negative_size(tmp_path):
    assert not said_of_case(tmp_path, {"charges": [{"circuit": "selection", "per": "computes", "size": -1}]})
    with pytest.raises(InputError, match=r"odd\.yaml:\d+: .*-1 is -1 here; a circuit has a size of 0 or more"):
        crisp_hw.evaluate(
            Workload("one", (Layer("fc", "linear", 32, 64),)), tmp_path / "odd.yaml", nm="2:8", cache=False
        )


@pytest.mark.parametrize("most", [1, 2])
def test_at_most_bounds_a_loop_that_the_level_may_hold_anyway(most, tmp_path):
    case = {"name": "dense", "at_most": {"Weights": {"G": most}, "Inputs": {"G": most}, "Far": {"G": 16}}}
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(deepcopy(FIVE) | {"runs": [case]}, sort_keys=False), encoding="utf-8")
    found = crisp_hw.evaluate(Workload("one", (Layer("fc", "linear", 128, 64),)), path, cache=False)
    mapping = found.network.rows[0].point.mapping
    loops = zip(mapping.nest.loops, mapping.bounds, strict=True)
    inside = [bound for loop, bound in loops if loop.level in (2, 3) and (loop.dim, loop.kind) == ("G", "temporal")]
    assert len(inside) == 2 and max(inside) <= most


@pytest.mark.parametrize(
    ("kind", "right"), [("structured", "1 / 4"), ("structured", "1 / 2"), ("scattered", "density")]
)
def test_a_case_states_no_fewer_weights_than_there_are(kind, right, tmp_path):
    """2 of 8 keep 512 of 32 x 60 weights, whose last groups hold four; padded they are 32 x 64."""

    def evaluated(share):
        said_of_case(tmp_path, {"weights": {kind: share}})
        return crisp_hw.evaluate(
            Workload("one", (Layer("fc", "linear", 32, 60),)), tmp_path / "odd.yaml", nm="2:8", cache=False
        )

    assert evaluated(right).network.rows
    few = r"odd\.yaml:\d+: .*1 / 8 is 0\.125 here, 2\d\d of 2,048 weights; the layer has 512 nonzeros: state no fewer"
    with pytest.raises(InputError, match=few):
        evaluated("1 / 8")
