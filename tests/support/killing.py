"""Studies that are begun as a user begins them, and the processes of them that a test may kill."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parent
LIMIT_S = 180  # until what is waited for is a mistake
MODULE = (sys.executable, "-m", "distributed.cli.dask_scheduler"), (sys.executable, "-m", "distributed.cli.dask_worker")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def until(true, what):
    """Wait until something is true, and give what it says."""
    limit = time.monotonic() + LIMIT_S
    while not (found := true()):
        assert time.monotonic() < limit, what
        time.sleep(0.02)
    return found


def children(process, words=""):
    """The living processes that a process began, those whose command line has some words."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):  # of each of its threads
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(each) for each in path.read_text().split()]
    return [each for each in found if words in command_of(each)]


def command_of(process):
    """The command line of a process; "" of one that is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def kill(process):
    """End a process at once, if it lives."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def lives(process):
    """Is it there, and no zombie?"""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def environment(folder):
    """Where processes of a study note what they do, and find this room."""
    paths = str(HERE) if "CRISP_HW_INSTALLED" in os.environ else os.pathsep.join([str(HERE), str(HERE.parents[1])])
    cache = str(folder / "searches")
    return {**os.environ, "PYTHONPATH": paths, "CRISP_HW_NOTED": str(folder / "noted"), "CRISP_HW_CACHE": cache}


class Driven:
    """A study that runs: `crisp-hw explore` in a process of its own, which says on stderr how far it is."""

    def __init__(self, folder, *words, host=()):
        command = [
            *host,
            sys.executable,
            str(HERE / "noted_driver.py"),
            "explore",
            *map(str, words),
            "-v",
            "-f",
            "json",
        ]
        self._said = folder / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=said, env=environment(folder), start_new_session=True
            )

    @property
    def said(self):
        """What it said so far."""
        return self._said.read_text()

    def loky(self):
        """The processes that judge for it."""
        return children(self.process.pid, "popen_loky_posix")

    def at(self, points):
        """Wait until so many points are through in this run."""
        until(lambda: self.said.count("points") >= points or self.process.poll() is not None, self.said)
        assert self.process.poll() is None, self.said

    def ended(self, limit_s=LIMIT_S):
        """Its exit code, once it has ended."""
        return self.process.wait(limit_s)


@contextmanager
def scheduled(folder):
    """A scheduler of Dask and two workers, all of them processes: its address, and the parent of the workers."""
    file = folder / "scheduler.json"
    beside, calm = ("--scheduler-file", str(file)), ("--no-dashboard", "--host", "127.0.0.1")
    env = environment(folder)
    with subprocess.Popen([*MODULE[0], *beside, *calm, "--port", "0"], env=env, **QUIET) as scheduler:
        address = json.loads(until(lambda: file.exists() and file.read_text(), "no scheduler"))["address"]
        words = [*MODULE[1], address, *calm, "--nthreads", "1", "--nworkers", "2", "--death-timeout", "120"]
        with subprocess.Popen(words, env=env, **QUIET) as nannies:
            try:
                yield address, nannies.pid
            finally:
                nannies.terminate()
                nannies.wait(LIMIT_S)
                scheduler.terminate()
                scheduler.wait(LIMIT_S)


def dask_workers(nannies):
    """The processes that judge below the nannies."""
    return children(nannies, "spawn_main")


def noted(folder):
    """How often points were begun and ended, by their name."""
    lines = [each.split() for each in (folder / "noted").read_text().splitlines()]
    return [[name for what, name, _ in lines if what == wanted] for wanted in ("begin", "end")]


def kept(out):
    """The keys of the points in a store, in the order in which they were kept."""
    lines = [json.loads(line) for line in (out / "points.log").read_text().splitlines()]
    return [line["user_attrs"]["key"] for line in lines if "key" in (line.get("user_attrs") or {})]
