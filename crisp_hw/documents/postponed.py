"""Records and contents that are made when somebody looks: a table of totals needs no row of any layer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import overload

from crisp_hw.spec.columns import Record


class LaterRecords(Sequence[Record]):
    """The records that a function returns, which is called once, when they are first looked at.

    >>> made = LaterRecords(lambda: [{"layer": "fc"}])
    >>> len(made), made[0]
    (1, {'layer': 'fc'})
    """

    def __init__(self, make: Callable[[], Sequence[Record]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> list[Record]:
        return list(self._make())

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        return self._made[place]

    def __len__(self) -> int:
        return len(self._made)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._made == list(other)

    __hash__ = None  # type: ignore[assignment] # as a list


class LaterContent(Mapping[str, object]):
    """The mapping that a function returns, which is called once, when it is first looked at.

    >>> LaterContent(lambda: {"cycles": 1})["cycles"]
    1
    """

    def __init__(self, make: Callable[[], Mapping[str, object]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> dict[str, object]:
        return dict(self._make())

    def __getitem__(self, key: str) -> object:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
