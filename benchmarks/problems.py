"""Convolutions as Timeloop's problem documents: the 23 distinct ones of ResNet-50, and three of other strides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

WORKLOAD = Path(__file__).parents[1] / "workloads" / "resnet50.yaml"


@dataclass(frozen=True)
class Convolution:
    """One convolution of one image; sizes in words, and the output's height (p) and width (q)."""

    c: int
    m: int
    r: int
    s: int
    p: int
    q: int
    stride: int = 1
    dilation: int = 1

    @property
    def name(self) -> str:
        """As in `64-128-3x3-28x28-s2`."""
        extras = ("", f"-s{self.stride}")[self.stride > 1] + ("", f"-d{self.dilation}")[self.dilation > 1]
        return f"{self.c}-{self.m}-{self.r}x{self.s}-{self.p}x{self.q}{extras}"

    @property
    def document(self) -> dict[str, Any]:
        """The problem, as timeloop-mapper reads it."""

        def slides(one: str, other: str, axis: str) -> list[list[str]]:
            return [[one, f"{axis}dilation"], [other, f"{axis}stride"]]

        sizes = {"C": self.c, "M": self.m, "R": self.r, "S": self.s, "N": 1, "P": self.p, "Q": self.q}
        steps = {"stride": self.stride, "dilation": self.dilation}
        named = {f"{axis}{kind}": step for axis in "WH" for kind, step in steps.items()}
        spaces = [
            {"name": "Weights", "projection": [[["C"]], [["M"]], [["R"]], [["S"]]]},
            {"name": "Inputs", "projection": [[["N"]], [["C"]], slides("R", "P", "W"), slides("S", "Q", "H")]},
            {"name": "Outputs", "projection": [[["N"]], [["M"]], [["Q"]], [["P"]]], "read_write": True},
        ]
        shape = {
            "name": "conv",
            "dimensions": list(sizes),
            "coefficients": [{"name": name, "default": 1} for name in named],
            "data_spaces": spaces,
        }
        return {"version": "0.4", "shape": shape, "instance": {**sizes, **named}}


LAYERS = {
    "3x3": Convolution(64, 64, 3, 3, 56, 56),
    "stride2": Convolution(128, 128, 3, 3, 28, 28, stride=2),
    "dilated": Convolution(256, 256, 3, 3, 28, 28, dilation=2),
}
"""Layers for the three dataflows: of ResNet-50, and an atrous one as segmentation networks have."""

CONV3X3 = Convolution(128, 128, 3, 3, 28, 28)


def resnet50() -> tuple[Convolution, ...]:
    """The distinct convolutions of ResNet-50, in the order of their first appearance.

    >>> len(resnet50()), resnet50()[0].name
    (23, '3-64-7x7-112x112-s2')
    """
    layers = yaml.safe_load(WORKLOAD.read_text(encoding="utf-8"))["layers"]
    return tuple(dict.fromkeys(_convolution(layer) for layer in layers if layer["kind"] == "conv2d"))


def _convolution(layer: dict[str, Any]) -> Convolution:
    (r, s), (stride, _), (padding, _) = layer["kernel"], layer["stride"], layer["padding"]
    p, q = ((size + 2 * padding - taps) // stride + 1 for size, taps in zip(layer["input_size"], (r, s), strict=True))
    return Convolution(layer["in_channels"], layer["out_channels"], r, s, p, q, stride)
