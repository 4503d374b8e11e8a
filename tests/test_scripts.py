"""The scripts that newcomers write first run unchanged: from pruning, from Timeloop, from architecture."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "scripts"
PATIENCE = 900  # seconds; a limit that only a defect reaches
TRAINED = pytest.mark.train
SHOWN = [
    pytest.param("own_checkpoint.py", "mychip", marks=TRAINED),
    pytest.param("prune_and_compare.py", "energy_gain", marks=TRAINED),
    pytest.param("from_layer_to_files.sh", "crisp-stc -> mychip"),
    pytest.param("timeloop_files.py", "best mapping:"),
    pytest.param("sweep_bandwidth.py", "fastest: "),
]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(("script", "shown"), SHOWN)
def test_a_script_runs_in_an_empty_folder(script, shown, tmp_path):
    if script in ("own_checkpoint.py", "prune_and_compare.py"):
        pytest.importorskip("torch")
        pytest.importorskip("sklearn")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "crisp-hw"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crisp_hw "$@"\n')
    command.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    places = os.pathsep.join([str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": places, "CRISP_HW_CACHE": str(tmp_path / "kept"), "MPLBACKEND": "agg"}
    ran = subprocess.run(
        ["sh" if script.endswith(".sh") else sys.executable, str(SCRIPTS / script)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert shown in ran.stdout


def test_every_script_is_run():
    scripts = [path.name for path in SCRIPTS.iterdir() if path.is_file() and path.name != "conftest.py"]
    assert sorted(scripts) == sorted(param.values[0] for param in SHOWN)
