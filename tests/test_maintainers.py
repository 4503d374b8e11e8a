"""What a maintainer finds is true: targets, versions, and the commands that the pages name."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/releasing.md", ".ci/run")
MARKERS = {line.partition(":")[0] for line in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}


@pytest.mark.parametrize("page", PAGES)
def test_every_target_that_is_named_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|\$ |^)make ([a-z-]+)", text, re.MULTILINE))
    assert [target for target in sorted(named) if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []


def test_one_version_is_stated():
    (version,) = re.findall(r'^__version__ = "(.+)"$', (ROOT / "crisp_hw" / "__init__.py").read_text(), re.MULTILINE)
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
    assert f'version="{version}"' in (ROOT / "docker" / "Dockerfile").read_text()


def test_no_upper_bound_and_a_version_for_each_tested_python():
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert not [line for line in PROJECT["project"]["classifiers"] if line.startswith("License")]  # `license` says it


def test_the_index_of_pytorch_is_passed_on_and_named():
    made = [line for line in MAKEFILE.splitlines() if "--extra-index-url" in line]
    assert len(made) == 1 and "$(if $(TORCH_INDEX),--extra-index-url '$(TORCH_INDEX)')" in made[0]
    assert re.search(r"^TORCH_INDEX \?=$", MAKEFILE, re.MULTILINE)
    address = "https://download." + "pytorch.org/whl/cpu"
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    named = {page.name for page in pages if address in page.read_text(encoding="utf-8")}
    assert "README.md" in named and named <= {"README.md", "install.md"}


def test_quick_leaves_out_what_the_markers_say():
    (left_out,) = re.findall(r"-m 'not \(([a-z ]+)\)'", MAKEFILE)
    assert set(left_out.split(" or ")) == MARKERS


def test_the_forge_runs_what_ci_runs_on_every_supported_python():
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"].values()
    pythons = next(step["with"]["python-version"].split() for step in job["steps"] if "with" in step)
    classifiers = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line]
    assert sorted(pythons) == sorted(classifiers)
    assert job["steps"][-1]["run"] == ".ci/run"


def test_hypothesis_is_set_up_in_one_place():
    pattern = re.compile(r"settings\(.*deadline|HealthCheck\.")
    found = [path.name for path in (ROOT / "tests").rglob("test_*.py") if pattern.search(path.read_text())]
    assert found == []
