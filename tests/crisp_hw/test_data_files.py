"""The wheel's folder wins over the checkout's, and a missing one is named."""

import pytest

from crisp_hw.data_files import _first_folder, data_folder
from crisp_hw.errors import InputError


@pytest.mark.parametrize("kind", ["arch", "workloads", "templates", "published"])
def test_every_kind_is_found(kind):
    assert data_folder(kind).is_dir()


def test_the_wheel_wins_over_the_checkout(tmp_path):
    package = tmp_path / "crisp_hw"
    (package / "data" / "arch").mkdir(parents=True)
    (tmp_path / "arch").mkdir()
    assert _first_folder(package, "arch") == package / "data" / "arch"


def test_the_checkout_serves_when_there_is_no_wheel(tmp_path):
    (tmp_path / "crisp_hw").mkdir()
    (tmp_path / "arch").mkdir()
    assert _first_folder(tmp_path / "crisp_hw", "arch") == tmp_path / "arch"


def test_a_missing_folder_names_both_places(tmp_path):
    with pytest.raises(
        InputError, match=r"no templates folder at .*data.templates \(wheel\) or .*templates \(checkout\)"
    ):
        _first_folder(tmp_path / "crisp_hw", "templates")
