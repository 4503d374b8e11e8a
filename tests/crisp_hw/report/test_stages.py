"""Layers belong to stages by their names, in the shipped networks as people name them."""

import pytest

from crisp_hw.report.stages import do_group, stages
from crisp_hw.workloads import load_workload


def sizes(names):
    return {stage.name: len(stage.layers) for stage in stages(names)}


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        ("resnet50", {"conv1": 1, "layer1": 10, "layer2": 13, "layer3": 19, "layer4": 10, "fc": 1}),
        ("vgg16", {"features": 13, "classifier": 3}),
        (
            "mobilenetv2",
            {
                "features.0": 1,
                "features.1": 2,
                **{f"features.{i}": 3 for i in range(2, 18)},
                "features.18": 1,
                "classifier": 1,
            },
        ),
    ],
)
def test_the_shipped_networks(workload, expected):
    assert sizes([layer.name for layer in load_workload(workload).layers]) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["stem.conv", "stage1.conv", "stage2.conv", "classifier"], ["stem", "stage1", "stage2", "classifier"]),
        (["embed", "encoder.layer.0.q", "encoder.layer.0.k", "encoder.layer.1.q", "pooler.dense"],
         ["embed", "encoder.layer.0", "encoder.layer.1", "pooler"]),
        (["layers.0.blocks.0.qkv", "layers.0.blocks.1.qkv", "layers.1.blocks.0.qkv", "head"],
         ["layers.0", "layers.1", "head"]),
        (["Conv2d_1a_3x3.conv", "Mixed_5b.branch1x1.conv", "Mixed_5b.pool.conv"], ["Conv2d_1a_3x3", "Mixed_5b"]),
        (["backbone.conv1", "backbone.layer1.0.a", "backbone.layer1.0.b"], ["backbone.conv1", "backbone.layer1"]),
        (["conv1", "conv2", "fc"], ["conv1", "conv2", "fc"]),
        (["only"], ["only"]),
        ([], []),
    ],
)  # fmt: skip
def test_names_of_other_networks(names, expected):
    assert [stage.name for stage in stages(names)] == expected


def test_every_layer_is_in_one_stage_and_keeps_its_order():
    names = ["layer1.0.a", "fc", "layer1.0.b", "layer2.0.a"]
    found = stages(names)
    assert [stage.layers for stage in found] == [("layer1.0.a", "layer1.0.b"), ("fc",), ("layer2.0.a",)]
    assert sorted(layer for stage in found for layer in stage.layers) == sorted(names)


def test_stages_of_single_layers_or_one_stage_group_nothing():
    assert not do_group(stages(["conv1", "conv2"]))
    assert not do_group(stages(["layer1.0.a", "layer1.0.b"]))
    assert do_group(stages(["conv1", "layer1.0.a", "layer1.0.b"]))
