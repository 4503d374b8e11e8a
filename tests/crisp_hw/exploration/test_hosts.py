"""A study over hosts of their own: scheduler, workers and driver in network namespaces that share a folder."""

import json
import subprocess
import sys
from contextlib import ExitStack

import pytest
import yaml
from hosts import hosts
from killing import QUIET, Driven, environment, kept, noted, until
from typer.testing import CliRunner

from crisp_hw.cli import app

FILE = {
    "schema": "crisp-hw/space/1",
    "source": "resnet50",
    "layers": "layer4.2.conv2",
    "method": "random",
    "trials": 16,
    "space": {"smem_bandwidth": {"low": 8, "high": 64, "step": 1}, "rf_kb": [1, 2, 4], "nm": ["1:4", "2:4"]},
}


@pytest.mark.long
@pytest.mark.process
def test_hosts_that_share_a_folder_give_the_same_study(tmp_path):
    pytest.importorskip("distributed")
    path, out = tmp_path / "space.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(FILE))
    with hosts(4) as (first, *others, last), ExitStack() as stack:
        env = environment(tmp_path)

        def begin(host, module, *words):
            command = [*host.words, sys.executable, "-m", f"distributed.cli.{module}", *words, "--host", host.address]
            process = subprocess.Popen([*command, "--no-dashboard"], env=env, **QUIET)
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)

        begin(first, "dask_scheduler", "--port", "8786")
        address = f"tcp://{first.address}:8786"
        for host in others:
            begin(host, "dask_worker", address, "--nthreads", "1", "--nworkers", "1", "--death-timeout", "120")
        answers = [*last.words, sys.executable, "-c", ANSWERS.format(address=address, many=len(others))]
        found = until(lambda: subprocess.run(answers, env=env, capture_output=True, text=True).stdout, "no workers")
        assert sorted(json.loads(found)) == sorted(host.address for host in others)
        driven = Driven(tmp_path, path, "-o", out, "--scheduler", address, host=last.words)
        assert driven.ended() == 0, driven.said
    begun, ended = noted(tmp_path)
    assert len(begun) == len(ended) == len(kept(out))
    assert len({line.split()[2] for line in (tmp_path / "noted").read_text().splitlines()}) == 2
    calm = tmp_path / "calm"
    assert CliRunner().invoke(app, ["explore", str(path), "-o", str(calm), "-f", "json"]).exit_code == 0
    assert (out / "points.csv").read_bytes() == (calm / "points.csv").read_bytes()


ANSWERS = """
import json
from distributed import Client
with Client("{address}", timeout=60) as client:
    client.wait_for_workers({many}, timeout=120)
    print(json.dumps([each["host"] for each in client.scheduler_info(n_workers=-1)["workers"].values()]))
"""
