"""Processes beside this one and workers of a scheduler give what this process gives, also when they die."""

import subprocess
import sys
import time

import pytest
from exploring import die, die_once, product

from crisp_hw.errors import InputError
from crisp_hw.exploration.workers import crowd
from crisp_hw.machine.pool import WorkerLost

POINTS = [{"a": a, "b": b} for a in (1, 2, 3) for b in (5, 7)]
FOUND = {place: product("", point) for place, point in enumerate(POINTS)}


def test_one_worker_is_this_process():
    with crowd(1, "", product) as judges:
        assert list(judges(POINTS)) == list(FOUND.items())


@pytest.mark.parametrize("wrong", [0, -1, "2", None, True])
def test_what_is_no_number_of_workers_is_refused(wrong):
    with pytest.raises(InputError, match="workers"), crowd(wrong, "", product):
        pass


@pytest.mark.process
def test_a_process_that_is_killed_loses_its_point_alone(tmp_path):
    with crowd(2, str(tmp_path), die_once) as judges:
        assert dict(judges(POINTS)) == FOUND
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.process
def test_a_point_that_kills_every_worker_is_an_error():
    with crowd(2, "", die) as judges, pytest.raises(WorkerLost, match="3 workers ended without an answer at a=1, b=5"):
        list(judges(POINTS[:1]))


@pytest.fixture
def client(tmp_path):
    """A client of a scheduler with two workers, each in a process of its own."""
    distributed = pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    beside = ("--scheduler-file", str(file))
    calm = ("--no-dashboard", "--host", "127.0.0.1")
    module = [sys.executable, "-m", "distributed.cli"]
    scheduler = [module[0], "-m", "distributed.cli.dask_scheduler", *beside, *calm, "--port", "0"]
    worker = [module[0], "-m", "distributed.cli.dask_worker", *beside, *calm, "--nthreads", "1", "--nworkers", "2"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(scheduler, **quiet) as first:
        while not file.exists():
            time.sleep(0.05)
        with subprocess.Popen([*worker, "--death-timeout", "60"], **quiet) as second:
            with distributed.Client(scheduler_file=str(file)) as found:
                found.wait_for_workers(2, timeout=120)
                yield found
            second.terminate()
            second.wait()
        first.terminate()


@pytest.mark.process
@pytest.mark.slow
def test_workers_of_a_scheduler_give_the_same_study(client):
    from exploring import SPACE, TABLE

    import crisp_hw

    asked = {"space": SPACE, "method": "nsga2", "trials": 24, "seed": 3}
    alone = crisp_hw.explore(TABLE, **asked)
    assert crisp_hw.explore(TABLE, **asked, workers=2).to_frame().equals(alone.to_frame())
    assert crisp_hw.explore(TABLE, **asked, workers=client).to_frame().equals(alone.to_frame())
