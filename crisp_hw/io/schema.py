"""What the header of a pruned-model file may say; pydantic at the door, frozen nouns behind it."""

import json
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from crisp_hw.spec.layer import Layer
from crisp_hw.spec.limits import MOST_MACS, MOST_PER_DIMENSION, MOST_WEIGHTS

SCHEMA = "crisp-hw/pruned-model"
VERSION = 1
AXIS = "S x (kh,kw,C)"

Size = Annotated[int, Field(ge=1, le=MOST_PER_DIMENSION)]
Padding = Annotated[int, Field(ge=0, le=MOST_PER_DIMENSION)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]


class Strict(BaseModel):
    """No unknown key, no conversion: `true` is not 1 and 3.0 is not 3."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Geometry(Strict):
    """The fields of `Layer`, with limits and with the rules that tie them together."""

    name: Text
    kind: Literal["conv2d", "linear", "matmul"]
    out_channels: Size
    in_channels: Size
    kernel: tuple[Size, Size]
    stride: tuple[Size, Size]
    padding: tuple[Padding, Padding]
    dilation: tuple[Size, Size]
    groups: Size
    input_size: tuple[Size, Size]
    tokens: Size
    masked_macs: Annotated[int, Field(ge=0, le=MOST_MACS)] = 0

    def layer(self) -> Layer:
        """The noun."""
        return Layer(**{field: getattr(self, field) for field in type(self).model_fields})

    @model_validator(mode="after")
    def _consistent(self) -> "Geometry":
        layer = self.layer()
        if layer.in_channels % layer.groups or layer.out_channels % layer.groups:
            raise ValueError(
                f"{layer.groups} groups do not divide {layer.in_channels} -> {layer.out_channels} channels"
            )
        if layer.weights > MOST_WEIGHTS:
            raise ValueError(f"{layer.weights} weights exceed the limit of {MOST_WEIGHTS}")
        if layer.kind == "conv2d" and min(layer.output_size) < 1:
            raise ValueError(f"the output would be {layer.output_size} pixels")
        groups = layer.groups if layer.kind == "matmul" else 1
        plain = Layer(layer.name, layer.kind, layer.out_channels, layer.in_channels, groups=groups, tokens=layer.tokens)
        if layer.masked_macs > (layer.macs if layer.kind == "matmul" else 0):
            raise ValueError(f"a mask drops {layer.masked_macs} of its {layer.macs} MACs; only products of activations")
        plain = replace(plain, masked_macs=layer.masked_macs)
        if layer.kind != "conv2d" and layer != plain:
            raise ValueError("a linear layer has no kernel, stride, padding, dilation, groups or input size")
        return self


class PatternClaim(Strict):
    """What the writer says about the mask; `describe` checks it."""

    nm: tuple[Size, Size] | None
    block: Size | None
    axis: Literal["S x (kh,kw,C)"]

    @field_validator("nm")
    @classmethod
    def _possible(cls, nm: tuple[int, int] | None) -> tuple[int, int] | None:
        if nm is not None and nm[0] > nm[1]:
            raise ValueError(f"{nm[0]}:{nm[1]} keeps more than a group holds")
        return nm


class LayerEntry(Strict):
    """One layer of the file."""

    geometry: Geometry
    role: Literal["hybrid", "nm", "dense"]
    pattern: PatternClaim
    masked: bool

    @model_validator(mode="after")
    def _consistent(self) -> "LayerEntry":
        if self.masked != (self.role != "dense"):
            raise ValueError(f"the role is {self.role} but {'a' if self.masked else 'no'} mask is stored")
        if self.role == "dense" and (self.pattern.nm or self.pattern.block):
            raise ValueError("a dense layer claims a pattern")
        if self.role == "nm" and self.pattern.block:
            raise ValueError("a layer of role nm claims blocks")
        return self


class SkippedEntry(Strict):
    """One operator that was left out."""

    name: Annotated[str, Field(max_length=4096)]
    reason: Annotated[str, Field(max_length=4096)]


class Header(Strict):
    """The whole header."""

    name: Annotated[str, Field(max_length=4096)]
    layers: tuple[LayerEntry, ...]
    classes: tuple[Padding, ...]
    skipped: tuple[SkippedEntry, ...]
    provenance: dict[str, JsonValue]

    @field_validator("provenance")
    @classmethod
    def _finite(cls, provenance: dict[str, JsonValue]) -> dict[str, JsonValue]:
        json.dumps(provenance, allow_nan=False)
        return provenance

    @model_validator(mode="after")
    def _distinct(self) -> "Header":
        seen: set[str] = set()
        for name in (entry.geometry.name for entry in self.layers):
            if name in seen:
                raise ValueError(f"two layers are named '{name}'")
            seen.add(name)
        return self
