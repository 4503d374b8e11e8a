"""The mapper document: which objective, what is noted, what is refused."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_text import read_yaml_text
from crisp_hw.timeloop.read.mapper import read_mapper


@pytest.mark.parametrize(
    ("metrics", "objective"),
    [
        (["delay", "energy"], "cycles"),
        (["delay"], "cycles"),
        (["energy", "delay"], "energy"),
        (["edp"], "edp"),
        ([], "edp"),
    ],
)
def test_the_first_metric_decides(metrics, objective):
    assert read_mapper({"optimization_metrics": metrics}).objective == objective


def test_one_metric_as_a_word():
    assert read_mapper({"optimization_metric": "energy"}).objective == "energy"


def test_a_list_under_the_singular_is_passed_over_as_timeloop_does_and_that_is_said():
    found = read_mapper({"optimization_metric": ["delay", "energy"], "search_size": None})
    assert found.objective == "edp"
    assert "the list optimization_metric: [delay, energy] is passed over, as by Timeloop" in found.notes[0]
    assert len(found.notes) == 2
    both = read_mapper({"optimization_metric": [], "optimization_metrics": ["delay"]})
    assert (both.objective, both.notes) == ("cycles", ())


def test_without_a_document_or_metrics_it_is_the_product_and_that_is_said():
    for document in (None, {"num_threads": 2}):
        found = read_mapper(document)
        assert found.objective == "edp"
        assert "the energy-delay product, as in Timeloop" in found.notes[0]


def test_how_timeloop_walks_is_noted_in_one_line_with_its_place():
    text = "mapper:\n  optimization_metrics: [delay]\n  algorithm: hybrid\n  timeout: 10\n  live_status: false\n"
    (root,) = read_yaml_text(text, "m.yaml", lambda *_: None)
    (note,) = read_mapper(root["mapper"]).notes
    assert note.startswith("m.yaml:")
    assert "mapper: algorithm, timeout, live_status: how timeloop-mapper walks and prints, not used here" in note


def test_ties_of_the_product_are_broken_by_cycles_and_that_is_said():
    assert "fewer cycles" in read_mapper({"optimization_metrics": ["edp", "energy"]}).notes[0]
    assert read_mapper({"optimization_metrics": ["edp", "delay"]}).notes == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"optimization_metrics": ["last_level_accesses"]}, "metric last_level_accesses is not searched for"),
        ({"optimization_metrics": ["delay", "accesses-2"]}, "metric accesses-2 is not searched for"),
        ({"optimization_metrics": ["speed"]}, "no metric 'speed'; there are delay, energy, edp"),
        ({"optimization_metric": 3}, "expected a list"),
        ({"algorithm": "genetic"}, "the algorithm 'genetic' is not one of"),
        ({"tiemout": 3}, "unknown key 'tiemout'; did you mean 'timeout'"),
        ({"max_temporal_loops_in_a_mapping": 3}, "max_temporal_loops_in_a_mapping is not searched under"),
        ([], "expected a mapping"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(document, message):
    with pytest.raises(InputError, match=message):
        read_mapper(document)


def test_no_limit_on_loops_is_no_limit():
    assert read_mapper({"max_temporal_loops_in_a_mapping": -1, "optimization_metrics": ["edp"]}).notes == ()


@pytest.mark.parametrize("name", ["linear-pruned", "random-pruned", "linear_pruned"])
def test_algorithms_may_be_spelled_with_hyphens(name):
    assert read_mapper({"algorithm": name, "optimization_metrics": ["edp"]}).objective == "edp"
