"""Packages that import their names on first use: what type checkers read of them is what they give."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import crisp_hw
from crisp_hw.machine.lazily import lazily

ROOT = Path(crisp_hw.__file__).parent
LAZY = sorted(
    ".".join(path.parent.relative_to(ROOT.parent).parts)
    for path in ROOT.rglob("__init__.py")
    if "lazily(" in path.read_text()
)


def told(package: str) -> dict[str, str]:
    """Name -> module, of the imports that only type checkers make."""
    tree = ast.parse(Path(str(import_module(package).__file__)).read_text())
    (block,) = [each for each in tree.body if isinstance(each, ast.If)]
    imports = [each for each in block.body if isinstance(each, ast.ImportFrom)]
    found = {}
    for each in imports:
        for alias in each.names:
            other = alias.asname not in (None, alias.name)
            found[alias.asname or alias.name] = f"{each.module}:{alias.name}" if other else str(each.module)
    return found


def test_there_are_such_packages():
    assert "crisp_hw.api" in LAZY and len(LAZY) > 4


@pytest.mark.parametrize("package", LAZY)
def test_type_checkers_are_told_what_is_imported(package):
    module = import_module(package)
    assert told(package) == module._PLACES
    for name, place in module._PLACES.items():
        there, _, other = place.partition(":")
        assert getattr(module, name) is getattr(import_module(there), other or name)


@pytest.mark.parametrize("package", LAZY)
def test_what_a_package_lacks_is_no_attribute_of_it(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        import_module(package).nothing  # noqa: B018 - the access is what is tested


def test_a_name_is_looked_for_once():
    found = lazily(__name__, {"ceil": "math"})
    assert found("ceil")(1.5) == 2
    assert sys.modules[__name__].ceil is found("ceil")


@pytest.mark.slow
def test_an_evaluation_with_kept_mappings_loads_no_search(tmp_path):
    code = (
        "import sys, crisp_hw\n"
        "crisp_hw.evaluate('resnet50', ['crisp-stc'], nm='2:4', layers='fc')\n"
        "print(*sorted(name for name in sys.modules if name.startswith('crisp_hw.')))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        ).stdout.split()
        for _ in range(2)
    ]
    assert "crisp_hw.mapper.search" in runs[0] and "crisp_hw.mapper.search" not in runs[1]
    unwanted = ("crisp_hw.backends.timeloop.run", "crisp_hw.dropin", "crisp_hw.characterization.accelergy")
    assert not set(unwanted) & set(runs[1])
