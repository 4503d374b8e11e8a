"""The publications that can be reproduced, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crisp_hw.errors import InputError
from crisp_hw.reproduction.crisp import crisp
from crisp_hw.reproduction.crisp_accuracy import crisp_accuracy
from crisp_hw.reproduction.dstc import dstc
from crisp_hw.reproduction.eie import eie
from crisp_hw.reproduction.request import Request
from crisp_hw.reproduction.sparseloop import sparseloop
from crisp_hw.spec.reproduction import Reproduction


@dataclass(frozen=True)
class Entry:
    """How a publication is reproduced, and which fields of a request it looks at."""

    run: Callable[[Request], Reproduction]
    takes: tuple[str, ...] = ()


REPRODUCTIONS: Mapping[str, Entry] = {
    "crisp": Entry(crisp, ("masks", "prune")),
    "crisp-accuracy": Entry(crisp_accuracy, ("results",)),
    "dstc": Entry(dstc),
    "eie": Entry(eie),
    "sparseloop": Entry(sparseloop, ("artifact",)),
}
OPTIONS = ("masks", "prune", "results", "artifact")


def reproduce(name: str, request: Request | None = None) -> Reproduction:
    """A publication's figures beside ours; InputError for an unknown name, or for something that it does not look at.

    >>> reproduce("nothing")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no reproduction nothing; there are crisp, crisp-accuracy, dstc, eie, sparseloop
    """
    if name not in REPRODUCTIONS:
        raise InputError(f"no reproduction {name}", hint=f"there are {', '.join(REPRODUCTIONS)}")
    asked, entry = request or Request(), REPRODUCTIONS[name]
    for option in OPTIONS:
        if getattr(asked, option) is not None and option not in entry.takes:
            takers = [each for each, other in REPRODUCTIONS.items() if option in other.takes]
            what = f"{' and '.join(takers)} alone" if takers else "nothing"
            raise InputError(f"{option} has no effect on the reproduction {name}", hint=f"it is for {what}")
    return entry.run(asked)
