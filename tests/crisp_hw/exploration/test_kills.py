"""Whoever is killed, driver or worker, and however: nothing that was kept is lost or judged again."""

import json
import random
import signal
import sys
import time
from collections import Counter

import pytest
import yaml
from killing import Driven, dask_workers, kept, kill, lives, noted, scheduled, until
from typer.testing import CliRunner

from crisp_hw.cli import app

pytestmark = pytest.mark.process

FILE = {
    "schema": "crisp-hw/space/1",
    "source": "resnet50",
    "layers": "layer4.2.conv2",
    "method": "random",
    "trials": 24,
    "space": {
        "smem_bandwidth": {"low": 8, "high": 64, "step": 1},
        "rf_kb": [1, 2, 4],
        "nm": ["1:4", "2:4"],
    },
}
POINTS = 3  # after how many points a driver is killed


@pytest.fixture
def file(tmp_path):
    def write(**changes):
        path = tmp_path / "space.yaml"
        path.write_text(yaml.safe_dump({**FILE, **changes}))
        return path

    return write


def points_of(out):
    return json.loads((out / "study.json").read_text())["points"]


def same_as_undisturbed(tmp_path, file, out, *words):
    """The study that was disturbed is that which nobody disturbed, digit by digit, and has each of its points once."""
    calm = tmp_path / "calm"
    assert CliRunner().invoke(app, ["explore", str(file), "-o", str(calm), "-f", "json", *words]).exit_code == 0
    assert (out / "points.csv").read_bytes() == (calm / "points.csv").read_bytes()
    assert len(set(kept(out))) == len(kept(out)) and set(kept(calm)) <= set(kept(out))


def test_a_driver_that_is_killed_goes_on_and_judges_nothing_again(tmp_path, file):
    path, out = file(), tmp_path / "out"
    first = Driven(tmp_path, path, "-o", out, "--workers", 2)
    first.at(POINTS)
    workers = first.loky()
    kill(first.process.pid)
    first.ended()
    until(lambda: not any(map(lives, workers)), "workers live on without their driver")
    before = kept(out)
    assert len(before) >= POINTS
    done = Counter(noted(tmp_path)[0])
    assert Driven(tmp_path, path, "-o", out, "--workers", 2).ended() == 0
    assert kept(out)[: len(before)] == before and len(set(kept(out))) == len(kept(out))
    begun = Counter(noted(tmp_path)[0])
    again = [name for name in done if begun[name] > 1]
    assert max(begun.values()) <= 2 and len(again) <= 2  # what its two workers were at
    assert sum(begun.values()) - len(kept(out)) == len(again)
    same_as_undisturbed(tmp_path, path, out)


def test_ctrl_c_keeps_all_and_says_how_to_go_on(tmp_path, file):
    path, out = file(), tmp_path / "out"
    first = Driven(tmp_path, path, "-o", out, "--workers", 2)
    first.at(POINTS)
    first.process.send_signal(signal.SIGINT)
    assert first.ended() == 130
    (last,) = first.said.splitlines()[-1:]
    before = kept(out)
    assert (
        last.startswith(f"crisp-hw: interrupted after {len(points_of(out))} points") and "Traceback" not in first.said
    )
    assert f"kept in {out}" in last and "the same command goes on" in last
    told = {json.dumps([each[axis] for axis in FILE["space"]]) for each in points_of(out)}
    assert len(told) == len(before) >= POINTS
    assert Driven(tmp_path, path, "-o", out).ended() == 0
    assert kept(out)[: len(before)] == before and len(set(kept(out))) == len(kept(out))
    same_as_undisturbed(tmp_path, path, out)


@pytest.mark.long
def test_workers_of_dask_that_are_killed_lose_their_point_alone(tmp_path, file):
    path, out = file(), tmp_path / "out"
    with scheduled(tmp_path) as (address, nannies):
        found = Driven(tmp_path, path, "-o", out, "--scheduler", address)
        found.at(POINTS)
        assert kill(until(lambda: dask_workers(nannies), "no worker")[0])
        assert found.ended() == 0
    begun, ended = noted(tmp_path)
    # what it was at, and where it was between two points, the result that had not left it
    assert len(ended) - len(kept(out)) <= 1 and len(begun) - len(kept(out)) <= 2
    same_as_undisturbed(tmp_path, path, out)


KILLS = 60
LAST = 60  # points of the study that is held against an undisturbed one; while it is disturbed it never ends
SPACE = {
    "smem_bandwidth": {"low": 8, "high": 64, "step": 1},
    "smem_kb": {"low": 64, "high": 256, "step": 16},
    "rf_kb": [1, 2, 4],
    "nm": ["1:4", "2:4", "3:4"],
}


class Story:
    """A study that is begun again and again on two processes or on two workers of Dask, by a seed."""

    def __init__(self, folder, path, seed):
        self._folder, self._path, self._random = folder, path, random.Random(seed)
        self.out, self.kills = folder / "out", Counter()

    def run(self, address, nannies):
        """Kill until there were KILLS of them."""
        while self.kills.total() < KILLS:
            dask = self._random.random() < 0.5
            where = ("--scheduler", address) if dask else ("--workers", 2)
            driven = Driven(self._folder, self._path, "-o", self.out, *where)
            self._session(driven, (lambda: dask_workers(nannies)) if dask else driven.loky, "Dask" if dask else "loky")
        words = ("-o", self.out, "--workers", 2, "--trials", LAST)
        assert Driven(self._folder, self._path, *words).ended(1200) == 0

    def _session(self, driven, workers, engine):
        """Wait until it judges, kill workers, and at last the driver."""
        until(lambda: "points" in driven.said or driven.process.poll() is not None, "nothing is judged")
        while self.kills.total() < KILLS:
            time.sleep(self._random.uniform(0.1, 3))
            what = self._random.choice(["driver", "worker", "worker", "worker", "worker", "interrupt"])
            if driven.process.poll() is not None:
                return
            if what == "worker":
                found = workers()
                self.kills[f"{engine} worker"] += bool(found) and kill(self._random.choice(found))
                continue
            driven.process.send_signal(signal.SIGKILL if what == "driver" else signal.SIGINT)
            self.kills[f"{what} of {engine}"] += 1
            code = driven.ended()
            # an interrupt while Python still begins, or when all is done already
            assert code in ((-signal.SIGKILL,) if what == "driver" else (130, 0, -signal.SIGINT)), driven.said
            return


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_sixty_kills_lose_nothing_and_do_nothing_twice(tmp_path, file, seed, capsys, monkeypatch):
    path = file(trials=1_000_000, space=SPACE, layers="layer4.2.*")
    story = Story(tmp_path, path, seed)
    with scheduled(tmp_path) as (address, nannies):
        story.run(address, nannies)
    begun, ended = noted(tmp_path)
    keys = kept(story.out)
    assert len(keys) == len(set(keys)) and story.kills.total() == KILLS
    told = f"\n{dict(story.kills)}; {len(keys)} points kept, {len(begun)} begun, {len(ended)} ended\n"
    with capsys.disabled():
        sys.stdout.write(told)
    # a worker loses what it was at and what had not left it yet, a driver what its two workers were at
    assert len(keys) <= len(ended) <= len(begun) <= len(keys) + 4 * KILLS
    monkeypatch.setenv("CRISP_HW_CACHE", str(tmp_path / "searches"))
    same_as_undisturbed(tmp_path, path, story.out, "--trials", str(LAST))
