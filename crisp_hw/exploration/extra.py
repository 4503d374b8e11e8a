"""The packages that exploring needs and evaluating does not: loaded where they are used, or a sentence says how."""

from importlib import import_module
from types import ModuleType

from crisp_hw.errors import InputError


def needed(name: str, what: str) -> ModuleType:
    """A package of the extra `explore`; InputError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        hint = 'install it with: pip install "crisp-hw[explore]"'
        raise InputError(f"{what} needs {name}, which is not installed", hint=hint) from error


def optuna() -> ModuleType:
    """Optuna, which says nothing of every trial."""
    found = needed("optuna", "to keep points, or to choose them by tpe or nsga2,")
    found.logging.set_verbosity(found.logging.ERROR)
    return found
