"""Objects of the user's own Python code, by name."""

import importlib
import sys
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where


def load_object(spec: str) -> Any:
    """The object behind "package.module:name"; the current folder is searched too. InputError when there is none.

    >>> load_object("math:tau") > 6
    True
    """
    module_name, colon, name = spec.partition(":")
    if not colon or not name or not module_name:
        raise InputError(f"{spec!r} names no Python object", hint="write package.module:name")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"no module named {error.name}", Where(mark=Mark(str(spec))), "run from its folder or install it"
        ) from error
    if not hasattr(module, name):
        public = ", ".join(sorted(key for key in vars(module) if not key.startswith("_")))
        raise InputError(f"the module has no {name!r}", Where(mark=Mark(str(spec))), f"it has {public}")
    return getattr(module, name)


FACTORY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the user's own code may raise."""


def call_factory(spec: str) -> Any:
    """What the function "package.module:name" returns; InputError with its words when it fails.

    >>> call_factory("builtins:dict")
    {}
    """
    factory = load_object(spec)
    try:
        return factory()
    except FACTORY_ERRORS as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{spec} failed ({type(error).__name__}: {said})", hint="call it in Python to see where"
        ) from error
