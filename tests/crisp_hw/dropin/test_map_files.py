"""Files in, the best mapping out: what is read from where, and that the mapping found is what is written."""

import copy
from itertools import pairwise, product

import pytest
import yaml

from crisp_hw.dropin.map_files import map_files
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError, MappingError
from crisp_hw.report.mapping import texts_of
from crisp_hw.spec.options import SearchOptions
from crisp_hw.timeloop.stats.text import stats_text

pytestmark = pytest.mark.slow


def sram(name, instances, depth, **attributes):
    return {
        "name": f"{name}[1..{instances}]",
        "class": "SRAM",
        "attributes": {"depth": depth, "width": 16, "word_bits": 16, "meshX": instances, **attributes},
    }


DOCUMENTS = {
    "architecture": {
        "version": "0.4",
        "subtree": [
            {
                "name": "system",
                "local": [
                    {"name": "DRAM[1..1]", "class": "DRAM", "attributes": {"width": 16, "word_bits": 16}},
                    sram("SMEM", 1, 64, read_bandwidth=2),
                    sram("RF", 4, 8),
                    {"name": "MAC[1..4]", "class": "intmac", "attributes": {"datawidth": 16, "meshX": 4}},
                ],
            }
        ],
    },
    "problem": {
        "shape": {
            "name": "gemm",
            "dimensions": ["M", "N", "K"],
            "data_spaces": [
                {"name": "A", "projection": [[["M"]], [["K"]]]},
                {"name": "B", "projection": [[["K"]], [["N"]]]},
                {"name": "Z", "projection": [[["M"]], [["N"]]], "read_write": True},
            ],
        },
        "instance": {"M": 4, "N": 2, "K": 2},
    },
    "mapspace_constraints": [
        {"target": "SMEM", "type": "spatial", "factors": "N=1", "no_reuse": ["B"]},
        {"target": "SMEM", "type": "bypass", "keep": ["A"]},
        {"target": "RF", "type": "bypass", "keep": ["Z"], "bypass": ["A", "B"]},
        {"target": "RF", "type": "temporal", "permutation": "K_N"},
        {"target": "DRAM", "type": "temporal", "permutation": "NK_M", "no_reuse": ["Z"], "rmw_first_update": ["Z"]},
        {"target": "SMEM", "type": "temporal", "permutation": "KMN"},
    ],
    "mapper": {"optimization_metrics": ["energy", "delay"], "algorithm": "hybrid"},
}


def changed(**documents):
    return {**copy.deepcopy(DOCUMENTS), **documents}


@pytest.fixture(scope="module")
def find(tmp_path_factory):
    folder, known = tmp_path_factory.mktemp("map"), {}

    def find_in(documents=DOCUMENTS, objective=None):
        text = yaml.safe_dump(documents, sort_keys=False)
        if (text, objective) not in known:
            (folder / "all.yaml").write_text(text)
            known[text, objective] = map_files([folder / "all.yaml"], objective)
        return known[text, objective]

    return find_in


def figures(evaluated):
    return evaluated.result.cycles, evaluated.result.energy_pj


def test_the_written_mapping_evaluates_to_the_numbers_found(find, tmp_path):
    mapped = find()
    hardware = {key: DOCUMENTS[key] for key in ("architecture", "problem")}
    (tmp_path / "hardware.yaml").write_text(yaml.safe_dump(hardware))
    (tmp_path / "map.yaml").write_text(texts_of(mapped)["map.yaml"])
    again = evaluate_files([tmp_path / "hardware.yaml", tmp_path / "map.yaml"])
    assert figures(again) == figures(mapped.evaluated) == (mapped.found.cycles, mapped.found.energy_pj)
    nest = mapped.found.mapping.nest
    flags = (nest.no_multicast, nest.no_temporal_reuse, nest.rmw_first_update)
    assert flags == (
        (frozenset(), frozenset("B"), frozenset()),
        (frozenset(), frozenset(), frozenset("Z")),
        (frozenset(), frozenset(), frozenset("Z")),
    )
    again_nest = again.point.mapping.nest
    assert (again_nest.no_multicast, again_nest.no_temporal_reuse, again_nest.rmw_first_update) == flags


def test_open_choices_are_all_searched_and_the_best_wins(find):
    """SMEM may keep or bypass B and Z: the whole search is the best of the four searches with that settled."""
    whole = find()
    assert whole.choices == 4
    scores = {}
    for b, z in product(("keep", "bypass"), repeat=2):
        settled = changed()
        entry = settled["mapspace_constraints"][1]
        entry.setdefault("bypass", [])
        entry[b].append("B")
        entry[z].append("Z")
        scores[b, z] = find(settled).found
    assert whole.found.energy_pj == min(found.energy_pj for found in scores.values())
    assert len({found.energy_pj for found in scores.values()}) > 1
    assert whole.found.candidates == sum(found.candidates for found in scores.values())
    assert whole.found.tried <= sum(found.tried for found in scores.values())


@pytest.mark.parametrize(("objective", "expected"), [(None, "energy"), ("cycles", "cycles"), ("edp", "edp")])
def test_the_callers_objective_goes_before_the_documents(find, objective, expected):
    mapped = find(DOCUMENTS, objective)
    assert mapped.found.objective == expected
    gives_way = [note for note in mapped.evaluated.result.skipped if "give way to the objective" in note]
    assert len(gives_way) == (expected != "energy")


def test_without_a_mapper_document_it_is_the_product(find):
    mapped = find({key: value for key, value in DOCUMENTS.items() if key != "mapper"})
    assert mapped.found.objective == "edp"
    assert any("energy-delay product, as in Timeloop" in note for note in mapped.evaluated.result.skipped)


def test_a_mapping_is_not_used_and_that_is_said(find):
    mapped = find(changed(mapping=[{"target": "RF", "type": "temporal", "factors": "nonsense"}]))
    assert figures(mapped.evaluated) == figures(find().evaluated)
    assert any("mapping: not used, the mapper searches" in note for note in mapped.evaluated.result.skipped)


def test_constraints_inside_of_the_architecture_are_read(find):
    inside = changed()
    inside["architecture"]["constraints"] = inside.pop("mapspace_constraints")
    assert find(inside).found == find().found
    inside["architecture_constraints"] = []
    with pytest.raises(InputError, match=r"all.yaml:\d+: architecture: there are constraints in it"):
        find(inside)


def test_parallelism_is_reached_or_said_to_be_out_of_reach(find):
    settled = changed()
    settled["mapspace_constraints"][0]["factors"] = "N=1 K<=2 M<=2"
    settled["mapspace_constraints"].append({"target": "RF", "type": "parallelism", "min": 1.0})
    mapped = find(settled)
    spatial = [
        b
        for loop, b in zip(mapped.found.mapping.nest.loops, mapped.found.mapping.bounds, strict=True)
        if loop.kind != "temporal"
    ]
    assert sorted(bound for bound in spatial if bound > 1) == [2, 2]
    settled["mapspace_constraints"][0]["factors"] = "N=1 K=1 M<=2"
    with pytest.raises(MappingError, match="use at most 50 % of the lanes, and the constraints want 100 %"):
        find(settled)


def test_what_is_not_for_the_flattened_form_is_refused(find):
    with pytest.raises(InputError, match=r"all.yaml:\d+: the document 'constraints' is for the front end alone"):
        find(changed(constraints={"targets": []}))
    with pytest.raises(InputError, match=r"all.yaml:\d+: mapspace_constraints of SMEM, spatial: unknown key 'spilt'"):
        find(changed(mapspace_constraints=[{"target": "SMEM", "type": "spatial", "spilt": 1}]))
    with pytest.raises(InputError, match="no document 'problem' in the files"):
        find({"architecture": DOCUMENTS["architecture"]})


def test_nothing_that_fits_says_which_level(find):
    crowded = changed()
    for entry in crowded["mapspace_constraints"]:
        if entry["target"] != "RF" and entry["type"] != "bypass":
            entry["factors"] = "M=1 N=1 K=1"
    crowded["architecture"]["subtree"][0]["local"][2]["attributes"]["depth"] = 4
    with pytest.raises(MappingError, match="level RF needs 8 words of capacity and has 4"):
        find(crowded)


def test_steps_are_told_up_to_the_end(tmp_path):
    steps = []
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(DOCUMENTS))
    map_files([tmp_path / "all.yaml"], options=SearchOptions(), progress=steps.append)
    assert steps[-1].done == steps[-1].total > 0
    assert all(before.done <= after.done for before, after in pairwise(steps))


NODES = """
architecture:
  version: "0.4"
  nodes:
    - !Component {name: DRAM, class: DRAM, attributes: {width: 16, datawidth: 16}}
    - !Component
      name: RF
      class: SRAM
      spatial: {meshX: 2}
      attributes: {depth: 8, width: 16, datawidth: 16}
      constraints:
        spatial: {factors: [M=2, K=1]}
        temporal: {permutation: [K]}
        dataspace: {keep: [Z]}
    - !Component {name: MAC, class: intmac, attributes: {datawidth: 16}}
problem:
  shape:
    name: gemv
    dimensions: [M, K]
    data_spaces:
      - {name: A, projection: [[[M]], [[K]]]}
      - {name: B, projection: [[[K]]]}
      - {name: Z, projection: [[[M]]], read_write: true}
  instance: {M: 4, K: 6}
mapper: {optimization_metrics: [delay, energy]}
"""


def test_the_front_ends_nodes_constrain_the_search_and_take_the_mapping_back(tmp_path):
    (tmp_path / "nodes.yaml").write_text(NODES)
    mapped = map_files([tmp_path / "nodes.yaml"])
    names = [level.name for level in mapped.evaluated.point.design.architecture.levels]
    assert names == ["RF", "inter_RF_spatial", "DRAM"]
    assert mapped.choices == 4  # RF: A and B open, Z kept
    mapping = mapped.found.mapping
    loops = {
        (loop.level, loop.dim): bound
        for loop, bound in zip(mapping.nest.loops, mapping.bounds, strict=True)
        if loop.kind != "temporal"
    }
    assert loops == {(1, "M"): 2, (1, "K"): 1}
    assert all(
        bound == 1
        for loop, bound in zip(mapping.nest.loops, mapping.bounds, strict=True)
        if loop.level == 1 and loop.kind == "temporal"
    )
    (tmp_path / "map.yaml").write_text(texts_of(mapped)["map.yaml"])
    again = evaluate_files([tmp_path / "nodes.yaml", tmp_path / "map.yaml"])
    assert figures(again) == figures(mapped.evaluated)


def test_the_folder_of_both_axes_says_the_same_to_the_model(tmp_path):
    """Its architecture has a level between the axes that keeps nothing, as timeloop-model takes it."""
    lanes = {"meshX": 2, "meshY": 2}
    tree = copy.deepcopy(DOCUMENTS["architecture"])
    tree["subtree"][0]["local"][2:] = [
        {**sram("RF", 4, 8), "attributes": {**sram("RF", 4, 8)["attributes"], **lanes}},
        {"name": "MAC[1..4]", "class": "intmac", "attributes": {"datawidth": 16, **lanes}},
    ]
    sizes = {**DOCUMENTS["problem"], "instance": {"M": 1, "N": 1, "K": 8}}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"architecture": tree, "problem": sizes}))
    alone, found = (
        map_files([tmp_path / "all.yaml"], "cycles", options=SearchOptions(both_axes=both)) for both in (False, True)
    )
    assert (alone.found.cycles, found.found.cycles) == (4, 2)
    assert (alone.added, found.added) == ((), ("SMEM_lanes",))
    texts = texts_of(found)
    for name in ("architecture.yaml", "problem.yaml", "map.yaml"):
        (tmp_path / name).write_text(texts[name])
    again = evaluate_files([tmp_path / name for name in ("architecture.yaml", "problem.yaml", "map.yaml")])
    assert stats_text(again) == texts["stats.txt"]
    assert "architecture.yaml" not in texts_of(alone)


def test_what_both_axes_do_not_change_is_said(tmp_path):
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(DOCUMENTS, sort_keys=False))
    found = map_files([tmp_path / "all.yaml"], options=SearchOptions(both_axes=True))
    assert any("no level fans out along both axes" in note for note in found.evaluated.result.skipped)
