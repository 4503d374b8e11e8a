"""Networks of stats.txt: those that take energy are results, those that do not are none."""

import re

import pytest

from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.backends.timeloop.wires import read_wires

STATS, XML = "timeloop-model.stats.txt", "timeloop-model.map+stats.xml"
TENSORS = ("A", "B", "Z")


@pytest.fixture
def files(recorded):
    return recorded("network")["files"]


def without_energy(text, number):
    """The text with all energies of one network zero, as Timeloop prints a network that no level describes."""
    start = text.index(f"Network {number}\n")
    end = text.find(f"Network {number + 1}\n", start)
    end = text.index("\nOperational Intensity Stats\n") if end < 0 else end
    block = re.sub(r"(nergy \(.*?\) *: )[\d.]+", r"\g<1>0.00", text[start:end])
    assert block != text[start:end]
    return text[:start] + block + text[end:]


def names(found):
    return [network.name for network in found]


@pytest.mark.parametrize("archive", [True, False])
def test_every_network_that_takes_energy_is_read(files, archive):
    found = read_wires(files[STATS], files[XML] if archive else None, TENSORS)
    assert names(found) == re.findall(r"^(\S+ <==> \S+)$", files[STATS], flags=re.MULTILINE)
    assert all(network.energy_pj > 0 for network in found)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_networks_that_take_none_are_left_out(files, number):
    """Asked for everything, Timeloop lists the networks of levels that describe none."""
    whole = names(read_wires(files[STATS], None, TENSORS))
    found = read_wires(without_energy(files[STATS], number), None, TENSORS)
    assert names(found) == whole[:number] + whole[number + 1 :]


def test_energies_that_two_decimals_do_not_show_are_kept(files):
    """stats.txt says 0.00, the archive more."""
    text = files[STATS]
    for number in range(3):
        text = without_energy(text, number)
    tiny = re.sub(r"(<item>)(\d\.?\d*e?[-+]?\d*)(</item>)", r"\g<1>1e-3\g<3>", files[XML])
    assert len(read_wires(text, tiny, TENSORS)) == 3


def test_a_figure_that_is_gone_is_named(files):
    line = next(line for line in files[STATS].splitlines() if "Average number of hops" in line)
    with pytest.raises(ToolError, match="a network without 'num_hops'"):
        read_wires(files[STATS].replace(line + "\n", ""), None, TENSORS)
