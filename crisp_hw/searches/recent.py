"""What was read of files a short while ago, as long as they are those of then: studies ask for it point by point."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Value = TypeVar("Value")
MANY = 512
"""Not given; assumed because the layers of a network on an accelerator are some hundred searches, of 40 KiB each."""
_SETTLED_NS = 10**8  # 0.1 s; a file that is younger may change without another time: kernels count in up to 10 ms


@dataclass(frozen=True)
class _Stamp:
    """Which file it is, and when it was written."""

    inode: int
    written_ns: int
    size: int


class Recent(Generic[Value]):
    """The values of files that were read last; a file that was written since then, or is gone, has none.

    >>> Recent[int]().get(Path("nothing"))
    """

    def __init__(self, many: int = MANY) -> None:
        self._many = many
        self._known: OrderedDict[Path, tuple[_Stamp, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, path: Path) -> Value | None:
        """What was read of a file that is still the same."""
        stamp, value = self._known.get(path, (None, None))
        if stamp is None or stamp != _stamp(path):
            self._known.pop(path, None)
            return None
        self._known[path] = self._known.pop(path)  # the last to be forgotten
        return value

    def put(self, path: Path, value: Value) -> None:
        """Remember what was read of a file."""
        stamp = _stamp(path)
        if stamp is None or time.time_ns() - stamp.written_ns < _SETTLED_NS:
            return
        self._known[path] = stamp, value
        while len(self._known) > self._many:
            self._known.popitem(last=False)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_ino, found.st_mtime_ns, found.st_size)
