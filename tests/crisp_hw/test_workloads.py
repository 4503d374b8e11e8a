"""Layer tables against published totals, and every way a user's file can be wrong."""

import importlib.util
from pathlib import Path

import pytest
import yaml

from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.workloads import list_workloads, load_workload

# layers, weights, MACs: He et al. 2016, Simonyan and Zisserman 2015, Sandler et al. 2018, counted without biases
TOTALS = {
    "resnet50": (54, 25_502_912, 4_089_184_256),
    "vgg16": (16, 138_344_128, 15_470_264_320),
    "mobilenetv2": (53, 3_469_760, 300_774_272),
}
# parameters that torchvision's documentation states for each model; they include norms and biases
TORCHVISION_PARAMETERS = {"resnet50": 25_557_032, "vgg16": 138_357_544, "mobilenetv2": 3_504_872}


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_the_published_ones(name):
    layers = load_workload(name).layers
    assert (len(layers), sum(x.weights for x in layers), sum(x.macs for x in layers)) == TOTALS[name]


@pytest.mark.parametrize("name", TOTALS)
def test_with_norms_and_biases_the_parameters_are_torchvisions(name):
    layers = load_workload(name).layers
    biases = sum(x.out_channels for x in layers if x.kind == "linear" or name == "vgg16")
    norms = 0 if name == "vgg16" else sum(2 * x.out_channels for x in layers if x.kind == "conv2d")
    assert sum(x.weights for x in layers) + biases + norms == TORCHVISION_PARAMETERS[name]


def test_resnet50_prunable_convolutions():
    layers = load_workload("resnet50").layers
    prunable = [x for x in layers if x.kind == "conv2d" and x.name != "conv1"]
    assert len(prunable) == 52
    assert sum(x.weights for x in prunable) == 23_445_504
    assert sum(x.macs for x in prunable) / sum(x.macs for x in layers) == pytest.approx(0.971, abs=5e-4)


def test_vgg16_splits_into_convolutions_and_classifier():
    layers = load_workload("vgg16").layers
    assert sum(x.weights for x in layers if x.kind == "conv2d") == 14_710_464
    assert sum(x.weights for x in layers if x.kind == "linear") == 123_633_664


@pytest.mark.parametrize(
    ("network", "name", "geometry"),
    [  # out, in, kernel, stride, groups, input, output
        ("resnet50", "conv1", (64, 3, 7, 2, 1, 224, 112)),
        ("resnet50", "layer1.0.downsample.0", (256, 64, 1, 1, 1, 56, 56)),
        ("resnet50", "layer2.0.conv1", (128, 256, 1, 1, 1, 56, 56)),
        ("resnet50", "layer2.0.conv2", (128, 128, 3, 2, 1, 56, 28)),  # v1.5: the 3x3 strides
        ("resnet50", "layer4.2.conv3", (2048, 512, 1, 1, 1, 7, 7)),
        ("vgg16", "features.28", (512, 512, 3, 1, 1, 14, 14)),
        ("mobilenetv2", "features.2.conv.1.0", (96, 96, 3, 2, 96, 112, 56)),
        ("mobilenetv2", "features.18.0", (1280, 320, 1, 1, 1, 7, 7)),
    ],
)
def test_named_layers(network, name, geometry):
    layer = next(x for x in load_workload(network).layers if x.name == name)
    found = (layer.out_channels, layer.in_channels, layer.kernel[0], layer.stride[0], layer.groups)
    assert (*found, layer.input_size[0], layer.output_size[0]) == geometry


@pytest.mark.parametrize("name", TOTALS)
def test_every_workload_names_its_source_and_what_it_leaves_out(name):
    workload = load_workload(name)
    assert "arXiv" in workload.source
    assert {"pooling", "activation"} <= {skip.name for skip in workload.skipped}


@pytest.mark.parametrize("name", TOTALS)
def test_the_generator_writes_the_committed_files(name):
    script = data_folder("workloads") / "generate.py"
    spec = importlib.util.spec_from_file_location("generate_workloads", script)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    texts = {workload.name: module.document(workload) for workload in module.WORKLOADS}
    assert texts[name] == (data_folder("workloads") / f"{name}.yaml").read_text(encoding="utf-8")


CONV = {"name": "c1", "kind": "conv2d", "in_channels": 4, "out_channels": 8, "kernel": [3, 3], "input_size": [8, 8]}
FC = {"name": "fc", "kind": "linear", "in_channels": 8, "out_channels": 2}


def write(folder: Path, entries: list[dict[str, object]], **fields: object) -> Path:
    path = folder / "mine.yaml"
    document = {"schema": "crisp-hw/workload/1", "name": "mine", "source": "made here", "layers": entries, **fields}
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_users_file_loads_by_path_or_by_text(tmp_path):
    path = write(tmp_path, [CONV, FC | {"tokens": 5}])
    workload = load_workload(str(path))
    assert workload == load_workload(path)
    assert [(x.output_size, x.positions) for x in workload.layers] == [((6, 6), 36), ((1, 1), 5)]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (CONV | {"kernal": [3, 3]}, r"mine.yaml:\d+: workload layer c1.kernal: is not known here; did you mean kernel"),
        (CONV | {"stride": [1, "2"]}, r"layer c1.stride\[1\]: should be a whole number"),
        (CONV | {"stride": [1, 1.0]}, r"layer c1.stride\[1\]: should be a whole number"),
        (CONV | {"stride": [0, 1]}, r"layer c1.stride\[0\]: should be greater than 0"),
        (CONV | {"kernel": 3}, r"layer c1.kernel: should be a list"),
        (CONV | {"kind": "conv3d"}, r"layer c1.kind: .*known are conv2d, linear"),
        (FC | {"kernel": [1, 1]}, r"layer fc.kernel: is not known here"),
        ({"kind": "linear", "in_channels": 8, "out_channels": 2}, r"workload.layers\[0\].name: is missing"),
        (CONV | {"groups": 3}, r"layer c1.groups: 3 groups must divide in_channels 4 and out_channels 8"),
        (CONV | {"kernel": [9, 9]}, r"layer c1.input_size: \(8, 8\) is too small for kernel \(9, 9\)"),
    ],
)
def test_a_wrong_layer_is_named_with_its_field(tmp_path, layer, message):
    with pytest.raises(InputError, match=message):
        load_workload(write(tmp_path, [layer]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"totals": {"layers": 1, "weights": 287, "macs": 10368}}, r"totals.weights: says 287 but .* add up to 288"),
        ({"schema": "crisp-hw/workload/2"}, r"mine.yaml:\d+: workload.schema: should be crisp-hw/workload/1"),
        ({"layers": []}, r"workload.layers: should not be empty"),
        ({"layers": [CONV, CONV]}, r"layer c1: the name is taken, at .*mine.yaml:\d+; layer names must be unique"),
        ({"colour": "red"}, r"workload.colour: is not known here"),
    ],
)
def test_a_wrong_document_is_named_with_its_field(tmp_path, fields, message):
    with pytest.raises(InputError, match=message):
        load_workload(write(tmp_path, [CONV], **fields))


def test_right_totals_pass(tmp_path):
    path = write(tmp_path, [CONV], totals={"layers": 1, "weights": 288, "macs": 10368})
    assert load_workload(path).layers[0].macs == 10368


def test_an_unknown_name_lists_the_valid_ones():
    packaged = "bert-base, gpt2, llama-7b, mobilenetv2, resnet50, t5-small, vgg16, vit-base"
    with pytest.raises(InputError, match=f"no workload named 'resnet51'; the packaged ones are {packaged}"):
        load_workload("resnet51")
    assert ", ".join(list_workloads()) == packaged


def test_a_missing_file_and_broken_yaml_are_told_apart(tmp_path):
    with pytest.raises(InputError, match=r"none.yaml: cannot be read"):
        load_workload(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1, 2")
    with pytest.raises(InputError, match=r"bad.yaml:\d: not YAML"):
        load_workload(tmp_path / "bad.yaml")


def test_a_document_that_is_no_mapping(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InputError, match=r"list.yaml:1: is not a mapping of fields, but a list"):
        load_workload(tmp_path / "list.yaml")
