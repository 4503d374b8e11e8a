"""Every public name gives what it promises, however often and after whatever import it is asked for."""

import importlib
import pkgutil
import types

import pytest

import crisp_hw
import crisp_prune
from crisp_hw import api

PACKAGES = (crisp_hw, crisp_prune)


def test_no_module_bears_the_name_of_a_public_function():
    for package in PACKAGES:
        modules = {found.name for found in pkgutil.iter_modules(package.__path__)}
        assert not modules & ({*package.__all__, *(api.__all__ if package is crisp_hw else ())} | {"explore"})


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_names_stay_functions_and_classes_when_every_module_is_imported(package):
    if package is crisp_prune:
        pytest.importorskip("torch")
    first = {name: getattr(package, name) for name in package.__all__}
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in package.__all__:
        assert getattr(package, name) is first[name]
        assert not isinstance(first[name], types.ModuleType)
