"""pytimeloop by way of a package that has its names: ModelApp, Config, run, stats_string."""

import sys

import pytest

from crisp_hw.backends.timeloop import Settings, ToolError, find_tool, run_point
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.validation.results import Tolerance, compare_results

APP = """
import json, os, sys

class Result:
    stats_string = json.load(open(os.environ["STAND_IN"]))["stats"]

class ModelApp:
    def __init__(self, config, folder, prefix):
        assert (config.form, folder, prefix) == ("yaml", ".", "timeloop-model")
        assert "architecture:" in config.text and "mapping:" in config.text
        if "refuse" in os.environ["STAND_IN"]:
            print("ERROR: key not found: problem, at line: 0", flush=True)
            os._exit(1)

    def run(self):
        return Result()
"""
CONFIG = "class Config:\n    def __init__(self, text, form):\n        self.text, self.form = text, form\n"


@pytest.fixture
def pytimeloop(tmp_path, monkeypatch, recorded):
    def put(name, case):
        import json

        package = tmp_path / "pytimeloop"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "app.py").write_text(APP)
        (package / "config.py").write_text(CONFIG)
        stats = tmp_path / name
        stats.write_text(json.dumps({"stats": recorded(case)["files"]["timeloop-model.stats.txt"]}))
        monkeypatch.setenv("STAND_IN", str(stats))
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}")
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    return put


def test_its_result_is_that_of_the_program(pytimeloop, point_of):
    pytimeloop("stats.json", "crisp-stc")
    found = run_point(point_of("crisp-stc"))
    assert find_tool().runner == found.tool.runner == "pytimeloop"
    assert compare_results(evaluate(point_of("crisp-stc")), found.result, Tolerance(rounded=True)) == []


def test_what_ends_the_process_does_not_end_ours(pytimeloop, point_of):
    pytimeloop("refuse.json", "crisp-stc")
    with pytest.raises(Exception, match="the key 'problem' is missing"):
        run_point(point_of("crisp-stc"))


def test_one_that_cannot_be_imported_is_told(pytimeloop, point_of, tmp_path):
    pytimeloop("stats.json", "crisp-stc")
    (tmp_path / "pytimeloop" / "app.py").write_text("raise ImportError('libbarvinok.so.23: cannot open')")
    with pytest.raises(ToolError, match=r"pytimeloop: ended with status 1"):
        run_point(point_of("crisp-stc"), Settings("pytimeloop"))
