"""The short way into `crisp-hw model`: the same as the general parser's, without loading it."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app, model
from crisp_hw.cli.quick import quick_run

pytestmark = pytest.mark.process

DOCUMENTS = Path(__file__).parent / "dropin" / "documents"
FLAT = DOCUMENTS / "dense-flat.yaml"
COMMAND = [sys.executable, "-m", "crisp_hw.cli"]
HEAVY = ("typer", "pydantic", "pandas", "matplotlib", "torch", "jinja2", "crisp_hw.explanation", "crisp_hw.mapper")


def run(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words",
    [
        ["a.yaml"],
        ["a.yaml", "b.yaml", "-o", "out"],
        ["--out", "out", "a.yaml", "--format", "json"],
        ["a.yaml", "--out=out", "b.yaml", "-f", "md", "--dialect", "micro22"],
        ["a.yaml", "--dialect", "head-2024"],
        ["-o", "two", "a.yaml", "--format=csv"],
    ],
)
def test_what_is_read_is_what_the_parser_reads(words, monkeypatch):
    seen = []
    monkeypatch.setattr(model, "run_model", seen.append)
    assert CliRunner().invoke(app, ["model", *words]).exit_code == 0
    assert seen == [quick_run(["model", *words])]


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "a.yaml"],
        ["--debug", "model", "a.yaml"],
        ["model"],
        ["model", "-o", "out"],
        ["model", "a.yaml", "--help"],
        ["model", "a.yaml", "-o"],
        ["model", "a.yaml", "--format", "xml"],
        ["model", "a.yaml", "-f=json"],
        ["model", "a.yaml", "-oout"],
        ["model", "-o", "one", "a.yaml", "--out", "two"],
        ["model", "a.yaml", "--explain", "cycles"],
        ["model", "--", "a.yaml"],
        [],
    ],
)
def test_everything_else_is_left_to_the_parser(words):
    assert quick_run(words) is None


def test_a_model_run_loads_nothing_that_it_does_not_need(tmp_path):
    code = (
        "import sys\nfrom crisp_hw.cli import main\n"
        f"sys.argv = ['crisp-hw', 'model', {str(FLAT)!r}, '-o', {str(tmp_path)!r}, '-f', 'json']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"sys.exit(','.join(m for m in {(*HEAVY, 'rich')!r} if m in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_exit_codes_of_the_process(tmp_path):
    small = tmp_path / "small.yaml"
    small.write_text(FLAT.read_text().replace("depth: 2048", "depth: 4"))
    codes = [run("model", path, "-o", tmp_path / "out").returncode for path in (FLAT, tmp_path / "none.yaml", small)]
    assert codes == [0, 2, 3]
    unknown = run("model", FLAT, "--surprise")
    assert unknown.returncode == 2 and "--surprise" in unknown.stderr


ONE = """
import sys
from crisp_hw.cli import main
try:
    main()
finally:
    print(*sorted(name for name in sys.modules if name in ("crisp_hw.cli.explore", "crisp_hw.cli.verify")))
"""


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        (["doctor", "--help"], ["crisp_hw.cli.verify"]),
        (["cache", "info", "--help"], []),
        (["--help"], ["crisp_hw.cli.explore", "crisp_hw.cli.verify"]),
        (["-q", "doctor", "--help"], ["crisp_hw.cli.explore", "crisp_hw.cli.verify"]),
    ],
)
def test_a_run_loads_the_command_that_is_asked_for(words, loaded):
    said = subprocess.run([sys.executable, "-c", ONE, *words], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1].split() == loaded and said.stderr == ""
