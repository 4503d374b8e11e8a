"""Packages whose names are imported on first use: a warm evaluation takes about as long as its imports."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package (PEP 562) that imports a name when it is first asked for.

    Parameters
    ----------
    package
        The package, as its `__name__`.
    places
        Name -> the module that it stands in, as "module:its name there" where that differs. Imports of the same names
        under TYPE_CHECKING tell type checkers and the contracts between packages about them.

    Raises
    ------
    AttributeError
        When the package has no such name, as any module does.

    Examples
    --------
    >>> lazily("crisp_hw.machine", {"ceil": "math"})("ceil")(1.5)
    2
    """

    def found(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, there = places[name].partition(":")
        value = getattr(import_module(module), there or name)
        setattr(sys.modules[package], name, value)  # so that it is looked for only once
        return value

    return found
