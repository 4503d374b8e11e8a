"""A line of the mapper's table says what was asked and is not so."""

from dataclasses import replace

import pytest
from rows import ROWS, Asked
from table import Line, heads, whole_network

SAID = {"claim": "proven", "gap": 0.0, "edp": 100.0, "cpu_s": 2.0, "wall_s": 3.0, "soon": 100.5}


def line(asked=None, peer=None, name="g512", **said):
    row = ROWS[name] if asked is None else replace(ROWS[name], asked=asked)
    return Line(row, {**SAID, **said}, 64.0, peer)


def test_what_is_as_asked_misses_nothing():
    assert line(Asked(100.0, cpu_s=10, soon_s=5)).misses == []


@pytest.mark.parametrize(
    ("asked", "said", "miss"),
    [
        (Asked(), {"gap": 0.02}, "not proven"),
        (Asked(), {"gap": None}, "not proven"),
        (Asked(gap=0.05), {"gap": 0.06}, "gap above 5%"),
        (Asked(90.0), {}, "11.1% above 90"),
        (Asked(cpu_s=1), {}, "over 1 s"),
        (Asked(soon_s=5), {"soon": 102.0}, "after 5 s 2.0% above the result"),
        (Asked(soon_s=5), {"soon": None}, "after 5 s nothing"),
        (Asked(), {"hand": 80.0}, "worse than by hand by 25.00%"),
        (Asked(), {"random": {"edp": 50.0}}, "worse than random by 100.00%"),
    ],
)
def test_each_miss_is_named_with_its_numbers(asked, said, miss):
    assert line(asked, **said).misses == [miss]


def test_a_gap_that_is_small_enough_is_no_miss():
    assert line(Asked(gap=0.05), gap=0.04).misses == []


def test_a_better_timeloop_mapper_is_named():
    assert line(Asked(), peer=99.0).misses == ["worse than timeloop-mapper by 1.01%"]


def test_a_design_that_was_not_run_says_why():
    text = Line(ROWS["g512-both-axes"], {"claim": "not run: no option both_axes"}, 50.0).text(beside=False)
    assert "not run: no option both_axes" in text and text.endswith("not run")


def test_columns_stand_under_their_heads():
    text = line(name="g512").text(beside=False)
    assert text.index("proven") == heads().index("claimed")
    assert text.index("not here") + len("not here") == heads().index("tl-mapper") + len("tl-mapper")


def test_the_network_is_added_up():
    lines = [
        line(name="resnet50-64-64-1x1-56x56", cpu_s=3.0),
        line(name="resnet50-512-512-3x3-7x7", cpu_s=4.0, gap=0.1),
        line(name="g512", cpu_s=100.0),
    ]
    said = "ResNet-50: 1 of 2 convolutions proven in 7.0 CPU s; slowest 512-512-3x3-7x7, 4.0 CPU s"
    assert whole_network(lines) == said
    assert whole_network(lines[2:]) == ""


def test_a_network_that_takes_longer_than_it_may_is_named():
    lines = [line(name="resnet50-64-64-1x1-56x56", cpu_s=590.0), line(name="resnet50-512-512-3x3-7x7", cpu_s=615.0)]
    assert whole_network(lines).endswith("615.0 CPU s; over 10 minutes on 2 cores")
    assert not whole_network([line(name="resnet50-64-64-1x1-56x56", cpu_s=590.0)] * 2).endswith("cores")
