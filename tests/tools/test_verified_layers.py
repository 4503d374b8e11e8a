"""The table of docs/backends.md is that of its record, and is measured by running what is installed."""

import pytest
import verified_layers
from timeloop_stand_in import install_computing

from crisp_hw import api
from crisp_hw.spec.patterns import NM


def test_the_table_in_the_page_is_that_of_the_record():
    assert verified_layers.PAGE.read_text(encoding="utf-8") == verified_layers.page(), (
        "write it again: python tools/verified_layers.py write"
    )


def test_the_record_has_every_network_and_accelerator():
    found = {(each.network, each.arch) for each in verified_layers.read_record()}
    assert found == {(name, arch) for name in verified_layers.NETWORKS for arch in verified_layers.ARCHS}


def test_rounding_is_allowed_as_far_as_it_was_measured():
    from crisp_hw.validation.results import APPROXIMATED

    record = verified_layers.read_record()
    assert max(each.worst_energy for each in record) == APPROXIMATED.energy
    assert all(each.equal == each.sets for each in record if each.arch != "dstc")


@pytest.mark.process
def test_it_is_measured_by_running_what_is_installed(tmp_path, monkeypatch):
    install_computing(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = api.WorkloadPattern("vgg16", NM(2, 4), 64, 0.9)
    found = verified_layers.measure("vgg", source, "stc", "features.2[68]")
    assert (found.sets, found.equal, found.cycles_differ) == (1, 1, 0)
    assert found.worst_energy < 1e-4  # two decimals of stats.txt
