"""What a bundle says of itself: manifest.json, checked field by field."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Literal["crisp-hw/bundle/1"] = "crisp-hw/bundle/1"
NAME = "manifest.json"
EVALUATION = "result.json"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileEntry(_Strict):
    """One file of the bundle."""

    bytes: int = Field(ge=0)
    sha256: Sha256


class DesignEntry(_Strict):
    """One layer on one accelerator: entries of its documents (by the name that Timeloop sees) and of its result.

    `beyond` is an entry with what the documents cannot say (None: they say everything).
    """

    arch: str
    layer: str
    documents: dict[str, str]
    result: str
    beyond: str | None = None


class Manifest(_Strict):
    """Everything of a bundle but documents and results.

    `source` and `options` are those of the command that packed it; `seeds` are those that the pruned-model file names
    (describing, mapping and evaluating draw no random numbers). `tool` is the Timeloop that evaluated, if one did.
    `evaluation` is the entry with the whole evaluation (None: in bundles of version 0.1 before there was one).
    """

    format: Literal["crisp-hw/bundle/1"]
    network: str
    backend: str
    tool: str | None
    versions: dict[str, str]
    platform: str
    source: dict[str, Any]
    options: dict[str, Any]
    seeds: dict[str, Any]
    assumptions: list[str]
    designs: list[DesignEntry]
    files: dict[str, FileEntry]
    evaluation: str | None = None
