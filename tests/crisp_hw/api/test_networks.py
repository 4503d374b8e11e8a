"""What `evaluate` and `describe` take: every kind of network, options as keywords, and one sentence for all else."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

import crisp_hw
from crisp_hw import NM, EvaluateOptions, InputError, PrunedModel, SearchOptions, WorkloadPattern
from crisp_hw.data_files import data_folder
from crisp_hw.spec.options import EvaluateFields, SearchFields

RESNET = data_folder("workloads") / "resnet50.yaml"
FC = {"layers": "fc", "cache": False}
WRITTEN = {"nm": "2:4", "block": 64, "sparsity": 0.9}


def cycles(source, **more):
    return [row.result.cycles for row in crisp_hw.evaluate(source, **{"layers": "layer4.2.*", **more}).network.rows]


@pytest.fixture(scope="module")
def expected():
    return cycles(WorkloadPattern("resnet50", NM(2, 4), 64, 0.9))


@pytest.mark.parametrize("source", ["resnet50", str(RESNET), RESNET], ids=["name", "text", "path"])
def test_a_layer_table_with_a_pattern_in_keywords(source, expected):
    assert cycles(source, **WRITTEN) == expected


def test_a_workload_and_an_nm_and_numbers_of_numpy(expected):
    table = crisp_hw.load_workload("resnet50")
    assert cycles(table, nm=NM(2, 4), block=np.int64(64), sparsity=np.float32(0.9)) == expected


def test_a_pattern_takes_text_and_equals_one_of_values():
    assert WorkloadPattern("resnet50", "2:4", 64, 0.9) == WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)


def test_without_a_pattern_a_layer_table_is_dense():
    (row,) = crisp_hw.evaluate("resnet50", **FC).network.rows
    assert (row.descriptor.density, row.speedup) == (1, 1)


def test_describe_takes_the_same():
    pattern = WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    assert crisp_hw.describe("resnet50", **WRITTEN) == crisp_hw.describe(pattern)
    with pytest.raises(InputError, match="nm: would have no effect, because the WorkloadPattern says itself"):
        crisp_hw.describe(pattern, nm="2:4")


def test_options_as_keywords_are_those_of_one_value():
    one = crisp_hw.evaluate("resnet50", "dstc", **FC, objective="energy", activation_density=0.4)
    other = crisp_hw.evaluate(
        "resnet50", "dstc", layers="fc", options=EvaluateOptions("energy", activation_density=0.4, cache=False)
    )
    assert one == other


def test_a_keyword_that_changes_nothing_is_named_even_with_its_default():
    said = crisp_hw.evaluate("resnet50", "stc", **FC, packing="skipping").network.assumptions
    assert any("option packing has no effect: nothing here packs nonzeros into lanes" in line for line in said)


@pytest.mark.parametrize(
    ("function", "kind", "keywords"),
    [
        (crisp_hw.evaluate, EvaluateOptions, EvaluateFields),
        (crisp_hw.find_mapping, SearchOptions, SearchFields),
    ],
)
def test_keywords_are_the_fields_of_the_options(function, kind, keywords):
    hints = get_type_hints(kind)
    expected = {each.name: (each.default, hints[each.name]) for each in fields(kind) if each.name != "said"}
    assert get_type_hints(keywords) == {name: hint for name, (_, hint) in expected.items()}
    shown = inspect.signature(function).parameters
    assert {name: (shown[name].default, shown[name].annotation) for name in expected} == expected
    assert "fields" not in shown


WRONG_NETWORKS = {
    "number": (42, "the network is 42, an int; give the name of a workload (list_workloads()), a .yaml layer table"),
    "nothing": (None, "the network is None; give the name"),
    "list": (["resnet50"], "the network is a list; give the name"),
    "class": (WorkloadPattern, "the network is the class WorkloadPattern; give the name"),
    "state dict": ({"w": 1}, "the network is a dict; a state dict has no geometry: give crisp_hw.describe_checkpoint("),
    "unknown name": ("resnet", "no workload named 'resnet'; the packaged ones are bert-base, gpt2"),
    "empty": ("", "no workload named ''; the packaged ones are"),
    "missing file": ("no.safetensors", "no.safetensors: cannot be read (no such file or directory)"),
    "missing table": (Path("no.yaml"), "no.yaml: cannot be read (no such file or directory)"),
    "other ending": ("net.tflite", "net.tflite: is no network that is read: weights are .pt, .pth, .bin"),
}


@pytest.mark.parametrize("function", [crisp_hw.evaluate, crisp_hw.describe])
@pytest.mark.parametrize(("source", "said"), WRONG_NETWORKS.values(), ids=WRONG_NETWORKS)
def test_what_is_no_network_is_one_sentence(function, source, said):
    with pytest.raises(InputError) as caught:
        function(source)
    assert said in str(caught.value)


def test_a_torch_model_says_what_to_do():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"is a Linear; a PyTorch model does not tell the size of its inputs: give"):
        crisp_hw.evaluate(torch.nn.Linear(4, 4))


def test_a_pruner_says_what_to_do_and_its_export_is_taken():
    torch = pytest.importorskip("torch")
    from crisp_prune import Crisp, CrispConfig

    model = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    pruner = Crisp(model, CrispConfig(sparsity=0.6, block=4), sample=torch.zeros(1, 16))
    with pytest.raises(InputError, match=r'is a Crisp; call pruner.save\("run.pt"\) and give "run.pt", or give pruner'):
        crisp_hw.evaluate(pruner)
    assert [row.layer for row in crisp_hw.evaluate(pruner.export(), cache=False).network.rows] == ["0", "2"]


WRONG_KEYWORDS = {
    "accelerator": ({"arch": 3}, "arch is 3, an int; give a name of list_arch(), the path of a .yaml file"),
    "no accelerator": ({"arch": None}, "arch is None; give"),
    "empty": (
        {"arch": []},
        "no accelerator given; there are crisp-stc, dense, dstc, eie, eyeriss-v1",
    ),
    "one of many": ({"arch": ["stc", 3]}, "arch is 3, an int"),
    "map": ({"arch": {"stc": 1}}, "arch is a dict"),
    "unknown": ({"arch": "tpu"}, "no architecture tpu; valid names: crisp-stc"),
    "layers": ({"layers": 7}, 'layers is 7, an int; give a glob over the names of layers, such as "layer4.*"'),
    "list of layers": ({"layers": ["fc"]}, "layers is a list; give a glob"),
    "no such layer": ({"layers": "nope"}, "no layer matches 'nope'; there are conv1, "),
    "nm": ({"nm": "2-4"}, "nm is '2-4', a str; write \"2:4\" for two kept of every four, or NM(2, 4)"),
    "nm pair": ({"nm": (2, 4)}, "nm is a tuple; write"),
    "impossible nm": ({"nm": "9:4"}, "9:4 is no N:M pattern"),
    "block": ({"nm": "2:4", "block": "64"}, "block is '64', a str; give a whole number or None"),
    "half a block": ({"nm": "2:4", "block": 64.5}, "block is 64.5, a float; give a whole number or None"),
    "sparsity": ({"nm": "2:4", "sparsity": "90%"}, "sparsity is '90%', a str; give a number or None"),
    "percent": ({"nm": "2:4", "block": 64, "sparsity": 90}, "sparsity 90 must be a fraction below 1, such as 0.9"),
    "block alone": ({"block": 64}, "a block size or a sparsity needs an N:M pattern too; give nm 2:4"),
    "objective": ({"objective": "speed"}, "unknown objective 'speed'; there are cycles, energy, edp"),
    "number": ({"objective": 3}, "objective is 3, an int; give 'cycles' or 'energy' or 'edp'"),
    "spelling": ({"objektive": "edp"}, "unknown keyword objektive; did you mean objective?"),
    "no keyword": ({"device": 4}, "unknown keyword device; there are objective, energy, "),
    "inner field": ({"said": frozenset()}, "unknown keyword said"),
    "jobs": ({"jobs": "all"}, "jobs is 'all', a str; give a whole number or None"),
    "no jobs": ({"jobs": 0}, "0 jobs: give 1 or more"),
    "cache": ({"cache": 1}, "cache is 1, an int; give True or False"),
    "activations": ({"activation_density": "40%"}, "activation_density is '40%', a str; give a number"),
    "energy": ({"energy": 3}, "energy is 3, an int; give text or None"),
    "options": ({"options": {"jobs": 2}}, "options is a dict; give EvaluateOptions(...), or its fields as keywords"),
    "both": ({"options": EvaluateOptions(), "jobs": 2}, "options and jobs are given; give one of them, or options="),
    "progress": ({"progress": True}, "progress is True, a bool; give a function or None"),
}


@pytest.mark.parametrize(("keywords", "said"), WRONG_KEYWORDS.values(), ids=WRONG_KEYWORDS)
def test_a_wrong_keyword_is_one_sentence(keywords, said):
    with pytest.raises(InputError) as caught:
        crisp_hw.evaluate("resnet50", **{"layers": "fc", **keywords})
    assert said in str(caught.value)


def test_a_pattern_beside_masks_is_refused():
    model = PrunedModel("net", ())
    for source, what in ((model, "the PrunedModel"), ("run.pt", "the file run.pt")):
        with pytest.raises(InputError) as caught:
            crisp_hw.evaluate(source, block=64, sparsity=0.9)
        assert f"block, sparsity: would have no effect, because {what} says itself what is pruned" in str(caught.value)


def test_energies_of_an_accelerator_are_its_own():
    own, other = crisp_hw.load_arch("stc", energy="reference"), crisp_hw.load_arch("stc", energy="table")
    with pytest.raises(InputError, match="energy table has no effect on an Accelerator, and stc has other energies"):
        crisp_hw.evaluate("resnet50", own, energy="table", **FC)
    assert crisp_hw.evaluate("resnet50", other, energy="table", **FC).network.rows[0].arch == "stc"


def test_an_energy_table_may_be_a_path(tmp_path):
    table = data_folder("arch") / "energy" / "reference.yaml"
    by_path = crisp_hw.evaluate("resnet50", energy=table, **FC)
    assert by_path.to_frame().equals(crisp_hw.evaluate("resnet50", energy="reference", **FC).to_frame())


def test_a_node_without_effect_is_refused():
    with pytest.raises(InputError, match="node_nm has no effect on the energies of fabric-45nm"):
        crisp_hw.load_arch("stc", energy="fabric-45nm", node_nm=32)
