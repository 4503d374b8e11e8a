"""Hosts of one machine: network namespaces on a bridge, each with an address of its own and nothing else to see."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Host:
    """A namespace, and its address on the bridge."""

    name: str
    address: str

    @property
    def words(self):
        """What stands before a command that runs there."""
        return ("ip", "netns", "exec", self.name)


def _ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)


@contextmanager
def hosts(many):
    """So many hosts; the test is skipped, with the reason, where the machine does not let it make them."""
    if shutil.which("ip") is None:
        pytest.skip("no iproute2 is installed, which makes network namespaces")
    made = [Host(f"crisp{os.getpid()}-{place}", f"10.213.0.{place + 1}") for place in range(many)]
    try:
        for place, host in enumerate(made):
            if (done := _ip("netns", "add", host.name)).returncode:
                pytest.skip(f"network namespaces may not be made here: {done.stderr.strip()}")
            _join(made[0], host, place)
        yield made
    finally:
        for host in made:
            _ip("netns", "delete", host.name)


def _join(first, host, place):
    """Connect a host to the bridge, which is in the first one."""
    inside, outside = f"crisp{place}i", f"crisp{place}o"
    if place == 0:
        calls = [("link", "add", "bridge", "type", "bridge"), ("link", "set", "bridge", "up")]
        calls += [("addr", "add", f"{host.address}/24", "dev", "bridge")]
    else:
        calls = [("link", "add", inside, "netns", host.name, "type", "veth", "peer", "name", outside)]
        calls += [("link", "set", outside, "master", "bridge"), ("link", "set", outside, "up")]
    there = [("link", "set", "lo", "up")]
    there += [("addr", "add", f"{host.address}/24", "dev", inside), ("link", "set", inside, "up")] if place else []
    every = [*(("-n", first.name, *each) for each in calls), *(("-n", host.name, *each) for each in there)]
    for each in every:
        if (done := _ip(*each)).returncode:
            pytest.skip(f"namespaces cannot be connected here: {done.stderr.strip()}")
