"""Timeloop's words in the project's: those of recorded runs, and those of its source."""

import pytest

from crisp_hw.backends.timeloop.failure import Rejection, complaint, crash, rejections
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.spec.rules import Failure, Rule, same_rule


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("mapped tile size 784 exceeds buffer capacity 10", "784 words of capacity needed, 10 there"),
        (
            "mapped metadata tile size 9 exceeds metadata buffer capacity 8",
            "9 bits of metadata capacity needed, 8 there",
        ),
        ("mapped instances 6.000000 exceeds available hardware instances 4", "6 instances needed, 4 there"),
        ("mapped max Arithmetic instances 6 exceeds hardware instances 4", "6 instances needed, 4 there"),
        (
            "mapped X expansion 6 exceeds available hardware instances 4",
            "6 instances along x needed, 4 there",
        ),
        ("mapped max Arithmetic Y expansion 6 exceeds hardware instances 4", "6 instances along y needed, 4 there"),
        ("Required fanoutY 32 does not meet hardware constraint 16", "32 lanes along y per parent needed, 16 there"),
        ("something new", "something new"),
        ("", "does not fit, Timeloop does not say why"),
    ],
)
def test_reasons(why, words):
    assert [found.reason for found in rejections(f"ERROR: couldn't map level RF: {why}\n")] == [f"level RF: {words}"]


def test_several_levels_are_all_named():
    log = "ERROR: couldn't map level A: x\nERROR: couldn't map level B: y\n"
    assert rejections(log) == (Rejection("level A: x"), Rejection("level B: y"))


def test_a_recorded_capacity_is_what_the_embedded_engine_says(recorded, point_of):
    (found,) = rejections(recorded("too-small")["log"])
    assert found.failure == Failure(Rule.CAPACITY, "RF", need=1024.0, have=10.0)
    assert found.failure in evaluate(point_of("too-small")).failures


def test_recorded_rank_shortage(recorded, point_of):
    (found,) = rejections(recorded("too-few-ranks")["log"])
    assert found.reason.startswith("level SMEM: the format of A has fewer ranks than the mapping has loops")
    (ours,) = evaluate(point_of("too-few-ranks")).failures
    assert same_rule(ours, found.failure)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing-key", "the key 'mapping' is missing"),
        ("unknown-action", "RF: storage action optimization type not recognized"),
        ("unknown-format", "parsing specs... unrecognized metadata format name: CQ"),
        ("missing-factor", "dimension Q not found in problem shape"),
    ],
)
def test_complaints_of_recorded_runs(name, words, recorded):
    assert words in complaint(recorded(name)["log"])


def test_yaml_that_is_none_is_a_complaint():
    log = "terminate called after throwing an instance of 'YAML::ParserException'\n  what():  yaml-cpp: error at line 3"
    assert complaint(log) == "they are not YAML (error at line 3)"


def test_a_log_without_errors_is_no_complaint(recorded):
    assert complaint(recorded("crisp-stc")["log"]) is None


def test_how_a_recorded_run_died(recorded):
    run = recorded("aborts")
    assert crash(run["status"], run["log"]) == "SIGABRT (uncaught std::out_of_range: map::at)"


@pytest.mark.parametrize(("status", "name"), [(-11, "SIGSEGV"), (139, "SIGSEGV"), (-9, "SIGKILL")])
def test_signals_have_names(status, name):
    assert crash(status, "") == name


@pytest.mark.parametrize("status", [0, 1, 2, 255])
def test_an_exit_is_no_crash(status):
    assert crash(status, "") is None
