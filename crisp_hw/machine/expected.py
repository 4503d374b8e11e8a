"""What a schema expects at a place of a document: the keys that a mapping may have, and those that it must have."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Node = Mapping[str, Any]
"""A part of a JSON schema."""


class Expected:
    """The fields of a schema, by the place that an error names.

    >>> class Level(BaseModel):
    ...     size: int
    ...     note: str = ""
    >>> class Chip(BaseModel):
    ...     levels: dict[str, Level]
    >>> whole = Expected(Chip)
    >>> whole.keys(("levels", "SMEM")), whole.needed(("levels", "SMEM"))
    (['size', 'note'], ['size'])
    """

    def __init__(self, schema: type[BaseModel]) -> None:
        self._whole = schema.model_json_schema(by_alias=True)

    def keys(self, place: Sequence[int | str]) -> list[str]:
        """Every key that the mapping there may have; empty where it may have any, or is none."""
        return list(self._at(place).get("properties", {}))

    def needed(self, place: Sequence[int | str]) -> list[str]:
        """Every key that it must have."""
        return list(self._at(place).get("required", []))

    def told(self, place: Sequence[int | str]) -> list[str]:
        """The same, each with its choices where it has some."""
        return [f"{key}{self._choices((*place, key))}" for key in self.needed(place)]

    def written(self, place: Sequence[int | str]) -> str:
        """What to do where nothing stands there: the only value that it may have, or its choices.

        >>> from typing import Literal
        >>> class Told(BaseModel):
        ...     kind: Literal["told/1"]
        ...     form: Literal["a", "b"]
        ...     size: int
        >>> [Expected(Told).written((key,)) for key in ("kind", "form", "size")]
        ['write kind: told/1', 'add it (a or b)', 'add it']
        """
        only = self._at(place).get("const")
        return f"add it{self._choices(place)}" if only is None else f"write {place[-1]}: {only}"

    def fewest(self, place: Sequence[int | str]) -> int:
        """How many entries a list there has at least; 1 where it may have none."""
        return max(1, int(self._at(place).get("minItems", 1)))

    def _choices(self, place: Sequence[int | str]) -> str:
        named = [str(each) for each in self._at(place).get("enum", [])]
        return f" ({', '.join(named[:-1])} or {named[-1]})" if len(named) > 1 else ""

    def _at(self, place: Sequence[int | str]) -> Node:
        node: Node = self._whole
        for part in place:
            ways = self._ways(node)
            stay = node if len(ways) > 1 else {}  # a tag that no property names: the error names the member of a union
            node = next((found for each in ways if (found := _inside(each, part)) is not None), stay)
        return next((each for each in self._ways(node) if "properties" in each), node)

    def _ways(self, node: Node) -> list[Node]:
        """The node itself, or the alternatives that it offers, references followed."""
        if "$ref" in node:
            return self._ways(self._whole["$defs"][node["$ref"].rpartition("/")[2]])
        if "mapping" in node.get("discriminator", {}):
            named = node["discriminator"]["mapping"]
            return [{"properties": {}, "tags": {tag: {"$ref": reference} for tag, reference in named.items()}}]
        choices = (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ()))
        return [way for each in choices for way in self._ways(each)] or [node]


def _inside(node: Node, part: int | str) -> Node | None:
    """What stands under one key, or in one place of a list; a union by tag has its members under their tags."""
    if "tags" in node and part in node["tags"]:
        found: Node = node["tags"][part]
        return found
    if isinstance(part, int):
        items: Node | None = node.get("items")
        return items if items else next(iter(node.get("prefixItems", [])), None)
    given: Node | None = node.get("properties", {}).get(part)
    if given is not None:
        return given
    more = node.get("additionalProperties")
    return more if isinstance(more, dict) else None
