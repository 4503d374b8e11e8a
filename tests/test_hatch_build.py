"""The readme of the package index leads where that of the repository does, and no address is invented."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[1]
SPEC = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")  # its folder holds the packages, too
hatch_build = module_from_spec(SPEC)
SPEC.loader.exec_module(hatch_build)
LEADS = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def built(monkeypatch, repository):
    """The metadata of a package built with this address of the repository."""
    monkeypatch.setenv("CRISP_HW_URL", repository)
    metadata = {}
    hatch_build.Readme(str(ROOT), {}).update(metadata)
    return metadata


def test_with_an_address_every_link_is_absolute(monkeypatch):
    metadata = built(monkeypatch, "https://example.org/crisp-hw/")
    targets = LEADS.findall(metadata["readme"]["text"])
    assert len(targets) > 10 and all(re.match("https?://|#", target) for target in targets)
    inside = [target.split("/HEAD/")[1].split("#")[0] for target in targets if "example.org" in target]
    assert [path for path in inside if not (ROOT / path).exists()] == []
    assert all(address.startswith("https://example.org/crisp-hw") for address in metadata["urls"].values())


def test_without_one_nothing_is_invented(monkeypatch):
    metadata = built(monkeypatch, "")
    assert "urls" not in metadata and "](docs/" in metadata["readme"]["text"]


def test_what_is_for_tests_alone_does_not_appear(monkeypatch):
    assert "<!--" not in built(monkeypatch, "")["readme"]["text"]


def test_pictures_are_asked_for_as_files():
    text = hatch_build.absolute(
        "![a](docs/a.png) [b](docs/b.md#c) [d](https://arxiv.org/abs/1) [e](#here)", "https://example.org"
    )
    assert text == (
        "![a](https://example.org/raw/HEAD/docs/a.png) [b](https://example.org/blob/HEAD/docs/b.md#c) "
        "[d](https://arxiv.org/abs/1) [e](#here)"
    )
