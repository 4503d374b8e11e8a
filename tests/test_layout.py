"""docs/layout.md says what the tree and the contracts of import-linter are."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
PATH = re.compile(r"`([\w./]+(?:/|\.py|\.md|\.yaml|\.toml|\.json))(?:: (\w+))?`")
TOP = (
    "crisp_hw",
    "crisp_prune",
    "arch",
    "workloads",
    "templates",
    "published",
    "tools",
    "tests",
    "benchmarks",
    "docker",
    "docs",
)


def named():
    """Every path of the page that begins at the top of the tree, and the name in it that the page gives."""
    return [(path, name) for path, name in PATH.findall(PAGE) if path.split("/")[0] in TOP or path == "pyproject.toml"]


@pytest.mark.parametrize(("path", "name"), named())
def test_what_is_named_exists(path, name):
    assert (ROOT / path).exists() and (ROOT / path).is_dir() == path.endswith("/")
    if name:
        assert re.search(rf"^(?:class )?{name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("package", ["crisp_hw", "crisp_prune"])
def test_every_room_is_named(package):
    rooms = [f"{path.parent.relative_to(ROOT)}/" for path in (ROOT / package).rglob("__init__.py")]
    alone = [str(path.relative_to(ROOT)) for path in (ROOT / "crisp_hw").glob("*.py") if path.stem != "__init__"]
    rooms.remove("crisp_hw/") if package == "crisp_hw" else None
    missing = {*rooms, *(alone if package == "crisp_hw" else [])} - {path for path, _ in named()}
    assert sorted(missing) == []


def test_every_folder_of_the_top_is_named():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    made = {"dist", "build", "demo-out", "runs", "out", "htmlcov", "crisp_hw.egg-info"}
    assert {name for name in folders - made if f"`{name}/" not in PAGE} == set()


@pytest.mark.parametrize(
    "contract", [each for each in CONTRACTS if each["type"] == "layers"], ids=lambda each: each["name"]
)
def test_the_layers_are_those_of_the_contract(contract):
    blocks = re.findall(r"^```\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    assert "\n".join(layer.replace("crisp_hw.", "") for layer in contract["layers"]) in blocks
