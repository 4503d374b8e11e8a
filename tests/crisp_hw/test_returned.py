"""How results show themselves: a few lines wherever they stand, HTML in a notebook, equality as it was."""

import copy
import dataclasses
import pickle
from html.parser import HTMLParser

import pandas as pd
import pytest
import yaml
from products import gemv

import crisp_hw
from crisp_hw.explanation import explain_row
from crisp_hw.report.notebook import MOST

EVERY = ["dense", "stc", "dstc", "crisp-stc"]


@pytest.fixture(scope="module")
def found():
    return crisp_hw.evaluate("resnet50", EVERY, nm="2:4", block=64, sparsity=0.9, layers="layer4.*", density="hybrid")


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """The best mapping of a small matrix product."""
    file = tmp_path_factory.mktemp("map") / "all.yaml"
    file.write_text(yaml.safe_dump(gemv()))
    return crisp_hw.find_mapping(file, "cycles")


@pytest.mark.slow
def test_an_evaluation_shows_its_totals(found):
    lines = str(found).splitlines()
    assert lines[0].startswith("Evaluation of resnet50, 2:4, blocks of 64: 10 layers on dense, stc, dstc, crisp-stc")
    assert [line.split()[0] for line in lines[1:]] == EVERY
    totals = found.totals()
    for line, cycles, speedup in zip(lines[1:], totals["cycles"], totals["speedup"], strict=True):
        assert f" {cycles:,} cycles" in line and f" {speedup:.2f}x" in line


def test_an_evaluation_is_a_list_of_its_rows(found):
    assert len(found) == len(list(found)) == len(found.rows) == len(found.to_frame()) == 10 * len(EVERY)
    assert [(row.arch, row.layer) for row in found] == [
        tuple(pair) for pair in found.to_frame()[["arch", "layer"]].itertuples(index=False)
    ]


def test_a_best_mapping_tells_its_costs(mapped):
    assert (mapped.cycles, mapped.energy_pj) == (mapped.result.cycles, mapped.result.energy_pj)


def test_many_accelerators_are_counted():
    crisp = crisp_hw.load_arch("crisp-stc")
    sweep = [crisp.replace(smem_bandwidth=words) for words in range(8, 8 + MOST + 2)]
    lines = str(crisp_hw.evaluate("resnet50", sweep, layers="fc", cache=False)).splitlines()
    assert len(lines) == MOST + 2
    assert lines[-1] == "  and 2 accelerators more"
    assert lines[0].endswith("crisp-stc[smem_bandwidth=13] and 4 more")


def test_a_best_mapping_shows_costs_mapping_and_proof(mapped):
    first, second, third = str(mapped).splitlines()
    assert first.startswith(f"BestMapping of gemv: {mapped.found.cycles} cycles, ")
    assert first.endswith("least in cycles")
    assert second.strip().startswith("DRAM ") and " | RF" in second
    assert third.strip() == mapped.found.certificate


def reachable(value, depth=6):
    """Every dataclass in the fields of a value."""
    if dataclasses.is_dataclass(value):
        yield value
    inside = (
        (getattr(value, each.name) for each in dataclasses.fields(value))
        if dataclasses.is_dataclass(value)
        else value.values()
        if isinstance(value, dict)
        else value
        if isinstance(value, list | tuple)
        else ()
    )
    if depth:
        for each in inside:
            yield from reachable(each, depth - 1)


def test_nothing_that_a_user_reaches_fills_the_screen(found, mapped):
    values = (
        found,
        mapped,
        crisp_hw.load_arch("crisp-stc", energy="table"),
        crisp_hw.characterize("stc"),
        crisp_hw.load_workload("resnet50"),
        crisp_hw.describe("resnet50", nm="2:4", block=64, sparsity=0.9),
    )
    kinds = {type(each).__name__: each for value in values for each in reachable(value)}
    assert {"Accelerator", "DesignPoint", "Result", "Descriptor", "Found", "Workload"} <= kinds.keys()
    assert {name: len(repr(each)) for name, each in kinds.items() if len(repr(each)) > 2400} == {}


def test_what_the_functions_return_is_shown_in_a_few_lines(found, mapped):
    for value in (
        found,
        found.network,
        found.network.rows[0],
        found.network.rows[0].result,
        mapped,
        crisp_hw.load_arch("crisp-stc"),
        crisp_hw.characterize("stc"),
        crisp_hw.load_workload("resnet50"),
        crisp_hw.describe("resnet50")[0],
        crisp_hw.PrunedModel("net", ()),
    ):
        assert len(repr(value)) < 600 and repr(value).count("\n") <= len(EVERY), repr(value)


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order; the text is kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_notebook_shows_totals_and_folds_the_notes(found):
    page = Balanced(found._repr_html_())
    assert page.open == [] and page.seen.count("table") == 1 and page.seen.count("details") == 2
    assert page.seen.count("tr") == 1 + len(EVERY)
    for text in ("crisp-stc", "speedup", *found.network.assumptions, "batch norm"):
        assert text in page.text


@pytest.mark.parametrize("make", [lambda m: m, lambda m: crisp_hw.load_arch("crisp-stc:rf_kb=2")], ids=["map", "arch"])
def test_other_values_are_whole_html(mapped, make):
    page = Balanced(make(mapped)._repr_html_())
    assert page.open == [] and "table" in page.seen and page.text


def test_names_are_text_in_html():
    odd = crisp_hw.load_arch("stc").replace(name="<script>alert(1)</script>")
    for value in (odd, crisp_hw.evaluate("resnet50", odd, layers="fc", cache=False)):
        assert "<script>" not in value._repr_html_()
        assert "&lt;script&gt;" in value._repr_html_()


def test_equality_and_copies_stay(found):
    assert dataclasses.replace(found) == found
    assert dataclasses.replace(found.network, name="other") != found.network


def test_a_path_of_another_kind_is_refused_in_a_sentence(found, mapped):
    for call, name in (
        (crisp_hw.Evaluation.load, "the saved evaluation"),
        (found.save, "the path"),
        (mapped.save, "the folder"),
    ):
        with pytest.raises(crisp_hw.InputError, match=f"{name} is 3, an int; give a path"):
            call(3)


@pytest.fixture(scope="module")
def modelled(tmp_path_factory):
    """The mapping of one layer, evaluated from its folder of rendered documents."""
    folder = tmp_path_factory.mktemp("rendered")
    crisp_hw.render(crisp_hw.evaluate("resnet50", "stc", nm="2:4", layers="layer4.2.conv3"), folder)
    return crisp_hw.model(folder / "stc" / "layer4.2.conv3")


def test_an_accelerator_and_a_layer_are_evaluations_of_their_own(found):
    one = found["stc"]
    assert one.archs == ("stc",) and one.layers == found.layers and len(one) == 10
    assert one.to_frame("totals").loc[0].equals(found.totals().set_index("arch", drop=False).loc["stc"])
    (row,) = found["layer4.2.conv3"]["dstc"]
    assert (row.layer, row.arch) == ("layer4.2.conv3", "dstc")
    assert found[0] is found.rows[0] and found[-1] is found.rows[-1] and found[2:4].rows == found.rows[2:4]
    assert "stc" in found and "layer4.2.conv3" in found and row in found and "tpu" not in found
    for wrong, said in (
        ("tpu", "no accelerator and no layer 'tpu'; accelerators are dense, stc"),
        (2.5, "is 2.5, a f"),
    ):
        with pytest.raises(crisp_hw.InputError, match=said):
            found[wrong]
    with pytest.raises(IndexError):
        found[len(found)]


def test_every_table_is_a_frame_and_a_csv_file(found, mapped, modelled, tmp_path):
    costs = crisp_hw.characterize("stc")
    for value, tables in (
        (found, ("layers", "totals", "levels")),
        (mapped, ("levels", "totals")),
        (modelled, ("levels", "totals")),
        (costs, ("components", "actions", "numbers")),
    ):
        for table in tables:
            frame = value.to_frame(table)
            assert value.to_csv(tmp_path / "t.csv", table) is None
            read = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
            assert list(read) == list(frame) and len(read) == len(frame) > 0
            assert value.to_csv(table=table) == (tmp_path / "t.csv").read_text()
        with pytest.raises(crisp_hw.InputError, match=f"no table 'total'; there are {tables[0]}, "):
            value.to_frame("total")
        with pytest.raises(crisp_hw.InputError, match="the path is 3, an int; give a path"):
            value.to_csv(3)
        with pytest.raises(crisp_hw.InputError, match="cannot be written"):
            value.to_csv(tmp_path / "no" / "t.csv")
    assert found.to_frame("layers").equals(found.to_frame()) and found.levels().equals(found.to_frame("levels"))


def test_a_number_is_explained_where_it_is_found(found, mapped, modelled):
    explained = found.explain("SMEM.A", layer="layer4.2.conv3", arch="stc")
    assert str(explained).startswith("SMEM.A: layer layer4.2.conv3 on stc\n") and explained.figures["reads"] > 0
    row = found["stc"]["layer4.2.conv3"][0]
    assert found["stc"]["layer4.2.conv3"].explain().figures["cycles"] == row.cycles
    for one in (mapped, modelled):
        assert one.explain("cycles").figures["cycles"] == one.cycles
    for keywords, said in (
        ({"arch": "stc"}, "one layer is explained, and there are 10; give layer: layer4.0.conv1, "),
        ({"layer": "fc", "arch": "stc"}, "no layer 'fc'; there are layer4.0.conv1"),
        ({"layer": "layer4.2.conv3"}, "one arch is explained, and there are 4; give arch: dense, stc"),
        ({"figure": "L2", "layer": "layer4.2.conv3", "arch": "stc"}, "no figure L2 to explain; there are cycles"),
        ({"figure": 3, "layer": "layer4.2.conv3", "arch": "stc"}, "the figure is 3, an int; give text"),
    ):
        with pytest.raises(crisp_hw.InputError, match=said):
            found.explain(**keywords)


def test_an_explanation_of_other_numbers_says_so(found):
    row = found["stc"]["layer4.2.conv3"][0]
    other = dataclasses.replace(row, result=dataclasses.replace(row.result, cycles=7))
    note = explain_row(other, "cycles").notes
    assert f"explained is what the embedded engine computes, {row.cycles:,} cycles; the result has 7" in note


def test_a_model_and_a_best_mapping_answer_alike(mapped, modelled):
    for value in (mapped, modelled):
        assert value.energy_uj == value.energy_pj / 1e6 and value.cycles == value.result.cycles
        assert value.to_frame("totals")["cycles"][0] == value.cycles
        assert "cycles" in str(value) and "<table" in value._repr_html_()
    assert list(modelled.texts()) == ["timeloop-model.stats.txt", "timeloop-model.map.txt", "stats.json"]


ASKED = [
    ("speedup", 'it is a column of to_frame("layers") and to_frame("totals")'),
    ("energy", "energy_uj is a column of"),
    ("df", "use to_frame"),
    ("to_json", "use save"),
    ("rowz", "did you mean rows?"),
    ("nothing_of_that_kind", "there are network, archs, "),
]


@pytest.mark.parametrize(("name", "said"), ASKED)
def test_what_an_evaluation_does_not_have_is_told_in_a_sentence(found, name, said):
    with pytest.raises(AttributeError) as caught:
        getattr(found, name)
    assert f"Evaluation has no attribute {name}; {said}" in str(caught.value)


def test_the_others_tell_it_too(found, mapped, modelled):
    for value, name, said in (
        (mapped, "energy", "BestMapping has no attribute energy; use energy_uj"),
        (modelled, "latency", "EvaluatedMapping has no attribute latency; use cycles"),
        (found[0], "energy_uj", "it is a column of to_frame() of the evaluation"),
        (crisp_hw.characterize("stc"), "area", 'to_frame("components") has area_um2'),
    ):
        with pytest.raises(AttributeError) as caught:
            getattr(value, name)
        assert said in str(caught.value)
        assert not hasattr(value, "_repr_svg_")


def test_copies_and_pickles_are_whole(found, mapped, modelled):
    for value in (found, mapped, modelled, crisp_hw.characterize("stc")):
        assert copy.deepcopy(value) == value == copy.copy(value)
        assert repr(pickle.loads(pickle.dumps(value))) == repr(value)
