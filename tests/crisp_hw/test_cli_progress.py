"""How far a command is, where stderr is no terminal."""

import pytest

from crisp_hw.cli import output
from crisp_hw.command_line import voice


@pytest.fixture
def aloud():
    voice.begin("crisp-hw")


def test_a_line_now_and_then_says_which_layer_is_evaluated(aloud, monkeypatch, capsys):
    with output.progress() as tell:
        tell("conv1", 0, 3)
    assert capsys.readouterr().err == ""  # not in the first seconds
    monkeypatch.setattr(output, "LINES_S", 0.0)
    with output.progress() as tell:
        tell("conv1", 0, 3)
        tell("conv3", 3, 3)
    assert capsys.readouterr().err == "crisp-hw: 0 of 3 done, now conv1\ncrisp-hw: done\n"


def test_who_wants_quiet_is_told_nothing(aloud):
    voice.speak("quiet")
    with output.progress() as tell:
        assert tell is None
    voice.begin("crisp-hw")
