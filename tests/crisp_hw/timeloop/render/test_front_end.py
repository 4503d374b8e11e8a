"""What is written for timeloopfe's front end gives the numbers of the design that it was written from."""

from dataclasses import replace

import pytest

import crisp_hw
from crisp_hw import api
from crisp_hw.dropin.model import evaluate_files
from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_text import read_yaml_text
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.result import Result

LAYERS = ("conv1", "layer2.0.conv2", "layer4.2.conv3", "fc")


def row(arch, layer):
    source = api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    return api.evaluate(source, arch, layers=layer).network.rows[0]


def figures(result: Result) -> dict:
    """Everything but instances of the levels without storage, which the front end adds."""
    levels = {level.name: level for level in result.levels if not level.name.startswith("inter_")}
    counts = {
        (name, tensor): (counts.accesses, counts.energy_pj, counts.utilized_capacity)
        for name, level in levels.items()
        for tensor, counts in level.tensors.items()
    }
    return {"cycles": result.cycles, "energy": result.energy_pj, "compute": result.compute, "counts": counts}


@pytest.mark.parametrize("arch", ["dense", "dstc"])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_front_ends_documents_are_read_back_to_the_same_numbers(arch, layer, tmp_path):
    found = row(arch, layer)
    texts = api.rendered(found, "v4")
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    again = evaluate_files(sorted(tmp_path.iterdir())).result
    assert again.cycles == found.result.cycles
    assert again.energy_pj == pytest.approx(found.result.energy_pj, rel=1e-12)
    ours, theirs = figures(found.result)["counts"], figures(again)["counts"]
    assert ours.keys() <= theirs.keys()
    assert {key: theirs[key][0] for key in ours} == {key: ours[key][0] for key in ours}


def test_components_are_nodes_with_all_that_the_front_end_requires():
    """v4/arch.py wants width and depth of every storage, and all three sizes of metadata or none."""
    (document,) = read_yaml_text(api.rendered(row("dense", "fc"), "v4")["architecture.yaml"], "a.yaml")
    *storage, mac = document["architecture"]["nodes"]
    assert [node["name"] for node in storage] == ["DRAM", "SMEM", "RF", "LRF"]
    assert {node.tag for node in (*storage, mac)} == {"!Component"}
    for node in storage:
        attributes = node["attributes"]
        assert {"width", "depth", "datawidth"} <= attributes.keys()
        assert "metadata_datawidth" in attributes
    meshes = [node.get("spatial") for node in (*storage, mac)]
    assert meshes[2:4] == [{"meshX": 1, "meshY": 4}, {"meshX": 4, "meshY": 16}] and mac["class"] == "intmac"


@pytest.mark.parametrize("arch", ["stc", "crisp-stc"])
def test_lanes_that_shrink_are_refused_by_name(arch):
    with pytest.raises(InputError, match=rf"layer layer2.0.conv2 on {arch}: .*no lanes shrink") as caught:
        api.rendered(row(arch, "layer2.0.conv2"), "v4")
    assert (caught.value.at.document, caught.value.at.entry) == ("sparse_optimizations", "RF")


def test_dimensions_of_several_letters_are_refused():
    found = row("dense", "fc")
    problem = found.point.design.problem
    tensors = tuple(
        replace(each, ranks=tuple(tuple(replace(term, dim=term.dim * 2) for term in rank) for rank in each.ranks))
        for each in problem.tensors
    )
    long = replace(problem, dims=tuple(dim * 2 for dim in problem.dims), tensors=tensors)
    nest = found.point.mapping.nest
    loops = tuple(replace(loop, dim=loop.dim * 2) for loop in nest.loops)
    mapping = replace(found.point.mapping, nest=replace(nest, loops=loops))
    point = replace(found.point, design=replace(found.point.design, problem=long), mapping=mapping)
    with pytest.raises(InputError, match="'GG' would be 2 dimensions"):
        api.rendered(replace(found, point=point), "v4")


def test_a_folder_of_them(tmp_path):
    source = api.WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    files = crisp_hw.render(api.evaluate(source, "dense", layers="fc"), tmp_path / "out", "v4")
    assert sorted(path.name for path in files) == [
        "ART.yaml",
        "ERT.yaml",
        "architecture.yaml",
        "mapping.yaml",
        "problem.yaml",
    ]
    assert "nodes:" in (tmp_path / "out" / "dense" / "fc" / "architecture.yaml").read_text()
