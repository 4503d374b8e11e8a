"""A cache folder of each test's own, and a stand-in for the CACTI package."""

import stat

import pytest

from crisp_hw.characterization import cacti

HEADER = (
    "Tech node (nm), Capacity (bytes), Number of banks, Associativity, Output width (bits), Access time (ns), "
    "Random cycle time (ns), Dynamic search energy (nJ), Dynamic read energy (nJ), Dynamic write energy (nJ), "
    "Standby leakage per bank(mW), Area (mm2), Ndwl, Ndbl, Nspd, Ndcm, Ndsam_level_1, Ndsam_level_2, "
)
ROW = "45, 1024, 1, 1, 32, 0.5, 0.25, N/A, 0.00125, 0.002, 0.00005, 0.0034, 2, 4, 1, 8, 1, 1, "


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or fills the cache of the user."""
    monkeypatch.setenv("CRISP_HW_CACHE", str(tmp_path / "cache"))


def program(path, body):
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def make_package(tmp_path, monkeypatch):
    """A folder that looks like the package; its CACTI is the given shell text ($2: the query), counting runs."""

    def make(body=None):
        folder = tmp_path / "site" / cacti.PACKAGE
        (folder / "cacti" / "tech_params").mkdir(parents=True)
        (folder.parent / f"{cacti.PACKAGE}-9.8.7.dist-info").mkdir()
        (folder / "default_cfg.cfg").write_text("-size (bytes) 1\n")
        result = tmp_path / "result.csv"
        result.write_text(f"{HEADER}\n{ROW}\n")
        runs = tmp_path / "runs"
        program(folder / "cacti" / "cacti", f"echo run >> {runs}\n" + (body or f"cp {result} $2.out"))
        monkeypatch.setenv(cacti.ELSEWHERE, str(folder))
        return folder, runs

    return make


@pytest.fixture
def executable(tmp_path):
    """Writes a shell script and returns its path."""
    return lambda name, body: program(tmp_path / name, body)
