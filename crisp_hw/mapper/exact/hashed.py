"""Values that are looked up very often: their hash is worked out once."""

from typing import Any, TypeVar

Kind = TypeVar("Kind")


def hashed_once(kind: type[Kind]) -> type[Kind]:
    """A frozen dataclass that remembers its hash; what is pickled does not hold it, as it differs between processes.

    >>> from dataclasses import dataclass
    >>> Pair = hashed_once(dataclass(frozen=True)(type("Pair", (), {"__annotations__": {"left": str, "right": str}})))
    >>> {Pair("a", "b"): 1}[Pair("a", "b")]
    1
    """
    whole = kind.__hash__

    def once(self: Any) -> int:
        found: int | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = whole(self)
        return found

    def state(self: Any) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    for name, function in (("__hash__", once), ("__getstate__", state)):
        setattr(kind, name, function)
    return kind
