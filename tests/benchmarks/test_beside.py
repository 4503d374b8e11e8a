"""timeloop-mapper beside the search, played by a script."""

import beside
import pytest
from rows import ROWS

STATS = "Summary Stats\n-------------\nCycles: 451584\nEnergy: 735.49 uJ\n"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a script on PATH under the program's name."""

    def put(lines):
        path = tmp_path / "timeloop-mapper"
        path.write_text("#!/bin/sh\n" + lines)
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_what_is_not_there_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not beside.installed()


@pytest.mark.process
def test_it_is_given_the_documents_and_its_statistics_are_read(program, tmp_path):
    program(f"cp design.yaml {tmp_path}/seen.yaml\nprintf '{STATS}' > {beside.STATS}\n")
    assert beside.installed()
    assert beside.edp_of(ROWS["g512"].documents(), 30) == pytest.approx(451584 * 735.49e6)
    seen = (tmp_path / "seen.yaml").read_text()
    assert "num_threads: 2" in seen and "K: 512" in seen


@pytest.mark.process
def test_it_is_stopped_by_one_interrupt(program):
    program(f"trap \"printf '{STATS}' > {beside.STATS}; exit 0\" INT\nwhile :; do sleep 0.05; done\n")
    assert beside.edp_of(ROWS["g512"].documents(), 0.5) == pytest.approx(451584 * 735.49e6)


@pytest.mark.process
def test_without_statistics_there_is_no_number(program):
    program("exit 1\n")
    assert beside.edp_of(ROWS["g512"].documents(), 30) is None
