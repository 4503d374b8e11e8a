"""The script that draws charts is joined once, and kept under the version of its package."""

import pytest
import vl_convert

from crisp_hw.machine.store import Store, info
from crisp_hw.report.page.library import KIND, LIBRARY, library, library_version, licence


@pytest.fixture(autouse=True)
def forgotten():
    """As in a new process."""
    library.cache_clear()
    yield
    library.cache_clear()


@pytest.fixture
def joined(monkeypatch):
    """What the package was asked to join."""
    asked = []

    def join(script):
        asked.append(script)
        return f"library; {script}"

    monkeypatch.setattr(vl_convert, "javascript_bundle", join)
    return asked


def entries(folder):
    return list((folder / KIND / library_version()).glob("*.json"))


def test_it_is_joined_once_for_all_processes(own_cache, joined):
    first = library()
    library.cache_clear()
    assert library() == first == "library; window.vegaEmbed = vegaEmbed;"
    assert len(joined) == len(entries(own_cache)) == 1


def test_a_damaged_one_is_joined_anew(own_cache, joined):
    first = library()
    (path,) = entries(own_cache)
    path.write_text(path.read_text().replace("library", "another"))
    library.cache_clear()
    assert library() == first
    assert len(joined) == 2


def test_that_of_another_version_is_not_read(own_cache, joined):
    library()
    (own_cache / KIND / library_version()).rename(own_cache / KIND / "0.1")
    library.cache_clear()
    library()
    assert len(joined) == 2
    assert info(Store(own_cache, KIND, library_version())).stale == 1


def test_without_the_package_there_is_none(own_cache, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    assert library() == ""
    assert not own_cache.exists()


def test_the_licence_names_the_package_and_its_version():
    assert f"{LIBRARY} {library_version()}, licence BSD-3-Clause" in licence()
