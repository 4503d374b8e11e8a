"""Writes the layer tables of this folder from the published architecture definitions: `python workloads/generate.py`.

Names are torchvision's module names, layers stand in execution order, and every table closes with the totals that
the reader recomputes. Sizes are for one 224 x 224 ImageNet image.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from crisp_hw.spec.layer import Layer, Skipped, Workload

IMAGE = (224, 224)  # height, width in pixels: the ImageNet crop that all three papers report on
CLASSES = 1000  # ImageNet-1k


def conv(name: str, channels: tuple[int, int], kernel: int, stride: int, size: tuple[int, int]) -> Layer:
    """A square convolution with "same" padding: (input, output) channels, input (height, width)."""
    square = ((kernel, kernel), (stride, stride), (kernel // 2, kernel // 2))
    return Layer(name, "conv2d", channels[1], channels[0], *square, input_size=size)


def linear(name: str, inputs: int, outputs: int) -> Layer:
    """A fully connected layer applied to one vector."""
    return Layer(name, "linear", outputs, inputs)


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """Output size of a stride-2 pooling whose padding rounds up (224 -> 112, 112 -> 56, ...)."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def bottleneck(name: str, inputs: int, width: int, stride: int, size: tuple[int, int]) -> Iterator[Layer]:
    """He et al. 2016, Fig. 5 right; v1.5 strides in the 3x3, not in the first 1x1."""
    yield conv(f"{name}.conv1", (inputs, width), 1, 1, size)
    middle = conv(f"{name}.conv2", (width, width), 3, stride, size)
    yield middle
    yield conv(f"{name}.conv3", (width, 4 * width), 1, 1, middle.output_size)
    if stride != 1 or inputs != 4 * width:
        yield conv(f"{name}.downsample.0", (inputs, 4 * width), 1, stride, size)


def resnet50() -> Iterator[Layer]:
    """Table 1, column "50-layer": stages of (width, blocks, first stride)."""
    stem = conv("conv1", (3, 64), 7, 2, IMAGE)
    yield stem
    size, channels = halved(stem.output_size), 64  # 3x3 max pool, stride 2, padding 1
    for stage, (width, blocks, first) in enumerate(((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)), start=1):
        for block in range(blocks):
            stride = first if block == 0 else 1
            layers = tuple(bottleneck(f"layer{stage}.{block}", channels, width, stride, size))
            yield from layers
            size, channels = layers[2].output_size, 4 * width
    yield linear("fc", channels, CLASSES)


def vgg16() -> Iterator[Layer]:
    """Table 1, column D: output channels of the 3x3 convolutions, "M" for a 2x2 max pool."""
    column = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
    index, channels, size = 0, 3, IMAGE
    for entry in column:
        if isinstance(entry, str):
            index, size = index + 1, halved(size)
        else:
            yield conv(f"features.{index}", (channels, entry), 3, 1, size)
            index, channels = index + 2, entry  # conv and ReLU
    inputs = channels * size[0] * size[1]
    for index, (fan_in, fan_out) in zip((0, 3, 6), ((inputs, 4096), (4096, 4096), (4096, CLASSES)), strict=True):
        yield linear(f"classifier.{index}", fan_in, fan_out)


def inverted_residual(
    name: str, channels: tuple[int, int], expand: int, stride: int, size: tuple[int, int]
) -> Iterator[Layer]:
    """Sandler et al. 2018, Table 1: 1x1 expansion (none when it is 1), 3x3 depthwise, linear 1x1 projection."""
    inputs, outputs = channels
    hidden = inputs * expand
    if expand != 1:
        yield conv(f"{name}.0.0", (inputs, hidden), 1, 1, size)
    first = 0 if expand == 1 else 1
    depthwise = replace(conv(f"{name}.{first}.0", (hidden, hidden), 3, stride, size), groups=hidden)
    yield depthwise
    yield conv(f"{name}.{first + 1}", (hidden, outputs), 1, 1, depthwise.output_size)


def mobilenetv2() -> Iterator[Layer]:
    """Table 2 at width 1.0: rows of (expansion t, channels c, repeats n, first stride s)."""
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    stem = conv("features.0.0", (3, 32), 3, 2, IMAGE)
    yield stem
    index, channels, size = 1, 32, stem.output_size
    for expand, outputs, repeats, first in rows:
        for repeat in range(repeats):
            stride = first if repeat == 0 else 1
            layers = tuple(inverted_residual(f"features.{index}.conv", (channels, outputs), expand, stride, size))
            yield from layers
            index, channels, size = index + 1, outputs, layers[-1].output_size
    yield conv(f"features.{index}.0", (channels, 1280), 1, 1, size)
    yield linear("classifier.1", 1280, CLASSES)


NORM = Skipped("batch norm", "folds into the preceding convolution at inference")
ACTIVATION = Skipped("activation", "elementwise; no weights and no multiply-accumulates")
POOLING = Skipped("pooling", "no weights and no multiply-accumulates")
RESIDUAL = Skipped("residual addition", "elementwise; no weights and no multiply-accumulates")
BIAS = Skipped("bias", "one addition per output; not part of the weight matrix")

WORKLOADS = (
    Workload(
        "resnet50",
        tuple(resnet50()),
        (NORM, ACTIVATION, POOLING, RESIDUAL, BIAS),
        "He et al., Deep Residual Learning for Image Recognition, CVPR 2016 (arXiv 1512.03385), Table 1; "
        "v1.5 (stride 2 in the 3x3, as torchvision and MLPerf do); module names of torchvision.models.resnet50",
    ),
    Workload(
        "vgg16",
        tuple(vgg16()),
        (ACTIVATION, POOLING, BIAS),
        "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015 (arXiv 1409.1556), Table 1 column D; "
        "module names of torchvision.models.vgg16",
    ),
    Workload(
        "mobilenetv2",
        tuple(mobilenetv2()),
        (NORM, ACTIVATION, POOLING, RESIDUAL, BIAS),
        "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018 (arXiv 1801.04381), "
        "Tables 1 and 2, width 1.0; module names of torchvision.models.mobilenet_v2",
    ),
)


def layer_line(layer: Layer) -> str:
    """One layer as one line of flow-style YAML; fields at their default are left out."""
    fields = [f"name: {layer.name}", f"kind: {layer.kind}"]
    fields += [f"in_channels: {layer.in_channels}", f"out_channels: {layer.out_channels}"]
    if layer.kind == "conv2d":
        fields += [f"{key}: {list(getattr(layer, key))}" for key in ("kernel", "stride", "padding", "input_size")]
    if layer.groups != 1:
        fields.append(f"groups: {layer.groups}")
    return "  - {" + ", ".join(fields) + "}"


def document(workload: Workload) -> str:
    """The text of one workload file."""
    totals = (len(workload.layers), sum(x.weights for x in workload.layers), sum(x.macs for x in workload.layers))
    head = (
        "# Written by workloads/generate.py; edit that script, not this file.",
        "# Sizes in elements and pixels, for one image; multi-valued fields are [height, width].",
        "schema: crisp-hw/workload/1",
        f"name: {workload.name}",
        f'source: "{workload.source}"',
        "totals: {" + "layers: {}, weights: {}, macs: {}".format(*totals) + "}  # the reader recomputes these",
    )
    skipped = (f'  - {{name: {skip.name}, reason: "{skip.reason}"}}' for skip in workload.skipped)
    return "\n".join((*head, "layers:", *map(layer_line, workload.layers), "skipped:", *skipped)) + "\n"


def main() -> None:
    """Writes NAME.yaml beside this script for every workload."""
    for workload in WORKLOADS:
        Path(__file__).with_name(f"{workload.name}.yaml").write_text(document(workload), encoding="utf-8")


if __name__ == "__main__":
    main()
